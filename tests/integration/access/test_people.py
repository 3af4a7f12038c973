from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.access.support import (
    EMAIL,
    HERE,
    PASSWORD,
    everything_on_disk,
    opened,
)
from trigger_box.access.people import ClaimRefusedError, SignInRefusedError, UserNotFoundError
from trigger_box.access.sessions import SessionEndedError
from trigger_box.domain.errors import InvalidError, LimitError, UnclaimedError


async def test_the_claim_token_makes_the_first_account_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        token = await box.access.offer_claim()
        assert token is not None
        assert not box.access.is_claimed

        ada = await box.access.claim(token, EMAIL, PASSWORD, name="Ada", address=HERE)

        assert box.access.is_claimed
        assert ada.is_admin
        assert [o.title for o in await box.access.organizations_of(ada)] == ["My organization"]
        with pytest.raises(ClaimRefusedError):
            await box.access.claim(token, "eve@example.com", PASSWORD, address=HERE)
        assert await box.access.offer_claim() is None
    async with opened(tmp_path) as box:
        assert box.access.is_claimed


async def test_each_start_makes_a_new_claim_token_and_ends_the_one_before(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        old = await box.access.offer_claim()
    async with opened(tmp_path) as box:
        new = await box.access.offer_claim()
        assert old is not None
        assert new is not None

        assert not await box.access.is_claim_token(old, address=HERE)
        assert await box.access.is_claim_token(new, address=HERE)
        with pytest.raises(ClaimRefusedError):
            await box.access.claim(old, EMAIL, PASSWORD, address=HERE)
        assert not box.access.is_claimed


async def test_a_claim_with_a_bad_password_can_be_tried_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        token = await box.access.offer_claim() or ""

        with pytest.raises(InvalidError, match="at least 12"):
            await box.access.claim(token, EMAIL, "short", address=HERE)
        with pytest.raises(InvalidError, match="not an e-mail address"):
            await box.access.claim(token, "ada", PASSWORD, address=HERE)

        await box.access.claim(token, EMAIL, PASSWORD, address=HERE)


async def test_guessing_claim_tokens_is_slowed_down(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        for _ in range(20):
            assert not await box.access.is_claim_token("guess", address=HERE)

        with pytest.raises(LimitError):
            await box.access.is_claim_token("guess", address=HERE)
        assert not await box.access.is_claim_token("guess", address="192.0.2.9")


async def test_a_wrong_claim_token_gets_no_password_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as box:

        async def hash_it(_: str) -> str:
            raise AssertionError("work was done for a stranger")

        monkeypatch.setattr(box.access._passwords, "hash", hash_it)

        with pytest.raises(ClaimRefusedError):
            await box.access.claim("wrong", EMAIL, PASSWORD, address=HERE)


async def test_no_secret_is_on_the_disk_in_clear(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        claim = await box.access.offer_claim() or ""
        ada = await box.access.claim(claim, EMAIL, PASSWORD, address=HERE)
        session = await box.access.sign_in(EMAIL, PASSWORD, address=HERE)
        token = await box.access.create_token(ada, "laptop")
        project = await box.access.create_project(ada, name="Shop")
        code = await box.access.begin_authorization(
            code_challenge=None, requested_by="cli", address=HERE
        )

    disk = everything_on_disk(tmp_path)
    secrets = [PASSWORD, claim, session.cookie, token.token, code, *project.keys.values()]
    assert EMAIL.encode() in disk
    assert [secret for secret in secrets if secret.encode() in disk] == []


async def test_a_password_signs_in_whatever_the_case_of_the_address(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        ada = await box.owner()

        begun = await box.access.sign_in(" ADA@example.com", PASSWORD, address=HERE)

        session = await box.access.user_of_session(begun.cookie)
        assert session.user == ada
        assert session.csrf_token == begun.session.csrf_token


async def test_a_wrong_password_and_an_unknown_account_get_the_same_answer(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        await box.owner()
        await box.access.create_user("bot@example.com", password=None)

        answers: list[str] = []
        for email, password in (
            (EMAIL, "wrong"),
            ("nobody@example.com", PASSWORD),
            ("bot@example.com", ""),
            (EMAIL, "x" * 5_000),
        ):
            with pytest.raises(SignInRefusedError) as caught:
                await box.access.sign_in(email, password, address=HERE)
            answers.append(caught.value.message)

        assert len(set(answers)) == 1


async def test_guesses_at_one_account_are_slowed_down_and_say_for_how_long(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        await box.owner()
        for _ in range(6):
            with pytest.raises(SignInRefusedError):
                await box.access.sign_in(EMAIL, "wrong", address=HERE)

        with pytest.raises(LimitError) as caught:
            await box.access.sign_in(EMAIL, PASSWORD, address=HERE)

        assert caught.value.details["seconds"] == 60
        # The owner, who comes from elsewhere, is not locked out by a stranger.
        await box.access.sign_in(EMAIL, PASSWORD, address="192.0.2.9")
        box.clock.advance(60_000)
        await box.access.sign_in(EMAIL, PASSWORD, address=HERE)


async def test_guesses_from_one_address_at_many_accounts_are_slowed_down(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        for number in range(20):
            with pytest.raises(SignInRefusedError):
                await box.access.sign_in(f"user{number}@example.com", "x", address=HERE)

        with pytest.raises(LimitError):
            await box.access.sign_in("another@example.com", "x", address=HERE)


async def test_the_right_password_gives_the_attempts_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        await box.owner()
        for _ in range(3):
            for _ in range(5):
                with pytest.raises(SignInRefusedError):
                    await box.access.sign_in(EMAIL, "wrong", address=HERE)
            await box.access.sign_in(EMAIL, PASSWORD, address=HERE)
            box.clock.advance(10 * 60_000)


async def test_an_administrator_can_be_made_again_with_another_password(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        await box.owner()
        begun = await box.access.sign_in(EMAIL, PASSWORD, address=HERE)

        user, was_created = await box.access.put_admin(EMAIL, password="another one")

        assert not was_created
        assert user.email == EMAIL
        with pytest.raises(SessionEndedError):
            await box.access.user_of_session(begun.cookie)
        with pytest.raises(SignInRefusedError):
            await box.access.sign_in(EMAIL, PASSWORD, address=HERE)
        await box.access.sign_in(EMAIL, "another one", address=HERE)


async def test_a_second_administrator_sees_every_project_with_an_own_development_environment(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as box:
        shop = (await box.project()).project

        bob, was_created = await box.access.put_admin("bob@example.com", password=None)
        blog = await box.access.create_project(bob, name="Blog")

        ada = await box.owner()
        assert was_created
        assert [project.name for project in await box.access.projects_of(bob)] == ["Shop", "Blog"]
        mine = await box.access.environment_for(ada, shop.ref, "dev")
        his = await box.access.environment_for(bob, shop.ref, "dev")
        assert (mine.owner_id, his.owner_id) == (ada.id, bob.id)
        assert blog.keys["dev"] == box.access.root_key(
            await box.access.environment_for(bob, blog.project.ref, "dev")
        )
        assert await box.access.environment_for(ada, shop.ref, "prod") == (
            await box.access.environment_for(bob, shop.ref, "production")
        )


async def test_changing_the_password_needs_the_current_one_and_ends_other_sessions(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as box:
        ada = await box.owner()
        here = await box.access.sign_in(EMAIL, PASSWORD, address=HERE)
        elsewhere = await box.access.sign_in(EMAIL, PASSWORD, address="192.0.2.9")

        with pytest.raises(InvalidError, match="current password") as caught:
            await box.access.change_password(
                ada, current="wrong", password="a brand new one", address=HERE, cookie=here.cookie
            )
        await box.access.change_password(
            ada, current=PASSWORD, password="a brand new one", address=HERE, cookie=here.cookie
        )

        assert caught.value.details["field"] == "current"
        await box.access.user_of_session(here.cookie)
        with pytest.raises(SessionEndedError):
            await box.access.user_of_session(elsewhere.cookie)
        await box.access.sign_in(EMAIL, "a brand new one", address=HERE)


async def test_the_owners_commands_need_an_account_to_act_for(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        with pytest.raises(UnclaimedError, match="admin create"):
            await box.access.create_project_for(None, name="Shop")
        await box.owner()

        made = await box.access.create_project_for(None, name="Shop")

        assert set(made.keys) == {"dev", "stg", "prod", "preview"}
        with pytest.raises(UserNotFoundError, match="bob@example"):
            await box.access.create_project_for("bob@example.com", name="Shop")
