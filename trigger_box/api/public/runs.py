"""One run: read it, cancel, replay, reschedule, tag it. Source: rest-api 13.3.

On reads existence is looked at before permission, as upstream does; on changes after it.
"""

from __future__ import annotations

from functools import partial

from litestar import get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from trigger_box.access.actors import Environment
from trigger_box.access.scopes import Resource
from trigger_box.api.authentication import SECRET, SECRET_OR_PUBLIC, Caller
from trigger_box.api.bodies import decode_body
from trigger_box.api.public.packets import AddressAnswer
from trigger_box.api.public.requests import body_of, knows_current_statuses, require_read
from trigger_box.api.rooms import ApiRequest, Rooms, TheCaller, TheEnvironment, TheRooms
from trigger_box.api.signing import Grant
from trigger_box.api.wire.changes import (
    ReplayBody,
    RescheduleBody,
    RunId,
    Said,
    TagsBody,
    replay_body,
    reschedule_body,
    tags_body,
)
from trigger_box.api.wire.results import RunResult, run_result
from trigger_box.api.wire.runs import (
    RelatedRuns,
    RunAnswer,
    related_run,
    run_answer,
)
from trigger_box.api.wire.triggers import delay_until_ms, source_of, tags_of
from trigger_box.domain import limits, packets
from trigger_box.domain.errors import PacketNotFoundError, RunNotFoundError
from trigger_box.engine.cancel import cancel
from trigger_box.engine.reading import Run, finished_run, get_run, related_runs
from trigger_box.engine.replay import replay
from trigger_box.engine.reschedule import reschedule
from trigger_box.engine.tags import add_tags


@get("/api/v3/runs/{run_id:str}", opt={"auth": SECRET_OR_PUBLIC}, summary="Read one run")
async def retrieve_run(
    request: ApiRequest,
    run_id: FromPath[str],
    rooms: TheRooms,
    caller: TheCaller,
    environment: TheEnvironment,
) -> RunAnswer:
    """Return a run with its payload, output, error and related runs."""
    run = await get_run(rooms.core, environment.id, run_id)
    require_read(caller, run)
    return await _whole(request, rooms, environment, run)


@get("/api/v1/runs/{run_id:str}/result", opt={"auth": SECRET}, summary="Read how a run ended")
async def retrieve_result(
    run_id: FromPath[str], rooms: TheRooms, environment: TheEnvironment
) -> RunResult:
    """Return the output or the error of a run that has ended."""
    return run_result(await finished_run(rooms.core, environment.id, run_id))


@get(
    "/api/v1/runs/{run_id:str}/packets/{field:str}",
    opt={"auth": SECRET_OR_PUBLIC},
    summary="Ask where to download a run's payload or output",
)
async def packet_address(  # noqa: PLR0913 - two path parameters, and what handlers get
    request: ApiRequest,
    rooms: TheRooms,
    caller: TheCaller,
    environment: TheEnvironment,
    *,
    run_id: FromPath[str],
    field: FromPath[str],
) -> AddressAnswer:
    """Return a signed address of a packet that a client uploaded, good for five minutes.

    For a browser whose token is good for this run only. Other packets come with the run itself.
    """
    run = await get_run(rooms.core, environment.id, run_id)
    require_read(caller, run)
    packet = {"payload": run.payload, "output": run.output}.get(field)
    if packet is None or packet.type != packets.STORE or not packet.data:
        raise PacketNotFoundError
    return AddressAnswer(presigned_url=_presigned_url(request, rooms, environment, packet.data))


@post(
    "/api/v2/runs/{run_id:str}/cancel",
    opt={"auth": SECRET_OR_PUBLIC},
    status_code=200,
    summary="Cancel a run",
)
async def cancel_run(
    run_id: FromPath[str], rooms: TheRooms, caller: TheCaller, environment: TheEnvironment
) -> RunId:
    """Cancel a run and everything below it. A run that has ended stays as it is."""
    await _require_write(rooms, caller, environment, run_id)
    try:
        cancelled = await cancel(rooms.core, environment.id, run_id)
    except RunNotFoundError:
        raise RunNotFoundError("Resource not found") from None
    return RunId(id=cancelled.run_id)


@post(
    "/api/v1/runs/{run_id:str}/replay",
    opt={"auth": SECRET, "body": ReplayBody, "is_body_optional": True},
    status_code=200,
    summary="Run again with the same input",
)
async def replay_run(
    request: ApiRequest, run_id: FromPath[str], rooms: TheRooms, environment: TheEnvironment
) -> RunId:
    """Make a new run with the old one's payload, metadata, tags, queue, key and machine."""
    body = await body_of(request, bytes_max=limits.TRIGGER_BODY_BYTES_MAX)
    wanted = decode_body(replay_body, body) if body.strip() else ReplayBody()
    made = await replay(
        rooms.core,
        environment,
        run_id,
        wanted.overrides(now_ms=rooms.clock.now_ms()),
        source=source_of(dict(request.scope["headers"])),
        request_key=request.headers.get("x-trigger-request-idempotency-key"),
    )
    return RunId(id=made.run_id)


@post(
    "/api/v1/runs/{run_id:str}/reschedule",
    opt={"auth": SECRET, "body": RescheduleBody},
    status_code=200,
    summary="Move the instant a delayed run is due",
)
async def reschedule_run(
    request: ApiRequest, run_id: FromPath[str], rooms: TheRooms, environment: TheEnvironment
) -> RunAnswer:
    """Return the run as it is afterwards."""
    wanted = decode_body(reschedule_body, await body_of(request))
    delay_until = delay_until_ms(wanted.delay, rooms.clock.now_ms())
    await reschedule(rooms.core, environment.id, run_id, delay_until_ms=delay_until)
    run = await get_run(rooms.core, environment.id, run_id)
    return await _whole(request, rooms, environment, run)


@post(
    "/api/v1/runs/{run_id:str}/tags",
    opt={"auth": SECRET, "body": TagsBody},
    status_code=200,
    summary="Add tags to a run",
)
async def tag_run(
    request: ApiRequest, run_id: FromPath[str], rooms: TheRooms, environment: TheEnvironment
) -> Said:
    """Add tags; a run has at most ten."""
    wanted = decode_body(tags_body, await body_of(request))
    added = await add_tags(rooms.core, environment.id, run_id, tags_of(wanted.tags))
    if added == 0:
        return Said(message="No new tags to add")
    return Said(message=f"Successfully set {added} new tags.")


async def _require_write(
    rooms: Rooms, caller: Caller, environment: Environment, run_id: str
) -> None:
    """Check that a caller may change a run. Secret keys may: for them nothing is looked up."""
    if caller.public_token is None:
        return
    try:
        run = await get_run(rooms.core, environment.id, run_id, with_packets=False)
    except RunNotFoundError:
        caller.require("write", Resource("runs", run_id))
        return
    caller.require("write", Resource("runs", run.id), Resource("tasks", run.task))


async def _whole(
    request: ApiRequest, rooms: Rooms, environment: Environment, run: Run
) -> RunAnswer:
    is_current = knows_current_statuses(request)
    family = await related_runs(rooms.core, run)
    shape = partial(related_run, is_current=is_current)
    related = RelatedRuns()
    if family.root is not None:
        related.root = shape(family.root)
    if family.parent is not None:
        related.parent = shape(family.parent)
    if family.children:
        related.children = [shape(child) for child in family.children]

    presigned_url = partial(_presigned_url, request, rooms, environment)
    return run_answer(run, related, is_current=is_current, presigned_url=presigned_url)


def _presigned_url(request: ApiRequest, rooms: Rooms, environment: Environment, path: str) -> str:
    grant = Grant(method="GET", environment_id=environment.id, path=path)
    return rooms.signer.address(rooms.origin_of(request), grant)


routes: list[ControllerRouterHandler] = [
    retrieve_run,
    retrieve_result,
    packet_address,
    cancel_run,
    replay_run,
    reschedule_run,
    tag_run,
]
