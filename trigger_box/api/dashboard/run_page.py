"""The page of one run: its facts, attempts, packets, relatives, and why it is not running."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Raw

from trigger_box.access.actors import Environment
from trigger_box.api.authentication import SESSION
from trigger_box.api.dashboard.errors import shown_error
from trigger_box.api.dashboard.packets import (
    no_payload,
    packet_of,
    shown,
    which_of,
)
from trigger_box.api.dashboard.reach import environment_of
from trigger_box.api.dashboard.rows import related_of, rows_of
from trigger_box.api.dashboard.shapes import Attempt, Packet, RunDetail, RunPage, ShownKey
from trigger_box.api.dashboard.why import why_of
from trigger_box.api.rooms import Rooms, TheRooms, TheUser
from trigger_box.api.sessions import NO_STORE
from trigger_box.domain import limits
from trigger_box.domain.errors import PacketNotFoundError, RunNotFoundError
from trigger_box.domain.instants import iso
from trigger_box.domain.runs import FAILED_STATUSES
from trigger_box.engine import reading
from trigger_box.engine.queues import QueueNotKnownError, QueueView, get_queue
from trigger_box.engine.reading import Run, attempts_of, get_run, related_runs
from trigger_box.engine.reasons import waiting_facts
from trigger_box.store.queries import dashboard as sql

_RUN: Final = "/dashboard/api/environments/{environment_id:str}/runs/{run_id:str}"
_OUTCOMES: Final[Mapping[str | None, Any]] = {
    None: "running",
    "SUCCEEDED": "completed",
    "FAILED": "failed",
    "CANCELED": "canceled",
}
_SOURCES: Final = {
    "sdk": "code",
    "api": "the API",
    "cli": "the command line",
    "mcp": "an assistant",
    "dashboard": "the dashboard",
    "schedule": "a schedule",
}


# What tasks were given and returned stays out of the browser's cache.
@get(_RUN, opt={"auth": SESSION}, summary="One run", cache_control=NO_STORE)
async def get_page(
    rooms: TheRooms, user: TheUser, environment_id: FromPath[str], run_id: FromPath[str]
) -> RunPage:
    """Return all that the page of a run shows but its trace."""
    environment = await environment_of(rooms, user, environment_id)
    core = rooms.core
    run = await get_run(core, environment.id, run_id)
    related = await related_runs(core, run)
    attempts = await attempts_of(core, environment.id, run.id)
    counted = await core.store.readers.one(
        sql.count_children, {"run_id": run.id, "limit": limits.CHILDREN_COUNTED_MAX}
    )
    row = (await rows_of(core, environment.id, [run]))[0]
    most = limits.PACKET_SHOWN_CHARACTERS_MAX
    return RunPage(
        run=row,
        why=why_of(await waiting_facts(core, run)),
        attempts=[_attempt(attempt) for attempt in attempts],
        payload=shown(run.payload, characters_max=most) or no_payload(),
        output=shown(run.output, characters_max=most),
        metadata=shown(run.metadata, characters_max=limits.METADATA_BYTES_MAX),
        error=None if not run.has_outcome else shown_error(run.error),
        context=_context(run, environment) if attempts else None,
        root=None if related.root is None else related_of(related.root),
        parent=None if related.parent is None else related_of(related.parent),
        replayed_from=await _replayed_from(rooms, environment, run),
        children=[related_of(child) for child in related.children],
        children_total=0 if counted is None else counted["runs"],
        detail=await _detail(rooms, environment, run),
    )


@get(
    _RUN + "/packets/{which:str}",
    opt={"auth": SESSION},
    summary="More of a packet",
    cache_control=NO_STORE,
)
async def get_packet(
    rooms: TheRooms,
    user: TheUser,
    environment_id: FromPath[str],
    run_id: FromPath[str],
    which: FromPath[str],
) -> Packet:
    """Return as much of a payload or output as a page can hold."""
    environment = await environment_of(rooms, user, environment_id)
    run = await get_run(rooms.core, environment.id, run_id)
    packet = shown(
        packet_of(run, which_of(which)), characters_max=limits.PACKET_LOADED_CHARACTERS_MAX
    )
    if packet is None:
        raise PacketNotFoundError
    return packet


@get(
    _RUN + "/packets/{which:str}/download",
    opt={"auth": SESSION},
    summary="A packet as a file",
    cache_control=NO_STORE,
)
async def download_packet(
    rooms: TheRooms,
    user: TheUser,
    environment_id: FromPath[str],
    run_id: FromPath[str],
    which: FromPath[str],
) -> Response[bytes]:
    """Return a whole payload, output or metadata, as it was sent."""
    environment = await environment_of(rooms, user, environment_id)
    run = await get_run(rooms.core, environment.id, run_id)
    packet = packet_of(run, which_of(which))
    if packet is None or packet.data is None:
        raise PacketNotFoundError
    is_json = packet.type.endswith("json")
    return Response(
        packet.data.encode(),
        # What tasks return is never shown by the browser as a page of ours.
        media_type="application/json" if is_json else "text/plain; charset=utf-8",
        headers={
            "content-disposition": (
                f'attachment; filename="{run.id}-{which}.{"json" if is_json else "txt"}"'
            ),
            "x-content-type-options": "nosniff",
        },
    )


def _attempt(attempt: reading.Attempt) -> Attempt:
    return Attempt(
        number=attempt.number,
        outcome=_OUTCOMES[attempt.result],
        started_at_ms=attempt.started_at_ms,
        finished_at_ms=attempt.ended_at_ms,
        is_warm=attempt.is_warm,
        retry_at_ms=attempt.retry_at_ms,
        error=shown_error(attempt.error),
    )


async def _detail(rooms: Rooms, environment: Environment, run: Run) -> RunDetail:
    queue = await _queue_of(rooms, environment, run)
    version = await rooms.store.readers.one(sql.current_version, {"environment_id": environment.id})
    return RunDetail(
        triggered_by=_triggered_by(run),
        priority_s=run.priority_ms / 1_000,
        ttl=run.ttl,
        max_attempts=run.max_attempts,
        max_duration_s=run.max_duration_s,
        machine=run.machine,
        idempotency_key=_key(run, now_ms=rooms.clock.now_ms()),
        is_version_locked=run.is_version_pinned,
        is_current_version=version is not None and run.worker_id == version["id"],
        sdk_version=run.sdk_version,
        cli_version=None,
        queue_running=0 if queue is None else queue.running,
        queue_limit=None if queue is None else queue.limit,
        is_queue_paused=queue is not None and queue.is_paused,
        worker=run.runner_id,
        trace_id=run.trace_id,
        span_id=run.span_id,
    )


async def _queue_of(rooms: Rooms, environment: Environment, run: Run) -> QueueView | None:
    try:
        return await get_queue(rooms.core, environment.id, name=run.queue_name)
    except QueueNotKnownError:
        return None


async def _replayed_from(rooms: Rooms, environment: Environment, run: Run) -> Any:  # noqa: ANN401 - a RelatedRun or None, named by the caller
    if run.replay_of_run_id is None:
        return None
    try:
        old = await get_run(rooms.core, environment.id, run.replay_of_run_id, with_packets=False)
    except RunNotFoundError:
        return None  # removed by retention, or of another environment
    return related_of(old)


def _triggered_by(run: Run) -> str | None:
    source = run.annotations.get("triggerSource")
    action = run.annotations.get("triggerAction")
    who = _SOURCES.get(source) if isinstance(source, str) else None
    if run.parent_run_id is not None and source == "sdk":
        return "its parent run"
    if action == "test":
        return "a test"
    if action == "replay":
        return "a replay"
    return who


def _key(run: Run, *, now_ms: int) -> ShownKey | None:
    if run.idempotency_key is None:
        return None
    expires = run.idempotency_expires_at_ms
    is_over = expires is not None and expires <= now_ms
    is_released = run.status in FAILED_STATUSES
    return ShownKey(
        key=run.idempotency_key,
        scope=run.idempotency_scope,
        state="expired" if is_over else "released" if is_released else "active",
        expires_at_ms=expires,
    )


def _context(run: Run, environment: Environment) -> Raw:
    """Return the context that the newest attempt got (worker-protocol, ``ctx``)."""
    context = {
        "task": {"id": run.task},
        "attempt": {"number": run.attempt_number},
        "run": {
            "id": run.id,
            "tags": list(run.tags),
            "isTest": run.is_test,
            "isReplay": run.replay_of_run_id is not None,
            "createdAt": iso(run.created_at_ms),
            "startedAt": None if run.executed_at_ms is None else iso(run.executed_at_ms),
            "idempotencyKey": run.idempotency_key,
            "maxAttempts": run.max_attempts,
            "maxDuration": run.max_duration_s,
            "durationMs": run.usage_ms,
            "version": run.version,
            "parentTaskRunId": run.parent_run_id,
            "rootTaskRunId": run.root_run_id,
            "priority": run.priority_ms / 1_000,
        },
        "queue": {"id": run.queue_id, "name": run.queue_name},
        "environment": {
            "id": environment.id,
            "slug": environment.slug,
            "type": str(environment.type),
            "branchName": environment.branch_name,
        },
        "project": {
            "id": environment.project_id,
            "ref": environment.project_ref,
            "slug": environment.project_slug,
            "name": environment.project_name,
        },
        "organization": {
            "id": environment.organization_id,
            "slug": environment.organization_slug,
            "name": environment.organization_title,
        },
        "machine": {"name": run.machine},
    }
    return Raw(msgspec.json.encode(context))


routes: list[ControllerRouterHandler] = [get_page, get_packet, download_packet]
