from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.support.box import ORIGIN, TestBox, a_box
from trigger_box.access.scopes import Resource


def path_of(box: TestBox, rest: str) -> str:
    assert box.project is not None
    return f"/api/v1/projects/{box.project.project.ref}/{rest}"


def key_of(box: TestBox, slug: str) -> str:
    assert box.project is not None
    return box.project.keys[slug]


@pytest.mark.parametrize(
    ("name", "slug"),
    [("dev", "dev"), ("staging", "stg"), ("prod", "prod"), ("preview", "preview")],
)
async def test_a_personal_token_opens_each_environment(tmp_path: Path, name: str, slug: str):
    async with a_box(tmp_path) as box:
        answer = (await box.person.get(path_of(box, name))).json()

        assert answer["apiKey"] == key_of(box, slug)
        assert answer["apiUrl"] == ORIGIN
        assert answer["name"] == "Shop"
        assert answer["projectId"]


async def test_the_address_to_go_on_with_is_the_one_the_caller_used(tmp_path: Path):
    async with a_box(tmp_path) as box:
        answer = await box.person.get(
            path_of(box, "dev"),
            headers={"x-forwarded-host": "tasks.example.com", "x-forwarded-proto": "https"},
        )

        assert answer.json()["apiUrl"] == "https://tasks.example.com"


async def test_a_secret_key_is_told_about_its_own_environment(tmp_path: Path):
    async with a_box(tmp_path) as box:
        own = await box.prod.get(path_of(box, "prod"))
        other = await box.prod.get("/api/v1/projects/proj_other/prod")

        assert own.json()["apiKey"] == key_of(box, "prod")
        assert other.status_code == httpx.codes.NOT_FOUND


async def test_an_environment_that_does_not_exist_is_not_found(tmp_path: Path):
    async with a_box(tmp_path) as box:
        answer = await box.person.get(path_of(box, "nowhere"))

        assert answer.status_code == httpx.codes.NOT_FOUND


async def test_variables_are_for_the_keys_own_project(tmp_path: Path):
    async with a_box(tmp_path) as box:
        own = await box.dev.get(path_of(box, "envvars"))
        other = await box.dev.get("/api/v1/projects/proj_other/envvars")
        person = await box.person.get(path_of(box, "envvars"))

        variables = own.json()["variables"]
        assert variables["TRIGGER_API_URL"] == ORIGIN
        assert variables["TRIGGER_OTEL_EXPORTER_OTLP_ENDPOINT"] == f"{ORIGIN}/otel"
        assert other.status_code == httpx.codes.BAD_REQUEST
        assert person.status_code == httpx.codes.UNAUTHORIZED


async def test_the_telemetry_token_in_the_variables_is_that_environments(tmp_path: Path):
    async with a_box(tmp_path) as box:
        variables = (await box.dev.get(path_of(box, "envvars"))).json()["variables"]
        token = variables["OTEL_EXPORTER_OTLP_HEADERS"].removeprefix("x-tb-otlp-token=")

        environment_id = box.rooms.access.environment_of_otlp_token(token)

        assert environment_id == box.environments["dev"].id


async def test_dev_status_says_whether_a_worker_is_connected(tmp_path: Path):
    async with a_box(tmp_path) as box:
        before = await box.person.get(path_of(box, "dev-status"))
        with box.rooms.core.presence.connected(box.environments["dev"].id):
            during = await box.person.get(path_of(box, "dev-status"))
        box.clock.advance(60_000)
        after = await box.person.get(path_of(box, "dev-status"))

        assert before.json() == {"isConnected": False}
        assert during.json() == {"isConnected": True}
        assert after.json() == {"isConnected": False}


async def test_a_member_can_make_a_token_with_narrow_scopes(tmp_path: Path):
    async with a_box(tmp_path) as box:
        body = {"claims": {"scopes": ["read:runs", "read:unheard-of"]}, "expirationTime": "15m"}
        made = (await box.person.post(path_of(box, "dev/jwt"), json=body)).json()

        token = await box.rooms.access.verify_public_token(made["token"])

        assert token.environment.id == made["environmentId"] == box.environments["dev"].id
        assert token.allows("read", Resource("runs", "run_1"))
        assert not token.allows("write", Resource("runs", "run_1"))


@pytest.mark.parametrize("time", ["soon", "0s", -1, 10**12, "99w"])
async def test_a_lifetime_that_is_none_is_refused_by_its_field(tmp_path: Path, time: object):
    async with a_box(tmp_path) as box:
        answer = await box.person.post(path_of(box, "dev/jwt"), json={"expirationTime": time})

        assert answer.status_code == httpx.codes.BAD_REQUEST
        assert "expirationTime" in answer.json()["error"]


async def test_a_branch_is_refused_in_words_that_help(tmp_path: Path):
    async with a_box(tmp_path) as box:
        answer = await box.person.post(
            path_of(box, "branches"), json={"env": "development", "branch": "feature"}
        )
        listed = await box.person.get(path_of(box, "branches"))

        assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
        assert "without --branch" in answer.json()["error"]
        assert listed.json() == {"branches": []}
