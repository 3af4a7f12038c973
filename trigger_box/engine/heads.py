"""Looking a run up inside the writer's thread, and its current attempt."""

from __future__ import annotations

from trigger_box.domain.errors import RunNotFoundError
from trigger_box.engine.rows import AttemptRow, RunHead
from trigger_box.ids import EnvironmentId, RunId
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction


def head_of(tx: Transaction, run_id: RunId, environment_id: EnvironmentId) -> RunHead:
    """Return what decides about a run.

    Raises:
        RunNotFoundError: no such run in this environment.
    """
    row = tx.one(sql.head, {"id": run_id})
    if row is None or row["environment_id"] != environment_id:
        raise RunNotFoundError
    return RunHead._make(row)


def attempt_of(tx: Transaction, run_id: RunId, number: int) -> AttemptRow | None:
    """Return an attempt; None for number 0, before the first."""
    if number == 0:
        return None
    row = tx.one(sql.attempt, {"run_id": run_id, "number": number})
    return None if row is None else AttemptRow._make(row)
