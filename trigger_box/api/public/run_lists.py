"""Lists of runs: of an environment for its keys, of a project for its members.

Source: rest-api 7, 13.3.
"""

from __future__ import annotations

from typing import Final

from litestar import get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import UNSET

from trigger_box.access.actors import SLUG_ALIASES, Environment, EnvironmentType, User
from trigger_box.access.scopes import Resource
from trigger_box.api.authentication import PERSONAL, SECRET_OR_PUBLIC, Caller
from trigger_box.api.problems import QueryError
from trigger_box.api.public.requests import knows_current_statuses
from trigger_box.api.rooms import (
    ApiRequest,
    Rooms,
    TheCaller,
    TheEnvironment,
    TheRooms,
    TheUser,
)
from trigger_box.api.wire.run_filters import RunQuery, parse_run_query
from trigger_box.api.wire.runs import Cursors, RunsPage, listed_run
from trigger_box.engine.listing import list_runs

_SLUGS: Final = ("dev", "stg", "prod", "preview")
_EMPTY: Final = RunsPage(data=[], pagination=Cursors())


@get("/api/v1/runs", opt={"auth": SECRET_OR_PUBLIC}, summary="List runs")
async def list_environment_runs(
    request: ApiRequest, rooms: TheRooms, caller: TheCaller, environment: TheEnvironment
) -> RunsPage:
    """Return a page of an environment's runs, newest first.

    Filters: `filter[status]`, `filter[taskIdentifier]`, `filter[version]`, `filter[tag]`,
    `filter[queue]`, `filter[machine]` (comma lists), `filter[isTest]`, `filter[rootOnly]`,
    `filter[createdAt][from]`, `[to]` and `[period]`. Pages: `page[size]` (1 to 100), `page[after]`,
    `page[before]`.
    """
    query = parse_run_query(request.scope["query_string"], now_ms=rooms.clock.now_ms())
    _require(caller, query)
    return await _page(request, rooms, query, [environment], user=None)


@get(
    "/api/v1/projects/{project_ref:str}/runs",
    opt={"auth": PERSONAL},
    summary="List runs of a project",
)
async def list_project_runs(
    request: ApiRequest, project_ref: FromPath[str], rooms: TheRooms, user: TheUser
) -> RunsPage:
    """Return a page of a project's runs; `filter[env]` names environments by their short names.

    Development means the caller's own development environment.
    """
    query = parse_run_query(request.scope["query_string"], now_ms=rooms.clock.now_ms())
    project = await rooms.access.project(project_ref, user=user)
    visible = [
        environment
        for environment in await rooms.access.environments_of(project.id)
        if environment.type is not EnvironmentType.DEVELOPMENT or environment.owner_id == user.id
    ]
    if query.environment_slugs:
        slugs = {_slug(name) for name in query.environment_slugs}
        visible = [environment for environment in visible if environment.slug in slugs]
    return await _page(request, rooms, query, visible, user=user)


def _slug(name: str) -> str:
    slug = SLUG_ALIASES.get(name, name)
    if slug not in _SLUGS:
        message = f"There is no environment {name[:64]!r}. Environments are: {', '.join(_SLUGS)}."
        raise QueryError(details=[{"path": ["filter[env]"], "message": message}])
    return slug


def _require(caller: Caller, query: RunQuery) -> None:
    """Check that a public token may list what is asked for (rest-api 5.4)."""
    token = caller.public_token
    tasks = [Resource("tasks", task) for task in query.tasks]
    if token is not None and tasks and token.allows_every("read", *tasks):
        return
    caller.require("read", Resource("runs"), Resource("tasks"))


async def _page(
    request: ApiRequest,
    rooms: Rooms,
    query: RunQuery,
    environments: list[Environment],
    *,
    user: User | None,
) -> RunsPage:
    if query.matches_nothing or not environments:
        return _EMPTY
    by_id = {environment.id: environment for environment in environments}
    page = await list_runs(rooms.core, list(by_id), query.wanted, query.page)
    is_current = knows_current_statuses(request)
    name = None if user is None else user.name or user.email
    return RunsPage(
        data=[
            listed_run(
                run,
                by_id[run.environment_id],
                name if by_id[run.environment_id].owner_id is not None else None,
                is_current=is_current,
            )
            for run in page.runs
        ],
        pagination=Cursors(next=page.next or UNSET, previous=page.previous or UNSET),
    )


routes: list[ControllerRouterHandler] = [list_environment_runs, list_project_runs]
