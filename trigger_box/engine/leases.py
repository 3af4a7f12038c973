"""Leases: workers' signs of life, and what follows their silence.

Beats are kept in memory and stored in batches, just before anybody is judged; a restart gives all
leases a grace period instead. Source: run-engine 9, 26.3, 26.4. The timer is ``keepers/leases.py``.
"""

from __future__ import annotations

from typing import Final

from trigger_box.access.actors import Environment
from trigger_box.domain import limits, retries
from trigger_box.domain.failures import ErrorCode, InternalError
from trigger_box.domain.retries import RetryAsked
from trigger_box.domain.runs import LEASE_MS, RunEvent, RunState, RunStatus
from trigger_box.engine import settlements
from trigger_box.engine.core import Core
from trigger_box.engine.endings import Ending, finish
from trigger_box.engine.executions import FailedAttempt
from trigger_box.engine.handbacks import PutBack, forgive_attempt, put_back
from trigger_box.engine.heads import attempt_of
from trigger_box.engine.heartbeats import Beat
from trigger_box.engine.requeues import Requeue, requeue
from trigger_box.engine.rows import RunHead
from trigger_box.engine.settlements import Report
from trigger_box.ids import RunId, snapshot_number
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction

_STALL_RETRY_MS: Final = 250
_STALLED: Final = {
    RunState.EXECUTING: ErrorCode.TASK_RUN_STALLED_EXECUTING,
    RunState.EXECUTING_WITH_WAITPOINTS: ErrorCode.TASK_RUN_STALLED_EXECUTING_WITH_WAITPOINTS,
    RunState.QUEUED_EXECUTING: ErrorCode.TASK_RUN_STALLED_EXECUTING_WITH_WAITPOINTS,
}
_STALLED_TEXT: Final = (
    "The run stopped making progress: its worker sent no sign of life for "
    f"{LEASE_MS[RunState.EXECUTING] // 1_000} seconds."
)


async def heartbeat(core: Core, *, environment: Environment, run_id: str, snapshot_id: str) -> None:
    """Take a worker's sign of life. Always answered the same: a late one just changes nothing.

    It counts for any snapshot of the attempt that runs now (run-engine 9).
    """
    del environment  # the beat is matched with its run when it is stored
    run = RunId(run_id)
    number = snapshot_number(run, snapshot_id)
    if number is None:
        return
    core.heartbeats.add(run, Beat(number, core.clock.now_ms()))
    if len(core.heartbeats) >= limits.HEARTBEATS_KEPT_MAX:
        core.alarms.leases.ring()


def store_beats(tx: Transaction, beats: dict[RunId, Beat]) -> None:
    """Extend the leases of the runs that gave a sign of life in their present attempt."""
    for run_id, beat in beats.items():
        tx.execute(
            sql.extend_lease,
            {
                "id": run_id,
                "number": beat.number,
                "pending_until_ms": beat.at_ms + LEASE_MS[RunState.PENDING_EXECUTING],
                "running_until_ms": beat.at_ms + LEASE_MS[RunState.EXECUTING],
            },
        )


def judge(core: Core, tx: Transaction, head: RunHead, *, is_development: bool) -> None:
    """A lease has lapsed: decide what becomes of the run."""
    state = head.run_state
    if state is RunState.PENDING_CANCEL:
        settlements.confirm_cancel(
            core,
            tx,
            head,
            _silence(tx, head),
            reason="Worker did not confirm the cancellation in time",
        )
    elif state is RunState.PENDING_EXECUTING:
        fail_dispatch(core, tx, head, "The worker that took it did not start it")
    elif _never_arrived(tx, head):
        fail_dispatch(core, tx, head, "The worker that took it gave no sign of life")
    elif is_development:
        # People quit their dev session: nobody wants these runs again (run-engine 9).
        settlements.confirm_cancel(
            core, tx, head, _silence(tx, head), reason="The dev worker stopped responding"
        )
    else:
        _stall(core, tx, head)


def _stall(core: Core, tx: Transaction, head: RunHead) -> None:
    now_ms = core.clock.now_ms()
    attempt = attempt_of(tx, head.id, head.attempt_number)
    retry_at_ms = now_ms + _STALL_RETRY_MS
    if attempt is not None and attempt.ended_at_ms is not None:
        # It was to be retried in place and its worker has gone: that attempt never began.
        requeue(
            core,
            tx,
            head,
            Requeue(
                event=RunEvent.RETRIED_LATER,
                description="Its worker went before the retry, retrying elsewhere",
                due_at_ms=retry_at_ms,
            ),
            now_ms=now_ms,
        )
        return
    settlements.fail(
        core,
        tx,
        head,
        FailedAttempt(
            error=InternalError(code=_STALLED[head.run_state], message=_STALLED_TEXT),
            retry=RetryAsked(at_ms=retry_at_ms, delay_ms=_STALL_RETRY_MS),
            is_requeue_forced=True,
        ),
        _silence(tx, head),
    )


def _silence(tx: Transaction, head: RunHead) -> Report:
    """Return the report of a worker that says nothing: its last sign of life began the lease."""
    row = tx.one(sql.lease_of, {"id": head.id})
    assert row is not None, "a run that is judged exists"
    assert row["lease_expires_at_ms"] is not None, "a lease has lapsed"
    return Report(last_sign_ms=row["lease_expires_at_ms"] - LEASE_MS[head.run_state])


def fail_dispatch(core: Core, tx: Transaction, head: RunHead, reason: str) -> None:
    """A run was taken and no attempt began: back into the queue with backoff, or give up."""
    now_ms = core.clock.now_ms()
    failures = head.dispatch_failures + 1
    delay_ms = retries.dispatch_delay_ms(failures, random_unit=core.ids.random_unit())
    if delay_ms is None:
        forgive_attempt(tx, head, reason, now_ms=now_ms)
        has_begun = head.run_state is not RunState.PENDING_EXECUTING
        finish(
            core,
            tx,
            head,
            Ending(
                event=RunEvent.FAILED if has_begun else RunEvent.DISPATCH_GAVE_UP,
                status=RunStatus.SYSTEM_FAILURE,
                description=f"Given up: taken {failures} times and never started",
                error=InternalError(
                    code=ErrorCode.TASK_RUN_DEQUEUED_MAX_RETRIES,
                    message=f"{reason}. It was handed out {failures} times.",
                ),
            ),
            now_ms=now_ms,
        )
        return
    how = PutBack(reason=reason, dispatch_failures=failures, due_at_ms=now_ms + delay_ms)
    put_back(core, tx, head, how)


def _never_arrived(tx: Transaction, head: RunHead) -> bool:
    """Return whether an attempt was begun as it was handed out, and nobody has beaten since.

    Its first lease is as short as a dispatch's; any sign of life makes it as long as an attempt's.
    """
    attempt = attempt_of(tx, head.id, head.attempt_number)
    row = tx.one(sql.lease_of, {"id": head.id})
    if attempt is None or attempt.ended_at_ms is not None or row is None:
        return False
    lease_expires_at_ms: int = row["lease_expires_at_ms"]
    return lease_expires_at_ms < attempt.started_at_ms + LEASE_MS[RunState.EXECUTING]
