"""How a run goes back into the queue: for a later retry, or since its dispatch came to nothing.

Inside the writer's thread. It keeps its rank; ``due_at_ms`` only says when it may go again
(run-engine 5.1: eligibility and rank are two things).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from trigger_box.domain.runs import RunEvent, RunStatus, next_state
from trigger_box.engine.blocking import drop_waits
from trigger_box.engine.changes import record, snapshot_after
from trigger_box.engine.core import Core
from trigger_box.engine.endings import USAGE_MS_MAX, leave_line
from trigger_box.engine.executions import Snapshot
from trigger_box.engine.rows import RunHead
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Requeue:
    """Why and how a run goes back. ``due_at_ms`` None: it may go at once."""

    event: RunEvent
    description: str
    due_at_ms: int | None
    machine: str | None = None
    dispatch_failures: int = 0
    forgiven: int = 0
    usage_ms: int = 0
    is_workers_own: bool = False


def requeue(core: Core, tx: Transaction, head: RunHead, how: Requeue, *, now_ms: int) -> Snapshot:
    """Put a run back into the queue.

    Raises:
        StaleTransitionError: it is in no state that can go back.
    """
    snapshot = snapshot_after(
        head.id,
        head.snapshot_number,
        state=next_state(head.run_state, how.event),
        status=RunStatus.PENDING,
        attempt_number=head.attempt_number,
        description=how.description,
        now_ms=now_ms,
    )
    is_ready = how.due_at_ms is None or how.due_at_ms <= now_ms
    tx.execute(
        sql.requeue,
        {
            "id": head.id,
            "state": snapshot.state.value,
            "status": snapshot.status.value,
            "snapshot_number": snapshot.number,
            "is_ready": 1 if is_ready else 0,
            "due_at_ms": None if is_ready else how.due_at_ms,
            "machine": how.machine or head.machine,
            "attempts_forgiven": head.attempts_forgiven + how.forgiven,
            "dispatch_failures": how.dispatch_failures,
            "usage_ms": min(head.usage_ms + how.usage_ms, USAGE_MS_MAX),
            "cost_in_cents": head.cost_in_cents,
            "now_ms": now_ms,
        },
    )
    record(tx, head, snapshot)
    drop_waits(core, tx, head)
    leave_line(core, tx, head)
    if is_ready:
        core.lanes.shift(tx, head.lane, ready=1)
        if core.lanes.may_go(head.environment_id):
            tx.after_commit(partial(core.bus.wake, head.environment_id))
    else:
        tx.after_commit(partial(core.alarms.delays.ring_at, how.due_at_ms))
    if head.runner_id is not None and not how.is_workers_own:
        tx.after_commit(partial(core.bus.notify, head.environment_id, head.id))
    return snapshot
