"""Every route of the box: as nobody, with a wrong credential, from another environment."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from tests.support.box import a_box
from trigger_box.api import hot
from trigger_box.api.authentication import Credential
from trigger_box.api.build import build_litestar

OPEN_ON_PURPOSE = {
    "/healthcheck",
    "/healthz",
    "/readyz",
    "/metrics",  # asks by itself: see test_health.py
    "/api/openapi.json",
    "/packets/{environment_id}/{filename}",  # the signature in the address is the permission
    "/api/v1/authorization-code",  # a command line that is not signed in yet
    "/api/v1/token",
    "/dashboard/api/claim",
    "/dashboard/api/session",
    "/dashboard/api/sign-in",
    "/dashboard/api/sign-out",
}
"""Routes that ask for no credential. Adding one is a decision: name it here."""


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    opt: dict[str, Any]

    def address(self) -> str:
        """Return the path with something in each of its places."""
        path = self.path
        for name in ("run_id", "snapshot_id"):
            path = path.replace("{" + name + "}", f"{name}_1")
        while "{" in path:
            start, _, rest = path.partition("{")
            path = f"{start}x{rest.partition('}')[2]}"
        return path


def routes_of(app: Litestar) -> list[Route]:
    routes = [
        Route("POST", operation.path, {"auth": operation.auth}) for operation in hot.OPERATIONS
    ]
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            routes += [
                Route(method, route.path_format, handler.opt)
                for handler in route.route_handlers
                for method in handler.http_methods
                if method != "OPTIONS"
            ]
    return routes


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[Route]:
    async def collect() -> list[Route]:
        async with a_box(tmp_path_factory.mktemp("box")) as box:
            return routes_of(build_litestar(box.rooms))

    return asyncio.run(collect())


async def call(client: httpx.AsyncClient, route: Route) -> httpx.Response:
    return await client.request(route.method, route.address(), content=b"{}")


def test_every_route_says_who_may_call_it(routes: list[Route]) -> None:
    # Litestar's own pages say nothing: they are closed to everybody.
    silent = {
        route.path
        for route in routes
        if "auth" not in route.opt and not route.path.startswith("/-/")
    }

    assert silent == set()


def test_only_routes_named_here_ask_for_no_credential(routes: list[Route]) -> None:
    is_dashboard_page = ("/{path}", "/", "/assets")
    opened = {
        route.path
        for route in routes
        if route.opt.get("auth") == frozenset() and not route.path.startswith(is_dashboard_page)
    }

    assert opened <= OPEN_ON_PURPOSE


async def test_nobody_gets_in_anywhere(routes: list[Route], tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        let_in = [
            f"{route.method} {route.path} {answer.status_code}"
            for route in routes
            if route.opt.get("auth") != frozenset()
            and (answer := await call(box.nobody, route)).status_code != 401
        ]

    assert let_in == []


@pytest.mark.parametrize(
    "token",
    [
        "tr_dev_000000000000000000000000",
        "tr_pat_1111111111111111111111111111111111111111",
        "eyJhbGciOiJub25lIn0.eyJwdWIiOnRydWUsInN1YiI6ImVudl8xIn0.",
        "pk_dev_legacy",
        "x",
    ],
)
async def test_a_made_up_credential_opens_nothing(
    routes: list[Route], tmp_path: Path, token: str
) -> None:
    async with a_box(tmp_path) as box:
        client = box.client(token, **{"x-tb-otlp-token": token})
        let_in = [
            f"{route.method} {route.path} {answer.status_code}"
            for route in routes
            if route.opt.get("auth") != frozenset()
            and (answer := await call(client, route)).status_code != 401
        ]

    assert let_in == []


async def test_a_credential_of_another_kind_is_as_good_as_none(
    routes: list[Route], tmp_path: Path
) -> None:
    async with a_box(tmp_path) as box:
        holders = {
            Credential.SECRET_KEY: box.dev,
            Credential.PERSONAL_TOKEN: box.person,
            Credential.OWNER: box.local_owner,
        }
        let_in = [
            f"{credential} {route.method} {route.path} {answer.status_code}"
            for credential, client in holders.items()
            for route in routes
            if route.opt.get("auth") != frozenset()
            and credential not in route.opt.get("auth", ())
            and (answer := await call(client, route)).status_code != 401
        ]

    assert let_in == []


async def a_run_of(client: httpx.AsyncClient) -> str:
    answer = await client.post("/api/v1/tasks/hello/trigger", json={"payload": {"secret": 1}})
    assert answer.status_code == 200
    return answer.json()["id"]


async def test_a_key_of_another_environment_finds_none_of_its_runs(
    routes: list[Route], tmp_path: Path
) -> None:
    async with a_box(tmp_path) as box:
        run_id = await a_run_of(box.prod)
        about_runs = [
            route
            for route in routes
            if "{run_id}" in route.path
            and Credential.SECRET_KEY in route.opt["auth"]
            # A worker's remark is thrown away whatever run it names.
            and not route.path.endswith("/logs/debug")
        ]
        found = []
        for route in about_runs:
            path = route.path.replace("{run_id}", run_id)
            answer = await box.dev.request(
                route.method,
                Route(route.method, path, {}).address(),
                content=b'{"delay":"1h","tags":["x"],"completion":{"ok":true}}',
            )
            if answer.status_code not in {400, 404}:
                found.append(f"{route.method} {path} {answer.status_code} {answer.text}")
        untouched = await box.prod.get(f"/api/v3/runs/{run_id}")

    assert len(about_runs) > 10
    assert found == []
    assert untouched.json()["tags"] == []


async def test_the_right_key_finds_its_run(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run_id = await a_run_of(box.prod)

        answer = await box.prod.get(f"/api/v3/runs/{run_id}")

    assert answer.json()["payload"] == {"secret": 1}


async def test_a_box_without_an_owner_answers_only_what_claims_it(
    routes: list[Route], tmp_path: Path
) -> None:
    async with a_box(tmp_path, is_claimed=False) as box:
        answered = {
            route.path
            for route in routes
            if not route.opt.get("unclaimed")
            and (await call(box.nobody, route)).status_code not in {401, 503}
        }
        health = await box.nobody.get("/healthz")
        refused = await box.nobody.post("/api/v1/tasks/hello/trigger", json={})

    assert answered == set()
    assert health.status_code == 200
    assert refused.status_code == 503
    assert "claim link" in refused.json()["error"]


async def test_the_token_of_a_run_s_handle_reads_that_run_and_nothing_else(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        first = await box.dev.post("/api/v1/tasks/hello/trigger", json={})
        second = await a_run_of(box.dev)
        handle = box.client(first.headers["x-trigger-jwt"])

        own = await handle.get(f"/api/v3/runs/{first.json()['id']}")
        other = await handle.get(f"/api/v3/runs/{second}")
        listed = await handle.get("/api/v1/runs")
        cancelled = await handle.post(f"/api/v2/runs/{first.json()['id']}/cancel")
        triggered = await handle.post("/api/v1/tasks/hello/trigger", json={})
        replayed = await handle.post(f"/api/v1/runs/{first.json()['id']}/replay")

    assert own.status_code == 200
    for refused in (other, listed, cancelled, triggered):
        assert refused.status_code == 403
        assert refused.json() == {
            "error": "Unauthorized",
            "code": "unauthorized",
            "param": "access_token",
            "type": "authorization",
        }
    assert replayed.status_code == 401


@pytest.mark.parametrize(
    ("scope", "statuses"),
    [
        ("read:tags:team:a", {"own": 200, "list": 403}),
        ("read:tasks:hello", {"own": 200, "list": 403}),
        ("read:runs", {"own": 200, "list": 200}),
        ("read:all", {"own": 200, "list": 200}),
        ("admin", {"own": 200, "list": 200}),
        ("write:runs", {"own": 403, "list": 403}),
    ],
)
async def test_scopes_of_public_tokens_grant_what_they_say(
    tmp_path: Path, scope: str, statuses: dict[str, int]
) -> None:
    async with a_box(tmp_path) as box:
        run = await box.dev.post(
            "/api/v1/tasks/hello/trigger", json={"options": {"tags": ["team:a"]}}
        )
        token = box.rooms.access.public_token(box.environments["dev"], [scope])
        client = box.client(token)

        own = await client.get(f"/api/v3/runs/{run.json()['id']}")
        listed = await client.get("/api/v1/runs")

    assert {"own": own.status_code, "list": listed.status_code} == statuses


async def test_a_token_that_names_tasks_lists_the_runs_of_those_tasks(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        await a_run_of(box.dev)
        token = box.rooms.access.public_token(
            box.environments["dev"], ["read:tasks:hello", "read:tasks:other"]
        )
        client = box.client(token)

        both = await client.get("/api/v1/runs?filter[taskIdentifier]=hello,other")
        more = await client.get("/api/v1/runs?filter[taskIdentifier]=hello,third")

    assert len(both.json()["data"]) == 1
    assert more.status_code == 403


async def test_an_expired_public_token_is_refused(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        token = box.rooms.access.public_token(box.environments["dev"], ["read:runs"], lifetime_s=60)
        box.clock.advance(61_000)

        answer = await box.client(token).get("/api/v1/runs")

    assert answer.status_code == 401
    assert "Public Access Token" in answer.json()["error"]
