"""How a change of a run is written down: its snapshot row and its row in the change feed.

The change feed's kinds about runs are ``run.created`` and ``run.changed``. Their body is JSON:
``{"id", "task", "state", "status", "attempt", "snapshot", "updatedAtMs"}``, enough to decide who
cares; ``snapshot`` is the snapshot's number. Readers fetch the row for the rest.
"""

from __future__ import annotations

from typing import Final

import msgspec

from trigger_box.domain.runs import RunState, RunStatus, status_of
from trigger_box.engine.executions import Snapshot
from trigger_box.engine.rows import RunHead
from trigger_box.ids import EnvironmentId, RunId, snapshot_id
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Row, Transaction

RUN_CREATED: Final = "run.created"
RUN_CHANGED: Final = "run.changed"

_encode: Final = msgspec.json.Encoder().encode
_INSERT_SNAPSHOT: Final = sql.insert_snapshot


def take_snapshot(
    tx: Transaction,
    run_id: RunId,
    number: int,
    *,
    state: RunState,
    status: RunStatus,
    attempt_number: int,
    description: str,
    runner_id: str | None,
    now_ms: int,
) -> Snapshot:
    """Append a snapshot to a run's log; return it."""
    tx.execute(
        _INSERT_SNAPSHOT,
        {
            "run_id": run_id,
            "number": number,
            "state": state,
            "status": status,
            "attempt_number": attempt_number,
            "description": description,
            "runner_id": runner_id,
            "now_ms": now_ms,
        },
    )
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


def announce(
    tx: Transaction,
    environment_id: EnvironmentId,
    snapshot: Snapshot,
    run_id: RunId,
    task: str,
    *,
    now_ms: int,
    kind: str = RUN_CHANGED,
) -> None:
    """Add a row about a run to the change feed."""
    body = {
        "id": run_id,
        "task": task,
        "state": snapshot.state,
        "status": snapshot.status,
        "attempt": snapshot.attempt_number,
        "snapshot": snapshot.number,
        "updatedAtMs": now_ms,
    }
    tx.feed(
        at_ms=now_ms,
        environment_id=environment_id,
        subject=run_id,
        kind=kind,
        body=_encode(body).decode(),
    )


def announce_unmoved(tx: Transaction, head: RunHead, *, now_ms: int) -> None:
    """Tell that something about a run changed (tags, metadata) but not its state."""
    body = {
        "id": head.id,
        "task": head.task,
        "state": head.state,
        "status": status_of(
            head.run_state, is_parked=bool(head.is_parked), outcome=head.final_status
        ),
        "attempt": head.attempt_number,
        "snapshot": head.snapshot_number,
        "updatedAtMs": now_ms,
    }
    tx.feed(
        at_ms=now_ms,
        environment_id=head.environment_id,
        subject=head.id,
        kind=RUN_CHANGED,
        body=_encode(body).decode(),
    )
