from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.access.support import opened
from trigger_box.access.actors import EnvironmentType
from trigger_box.access.directory import EnvironmentNotFoundError
from trigger_box.access.environment_tokens import OtlpTokenError
from trigger_box.access.organizations import OrganizationNotFoundError
from trigger_box.access.projects import ProjectNotFoundError
from trigger_box.access.public_tokens import PublicTokenError
from trigger_box.domain import limits
from trigger_box.domain.errors import InvalidError, LimitError, UnauthenticatedError
from trigger_box.ids import EnvironmentId


async def test_a_project_comes_with_four_environments_and_a_key_for_each(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        made = await box.project("My Shop")

        assert re.fullmatch(r"proj_[a-z]{20}", made.project.ref)
        assert made.project.slug == "my-shop"
        for slug, key in made.keys.items():
            assert re.fullmatch(rf"tr_{slug}_[0-9A-Za-z]{{24}}", key)
        assert {e.type for e in await box.access.environments_of(made.project.id)} == set(
            EnvironmentType
        )
        for slug in ("dev", "stg", "prod"):
            environment = await box.access.environment_of_key(made.keys[slug])
            assert environment.slug == slug
            assert environment.project_ref == made.project.ref
            assert box.access.root_key(environment) == made.keys[slug]
            assert await box.access.environment(environment.id) == environment


async def test_projects_of_one_name_get_slugs_of_their_own(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        slugs = [(await box.project("Shop")).project.slug for _ in range(3)]

        assert slugs == ["shop", "shop-2", "shop-3"]


async def test_a_key_still_works_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        keys = (await box.project()).keys
    async with opened(tmp_path) as box:
        environment = await box.access.environment_of_key(keys["prod"])

        assert box.access.root_key(environment) == keys["prod"]


@pytest.mark.parametrize(
    ("key", "words"),
    [("", "Invalid or Missing API key"), ("tr_dev_unknown", "Invalid API key"), ("é", "Invalid")],
)
async def test_an_unknown_key_is_refused_in_the_wires_words(
    tmp_path: Path, key: str, words: str
) -> None:
    async with opened(tmp_path) as box:
        with pytest.raises(UnauthenticatedError, match=words):
            await box.access.environment_of_key(key)


async def test_branches_are_found_by_header_where_there_can_be_any(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        keys = (await box.project()).keys

        with pytest.raises(UnauthenticatedError, match="x-trigger-branch header required"):
            await box.access.environment_of_key(keys["preview"])
        with pytest.raises(UnauthenticatedError, match="No matching branch env"):
            await box.access.environment_of_key(keys["preview"], branch="feature")
        with pytest.raises(UnauthenticatedError, match="No matching branch env"):
            await box.access.environment_of_key(keys["dev"], branch="feature")

        root = await box.access.environment_of_key(keys["dev"])
        assert await box.access.environment_of_key(keys["dev"], branch="default") == root
        assert await box.access.environment_of_key(keys["dev"], branch="refs/notes/x") == root
        assert (await box.access.environment_of_key(keys["prod"], branch="main")).slug == "prod"


async def test_a_lookup_of_a_known_key_reads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as box:
        keys = (await box.project()).keys
        await box.access.environment_of_key(keys["dev"])

        async def read(*_: object) -> None:
            raise AssertionError("the store was asked")

        monkeypatch.setattr(box.store.readers, "one", read)

        await box.access.environment_of_key(keys["dev"])


async def test_a_rotated_key_and_what_it_signed_are_good_for_a_day(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        keys = (await box.project()).keys
        environment = await box.access.environment_of_key(keys["prod"])
        old_token = box.access.public_token(environment, ["read:runs"], lifetime_s=10**6)

        new_key = await box.access.rotate_root_key(environment)

        new_token = box.access.public_token(environment, ["read:runs"], lifetime_s=10**6)
        assert new_key != keys["prod"]
        assert box.access.root_key(environment) == new_key
        for key in (keys["prod"], new_key):
            assert await box.access.environment_of_key(key) == environment
        for token in (old_token, new_token):
            assert (await box.access.verify_public_token(token)).environment == environment

        box.clock.advance(limits.KEY_GRACE_MS)

        assert await box.access.environment_of_key(new_key) == environment
        await box.access.verify_public_token(new_token)
        with pytest.raises(UnauthenticatedError, match="Invalid API key"):
            await box.access.environment_of_key(keys["prod"])
        with pytest.raises(PublicTokenError):
            await box.access.verify_public_token(old_token)


async def test_a_stranger_finds_neither_project_nor_environment(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        shop = (await box.project()).project
        stranger, _ = await box.access.put_admin("eve@example.com", password=None)
        theirs = await box.access.create_organization(await box.owner(), "Private")
        hidden = await box.access.create_project(
            await box.owner(), name="Hidden", organization=theirs.slug
        )

        assert (await box.access.project(shop.ref, user=stranger)).ref == shop.ref
        with pytest.raises(ProjectNotFoundError, match="Project not found"):
            await box.access.project(hidden.project.ref, user=stranger)
        with pytest.raises(ProjectNotFoundError):
            await box.access.project_at(
                stranger, organization_slug=theirs.slug, project_slug="hidden"
            )
        with pytest.raises(EnvironmentNotFoundError):
            await box.access.environment_for(stranger, hidden.project.ref, "prod")
        with pytest.raises(OrganizationNotFoundError):
            await box.access.create_project(stranger, name="X", organization=theirs.slug)
        with pytest.raises(EnvironmentNotFoundError):
            await box.access.environment_for(await box.owner(), shop.ref, "qa")
        with pytest.raises(EnvironmentNotFoundError):
            await box.access.environment(EnvironmentId("env_nope"))


async def test_a_new_name_shows_at_once_and_keeps_ref_and_slug(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        made = await box.project()
        owner = await box.owner()
        await box.access.environment_of_key(made.keys["dev"])

        renamed = await box.access.rename_project(owner, made.project.ref, "Store")

        assert (renamed.name, renamed.slug) == ("Store", "shop")
        assert (await box.access.environment_of_key(made.keys["dev"])).project_name == "Store"
        with pytest.raises(InvalidError, match="name: use 1 to 100"):
            await box.access.rename_project(owner, made.project.ref, " ")


async def test_a_folder_is_set_up_for_the_first_time_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        ref = (await box.project()).project.ref
        owner = await box.owner()

        first = await box.access.initialize_project(owner, ref)
        box.clock.advance(1_000)
        second = await box.access.initialize_project(owner, ref)

        assert first.initialized_at_ms == second.initialized_at_ms is not None


async def test_places_list_what_a_person_can_go_to_in_order(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        owner = await box.owner()
        assert [p.projects for p in await box.access.places_of(owner)] == [()]
        await box.access.put_admin("bob@example.com", password=None)
        shop = await box.project("Shop")
        await box.project("Blog")

        (place,) = await box.access.places_of(owner)

        assert place.title == "My organization"
        assert [project.name for project in place.projects] == ["Shop", "Blog"]
        assert [e.slug for e in place.projects[0].environments] == ["dev", "stg", "preview", "prod"]
        own = await box.access.environment_of_key(shop.keys["dev"])
        assert place.projects[0].environments[0].id == own.id
        members = await box.access.members_of(own.organization_id)
        assert [member.user.email for member in members] == ["ada@example.com", "bob@example.com"]


async def test_the_number_of_projects_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PROJECTS_MAX", 2)
    monkeypatch.setattr(limits, "ORGANIZATIONS_MAX", 1)
    async with opened(tmp_path) as box:
        for _ in range(2):
            await box.project()

        with pytest.raises(LimitError, match="2 projects"):
            await box.project()
        with pytest.raises(LimitError, match="1 organizations"):
            await box.access.create_organization(await box.owner(), "More")


async def test_a_public_token_says_what_it_was_made_for(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        keys = (await box.project()).keys
        environment = await box.access.environment_of_key(keys["dev"])
        realtime = {"skipColumns": ["payload"]}

        token = box.access.public_token(
            environment, ["read:runs:run_1"], otu=True, realtime=realtime
        )

        read = await box.access.verify_public_token(token)
        assert read.environment == environment
        assert read.scopes == ("read:runs:run_1",)
        assert read.is_one_time
        assert read.realtime == realtime
        box.clock.advance(3_600_000)
        with pytest.raises(PublicTokenError, match="expired"):
            await box.access.verify_public_token(token)


async def test_a_public_token_of_one_environment_is_not_signed_by_another(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        keys = (await box.project()).keys
        dev = await box.access.environment_of_key(keys["dev"])
        prod = await box.access.environment_of_key(keys["prod"])
        forged = box.access.public_token(dev, ["admin"], sub=prod.id)

        with pytest.raises(PublicTokenError):
            await box.access.verify_public_token(forged)
        for unknown in ("env_nope", 7, None):
            with pytest.raises(PublicTokenError):
                await box.access.verify_public_token(
                    box.access.public_token(dev, ["admin"], sub=unknown)
                )


async def test_a_telemetry_token_opens_its_own_environment_only(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        token = box.access.otlp_token(EnvironmentId("env_1"))

        assert box.access.environment_of_otlp_token(token) == "env_1"
        for forged in ("", "env_1", token.replace("env_1", "env_2"), token[:-1], "." + token):
            with pytest.raises(OtlpTokenError):
                box.access.environment_of_otlp_token(forged)
