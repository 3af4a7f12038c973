"""Lists of runs: pages, counts, values for filters, finding; cancel and replay."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import get, post
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from trigger_box.access.actors import Environment
from trigger_box.api.authentication import SESSION
from trigger_box.api.bodies import decode_body
from trigger_box.api.dashboard.reach import environment_of
from trigger_box.api.dashboard.rows import kind_of, related_of, rows_of
from trigger_box.api.dashboard.run_query import newer_than, older_than, parse_run_query
from trigger_box.api.dashboard.shapes import (
    FilterValues,
    Findings,
    FoundRun,
    FoundTask,
    MadeRun,
    RunCounts,
    RunsPage,
)
from trigger_box.api.problems import QueryError
from trigger_box.api.public.requests import body_of
from trigger_box.api.rooms import ApiRequest, Rooms, TheRooms, TheUser
from trigger_box.api.wire.changes import ReplayBody
from trigger_box.domain import limits
from trigger_box.domain.errors import NotFoundError, RunNotFoundError
from trigger_box.domain.runs import FAILED_STATUSES, RunStatus
from trigger_box.engine.cancel import cancel
from trigger_box.engine.listing import EVERYTHING, Page, RunFilter, count_runs, list_runs
from trigger_box.engine.replay import replay
from trigger_box.ids import EnvironmentId, run_id_floor
from trigger_box.store.queries import dashboard as sql

_ENVIRONMENT: Final = "/dashboard/api/environments/{environment_id:str}"
_WEEK_MS: Final = 7 * 86_400_000
_FAILED: Final = sorted(FAILED_STATUSES - {RunStatus.EXPIRED})


class DashboardReplayBody(Struct, rename="camel"):
    """What a replay changes, and where it goes."""

    options: ReplayBody = msgspec.field(default_factory=ReplayBody)
    environment_id: str | None = None


_replay_body: Final = msgspec.json.Decoder(DashboardReplayBody)


@get(_ENVIRONMENT + "/runs", opt={"auth": SESSION}, summary="A page of runs")
async def list_page(
    request: ApiRequest, rooms: TheRooms, user: TheUser, environment_id: FromPath[str]
) -> RunsPage:
    """Return a page of runs, newest first. The query is that of the page's own address."""
    environment = await environment_of(rooms, user, environment_id)
    query = parse_run_query(request.scope["query_string"], now_ms=rooms.clock.now_ms())
    page = await list_runs(rooms.core, [environment.id], query.wanted, query.page)
    counted = await count_runs(rooms.core, environment.id, query.wanted)
    has_any = bool(page.runs) or await rooms.store.readers.one(
        sql.has_runs, {"environment_id": environment.id}
    )
    return RunsPage(
        runs=await rows_of(rooms.core, environment.id, page.runs),
        next=older_than(page.next),
        previous=newer_than(page.previous),
        total=counted.runs,
        is_total_floor=counted.is_floor,
        has_any_runs=bool(has_any),
    )


@get(_ENVIRONMENT + "/run-counts", opt={"auth": SESSION}, summary="How many runs go on")
async def count(rooms: TheRooms, user: TheUser, environment_id: FromPath[str]) -> RunCounts:
    """Return how many runs go on, wait, and failed in the last week."""
    environment = await environment_of(rooms, user, environment_id)
    readers = rooms.store.readers
    bounded = {"environment_id": environment.id, "limit": limits.RUNS_MATCHED_MAX}
    going = await readers.one(
        sql.count_open, {"environment_id": environment.id, "limit": limits.RUNS_COUNTED_MAX}
    )
    from_id = run_id_floor(rooms.clock.now_ms() - _WEEK_MS)
    failed = 0
    for outcome in _FAILED:
        row = await readers.one(
            sql.count_outcome, {**bounded, "outcome": str(outcome), "from_id": from_id}
        )
        failed += 0 if row is None else row["runs"]
    return RunCounts(
        active=0 if going is None else going["active"],
        queued=0 if going is None else going["queued"],
        failed=failed,
    )


@get(_ENVIRONMENT + "/filter-values", opt={"auth": SESSION}, summary="Values for a filter")
async def filter_values(
    rooms: TheRooms,
    user: TheUser,
    environment_id: FromPath[str],
    *,
    name: Annotated[str, QueryParameter()] = "",
    text: Annotated[str, QueryParameter()] = "",
) -> FilterValues:
    """Return tasks, tags, queues or versions whose name holds a text."""
    environment = await environment_of(rooms, user, environment_id)
    return FilterValues(values=await _values(rooms, environment.id, name, text.strip().lower()))


@get(_ENVIRONMENT + "/find", opt={"auth": SESSION}, summary="Find tasks and runs")
async def find(
    rooms: TheRooms,
    user: TheUser,
    environment_id: FromPath[str],
    *,
    text: Annotated[str, QueryParameter()] = "",
) -> Findings:
    """Return tasks by a part of their name, and runs: by id, or of those tasks."""
    environment = await environment_of(rooms, user, environment_id)
    wanted = text.strip().lower()
    tasks = await _found_tasks(rooms, environment, wanted)
    runs = RunFilter(tasks=tuple(task.id for task in tasks)) if wanted else EVERYTHING
    if wanted.startswith("run_"):
        runs = RunFilter(run_ids=(wanted,))
    elif wanted and not tasks:
        return Findings(tasks=[], runs=[])
    page = await list_runs(rooms.core, [environment.id], runs, Page(size=limits.FOUND_MAX))
    return Findings(tasks=tasks, runs=[related_of(run) for run in page.runs])


@get("/dashboard/api/find-run/{run_id:str}", opt={"auth": SESSION}, summary="Where a run lives")
async def find_run(rooms: TheRooms, user: TheUser, run_id: FromPath[str]) -> FoundRun:
    """Return the page of a run, for links that name nothing but its id."""
    row = await rooms.store.readers.one(sql.environment_of_run, {"id": run_id})
    if row is None:
        raise RunNotFoundError
    try:
        environment = await environment_of(rooms, user, row["environment_id"])
    except NotFoundError as error:
        raise RunNotFoundError from error
    return FoundRun(
        organization=environment.organization_slug,
        project=environment.project_slug,
        environment=environment.slug,
        id=run_id,
    )


@post(
    _ENVIRONMENT + "/runs/{run_id:str}/cancel",
    opt={"auth": SESSION},
    status_code=200,
    summary="Cancel a run",
)
async def cancel_run(
    rooms: TheRooms, user: TheUser, environment_id: FromPath[str], run_id: FromPath[str]
) -> MadeRun:
    """Cancel a run and everything below it. A run that has ended stays as it is."""
    environment = await environment_of(rooms, user, environment_id)
    cancelled = await cancel(rooms.core, environment.id, run_id, reason=f"Canceled by {user.email}")
    return MadeRun(id=cancelled.run_id)


@post(
    _ENVIRONMENT + "/runs/{run_id:str}/replay",
    opt={"auth": SESSION, "body": DashboardReplayBody, "is_body_optional": True},
    status_code=201,
    summary="Run again with the same input",
)
async def replay_run(
    request: ApiRequest,
    rooms: TheRooms,
    user: TheUser,
    environment_id: FromPath[str],
    run_id: FromPath[str],
) -> MadeRun:
    """Make a new run with the old one's input, changed where the body says so."""
    environment = await environment_of(rooms, user, environment_id)
    raw = await body_of(request, bytes_max=limits.TRIGGER_BODY_BYTES_MAX)
    body = decode_body(_replay_body, raw) if raw.strip() else DashboardReplayBody()
    target = environment
    if body.environment_id is not None:
        target = await environment_of(rooms, user, body.environment_id)
        if target.project_id != environment.project_id:
            raise QueryError(details="environmentId is of another project.")
    made = await replay(
        rooms.core,
        environment,
        run_id,
        body.options.overrides(now_ms=rooms.clock.now_ms()),
        source="dashboard",
        into=target,
    )
    return MadeRun(id=made.run_id)


async def _values(rooms: Rooms, environment_id: EnvironmentId, name: str, text: str) -> list[str]:
    asked = {"environment_id": environment_id, "text": text, "limit": limits.FILTER_VALUES_MAX}
    stepped = {**asked, "steps": limits.FILTER_STEPS_MAX}
    readers = rooms.store.readers
    match name:
        case "task":
            return [row["value"] for row in await readers.all(sql.run_tasks, stepped)]
        case "tag":
            return [row["value"] for row in await readers.all(sql.run_tags, stepped)]
        case "queue":
            return [row["name"] for row in await readers.all(sql.queue_names, asked)]
        case "version":
            rows = await readers.all(
                sql.versions,
                {"environment_id": environment_id, "limit": limits.VERSIONS_SHOWN_MAX},
            )
            return [row["version"] for row in rows if text in row["version"]]
        case _:
            raise QueryError(details="name is task, tag, queue or version.")


async def _found_tasks(rooms: Rooms, environment: Environment, text: str) -> list[FoundTask]:
    readers = rooms.store.readers
    version = await readers.one(sql.current_version, {"environment_id": environment.id})
    if version is None:
        return []
    rows = await readers.all(
        sql.tasks_named,
        {"worker_id": version["id"], "text": text, "limit": limits.FOUND_MAX},
    )
    return [
        FoundTask(id=row["slug"], kind=kind_of(row["trigger_source"]), file_path=row["file_path"])
        for row in rows
    ]


routes: list[ControllerRouterHandler] = [
    list_page,
    count,
    filter_values,
    find,
    find_run,
    cancel_run,
    replay_run,
]
