"""Why a run is not running: the facts for ``domain/waiting.py``, from the store and the lanes."""

from __future__ import annotations

from functools import partial

from trigger_box.domain import limits
from trigger_box.domain.queues import queue_slots
from trigger_box.domain.runs import RunState
from trigger_box.domain.waiting import Awaited, Waiting
from trigger_box.domain.waiting import why_waiting as sentence
from trigger_box.engine.core import Core
from trigger_box.engine.reading import Run
from trigger_box.store.queries import queues as sql
from trigger_box.store.queries import waits as waits_sql
from trigger_box.store.writer import Transaction

_WAITING = frozenset(
    {
        RunState.RUN_CREATED,
        RunState.DELAYED,
        RunState.QUEUED,
        RunState.EXECUTING_WITH_WAITPOINTS,
        RunState.QUEUED_EXECUTING,
    }
)


async def why_waiting(core: Core, run: Run) -> str | None:
    """Return one sentence on why a run is not running; None if it is, or has ended."""
    facts = await waiting_facts(core, run)
    return None if facts is None else sentence(facts)


async def waiting_facts(core: Core, run: Run) -> Waiting | None:
    """Return what keeps a run from running; None if nothing does, or it has ended."""
    if run.state not in _WAITING:
        return None
    is_connected = core.presence.is_connected(run.environment_id)
    return await core.store.write(partial(_facts, core, run, is_connected=is_connected))


def _facts(core: Core, run: Run, tx: Transaction, *, is_connected: bool) -> Waiting:
    state = core.lanes.environment(tx, run.environment_id)
    lines = core.lanes.lines.environments[run.environment_id]
    queue = state.queues.get(run.queue_name)
    lane_lines = lines.queues.get(run.queue_name)
    lane = None if lane_lines is None else lane_lines.lanes.get(run.concurrency_key or "")
    is_queue_paused = queue is not None and queue.is_paused
    own_limit = None if queue is None else queue.limit(state.limits.limit)
    lane_slots = (
        None
        if own_limit is None
        else queue_slots(limit=own_limit, environment_limit=state.limits.limit, is_paused=False)
    )
    lane_running = 0 if lane is None else lane.running
    is_lane_full = lane_slots is not None and lane_running >= lane_slots
    worker_id = run.worker_id or state.current_worker_id
    version = None if worker_id is None else core.versions.of(tx, worker_id)
    holders = tx.all(
        sql.holders,
        {
            "environment_id": run.environment_id,
            "queue_name": run.queue_name if is_lane_full else None,
            "concurrency_key": (run.concurrency_key or "") if is_lane_full else None,
            "limit": limits.HOLDERS_SHOWN_MAX,
        },
    )
    ahead = tx.one(
        sql.ahead,
        {
            "environment_id": run.environment_id,
            "queue_name": run.queue_name,
            "concurrency_key": run.concurrency_key or "",
            "id": run.id,
            "limit": limits.AHEAD_COUNTED_MAX,
        },
    )
    return Waiting(
        state=run.state,
        task=run.task,
        status_reason=run.status_reason,
        queue_name=run.queue_name,
        concurrency_key=run.concurrency_key,
        due_at_ms=run.due_at_ms,
        attempt_number=run.attempt_number,
        is_environment_paused=state.limits.is_paused,
        environment_slots=lines.slots,
        environment_running=lines.running,
        is_queue_paused=is_queue_paused,
        lane_slots=lane_slots,
        lane_running=lane_running,
        holders=tuple(row["id"] for row in holders),
        has_version=state.current_worker_id is not None,
        has_task=version is not None and run.task in version.tasks,
        is_worker_connected=is_connected if state.is_development else None,
        version=run.version,
        ahead=0 if ahead is None else ahead["runs"],
        awaited=_awaited(tx, run),
    )


def _awaited(tx: Transaction, run: Run) -> tuple[Awaited, ...]:
    if run.state is not RunState.EXECUTING_WITH_WAITPOINTS:
        return ()
    rows = tx.all(waits_sql.awaited, {"run_id": run.id, "limit": limits.HOLDERS_SHOWN_MAX})
    return tuple(Awaited(row["kind"], row["run_id"] or row["id"], row["due_at_ms"]) for row in rows)
