"""What the store knows of a run and the runs below it, as far as a trace shows it.

The rows that no worker sends are made from this in ``trees.py``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from trigger_box.domain import limits
from trigger_box.domain.errors import RunNotFoundError
from trigger_box.domain.failures import (
    BuiltInError,
    CustomError,
    InternalError,
    StringError,
    TaskRunError,
    from_wire,
    is_out_of_memory,
)
from trigger_box.domain.runs import FINAL_STATUSES, RunState, RunStatus
from trigger_box.ids import EnvironmentId, RunId
from trigger_box.store.queries import traces as sql
from trigger_box.store.readers import Row
from trigger_box.store.store import Store

_ATTEMPTS_MAX: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error in the three words a trace shows."""

    name: str
    message: str
    stack_trace: str
    is_out_of_memory: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedAttempt:
    """One attempt as the store has it. ``result``: SUCCEEDED, FAILED, CANCELED, None if it runs."""

    number: int
    started_at_ms: int
    ended_at_ms: int | None
    result: str | None
    failure: Failure | None
    retry_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedRun:
    """A run as a trace shows it."""

    id: RunId
    environment_id: EnvironmentId
    task: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    parent_run_id: RunId | None
    status: RunStatus
    is_finished: bool
    is_scheduled: bool
    created_at_ms: int
    completed_at_ms: int | None
    version: str | None
    queue_name: str
    machine: str | None
    ttl: str | None
    tags: tuple[str, ...]
    failure: Failure | None
    attempts: tuple[TracedAttempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A run, and those below it that share its trace. ``is_cut``: there are more of them."""

    run: TracedRun
    below: tuple[TracedRun, ...]
    is_cut: bool

    @property
    def runs(self) -> tuple[TracedRun, ...]:
        """Return all of them, the run itself first."""
        return (self.run, *self.below)


async def read_family(
    store: Store,
    environment_id: EnvironmentId,
    run_id: RunId,
    *,
    most: int = limits.TRACE_RUNS_MAX,
) -> Family:
    """Return a run of this environment and those below it, at most ``most`` runs.

    Raises:
        RunNotFoundError: there is no such run here.
    """
    rows = await store.readers.all(
        sql.family, {"run_id": run_id, "environment_id": environment_id, "limit": most + 1}
    )
    own = next((row for row in rows if row["id"] == run_id), None)
    if own is None:
        raise RunNotFoundError
    kept = [own, *(row for row in rows if row is not own and row["trace_id"] == own["trace_id"])]
    kept = kept[:most]
    attempts = await store.readers.all(
        sql.attempts, {"run_ids": json.dumps([row["id"] for row in kept]), "limit": _ATTEMPTS_MAX}
    )
    error = await store.readers.one(sql.error, {"run_id": run_id})
    by_run: dict[str, list[TracedAttempt]] = {}
    for attempt in attempts:
        by_run.setdefault(attempt["run_id"], []).append(_attempt(attempt))
    failure = _failure(None if error is None else error["data"])
    runs = [
        _run(
            row,
            environment_id=environment_id,
            attempts=tuple(by_run.get(row["id"], ())),
            failure=failure if row is own else None,
        )
        for row in kept
    ]
    return Family(run=runs[0], below=tuple(runs[1:]), is_cut=len(rows) > most)


def _run(
    row: Row,
    *,
    environment_id: EnvironmentId,
    attempts: tuple[TracedAttempt, ...],
    failure: Failure | None,
) -> TracedRun:
    status = RunStatus(row["status"])
    annotations: dict[str, Any] = json.loads(row["annotations"])
    return TracedRun(
        id=RunId(row["id"]),
        environment_id=environment_id,
        task=row["task"],
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        parent_span_id=row["parent_span_id"],
        parent_run_id=row["parent_run_id"],
        status=status,
        # A cancel shows its outcome as soon as it is asked for; the run ends when it has stopped.
        is_finished=row["state"] == RunState.FINISHED and status in FINAL_STATUSES,
        is_scheduled=annotations.get("triggerSource") == "schedule",
        created_at_ms=row["created_at_ms"],
        completed_at_ms=row["completed_at_ms"],
        version=row["locked_version"],
        queue_name=row["queue_name"],
        machine=row["machine"],
        ttl=row["ttl"],
        tags=tuple(json.loads(row["tags"])),
        failure=failure or next((a.failure for a in reversed(attempts) if a.failure), None),
        attempts=attempts,
    )


def _attempt(row: Row) -> TracedAttempt:
    return TracedAttempt(
        number=row["number"],
        started_at_ms=row["started_at_ms"],
        ended_at_ms=row["ended_at_ms"],
        result=row["result"],
        failure=_failure(row["error"]),
        retry_at_ms=row["retry_at_ms"],
    )


def _failure(text: str | None) -> Failure | None:
    if not text:
        return None
    try:
        wire = msgspec.json.decode(text, type=dict[str, object])
    except msgspec.DecodeError:
        return None
    error = from_wire(wire)
    name, message, stack = _words(error)
    return Failure(
        name=name, message=message, stack_trace=stack, is_out_of_memory=is_out_of_memory(error)
    )


def _words(error: TaskRunError) -> tuple[str, str, str]:
    match error:
        case BuiltInError():
            return error.name, error.message, error.stack_trace
        case StringError() | CustomError():
            return "Error", error.raw, ""
        case InternalError():
            return str(error.code), error.message or str(error.code), error.stack_trace or ""
