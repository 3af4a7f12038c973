"""How a change of a run is written down: its snapshot row and its row in the change feed.

The feed's kinds about runs are ``run.created`` and ``run.changed``. Their body is JSON: ``{"id",
"task", "state", "status", "attempt", "snapshot", "updatedAtMs"}``, enough to decide who cares;
``snapshot`` is the snapshot's number. Readers fetch the row for the rest.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

import msgspec

from trigger_box.domain.runs import RunState, RunStatus, status_of
from trigger_box.engine.executions import Snapshot
from trigger_box.engine.rows import RunHead
from trigger_box.ids import EnvironmentId, RunId, snapshot_id
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Row, Transaction

RUN_CREATED: Final = "run.created"
RUN_CHANGED: Final = "run.changed"

_INSERT_SNAPSHOT: Final = sql.insert_snapshot


class _Body(msgspec.Struct, rename="camel"):
    """The body of a row about a run."""

    id: str
    task: str
    state: str
    status: str
    attempt: int
    snapshot: int
    updated_at_ms: int


_encode: Final = msgspec.json.Encoder().encode


class NamedRun(Protocol):
    """What the news about a run name it by: every row about a run has these."""

    @property
    def id(self) -> RunId: ...  # noqa: D102 - as in rows.py
    @property
    def environment_id(self) -> EnvironmentId: ...  # noqa: D102 - as in rows.py
    @property
    def task(self) -> str: ...  # noqa: D102 - as in rows.py


class RunName(NamedTuple):
    """A run that has no row yet, or whose row is not needed."""

    id: RunId
    environment_id: EnvironmentId
    task: str


def record(tx: Transaction, run: NamedRun, snapshot: Snapshot, *, kind: str = RUN_CHANGED) -> None:
    """Append a snapshot to a run's log and tell the change feed of it."""
    run_id = run.id
    state, status = snapshot.state.value, snapshot.status.value
    now_ms = snapshot.created_at_ms
    tx.execute(
        _INSERT_SNAPSHOT,
        {
            "run_id": run_id,
            "number": snapshot.number,
            "state": state,
            "status": status,
            "attempt_number": snapshot.attempt_number,
            "description": snapshot.description,
            "runner_id": snapshot.runner_id,
            "now_ms": now_ms,
        },
    )
    body = _Body(run_id, run.task, state, status, snapshot.attempt_number, snapshot.number, now_ms)
    tx.feed(
        at_ms=now_ms,
        environment_id=run.environment_id,
        subject=run_id,
        kind=kind,
        body=_encode(body).decode(),
    )


def announce_unmoved(tx: Transaction, head: RunHead, *, now_ms: int) -> None:
    """Tell that something about a run changed (tags, metadata) but not its state."""
    status = status_of(head.run_state, is_parked=bool(head.is_parked), outcome=head.final_status)
    body = _Body(
        head.id,
        head.task,
        head.state,
        status.value,
        head.attempt_number,
        head.snapshot_number,
        now_ms,
    )
    tx.feed(
        at_ms=now_ms,
        environment_id=head.environment_id,
        subject=head.id,
        kind=RUN_CHANGED,
        body=_encode(body).decode(),
    )


def snapshot_of_row(run_id: RunId, row: Row) -> Snapshot:
    """Return a stored snapshot (``runs.snapshot``)."""
    number: int = row["number"]
    return Snapshot(
        id=snapshot_id(run_id, number),
        number=number,
        state=RunState(row["state"]),
        status=RunStatus(row["status"]),
        attempt_number=row["attempt_number"],
        description=row["description"],
        runner_id=row["runner_id"],
        created_at_ms=row["created_at_ms"],
    )


def snapshot_after(  # noqa: PLR0913 - what a snapshot is made of
    run_id: RunId,
    before: int,
    *,
    state: RunState,
    status: RunStatus,
    attempt_number: int,
    description: str,
    now_ms: int,
    runner_id: str | None = None,
) -> Snapshot:
    """Return the snapshot that follows number ``before`` (0: none) of a run."""
    number = before + 1
    return Snapshot(
        id=snapshot_id(run_id, number),
        number=number,
        state=state,
        status=status,
        attempt_number=attempt_number,
        description=description,
        runner_id=runner_id,
        created_at_ms=now_ms,
    )
