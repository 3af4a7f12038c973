"""The one way a run becomes final, whatever the reason: slot, packets, snapshot, news, waiters.

Inside the writer's thread. Which ending it is was decided before.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from trigger_box.domain.failures import TaskRunError, as_wire, trimmed
from trigger_box.domain.runs import RunEvent, RunState, RunStatus, holds_slot, next_state
from trigger_box.engine.blocking import drop_waits, give_slots_back
from trigger_box.engine.changes import record, snapshot_after
from trigger_box.engine.core import Core
from trigger_box.engine.executions import Snapshot
from trigger_box.engine.packets import StoredPacket, insert_packet
from trigger_box.engine.rows import RunHead
from trigger_box.engine.waitpoints import complete_run
from trigger_box.store.queries import debounces as debounces_sql
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction

_encode: Final = msgspec.json.Encoder().encode
USAGE_MS_MAX: Final = 2_147_483_647


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ends. Exactly one of ``output`` and ``error`` is set."""

    event: RunEvent
    status: RunStatus
    description: str
    output: StoredPacket | None = None
    error: TaskRunError | None = None
    usage_ms: int = 0
    is_workers_own: bool = False


def error_text(error: TaskRunError) -> str:
    """Return an error as it is stored: trimmed, JSON of the wire's object."""
    return _encode(as_wire(trimmed(error))).decode()


def finish(core: Core, tx: Transaction, head: RunHead, ending: Ending, *, now_ms: int) -> Snapshot:
    """End a run.

    Raises:
        StaleTransitionError: its state has no such ending.
    """
    snapshot = snapshot_after(
        head.id,
        head.snapshot_number,
        state=next_state(head.run_state, ending.event),
        status=ending.status,
        attempt_number=head.attempt_number,
        description=ending.description,
        runner_id=head.runner_id,
        now_ms=now_ms,
    )
    status = ending.status.value
    changed = tx.execute(
        sql.finish,
        {
            "id": head.id,
            "state": snapshot.state.value,
            "status": status,
            "outcome": status,
            "snapshot_number": snapshot.number,
            "usage_ms": min(head.usage_ms + ending.usage_ms, USAGE_MS_MAX),
            "cost_in_cents": head.cost_in_cents,
            "expired_at_ms": now_ms if ending.status is RunStatus.EXPIRED else None,
            "now_ms": now_ms,
        },
    )
    assert changed == 1, f"{head.id} was final already"
    record(tx, head, snapshot)
    if ending.output is not None:
        insert_packet(tx, head.id, "OUTPUT", ending.output)
    if ending.error is not None:
        text = error_text(ending.error)
        insert_packet(tx, head.id, "ERROR", StoredPacket("application/json", text, None, len(text)))
    drop_waits(core, tx, head)
    leave_line(core, tx, head)
    if head.is_awaited:
        has_failed = ending.status is not RunStatus.COMPLETED_SUCCESSFULLY
        complete_run(core, tx, head.id, is_error=has_failed)
    if head.run_state is RunState.DELAYED:
        tx.execute(debounces_sql.close_window, {"run_id": head.id})
    if ending.status is RunStatus.CANCELED and tx.execute(sql.begin_cascade, {"id": head.id}):
        tx.after_commit(core.alarms.cascades.ring)
    if head.runner_id is not None and not ending.is_workers_own:
        tx.after_commit(partial(core.bus.notify, head.environment_id, head.id))
    return snapshot


def leave_line(core: Core, tx: Transaction, head: RunHead) -> None:
    """Give back what the run holds: its place in line or its slot. Wake who can use it."""
    if head.is_ready:
        core.lanes.shift(tx, head.lane, ready=-1)
    elif holds_slot(head.run_state, is_parked=bool(head.is_parked)):
        core.lanes.shift(tx, head.lane, running=-1)
        give_slots_back(core, tx, head.environment_id)
        if core.lanes.may_go(head.environment_id):
            tx.after_commit(partial(core.bus.wake, head.environment_id))
