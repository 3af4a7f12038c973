"""Routes of development workers, but the hot ones: settings, presence, news, signs of life.

Handing out runs and the begin and end of attempts stand in ``api/hot.py``. Source: cli-protocol 7
and 8; ``notifications`` is our own worker's, what Socket.IO is to the npm CLI.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Final, TypedDict

from litestar import get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from litestar.types import ControllerRouterHandler

from trigger_box.access.actors import Environment, EnvironmentType
from trigger_box.api.authentication import SECRET
from trigger_box.api.public.requests import body_of as raw_body_of
from trigger_box.api.rooms import ApiRequest, Rooms, TheEnvironment, TheRooms
from trigger_box.api.streams import EventStream, event
from trigger_box.api.tooling.requests import ToolingBody, body_of
from trigger_box.api.wire.executions import run_execution_data
from trigger_box.domain import limits
from trigger_box.domain.errors import NotDevelopmentError
from trigger_box.domain.instants import iso
from trigger_box.domain.queues import EnvironmentLimits
from trigger_box.engine.cancel import disconnect
from trigger_box.engine.leases import heartbeat
from trigger_box.engine.reading import latest_execution, latest_for_worker
from trigger_box.store.queries import queues as sql

DEQUEUE_PAUSE_WITH_RUN_MS: Final = 50
DEQUEUE_PAUSE_WITHOUT_RUN_MS: Final = 200
"""How long the npm CLI pauses between two calls. Each call waits a while for a run at our end, so
that hardly any run comes during a pause."""


class DisconnectBody(ToolingBody):
    """The runs a worker process held when it went."""

    run_friendly_ids: list[str]


class DevConfigAnswer(TypedDict):
    """How the box wants to be asked. Pauses in ms."""

    environmentId: str
    dequeueIntervalWithRun: int
    dequeueIntervalWithoutRun: int
    maxConcurrentRuns: int
    engineUrl: str


@get("/engine/v1/dev/config", opt={"auth": SECRET}, summary="How a development worker goes on")
async def get_config(
    request: ApiRequest, rooms: TheRooms, environment: TheEnvironment
) -> DevConfigAnswer:
    """Return the settings of a development worker, which asks for them once, when it starts."""
    _require_development(environment)
    rooms.core.presence.began(environment.id)
    return {
        "environmentId": environment.id,
        "dequeueIntervalWithRun": DEQUEUE_PAUSE_WITH_RUN_MS,
        "dequeueIntervalWithoutRun": DEQUEUE_PAUSE_WITHOUT_RUN_MS,
        "maxConcurrentRuns": await _slots_of(rooms, environment),
        "engineUrl": rooms.origin_of(request),
    }


@get("/engine/v1/dev/presence", opt={"auth": SECRET}, summary="Be present (server-sent events)")
async def be_present(rooms: TheRooms, environment: TheEnvironment) -> ASGIResponse:
    """Count the caller as connected while this stream is open."""
    _require_development(environment)
    return EventStream(_presence(rooms, environment), streams=rooms.streams)


@get(
    "/engine/v1/dev/notifications",
    opt={"auth": SECRET},
    summary="Hear which runs somebody else changed (server-sent events)",
)
async def hear(rooms: TheRooms, environment: TheEnvironment) -> ASGIResponse:
    """Name each run whose snapshot changed by something other than its worker's own call."""
    _require_development(environment)
    return EventStream(_notifications(rooms, environment), streams=rooms.streams)


@post(
    "/engine/v1/dev/runs/{run_id:str}/snapshots/{snapshot_id:str}/heartbeat",
    opt={"auth": SECRET},
    status_code=200,
    summary="Give a sign of life of an attempt",
)
async def beat(
    run_id: FromPath[str], snapshot_id: FromPath[str], rooms: TheRooms, environment: TheEnvironment
) -> dict[str, bool]:
    """Extend the lease of the attempt that runs. What it says about cpu and memory is not kept."""
    # Beats are matched with runs when they are stored, so whose run it is must be asked here.
    await latest_execution(rooms.core, environment.id, run_id)
    await heartbeat(rooms.core, environment=environment, run_id=run_id, snapshot_id=snapshot_id)
    return {"ok": True}


@get(
    "/engine/v1/dev/runs/{run_id:str}/snapshots/latest",
    opt={"auth": SECRET},
    summary="Get the newest snapshot of a run",
)
async def get_latest_snapshot(
    run_id: FromPath[str], rooms: TheRooms, environment: TheEnvironment
) -> dict[str, Any]:
    """Return where a run is now, for a worker that polls or was told to look."""
    latest = await latest_for_worker(rooms.core, environment.id, run_id)
    return {"execution": run_execution_data(latest)}


@post(
    "/engine/v1/dev/disconnect",
    opt={"auth": SECRET, "body": DisconnectBody},
    status_code=200,
    summary="End the runs of a worker that went",
)
async def disconnect_worker(
    request: ApiRequest, rooms: TheRooms, environment: TheEnvironment
) -> dict[str, int]:
    """Cancel runs at once, without waiting for a worker that is not there any more."""
    body = await body_of(request, DisconnectBody)
    cancelled = await disconnect(rooms.core, environment, body.run_friendly_ids)
    rooms.core.presence.left(environment.id)
    return {"cancelled": cancelled}


@post(
    "/engine/v1/dev/runs/{run_id:str}/logs/debug",
    opt={"auth": SECRET},
    status_code=204,
    summary="Take a worker's own diagnostics",
)
async def take_debug_log(run_id: FromPath[str], request: ApiRequest) -> None:
    """Accept what a controller says about itself, and forget it: it is about the npm CLI."""
    del run_id
    await raw_body_of(request, bytes_max=limits.SMALL_BODY_BYTES_MAX)


async def _presence(rooms: Rooms, environment: Environment) -> AsyncGenerator[bytes]:
    with rooms.core.presence.connected(environment.id):
        yield _start(rooms)
        # Nothing more to say: the stream itself keeps the connection warm until it ends.
        await asyncio.Event().wait()


async def _notifications(rooms: Rooms, environment: Environment) -> AsyncGenerator[bytes]:
    with rooms.core.bus.notifications(environment.id) as notifications:
        # From here on nothing is missed: what changed before, the worker reads by itself.
        yield _start(rooms)
        while True:
            for run_id in await notifications.next():
                yield event(
                    f'{{"version":"1","run":{{"friendlyId":"{run_id}"}}}}', name="run:notify"
                )


async def _slots_of(rooms: Rooms, environment: Environment) -> int:
    """Return how many runs the engine may hand out at once.

    A worker that took fewer would keep the others waiting until their leases lapse.
    """
    row = await rooms.store.readers.one(sql.environment_limits, {"environment_id": environment.id})
    assert row is not None, "environments are archived, never deleted"
    limit = EnvironmentLimits(limit=row["concurrency_limit"], burst_factor=row["burst_factor"])
    return max(1, limit.slots)


def _start(rooms: Rooms) -> bytes:
    return event(f'{{"now":"{iso(rooms.clock.now_ms())}"}}', name="start")


def _require_development(environment: Environment) -> None:
    if environment.type is not EnvironmentType.DEVELOPMENT:
        raise NotDevelopmentError


routes: Final[list[ControllerRouterHandler]] = [
    get_config,
    be_present,
    hear,
    beat,
    get_latest_snapshot,
    disconnect_worker,
    take_debug_log,
]
