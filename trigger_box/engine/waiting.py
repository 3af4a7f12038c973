"""Runs that wait for a version: looked at again when one becomes current (run-engine 6, 15)."""

from __future__ import annotations

from functools import partial

from trigger_box.domain import limits
from trigger_box.domain.durations import ttl_at_ms
from trigger_box.domain.runs import RunEvent, RunState, RunStatus, next_state
from trigger_box.engine.changes import record, snapshot_after
from trigger_box.engine.core import Core
from trigger_box.engine.lanes import EnvironmentState
from trigger_box.engine.rows import RunHead
from trigger_box.engine.versions import Version
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction


def release_pending(core: Core, tx: Transaction, state: EnvironmentState, version: Version) -> int:
    """Queue the oldest runs that waited for what this version has; return how many there were.

    At most ``limits.SWEEP_ROWS_MAX``: the versions keeper takes the rest, in slices.
    """
    rows = tx.all(
        sql.pending_for_version,
        {
            "environment_id": state.id,
            "worker_id": version.id,
            "is_development": 1 if state.is_development else 0,
            "limit": limits.SWEEP_ROWS_MAX,
        },
    )
    for row in rows:
        _release(core, tx, RunHead._make(row))
    if len(rows) == limits.SWEEP_ROWS_MAX:
        tx.after_commit(core.alarms.versions.ring)
    if rows:
        tx.after_commit(partial(core.bus.wake_all, state.id))
    return len(rows)


def _release(core: Core, tx: Transaction, head: RunHead) -> None:
    now_ms = core.clock.now_ms()
    is_early = head.delay_until_ms is not None and head.delay_until_ms > now_ms
    event = RunEvent.VERSION_FOUND_EARLY if is_early else RunEvent.VERSION_FOUND
    snapshot = snapshot_after(
        head.id,
        head.snapshot_number,
        state=next_state(RunState.RUN_CREATED, event),
        status=RunStatus.DELAYED if is_early else RunStatus.PENDING,
        attempt_number=head.attempt_number,
        description="A version that can run it was found",
        now_ms=now_ms,
    )
    # Its clock stood still while nothing could run it; a run that was locked once has none.
    is_armed = not is_early and head.started_at_ms is None
    expires_at_ms = ttl_at_ms(head.ttl, now_ms=now_ms) if is_armed else None
    tx.execute(
        sql.enqueue,
        {
            "id": head.id,
            "state": snapshot.state.value,
            "status": snapshot.status.value,
            "snapshot_number": snapshot.number,
            "is_ready": 0 if is_early else 1,
            "due_at_ms": head.delay_until_ms if is_early else None,
            "ttl_at_ms": expires_at_ms,
            "queued_at_ms": None if is_early else now_ms,
            "now_ms": now_ms,
        },
    )
    record(tx, head, snapshot)
    if is_early:
        tx.after_commit(partial(core.alarms.delays.ring_at, head.delay_until_ms))
    else:
        tx.after_commit(partial(core.alarms.ttl.ring_at, expires_at_ms))
        core.lanes.shift(tx, head.lane, ready=1)
