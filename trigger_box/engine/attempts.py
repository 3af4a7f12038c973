"""The verbs of an attempt: "start" and "complete". Each is one transaction.

How an attempt begins is in ``starts.py``, what follows its end in ``settlements.py``. Repeated and
stale calls get the definite answers of run-engine 26.6 and worker-protocol 3.4.
"""

from __future__ import annotations

from functools import partial

import msgspec

from trigger_box.access.actors import Environment
from trigger_box.domain.errors import RunNotFoundError, StaleTransitionError
from trigger_box.domain.runs import RunState, RunStatus
from trigger_box.engine import metadata, settlements
from trigger_box.engine.changes import snapshot_of_row
from trigger_box.engine.claims import Claim, Claimed, claim, handed_over
from trigger_box.engine.core import Core
from trigger_box.engine.executions import (
    AttemptStatus,
    Completed,
    Completion,
    FailedAttempt,
    RunInfo,
    Snapshot,
    Started,
    SucceededAttempt,
)
from trigger_box.engine.heads import attempt_of, head_and_attempt
from trigger_box.engine.metadata import MetadataChange
from trigger_box.engine.packets import StoredPacket, put_away
from trigger_box.engine.rows import AttemptRow, RunFacts, RunHead
from trigger_box.engine.settlements import Report, Settled
from trigger_box.engine.starts import Begun, Start, begin, input_packets, started
from trigger_box.ids import EnvironmentId, RunId, snapshot_number
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction

_WITH_ATTEMPT = frozenset(
    {
        RunState.EXECUTING,
        RunState.EXECUTING_WITH_WAITPOINTS,
        RunState.QUEUED_EXECUTING,
        RunState.PENDING_CANCEL,
    }
)


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's call about one run."""

    environment_id: EnvironmentId
    run_id: RunId
    named: int | None
    runner_id: str
    request_key: str | None
    is_warm: bool = False


async def start(  # noqa: PLR0913 - a worker's call has these parts
    core: Core,
    *,
    environment: Environment,
    run_id: str,
    snapshot_id: str,
    runner_id: str,
    request_key: str | None = None,
    is_warm: bool = False,
) -> Started:
    """Begin the next attempt of a run that was dequeued, or is to be retried in place.

    A repeated call (same request key, or without one the same runner) gets the same answer.

    Args:
        core: the engine.
        environment: the caller's.
        run_id: the run.
        snapshot_id: the snapshot the caller believes in.
        runner_id: who will run it.
        request_key: equal on all tries of one call.
        is_warm: whether the process has run something before.

    Raises:
        RunNotFoundError: no such run in this environment.
        StaleTransitionError: the run has moved on; the caller must leave it.
    """
    call = _call(environment, run_id, snapshot_id, runner_id, request_key, is_warm=is_warm)
    begun = await core.store.write(partial(_start, core, call))
    return await started(core, begun)


def _call(  # noqa: PLR0913 - a worker's call has these parts
    environment: Environment,
    run_id: str,
    snapshot_id: str,
    runner_id: str,
    request_key: str | None,
    *,
    is_warm: bool = False,
) -> _Call:
    run = RunId(run_id)
    return _Call(
        environment_id=environment.id,
        run_id=run,
        named=snapshot_number(run, snapshot_id),
        runner_id=runner_id,
        request_key=request_key,
        is_warm=is_warm,
    )


def _start(core: Core, call: _Call, tx: Transaction) -> Begun:
    row = tx.plain(sql.facts, {"id": call.run_id})
    facts = None if row is None else RunFacts._make(row)
    if facts is None or facts.environment_id != call.environment_id:
        raise RunNotFoundError
    state = RunState(facts.state)
    attempt = attempt_of(tx, call.run_id, facts.attempt_number)
    if state in _WITH_ATTEMPT and _is_repeated_start(attempt, call):
        assert attempt is not None
        return _begun_before(core, tx, facts, attempt)
    is_retry_in_place = (
        state is RunState.EXECUTING and attempt is not None and attempt.ended_at_ms is not None
    )
    if call.named != facts.snapshot_number or not (
        state is RunState.PENDING_EXECUTING or is_retry_in_place
    ):
        raise StaleTransitionError(state=facts.state)
    assert facts.locked_worker_id is not None, "a dequeued run is bound to a version"
    version = core.versions.of(tx, facts.locked_worker_id)
    assert version is not None, "a run keeps its version alive"
    return begin(
        core,
        tx,
        Start(
            facts=facts,
            version=version,
            task=version.tasks[facts.task],
            runner_id=call.runner_id,
            request_key=call.request_key,
            is_warm=call.is_warm,
        ),
    )


def _is_repeated_start(attempt: AttemptRow | None, call: _Call) -> bool:
    if attempt is None or attempt.ended_at_ms is not None:
        return False
    if call.request_key is not None and attempt.start_key is not None:
        return call.request_key == attempt.start_key
    return attempt.snapshot_number == call.named and attempt.runner_id == call.runner_id


def _begun_before(core: Core, tx: Transaction, facts: RunFacts, attempt: AttemptRow) -> Begun:
    """Return the answer that an accepted start got."""
    assert facts.locked_worker_id is not None, "a started run is bound to a version"
    version = core.versions.of(tx, facts.locked_worker_id)
    assert version is not None, "a run keeps its version alive"
    return Begun(
        facts=facts,
        snapshot=_stored_snapshot(tx, facts.id, attempt.snapshot_number + 1),
        attempt_number=attempt.number,
        attempt_started_at_ms=attempt.started_at_ms,
        version=version,
        task=version.tasks[facts.task],
        packets=input_packets(tx, facts.id),
    )


class _Reported(msgspec.Struct, frozen=True):
    """A completion, with its packets where they will lie."""

    completion: Completion
    output: StoredPacket | None
    flushed: MetadataChange | None
    takes: bool


class _Answer(msgspec.Struct, frozen=True):
    settled: Settled
    info: RunInfo
    next: Claimed | None


async def complete(  # noqa: PLR0913 - a worker's call has these parts
    core: Core,
    *,
    environment: Environment,
    run_id: str,
    snapshot_id: str,
    completion: Completion,
    runner_id: str,
    request_key: str | None = None,
    take: bool = False,
) -> Completed:
    """Report how an attempt ended; with ``take``, get the next run, begun, if one is ready.

    A repeated call gets the same answer. A call that names an older snapshot of the same attempt
    is taken (worker-protocol 3.4); one about an attempt that is over is refused.

    Args:
        core: the engine.
        environment: the caller's.
        run_id: the run.
        snapshot_id: the newest snapshot the caller has seen.
        completion: the result.
        runner_id: who ran it.
        request_key: equal on all tries of one call.
        take: ask for the next run in the same commit (our own worker).

    Raises:
        RunNotFoundError: no such run in this environment.
        StaleTransitionError: the run has moved on; the result is not wanted.
    """
    call = _call(environment, run_id, snapshot_id, runner_id, request_key)
    output: StoredPacket | None = None
    if isinstance(completion, SucceededAttempt):
        output = await put_away(core.store, completion.output)
    flushed = metadata.flush_of(completion.flushed_metadata)
    reported = _Reported(completion, output, flushed, takes=take)
    completing = partial(_complete, core, call, reported)
    if take:
        with core.bus.claiming(environment.id):
            answer = await core.store.write(completing)
    else:
        answer = await core.store.write(completing)
    following = None if answer.next is None else await handed_over(core, answer.next)
    return Completed(
        attempt_status=answer.settled.attempt_status,
        run=answer.info,
        snapshot=answer.settled.snapshot,
        next=following,
    )


def _complete(core: Core, call: _Call, reported: _Reported, tx: Transaction) -> _Answer:
    head, attempt = head_and_attempt(tx, call.run_id, call.environment_id)
    if not _is_wanted(head, attempt, call):
        return _answered_before(core, tx, head, call)
    if reported.flushed is not None:
        metadata.flush(tx, head, reported.flushed, now_ms=core.clock.now_ms())
    completion = reported.completion
    report = Report(
        usage_ms=None if completion.usage_ms is None else max(0, completion.usage_ms),
        named=call.named,
        request_key=call.request_key,
    )
    if head.run_state is RunState.PENDING_CANCEL:
        settled = settlements.confirm_cancel(core, tx, head, report)
    elif isinstance(completion, FailedAttempt):
        settled = settlements.fail(core, tx, head, completion, report)
    else:
        assert reported.output is not None, "a success has an output packet"
        settled = settlements.succeed(core, tx, head, reported.output, report)
    following = None
    if reported.takes and settled.attempt_status is not AttemptStatus.RETRY_IMMEDIATELY:
        following = _take_next(core, tx, head, call)
    return _Answer(settled, _info(head, settled.snapshot), following)


def _take_next(core: Core, tx: Transaction, head: RunHead, call: _Call) -> Claimed | None:
    """Take the next run for the same worker, and note it: a repeated call gets it again."""
    assert head.locked_worker_id is not None, "a started run is bound to a version"
    wanted = Claim(
        environment_id=call.environment_id,
        runner_id=call.runner_id,
        runs_max=1,
        worker_ids=frozenset({head.locked_worker_id}),
        starts=True,
    )
    for claimed in claim(core, tx, wanted):
        tx.execute(
            sql.take_next,
            {
                "run_id": head.id,
                "number": head.attempt_number,
                "next_run_id": claimed.facts.id,
            },
        )
        return claimed
    return None


def _is_wanted(head: RunHead, attempt: AttemptRow | None, call: _Call) -> bool:
    """Return whether a completion is about the attempt that runs now (worker-protocol 3.4)."""
    if head.run_state not in _WITH_ATTEMPT or call.named is None:
        return False
    if attempt is not None and attempt.ended_at_ms is None:
        first = attempt.snapshot_number + 1
    elif head.run_state is RunState.PENDING_CANCEL:
        # Cancelled between a dispatch (or a retry in place) and the start: no attempt runs.
        first = head.snapshot_number - 1
    else:
        return False
    if call.named == head.snapshot_number:
        return True
    return first <= call.named < head.snapshot_number and call.runner_id == head.runner_id


def _answered_before(core: Core, tx: Transaction, head: RunHead, call: _Call) -> _Answer:
    """Return the answer that an accepted completion got.

    Raises:
        StaleTransitionError: this call was never accepted.
    """
    row = tx.plain(
        sql.completed_attempt,
        {"run_id": head.id, "named": call.named, "request_key": call.request_key},
    )
    if row is None:
        return _confirmed_before(tx, head, call)
    attempt = AttemptRow._make(row)
    if attempt.complete_key is not None and call.request_key is not None:
        is_repeated = attempt.complete_key == call.request_key
    else:
        is_repeated = attempt.runner_id == call.runner_id
    if not is_repeated:
        raise StaleTransitionError(state=head.state)
    assert attempt.complete_status is not None, "an accepted completion has an answer"
    assert attempt.result_snapshot_number is not None, "an accepted completion has a snapshot"
    snapshot = _stored_snapshot(tx, head.id, attempt.result_snapshot_number)
    settled = Settled(AttemptStatus(attempt.complete_status), snapshot)
    return _Answer(settled, _info(head, snapshot), _taken_before(core, tx, attempt, call))


def _confirmed_before(tx: Transaction, head: RunHead, call: _Call) -> _Answer:
    """Return the answer to a repeated "cancelled" of a run that had not begun: no attempt has it.

    Raises:
        StaleTransitionError: it is something else.
    """
    attempt = attempt_of(tx, head.id, head.attempt_number)
    was_running = attempt is not None and attempt.result_snapshot_number == head.snapshot_number
    is_repeated = (
        not was_running
        and head.run_state is RunState.FINISHED
        and head.final_status is RunStatus.CANCELED
        and head.runner_id == call.runner_id
        and call.named is not None
        and head.snapshot_number - 2 <= call.named < head.snapshot_number
    )
    if not is_repeated:
        raise StaleTransitionError(state=head.state)
    snapshot = _stored_snapshot(tx, head.id, head.snapshot_number)
    settled = Settled(AttemptStatus.RUN_FINISHED, snapshot)
    return _Answer(settled, _info(head, snapshot), None)


def _taken_before(core: Core, tx: Transaction, attempt: AttemptRow, call: _Call) -> Claimed | None:
    """Return the run that went out with the lost answer, if it is this worker's still."""
    if attempt.next_run_id is None:
        return None
    row = tx.plain(sql.facts, {"id": attempt.next_run_id})
    assert row is not None, "a run that was handed over exists"
    facts = RunFacts._make(row)
    begun = attempt_of(tx, facts.id, facts.attempt_number)
    is_still_its = (
        facts.state == RunState.EXECUTING.value
        and facts.runner_id == call.runner_id
        and begun is not None
        and begun.ended_at_ms is None
    )
    if not is_still_its:
        return None
    assert begun is not None, "checked just now"
    again = _begun_before(core, tx, facts, begun)
    return Claimed(
        facts=facts._replace(attempt_number=begun.number - 1),
        version=again.version,
        snapshot=again.snapshot,
        begun=again,
    )


def _stored_snapshot(tx: Transaction, run_id: RunId, number: int) -> Snapshot:
    row = tx.one(sql.snapshot, {"run_id": run_id, "number": number})
    assert row is not None, "an accepted call leaves a snapshot"
    return snapshot_of_row(run_id, row)


def _info(head: RunHead, snapshot: Snapshot) -> RunInfo:
    return RunInfo(
        id=head.id,
        status=RunStatus(snapshot.status),
        attempt_number=snapshot.attempt_number,
    )
