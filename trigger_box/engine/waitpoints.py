"""What runs wait for: another run's end, an instant, somebody's word. Made, found, completed.

Inside the writer's thread. How a run waits and goes on: ``blocking.py``. Source: run-engine 10.
"""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import NamedTuple

from trigger_box.domain import limits
from trigger_box.engine.blocking import go_on
from trigger_box.engine.core import Core
from trigger_box.engine.packets import StoredPacket
from trigger_box.engine.rows import RunHead
from trigger_box.ids import EnvironmentId, RunId, WaitpointId
from trigger_box.store.queries import runs as runs_sql
from trigger_box.store.queries import waits as sql
from trigger_box.store.writer import Transaction


class WaitpointKind(StrEnum):
    """What completes it. The names are the wire's."""

    RUN = "RUN"
    DATETIME = "DATETIME"
    MANUAL = "MANUAL"


class Waitpoint(NamedTuple):
    """A row of ``waits.waitpoint``."""

    id: WaitpointId
    environment_id: EnvironmentId
    kind: str
    run_id: RunId | None
    due_at_ms: int | None
    completed_at_ms: int | None
    is_error: int
    output_type: str | None
    output: str | None
    output_blob: str | None
    idempotency_key: str | None
    idempotency_expires_at_ms: int | None
    tags: str
    created_at_ms: int

    @property
    def is_complete(self) -> bool:
        """Return whether what is waited for has happened."""
        return self.completed_at_ms is not None


class NewWaitpoint(NamedTuple):
    """A waitpoint to be made."""

    environment_id: EnvironmentId
    kind: WaitpointKind
    run_id: RunId | None = None
    due_at_ms: int | None = None
    completed_at_ms: int | None = None
    is_error: bool = False
    idempotency_key: str | None = None
    idempotency_expires_at_ms: int | None = None
    tags: str = "[]"


def make(core: Core, tx: Transaction, new: NewWaitpoint) -> WaitpointId:
    """Store a new waitpoint; its alarm rings when it is due."""
    waitpoint_id = core.ids.waitpoint()
    tx.execute(
        sql.insert_waitpoint,
        {**new._asdict(), "id": waitpoint_id, "now_ms": core.clock.now_ms()},
    )
    if new.due_at_ms is not None and new.completed_at_ms is None:
        tx.after_commit(partial(core.alarms.waits.ring_at, new.due_at_ms))
    return waitpoint_id


def get(tx: Transaction, waitpoint_id: str) -> Waitpoint | None:
    """Return a waitpoint, None if there is none."""
    row = tx.one(sql.waitpoint, {"id": waitpoint_id})
    return None if row is None else Waitpoint._make(row)


def of_key(tx: Transaction, environment_id: str, key: str, *, now_ms: int) -> Waitpoint | None:
    """Return the waitpoint that has an idempotency key; one whose time is over gives it up."""
    row = tx.one(sql.waitpoint_of_key, {"environment_id": environment_id, "idempotency_key": key})
    if row is None:
        return None
    found = Waitpoint._make(row)
    expires_at_ms = found.idempotency_expires_at_ms
    if expires_at_ms is not None and expires_at_ms <= now_ms:
        tx.execute(sql.release_key, {"id": found.id})
        return None
    return found


def of_run(core: Core, tx: Transaction, head: RunHead) -> WaitpointId:
    """Return the waitpoint that stands for a run's end; it is made when first wanted."""
    row = tx.one(sql.waitpoint_of_run, {"run_id": head.id})
    if row is not None:
        return Waitpoint._make(row).id
    tx.execute(sql.set_awaited, {"id": head.id})
    ended_at_ms = head.completed_at_ms
    return make(
        core,
        tx,
        NewWaitpoint(
            environment_id=head.environment_id,
            kind=WaitpointKind.RUN,
            run_id=head.id,
            completed_at_ms=ended_at_ms,
            is_error=ended_at_ms is not None and head.has_failed,
        ),
    )


def complete(
    core: Core,
    tx: Transaction,
    waitpoint_id: WaitpointId,
    *,
    output: StoredPacket | None = None,
    is_error: bool = False,
) -> bool:
    """Complete a waitpoint and let those go on who wait for it; return whether it was pending.

    The first completion counts. Very many who wait are told in slices: the keeper goes on.
    """
    changed = tx.execute(
        sql.complete,
        {
            "id": waitpoint_id,
            "is_error": int(is_error),
            "is_spreading": 0,
            "output_type": None if output is None else output.type,
            "output": None if output is None else output.data,
            "output_blob": None if output is None else output.blob,
            "now_ms": core.clock.now_ms(),
        },
    )
    if changed and not spread(core, tx, waitpoint_id):
        tx.execute(sql.set_spreading, {"id": waitpoint_id, "is_spreading": 1})
        tx.after_commit(core.alarms.waits.ring)
    return bool(changed)


def complete_run(core: Core, tx: Transaction, run_id: RunId, *, is_error: bool) -> None:
    """A run that somebody waits for has ended."""
    row = tx.one(sql.waitpoint_of_run, {"run_id": run_id})
    assert row is not None, "a run that is awaited has a waitpoint"
    complete(core, tx, Waitpoint._make(row).id, is_error=is_error)


def spread(core: Core, tx: Transaction, waitpoint_id: WaitpointId) -> bool:
    """Let a slice of those go on who wait for a completed waitpoint; return whether it was all."""
    rows = tx.all(sql.waiting_runs, {"waitpoint_id": waitpoint_id, "limit": limits.SWEEP_ROWS_MAX})
    for row in rows:
        head = tx.plain(runs_sql.head, {"id": row["run_id"]})
        assert head is not None, "the waits of a run go with it"
        go_on(core, tx, RunHead._make(head))
    return len(rows) < limits.SWEEP_ROWS_MAX
