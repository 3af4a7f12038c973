"""Runs as rows of the dashboard: words for statuses, kinds and languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

import msgspec

from trigger_box.api.dashboard.shapes import Language, RelatedRun, RunRow, Status, TaskKind
from trigger_box.api.wire.runs import api_status
from trigger_box.domain.runs import RunStatus
from trigger_box.engine.core import Core
from trigger_box.engine.reading import Run
from trigger_box.ids import EnvironmentId
from trigger_box.store.queries import dashboard as sql

_encode: Final = msgspec.json.Encoder().encode

TaskMark = tuple[TaskKind, Language | None]
_UNKNOWN: Final[TaskMark] = ("standard", None)
_KINDS: Final[Mapping[str, TaskKind]] = {
    "STANDARD": "standard",
    "SCHEDULED": "scheduled",
    "AGENT": "agent",
    "WEBHOOK": "webhook",
}


def status_word(status: RunStatus) -> Status:
    """Return the API's word for a status, which is also the dashboard's."""
    return cast("Status", api_status(status, is_current=True))


def kind_of(trigger_source: str | None) -> TaskKind:
    """Return what kind of task a registration declared."""
    return _KINDS.get(trigger_source or "", "standard")


def language_of(runtime: str | None) -> Language | None:
    """Return the language of a version by its runtime, None if it did not say."""
    if not runtime:
        return None
    return "python" if runtime.startswith("python") else "typescript"


async def marks_of(
    core: Core, environment_id: EnvironmentId, runs: Iterable[Run]
) -> dict[str, TaskMark]:
    """Return kind and language of the runs' tasks, by run id.

    A run that is bound to no version yet counts as of the one that it would go to now.
    """
    runs = list(runs)
    current: str | None = None
    if any(run.worker_id is None for run in runs):
        row = await core.store.readers.one(sql.current_version, {"environment_id": environment_id})
        current = None if row is None else row["id"]
    pairs = {run.id: (run.worker_id or current, run.task) for run in runs}
    wanted = sorted({pair for pair in pairs.values() if pair[0] is not None})
    rows = await core.store.readers.all(sql.task_facts, {"pairs": _encode(wanted).decode()})
    found: dict[tuple[str | None, str], TaskMark] = {
        (row["worker_id"], row["task"]): (
            kind_of(row["trigger_source"]),
            language_of(row["runtime"]),
        )
        for row in rows
    }
    return {run_id: found.get(pair, _UNKNOWN) for run_id, pair in pairs.items()}


def row_of(run: Run, mark: TaskMark) -> RunRow:
    """Return the row of a run."""
    kind, language = mark
    return RunRow(
        id=run.id,
        version=run.snapshot_number,
        status=status_word(run.status),
        is_cancellable=not run.has_outcome,
        task=run.task,
        task_kind=kind,
        language=language,
        task_version=run.version,
        queue=run.queue_name,
        concurrency_key=run.concurrency_key,
        tags=list(run.tags),
        is_test=run.is_test,
        parent_id=run.parent_run_id,
        attempt_number=run.attempt_number,
        created_at_ms=run.created_at_ms,
        delay_until_ms=run.delay_until_ms,
        queued_at_ms=run.queued_at_ms,
        dequeued_at_ms=run.started_at_ms,
        started_at_ms=run.executed_at_ms,
        finished_at_ms=run.completed_at_ms,
        usage_ms=run.usage_ms,
    )


async def rows_of(core: Core, environment_id: EnvironmentId, runs: Sequence[Run]) -> list[RunRow]:
    """Return the rows of some runs of one environment, in their order."""
    if not runs:
        return []
    marks = await marks_of(core, environment_id, runs)
    return [row_of(run, marks[run.id]) for run in runs]


def related_of(run: Run) -> RelatedRun:
    """Return a run in short."""
    return RelatedRun(
        id=run.id,
        task=run.task,
        status=status_word(run.status),
        created_at_ms=run.created_at_ms,
    )
