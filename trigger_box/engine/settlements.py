"""What follows an attempt that ended: the verdict of the core, written down.

Inside the writer's thread; shared by completions, lost leases and disconnects. The decision is
``domain/retries.py``, the ways out are ``endings.py`` and ``requeues.py``.
"""

from __future__ import annotations

from typing import Final

import msgspec

from trigger_box.domain import failures, retries
from trigger_box.domain.failures import StringError
from trigger_box.domain.retries import RetryLater, RetryNow
from trigger_box.domain.runs import LEASE_MS, RunEvent, RunState, RunStatus, next_state
from trigger_box.engine.blocking import drop_waits
from trigger_box.engine.changes import record, snapshot_after
from trigger_box.engine.core import Core
from trigger_box.engine.endings import USAGE_MS_MAX, Ending, error_text, finish
from trigger_box.engine.executions import AttemptStatus, FailedAttempt, Snapshot
from trigger_box.engine.heads import attempt_of
from trigger_box.engine.packets import StoredPacket
from trigger_box.engine.requeues import Requeue, requeue
from trigger_box.engine.rows import RunHead
from trigger_box.engine.versions import policy_of
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction

_CANCELLED_BY_WORKER: Final = "Canceled by its worker"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Who ended the attempt, and how: what a repeated call is known by.

    ``named`` is the number of the snapshot the worker named; None: the engine ended it itself.
    ``usage_ms`` is the compute time the worker reported. When it reports none, the time since the
    attempt's start counts (run-engine 19), until ``last_sign_ms`` if its worker fell silent.
    """

    usage_ms: int | None = None
    last_sign_ms: int | None = None
    named: int | None = None
    request_key: str | None = None

    @property
    def is_workers_own(self) -> bool:
        """Return whether the worker itself reported."""
        return self.named is not None


class Settled(msgspec.Struct, frozen=True):
    """What the attempt's end led to."""

    attempt_status: AttemptStatus
    snapshot: Snapshot


def succeed(
    core: Core, tx: Transaction, head: RunHead, output: StoredPacket, report: Report
) -> Settled:
    """The run is done."""
    now_ms = core.clock.now_ms()
    usage_ms = _usage_ms(tx, head, report, now_ms=now_ms)
    snapshot = finish(
        core,
        tx,
        head,
        Ending(
            event=RunEvent.SUCCEEDED,
            status=RunStatus.COMPLETED_SUCCESSFULLY,
            description="Task completed successfully",
            output=output,
            usage_ms=usage_ms,
            is_workers_own=report.is_workers_own,
        ),
        now_ms=now_ms,
    )
    settled = Settled(AttemptStatus.RUN_FINISHED, snapshot)
    _end_attempt(tx, head, _Result(name="SUCCEEDED", usage_ms=usage_ms), settled, report)
    return settled


def fail(
    core: Core,
    tx: Transaction,
    head: RunHead,
    failed: FailedAttempt,
    report: Report,
) -> Settled:
    """The attempt failed: give up, or try again now or later."""
    now_ms = core.clock.now_ms()
    usage_ms = _usage_ms(tx, head, report, now_ms=now_ms)
    error = failures.trimmed(failed.error)
    policy = policy_of(head.retry_policy)
    verdict = retries.decide(
        retries.FailedAttempt(
            error=error,
            number=head.attempt_number,
            counted=head.attempt_number - head.attempts_forgiven,
            attempts_max=head.max_attempts,
            policy=policy,
            machine=head.machine,
            retry=failed.retry,
            is_requeue_forced=failed.is_requeue_forced,
        ),
        now_ms=now_ms,
        random_unit=core.ids.random_unit(),
    )
    if isinstance(verdict, RetryNow) and head.is_parked and not core.lanes.has_room(tx, head.lane):
        # It failed while it waited, and its slot is somebody else's meanwhile.
        verdict = RetryLater(at_ms=verdict.at_ms, delay_ms=verdict.delay_ms)
    retry_at_ms: int | None = None
    match verdict:
        case retries.Cancelled():
            return confirm_cancel(core, tx, head, report)
        case retries.GiveUp(status=status):
            snapshot = finish(
                core,
                tx,
                head,
                Ending(
                    event=RunEvent.FAILED,
                    status=status,
                    description="Run failed",
                    error=error,
                    usage_ms=usage_ms,
                    is_workers_own=report.is_workers_own,
                ),
                now_ms=now_ms,
            )
            settled = Settled(AttemptStatus.RUN_FINISHED, snapshot)
        case RetryNow():
            retry_at_ms = verdict.at_ms
            settled = _retry_now(core, tx, head, verdict, usage_ms, now_ms=now_ms)
        case RetryLater():
            retry_at_ms = verdict.at_ms
            snapshot = requeue(
                core,
                tx,
                head,
                Requeue(
                    event=RunEvent.RETRIED_LATER,
                    description="Attempt failed, retrying later"
                    if verdict.machine is None
                    else f"Out of memory, retrying later on {verdict.machine}",
                    due_at_ms=verdict.at_ms,
                    machine=verdict.machine,
                    usage_ms=usage_ms,
                    is_workers_own=report.is_workers_own,
                ),
                now_ms=now_ms,
            )
            settled = Settled(AttemptStatus.RETRY_QUEUED, snapshot)
    result = _Result(
        name="FAILED", usage_ms=usage_ms, error=error_text(error), retry_at_ms=retry_at_ms
    )
    _end_attempt(tx, head, result, settled, report)
    return settled


def confirm_cancel(
    core: Core, tx: Transaction, head: RunHead, report: Report, *, reason: str | None = None
) -> Settled:
    """End a run as cancelled: its worker said so, or is gone."""
    now_ms = core.clock.now_ms()
    usage_ms = _usage_ms(tx, head, report, now_ms=now_ms)
    snapshot = finish(
        core,
        tx,
        head,
        Ending(
            event=RunEvent.CANCEL_CONFIRMED,
            status=RunStatus.CANCELED,
            description=reason or "Run was canceled",
            # A cancel that was asked for has left its reason already.
            error=None
            if head.run_state is RunState.PENDING_CANCEL
            else StringError(raw=reason or _CANCELLED_BY_WORKER),
            usage_ms=usage_ms,
            is_workers_own=report.is_workers_own,
        ),
        now_ms=now_ms,
    )
    settled = Settled(AttemptStatus.RUN_FINISHED, snapshot)
    _end_attempt(tx, head, _Result(name="CANCELED", usage_ms=usage_ms), settled, report)
    return settled


def _usage_ms(tx: Transaction, head: RunHead, report: Report, *, now_ms: int) -> int:
    """Return how long the attempt that ends has computed: as reported, or as the box saw it."""
    if report.usage_ms is not None:
        return report.usage_ms
    attempt = attempt_of(tx, head.id, head.attempt_number)
    if attempt is None or attempt.ended_at_ms is not None:
        return 0
    until_ms = now_ms if report.last_sign_ms is None else report.last_sign_ms
    return max(0, until_ms - attempt.started_at_ms)


def _retry_now(  # noqa: PLR0913 - a retry has these parts
    core: Core,
    tx: Transaction,
    head: RunHead,
    verdict: RetryNow,
    usage_ms: int,
    *,
    now_ms: int,
) -> Settled:
    snapshot = snapshot_after(
        head.id,
        head.snapshot_number,
        state=next_state(head.run_state, RunEvent.RETRIED_NOW),
        status=RunStatus.EXECUTING,
        attempt_number=head.attempt_number,
        description="Attempt failed, retrying now",
        runner_id=head.runner_id,
        now_ms=now_ms,
    )
    tx.execute(
        sql.keep_running,
        {
            "id": head.id,
            "state": snapshot.state.value,
            "status": snapshot.status.value,
            "outcome": None,
            "snapshot_number": snapshot.number,
            "is_parked": 0,
            # The worker sleeps until then and does not beat meanwhile.
            "lease_expires_at_ms": max(now_ms, verdict.at_ms) + LEASE_MS[snapshot.state],
            "usage_ms": min(head.usage_ms + usage_ms, USAGE_MS_MAX),
            "cost_in_cents": head.cost_in_cents,
            "now_ms": now_ms,
        },
    )
    record(tx, head, snapshot)
    drop_waits(core, tx, head)
    if head.is_parked:
        core.lanes.shift(tx, head.lane, running=1)
    return Settled(AttemptStatus.RETRY_IMMEDIATELY, snapshot)


class _Result(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended: SUCCEEDED, FAILED or CANCELED."""

    name: str
    usage_ms: int
    error: str | None = None
    retry_at_ms: int | None = None


def _end_attempt(
    tx: Transaction, head: RunHead, result: _Result, settled: Settled, report: Report
) -> None:
    tx.execute(
        sql.end_attempt,
        {
            "run_id": head.id,
            "number": head.attempt_number,
            "result": result.name,
            "error": result.error,
            "retry_at_ms": result.retry_at_ms,
            "usage_ms": result.usage_ms,
            "complete_key": report.request_key,
            "complete_snapshot_number": report.named,
            "complete_status": settled.attempt_status.value,
            "result_snapshot_number": settled.snapshot.number,
            "now_ms": settled.snapshot.created_at_ms,
        },
    )
