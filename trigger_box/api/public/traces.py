"""``/api/v1/runs/{run_id}/trace``, ``…/spans/{span_id}``, ``…/events``. Source: rest-api 13.3."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Response, get
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.types import ControllerRouterHandler

from trigger_box.access.actors import Environment
from trigger_box.access.scopes import Resource
from trigger_box.api.authentication import SECRET_OR_PUBLIC, Caller
from trigger_box.api.problems import QueryError
from trigger_box.api.rooms import Rooms, TheCaller, TheEnvironment, TheRooms
from trigger_box.api.wire.traces import Json, events_body, span_body, trace_body, trace_page_body
from trigger_box.domain import limits
from trigger_box.domain.errors import NotFoundError, RunNotFoundError
from trigger_box.ids import RunId

_JSON: Final = "application/json"
_RUN: Final = "/api/v1/runs/{run_id:str}"


class TraceNotFoundError(NotFoundError):
    """Trace not found"""  # noqa: D415 - the wire's own words

    code = "trace_not_found"


@get(_RUN + "/trace", opt={"auth": SECRET_OR_PUBLIC}, summary="Get a run's trace")
async def trace(  # noqa: PLR0913 - two query parameters
    rooms: TheRooms,
    caller: TheCaller,
    environment: TheEnvironment,
    run_id: FromPath[str],
    *,
    page_size: Annotated[str | None, QueryParameter(name="page[size]")] = None,
    page_after: Annotated[str | None, QueryParameter(name="page[after]")] = None,
) -> Response[bytes]:
    """Return the tree of spans and logs; as flat pages if ``page[size]`` is given."""
    run = await _may_read(rooms, caller, environment, run_id)
    telemetry = rooms.telemetry
    if page_size is None:
        tree = await telemetry.trace(environment.id, run, with_attributes=True)
        return Response(await telemetry.apart(trace_body, tree), media_type=_JSON)
    size = _whole(page_size, "page[size]", most=limits.TRACE_ROWS_MAX)
    tree = await telemetry.trace(environment.id, run)
    try:
        body = await telemetry.apart(trace_page_body, tree, after=page_after, size=max(1, size))
    except ValueError as error:
        raise QueryError(details="page[after] is not a cursor of this list.") from error
    return Response(body, media_type=_JSON)


@get(_RUN + "/spans/{span_id:str}", opt={"auth": SECRET_OR_PUBLIC}, summary="Get one span")
async def span(
    rooms: TheRooms,
    caller: TheCaller,
    environment: TheEnvironment,
    run_id: FromPath[str],
    span_id: FromPath[str],
) -> Json:
    """Return one row of a run's trace with all it has."""
    run = await _may_read(rooms, caller, environment, run_id)
    detail = await rooms.telemetry.span(environment.id, run, span_id)
    return span_body(detail, run)


@get(_RUN + "/events", opt={"auth": SECRET_OR_PUBLIC}, summary="Get a run's rows as they came")
async def events(  # noqa: PLR0913 - three query parameters
    rooms: TheRooms,
    caller: TheCaller,
    environment: TheEnvironment,
    run_id: FromPath[str],
    *,
    after: FromQuery[str] = "0",
    limit: FromQuery[str] = str(limits.LOGS_PAGE_MAX),
    kind: FromQuery[str] = "all",
) -> Response[bytes]:
    """Return spans and logs in order of arrival.

    ``after`` is the ``pagination.next`` of an earlier answer; ``kind=log`` leaves spans out.
    """
    run = await _may_read(rooms, caller, environment, run_id)
    cursor = _whole(after, "after", most=2**63 - 1)
    count = max(1, _whole(limit, "limit", most=limits.LOGS_PAGE_MAX))
    if kind.lower() not in {"all", "log"}:
        raise QueryError(details="kind is all or log.")
    find = rooms.telemetry.logs if kind.lower() == "log" else rooms.telemetry.arrived
    page = await find(environment.id, run, after=cursor, limit=count)
    return Response(await rooms.telemetry.apart(events_body, page), media_type=_JSON)


routes: list[ControllerRouterHandler] = [trace, span, events]


async def _may_read(rooms: Rooms, caller: Caller, environment: Environment, run_id: str) -> RunId:
    """Return the run's id if this caller may read it (rest-api 5.4)."""
    try:
        run = await rooms.telemetry.run(environment.id, RunId(run_id))
    except RunNotFoundError as error:
        raise TraceNotFoundError from error
    caller.require(
        "read",
        Resource("runs", run.id),
        Resource("tasks", run.task),
        *(Resource("tags", tag) for tag in run.tags),
    )
    return run.id


def _whole(text: str, name: str, *, most: int) -> int:
    """Return a whole number from a query; larger ones count as ``most``."""
    if not (text.isascii() and text.isdigit() and len(text) <= 20):  # noqa: PLR2004 - 64 bits
        raise QueryError(details=f"{name} is not a whole number.")
    return min(int(text), most)
