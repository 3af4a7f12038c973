"""Queues in people's hands: look at them, pause them, set limits. Source: rest-api 13.7."""

from __future__ import annotations

from functools import partial

from litestar import get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from trigger_box.access.scopes import Resource
from trigger_box.api.authentication import SECRET, SECRET_OR_PUBLIC
from trigger_box.api.bodies import decode_body
from trigger_box.api.public.requests import body_of
from trigger_box.api.rooms import ApiRequest, Rooms, TheCaller, TheEnvironment, TheRooms
from trigger_box.api.wire.lists import page_asked
from trigger_box.api.wire.queues import (
    Kind,
    OverrideBody,
    PauseBody,
    QueueAnswer,
    QueueBody,
    QueuesPage,
    kind_asked,
    one_limit,
    override_body,
    pause_body,
    queue_answer,
    queue_body,
    queue_named,
    queues_page,
)
from trigger_box.engine import queues
from trigger_box.engine.queues import QueueNotKnownError
from trigger_box.ids import EnvironmentId, QueueId


@get("/api/v1/queues", opt={"auth": SECRET}, summary="List queues")
async def list_queues(
    request: ApiRequest, rooms: TheRooms, environment: TheEnvironment
) -> QueuesPage:
    """Return a page of an environment's queues by name, with what waits and runs in each now."""
    asked = page_asked(request.scope["query_string"])
    page = await queues.list_queues(
        rooms.core, environment.id, offset=asked.offset, limit=asked.size
    )
    return queues_page(page, asked)


@get("/api/v1/queues/{queue:str}", opt={"auth": SECRET_OR_PUBLIC}, summary="Read one queue")
async def retrieve_queue(
    request: ApiRequest,
    queue: FromPath[str],
    rooms: TheRooms,
    caller: TheCaller,
    environment: TheEnvironment,
) -> QueueAnswer:
    """Return a queue, named by its id, or by `?type=task` or `custom` and its name."""
    caller.require("read", Resource("queues", queue), Resource("queues"))
    kind = kind_asked(request.scope["query_string"])
    try:
        found = await queues.get_queue(rooms.core, environment.id, **queue_named(queue, kind))
    except QueueNotKnownError:
        raise QueueNotKnownError("queue-not-found") from None
    return queue_answer(found)


@post(
    "/api/v1/queues/{queue:str}/pause",
    opt={"auth": SECRET, "body": PauseBody},
    status_code=200,
    summary="Pause or resume a queue",
)
async def pause_queue(
    request: ApiRequest, queue: FromPath[str], rooms: TheRooms, environment: TheEnvironment
) -> QueueAnswer:
    """Stop or go on handing out a queue's runs. What runs goes on; what waits keeps its place."""
    wanted = decode_body(pause_body, await body_of(request))
    queue_id = await _id_of(rooms, environment.id, queue, wanted.type)
    pause = partial(queues.set_paused, is_paused=wanted.action == "pause")
    return queue_answer(await pause(rooms.core, environment.id, queue_id))


@post(
    "/api/v1/queues/{queue:str}/concurrency/override",
    opt={"auth": SECRET, "body": OverrideBody},
    status_code=200,
    summary="Set a queue's limit by hand",
)
async def override_limit(
    request: ApiRequest, queue: FromPath[str], rooms: TheRooms, environment: TheEnvironment
) -> QueueAnswer:
    """Set `concurrencyLimit`, or `percent` of the environment's; new versions do not change it."""
    wanted = one_limit(decode_body(override_body, await body_of(request)))
    queue_id = await _id_of(rooms, environment.id, queue, wanted.type)
    changed = await queues.override_limit(
        rooms.core,
        environment.id,
        queue_id,
        limit=wanted.concurrency_limit,
        percent=wanted.percent,
    )
    return queue_answer(changed)


@post(
    "/api/v1/queues/{queue:str}/concurrency/reset",
    opt={"auth": SECRET, "body": QueueBody},
    status_code=200,
    summary="Give a queue its own limit back",
)
async def reset_limit(
    request: ApiRequest, queue: FromPath[str], rooms: TheRooms, environment: TheEnvironment
) -> QueueAnswer:
    """Forget the limit that was set by hand: the one the code declares holds again."""
    wanted = decode_body(queue_body, await body_of(request))
    queue_id = await _id_of(rooms, environment.id, queue, wanted.type)
    return queue_answer(await queues.reset_limit(rooms.core, environment.id, queue_id))


async def _id_of(rooms: Rooms, environment_id: EnvironmentId, segment: str, kind: Kind) -> QueueId:
    named = queue_named(segment, kind)
    return (await queues.get_queue(rooms.core, environment_id, **named)).id


routes: list[ControllerRouterHandler] = [
    list_queues,
    retrieve_queue,
    pause_queue,
    override_limit,
    reset_limit,
]
