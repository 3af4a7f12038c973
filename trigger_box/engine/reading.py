"""What people and polling workers read about one run. Always from the store: true now.

Lists live in ``listing.py``; wire shapes in ``api/wire``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from trigger_box.domain import limits
from trigger_box.domain.errors import NotFoundError, RunNotFoundError
from trigger_box.domain.failures import TaskRunError, from_wire
from trigger_box.domain.packets import Packet
from trigger_box.domain.runs import FINAL_STATUSES, RunState, RunStatus
from trigger_box.engine.changes import snapshot_of_row
from trigger_box.engine.core import Core
from trigger_box.engine.executions import CompletedWait, LatestExecution, RunInfo, Snapshot
from trigger_box.engine.packets import fetch, fetch_row
from trigger_box.ids import EnvironmentId, RunId, WaitpointId, WorkerId, snapshot_number
from trigger_box.store.queries import runs as sql
from trigger_box.store.queries import waits as waits_sql
from trigger_box.store.readers import Row

_decode_tags: Final = msgspec.json.Decoder(tuple[str, ...]).decode
_decode_object: Final = msgspec.json.Decoder(dict[str, object]).decode
_decode_texts: Final = msgspec.json.Decoder(dict[str, str]).decode


class SnapshotNotFoundError(NotFoundError):
    """Snapshot not found"""  # noqa: D415 - the wire's own words

    code = "snapshot_not_found"


class RunNotFinishedError(NotFoundError):
    """Run either doesn't exist or is not finished"""  # noqa: D415 - the wire's own words

    code = "run_not_finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as it is stored. Times are ms since 1970; None means it has not happened.

    ``status`` is what people see; ``attempt_number`` is 0 before the first attempt.
    ``idempotency_key`` is the user's own where known. The four packets are None when they were not
    asked for (``with_packets``), or when there are none.
    """

    id: RunId
    environment_id: EnvironmentId
    number: int
    task: str
    state: RunState
    status: RunStatus
    status_reason: str | None
    snapshot_number: int
    attempt_number: int
    queue_name: str
    queue_id: str | None
    concurrency_key: str | None
    priority_ms: int
    ttl: str | None
    ttl_at_ms: int | None
    due_at_ms: int | None
    max_attempts: int | None
    max_duration_s: int | None
    machine: str | None
    idempotency_key: str | None
    idempotency_scope: str | None
    idempotency_expires_at_ms: int | None
    worker_id: WorkerId | None
    version: str | None
    is_version_pinned: bool
    runner_id: str | None
    parent_run_id: RunId | None
    root_run_id: RunId | None
    depth: int
    replay_of_run_id: RunId | None
    resume_parent: bool
    trace_id: str
    span_id: str
    parent_span_id: str | None
    external_trace: dict[str, str]
    is_test: bool
    tags: tuple[str, ...]
    annotations: dict[str, object]
    sdk_version: str | None
    created_at_ms: int
    updated_at_ms: int
    queued_at_ms: int | None
    delay_until_ms: int | None
    started_at_ms: int | None
    executed_at_ms: int | None
    completed_at_ms: int | None
    expired_at_ms: int | None
    usage_ms: int
    cost_in_cents: float
    base_cost_in_cents: float
    payload: Packet | None = None
    output: Packet | None = None
    metadata: Packet | None = None
    seed_metadata: Packet | None = None
    error: TaskRunError | None = None

    @property
    def is_final(self) -> bool:
        """Return whether nothing more will happen to it."""
        return self.state is RunState.FINISHED

    @property
    def is_successful(self) -> bool:
        """Return whether it completed."""
        return self.status is RunStatus.COMPLETED_SUCCESSFULLY

    @property
    def has_outcome(self) -> bool:
        """Return whether its final status is known: a cancel writes it when it is asked for."""
        return self.status in FINAL_STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class Packets:
    """The packets of one run."""

    payload: Packet | None = None
    output: Packet | None = None
    metadata: Packet | None = None
    seed_metadata: Packet | None = None
    error: TaskRunError | None = None


async def get_run(
    core: Core, environment_id: EnvironmentId, run_id: str, *, with_packets: bool = True
) -> Run:
    """Return one run of an environment.

    Raises:
        RunNotFoundError: no such run in this environment.
    """
    async with core.store.readers.view() as view:
        cursor = await view.execute(sql.run, {"id": run_id})
        row = await cursor.fetchone()
        if row is None or row["environment_id"] != environment_id:
            raise RunNotFoundError
        packets: list[Row] = []
        if with_packets:
            packets = list(await view.execute_fetchall(sql.packets_of, {"run_id": run_id}))
    return run_of_row(row, await packets_of_rows(core, packets))


async def packets_of_rows(core: Core, rows: list[Row]) -> Packets:
    """Return the packets of a run's rows; big ones are read from the blob store."""
    found: dict[str, Packet] = {row["kind"]: await fetch_row(core.store, row) for row in rows}
    error = found.get("ERROR")
    return Packets(
        payload=found.get("PAYLOAD"),
        output=found.get("OUTPUT"),
        metadata=found.get("METADATA"),
        seed_metadata=found.get("SEED_METADATA"),
        error=None
        if error is None or error.data is None
        else from_wire(_decode_object(error.data)),
    )


def run_of_row(row: Row, packets: Packets | None = None) -> Run:
    """Return the run of a row of ``runs.run`` or a list query."""
    packets = packets or Packets()
    options: dict[str, str] = (
        {} if row["idempotency_options"] is None else _decode_texts(row["idempotency_options"])
    )
    return Run(
        id=row["id"],
        environment_id=row["environment_id"],
        number=row["number"],
        task=row["task"],
        state=RunState(row["state"]),
        status=RunStatus(row["status"]),
        status_reason=row["status_reason"],
        snapshot_number=row["snapshot_number"],
        attempt_number=row["attempt_number"],
        queue_name=row["queue_name"],
        queue_id=row["queue_id"],
        concurrency_key=row["concurrency_key"] or None,
        priority_ms=row["priority_ms"],
        ttl=row["ttl"],
        ttl_at_ms=row["ttl_at_ms"],
        due_at_ms=row["due_at_ms"],
        max_attempts=row["max_attempts"],
        max_duration_s=row["max_duration_s"],
        machine=row["machine"],
        idempotency_key=options.get("key", row["idempotency_key"]),
        idempotency_scope=options.get("scope"),
        idempotency_expires_at_ms=row["idempotency_expires_at_ms"],
        worker_id=row["locked_worker_id"],
        version=row["locked_version"],
        is_version_pinned=bool(row["is_version_pinned"]),
        runner_id=row["runner_id"],
        parent_run_id=row["parent_run_id"],
        root_run_id=row["root_run_id"],
        depth=row["depth"],
        replay_of_run_id=row["replay_of_run_id"],
        resume_parent=bool(row["resume_parent"]),
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        parent_span_id=row["parent_span_id"],
        external_trace={} if row["trace_context"] is None else _decode_texts(row["trace_context"]),
        is_test=bool(row["is_test"]),
        tags=_decode_tags(row["tags"]),
        annotations=_decode_object(row["annotations"]),
        sdk_version=row["sdk_version"],
        created_at_ms=row["created_at_ms"],
        updated_at_ms=row["updated_at_ms"],
        queued_at_ms=row["queued_at_ms"],
        delay_until_ms=row["delay_until_ms"],
        started_at_ms=row["started_at_ms"],
        executed_at_ms=row["executed_at_ms"],
        completed_at_ms=row["completed_at_ms"],
        expired_at_ms=row["expired_at_ms"],
        usage_ms=row["usage_ms"],
        cost_in_cents=row["cost_in_cents"],
        base_cost_in_cents=row["base_cost_in_cents"],
        payload=packets.payload,
        output=packets.output,
        metadata=packets.metadata,
        seed_metadata=packets.seed_metadata,
        error=packets.error,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a run. ``result`` is SUCCEEDED, FAILED, CANCELED, or None while it runs."""

    number: int
    runner_id: str | None
    is_warm: bool
    started_at_ms: int
    ended_at_ms: int | None
    result: str | None
    error: TaskRunError | None
    retry_at_ms: int | None
    usage_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedRuns:
    """A run's surroundings, without packets. ``children`` are the newest ones, bounded."""

    root: Run | None
    parent: Run | None
    children: tuple[Run, ...]


async def attempts_of(
    core: Core, environment_id: EnvironmentId, run_id: str
) -> tuple[Attempt, ...]:
    """Return a run's attempts, first to last; none if there is no such run here."""
    rows = await core.store.readers.all(
        sql.attempts_of, {"run_id": run_id, "environment_id": environment_id}
    )
    return tuple(
        Attempt(
            number=row["number"],
            runner_id=row["runner_id"],
            is_warm=bool(row["is_warm"]),
            started_at_ms=row["started_at_ms"],
            ended_at_ms=row["ended_at_ms"],
            result=row["result"],
            error=None if row["error"] is None else from_wire(_decode_object(row["error"])),
            retry_at_ms=row["retry_at_ms"],
            usage_ms=row["usage_ms"],
        )
        for row in rows
    )


async def related_runs(core: Core, run: Run) -> RelatedRuns:
    """Return a run's root, parent and newest children."""
    readers = core.store.readers

    async def other(run_id: RunId | None) -> Run | None:
        if run_id is None:
            return None
        row = await readers.one(sql.run, {"id": run_id})
        return None if row is None else run_of_row(row)

    children = await readers.all(
        sql.children, {"parent_run_id": run.id, "limit": limits.CHILDREN_SHOWN_MAX}
    )
    return RelatedRuns(
        root=await other(run.root_run_id),
        parent=await other(run.parent_run_id),
        children=tuple(run_of_row(row) for row in children),
    )


async def latest_execution(
    core: Core, environment_id: EnvironmentId, run_id: str
) -> LatestExecution:
    """Return a run's newest snapshot.

    Raises:
        RunNotFoundError: no such run in this environment.
    """
    rows = await core.store.readers.all(
        sql.newest_snapshot, {"run_id": run_id, "environment_id": environment_id}
    )
    if not rows:
        raise RunNotFoundError
    return _execution_of(RunId(run_id), rows[0])


async def latest_for_worker(
    core: Core, environment_id: EnvironmentId, run_id: str
) -> LatestExecution:
    """Return a run's newest snapshot with the waits that it says are over.

    Raises:
        RunNotFoundError: no such run in this environment.
    """
    newest = await latest_execution(core, environment_id, run_id)
    return await _with_waits(core, newest, from_number=newest.snapshot.number)


async def snapshots_since(
    core: Core, environment_id: EnvironmentId, run_id: str, snapshot_id: str
) -> tuple[LatestExecution, ...]:
    """Return the snapshots made after the named one, oldest first, bounded; none: nothing is new.

    Raises:
        RunNotFoundError: no such run in this environment.
        SnapshotNotFoundError: the named snapshot is none of this run's.
    """
    run = RunId(run_id)
    number = snapshot_number(run, snapshot_id)
    newest = await latest_execution(core, environment_id, run_id)
    if number is None or not 1 <= number <= newest.snapshot.number:
        raise SnapshotNotFoundError
    rows = await core.store.readers.all(
        sql.snapshots_since,
        {"run_id": run_id, "number": number, "limit": limits.SNAPSHOTS_SINCE_MAX},
    )
    found = [_execution_of(run, row) for row in reversed(rows)]
    if found:
        # Only the last one tells, and of all that is over since: the others are not acted upon.
        found[-1] = await _with_waits(core, found[-1], from_number=number + 1)
    return tuple(found)


async def snapshots_of(
    core: Core, environment_id: EnvironmentId, run_id: str
) -> tuple[Snapshot, ...]:
    """Return a run's newest snapshots, oldest first, bounded: its life as people may read it."""
    await latest_execution(core, environment_id, run_id)
    rows = await core.store.readers.all(
        sql.snapshots_since, {"run_id": run_id, "number": 0, "limit": limits.SNAPSHOTS_SHOWN_MAX}
    )
    return tuple(snapshot_of_row(RunId(run_id), row) for row in reversed(rows))


def _execution_of(run_id: RunId, row: Row) -> LatestExecution:
    snapshot = snapshot_of_row(run_id, row)
    return LatestExecution(
        run=RunInfo(id=run_id, status=snapshot.status, attempt_number=snapshot.attempt_number),
        snapshot=snapshot,
    )


async def _with_waits(
    core: Core, execution: LatestExecution, *, from_number: int
) -> LatestExecution:
    """Add the waits that snapshots from a number on said are over, if its code goes on."""
    if execution.snapshot.state is not RunState.EXECUTING:
        return execution
    rows = await core.store.readers.all(
        waits_sql.told,
        {
            "run_id": execution.run.id,
            "from_number": from_number,
            "to_number": execution.snapshot.number,
            "limit": limits.WAITS_TOLD_MAX,
        },
    )
    if not rows:
        return execution
    return msgspec.structs.replace(
        execution, waits=tuple([await _completed_wait(core, row) for row in rows])
    )


async def _completed_wait(core: Core, row: Row) -> CompletedWait:
    output = None
    if row["output_type"] is not None:
        output = await fetch(
            core.store,
            packet_type=row["output_type"],
            data=row["output"],
            blob=row["output_blob"],
        )
    return CompletedWait(
        id=WaitpointId(row["id"]),
        kind=row["kind"],
        completed_at_ms=row["completed_at_ms"],
        output=output,
        is_error=bool(row["is_error"]),
        run_id=row["run_id"],
        due_at_ms=row["due_at_ms"] if row["kind"] == "DATETIME" else None,
        idempotency_key=row["idempotency_key"],
    )


async def finished_run(core: Core, environment_id: EnvironmentId, run_id: str) -> Run:
    """Return a run that has ended, with its packets.

    Raises:
        RunNotFinishedError: there is no such run here, or it goes on.
    """
    try:
        run = await get_run(core, environment_id, run_id)
    except RunNotFoundError as error:
        raise RunNotFinishedError from error
    if not run.is_final:
        raise RunNotFinishedError
    return run
