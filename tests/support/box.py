"""An open box in a temporary folder, its HTTP application in process, and clients for each key.

Use it inside a test, so that a failing keeper fails that test:

    async with a_box(tmp_path) as box:
        answer = await box.dev.post("/api/v1/tasks/hello/trigger", json={"payload": {}})
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.clock import ManualClock
from trigger_box.access.actors import Environment, NewProject, User
from trigger_box.api.asgi import ASGIApp
from trigger_box.api.rooms import Rooms
from trigger_box.app import Box, asgi_app
from trigger_box.ids import IdSource
from trigger_box.settings import Settings

ORIGIN = "http://box.test"
EMAIL = "owner@example.com"
PASSWORD = "a long enough password"


@dataclass(kw_only=True)
class TestBox:
    """An open box and what tests want from it."""

    __test__ = False

    rooms: Rooms
    app: ASGIApp
    clock: ManualClock
    owner: User | None
    """The first account; None when the box was left unclaimed."""
    project: NewProject | None
    environments: Mapping[str, Environment]
    nobody: httpx.AsyncClient
    """A client without any credential."""
    dev: httpx.AsyncClient
    """A client with the development environment's secret key."""
    prod: httpx.AsyncClient
    person: httpx.AsyncClient
    """A client with the owner's personal access token."""
    local_owner: httpx.AsyncClient

    def client(self, token: str | None, **headers: str) -> httpx.AsyncClient:
        """Return a client that shows ``token`` as its bearer."""
        return client_of(self.app, token, **headers)


def client_of(
    app: ASGIApp, token: str | None, *, address: str = "127.0.0.1", **headers: str
) -> httpx.AsyncClient:
    """Return a client of an app in process; it calls from ``address``."""
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    transport = httpx.ASGITransport(app=app, client=(address, 50_000))  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers)


@asynccontextmanager
async def a_box(
    folder: Path, *, is_claimed: bool = True, clock: ManualClock | None = None, **settings: Any
) -> AsyncIterator[TestBox]:
    """Open a box in ``folder``; claimed, with an owner and a project, unless told otherwise."""
    clock = clock or ManualClock()
    ids = IdSource(clock, random.Random(7))  # noqa: S311 - repeatable on purpose
    async with Box(Settings(data_dir=folder / "data", **settings), clock=clock, ids=ids) as box:
        app = asgi_app(box)
        access = box.rooms.access
        owner, project, keys, token = None, None, {}, None
        environments: dict[str, Environment] = {}
        if is_claimed:
            owner = await access.create_user(EMAIL, password=None)
            project = await access.create_project(owner, name="Shop")
            keys = project.keys
            token = (await access.create_token(owner, "tests")).token
            environments = {
                slug: await access.environment_of_key(key)
                for slug, key in keys.items()
                if slug != "preview"
            }
        yield TestBox(
            rooms=box.rooms,
            app=app,
            clock=clock,
            owner=owner,
            project=project,
            environments=environments,
            nobody=client_of(app, None),
            dev=client_of(app, keys.get("dev")),
            prod=client_of(app, keys.get("prod")),
            person=client_of(app, token),
            local_owner=client_of(app, access.local_owner_token),
        )
