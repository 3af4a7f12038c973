"""Runs whose time has come: a delay that is over, a later retry that may go."""

from __future__ import annotations

from functools import partial

from trigger_box.domain import limits
from trigger_box.domain.durations import ttl_at_ms
from trigger_box.domain.runs import RunEvent, RunState, RunStatus, next_state
from trigger_box.engine.changes import record, snapshot_after
from trigger_box.engine.core import Core
from trigger_box.engine.debounces import close_window
from trigger_box.engine.rows import RunHead
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction


async def sweep(core: Core) -> int | None:
    """Queue what is due, in slices, oldest first; return when the next is due."""
    while await core.store.write(partial(_slice, core)) == limits.SWEEP_ROWS_MAX:
        pass
    row = await core.store.readers.one(sql.next_due)
    return None if row is None else row["at_ms"]


def _slice(core: Core, tx: Transaction) -> int:
    now_ms = core.clock.now_ms()
    rows = tx.all(sql.due, {"now_ms": now_ms, "limit": limits.SWEEP_ROWS_MAX})
    for row in rows:
        head = RunHead._make(row)
        if head.run_state is RunState.DELAYED:
            _queue(core, tx, head, now_ms=now_ms)
        else:
            tx.execute(sql.make_ready, {"id": head.id})
        core.lanes.shift(tx, head.lane, ready=1)
    for environment_id in {row["environment_id"] for row in rows}:
        if core.lanes.may_go(environment_id):
            tx.after_commit(partial(core.bus.wake, environment_id))
    return len(rows)


def _queue(core: Core, tx: Transaction, head: RunHead, *, now_ms: int) -> None:
    snapshot = snapshot_after(
        head.id,
        head.snapshot_number,
        state=next_state(head.run_state, RunEvent.BECAME_DUE),
        status=RunStatus.PENDING,
        attempt_number=head.attempt_number,
        description="Delay is over",
        now_ms=now_ms,
    )
    expires_at_ms = ttl_at_ms(head.ttl, now_ms=now_ms)
    tx.execute(
        sql.enqueue,
        {
            "id": head.id,
            "state": snapshot.state.value,
            "status": snapshot.status.value,
            "snapshot_number": snapshot.number,
            "is_ready": 1,
            "due_at_ms": None,
            "ttl_at_ms": expires_at_ms,
            "queued_at_ms": now_ms,
            "now_ms": now_ms,
        },
    )
    record(tx, head, snapshot)
    close_window(tx, head.id)
    tx.after_commit(partial(core.alarms.ttl.ring_at, expires_at_ms))
