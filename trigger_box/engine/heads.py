"""Looking a run up inside the writer's thread, and its current attempt."""

from __future__ import annotations

from trigger_box.domain.errors import RunNotFoundError
from trigger_box.engine.rows import HEAD_COLUMNS, AttemptRow, RunHead
from trigger_box.ids import EnvironmentId, RunId
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction


def head_of(tx: Transaction, run_id: RunId, environment_id: EnvironmentId) -> RunHead:
    """Return what decides about a run.

    Raises:
        RunNotFoundError: no such run in this environment.
    """
    row = tx.plain(sql.head, {"id": run_id})
    head = None if row is None else RunHead._make(row)
    if head is None or head.environment_id != environment_id:
        raise RunNotFoundError
    return head


def head_and_attempt(
    tx: Transaction, run_id: RunId, environment_id: EnvironmentId
) -> tuple[RunHead, AttemptRow | None]:
    """Return a run and its present attempt, if one was ever begun, in one look.

    Raises:
        RunNotFoundError: no such run in this environment.
    """
    row = tx.plain(sql.head_with_attempt, {"id": run_id})
    if row is None:
        raise RunNotFoundError
    head = RunHead._make(row[:HEAD_COLUMNS])
    if head.environment_id != environment_id:
        raise RunNotFoundError
    return head, AttemptRow._make(row[HEAD_COLUMNS:]) if head.attempt_number else None


def attempt_of(tx: Transaction, run_id: RunId, number: int) -> AttemptRow | None:
    """Return an attempt; None for number 0, before the first."""
    if number == 0:
        return None
    row = tx.plain(sql.attempt, {"run_id": run_id, "number": number})
    return None if row is None else AttemptRow._make(row)
