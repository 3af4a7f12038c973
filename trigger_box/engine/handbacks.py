"""Runs that were taken for a caller who is gone: back into the queue, as if nobody had asked.

Nobody has executed them, so it costs them neither an attempt nor a dispatch.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from trigger_box.domain.failures import StringError
from trigger_box.domain.runs import RunEvent, RunState
from trigger_box.engine.claims import Claimed
from trigger_box.engine.core import Core
from trigger_box.engine.endings import error_text
from trigger_box.engine.heads import head_and_attempt
from trigger_box.engine.requeues import Requeue, requeue
from trigger_box.engine.rows import RunHead
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction

_REASON = "The worker that asked for it was gone"


def hand_back_later(core: Core, taking: asyncio.Future[list[Claimed]]) -> None:
    """Hand back what a claim will have taken, once it is known. For a caller who stops waiting.

    If the box stops before, or the disk is full, the leases lapse instead.
    """

    def taken(future: asyncio.Future[list[Claimed]]) -> None:
        if future.cancelled() or future.exception() is not None or not future.result():
            return
        back = core.store.submit(partial(hand_back, core, future.result()))
        back.add_done_callback(lambda done: None if done.cancelled() else done.exception())

    taking.add_done_callback(taken)


def hand_back(core: Core, claimed: list[Claimed], tx: Transaction) -> None:
    """Put runs back, unless something else has happened to them since."""
    for one in claimed:
        head, _ = head_and_attempt(tx, one.facts.id, one.facts.environment_id)
        if head.snapshot_number == one.snapshot.number:
            how = PutBack(reason=_REASON, dispatch_failures=head.dispatch_failures)
            put_back(core, tx, head, how)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """Why a run goes back, how many dispatches of it have failed by now, and when it may go."""

    reason: str
    dispatch_failures: int
    due_at_ms: int | None = None


def put_back(core: Core, tx: Transaction, head: RunHead, how: PutBack) -> None:
    """Queue a run again whose dispatch came to nothing. An attempt that never ran is forgiven."""
    now_ms = core.clock.now_ms()
    has_begun = head.run_state is RunState.EXECUTING
    forgive_attempt(tx, head, how.reason, now_ms=now_ms)
    requeue(
        core,
        tx,
        head,
        Requeue(
            event=RunEvent.RETRIED_LATER if has_begun else RunEvent.DISPATCH_FAILED,
            description=how.reason,
            due_at_ms=how.due_at_ms,
            dispatch_failures=how.dispatch_failures,
            forgiven=1 if has_begun else 0,
        ),
        now_ms=now_ms,
    )


def forgive_attempt(tx: Transaction, head: RunHead, reason: str, *, now_ms: int) -> None:
    """Note that the attempt that was begun, if one was, never reached its worker."""
    tx.execute(
        sql.forgive_attempt,
        {
            "run_id": head.id,
            "number": head.attempt_number,
            "error": error_text(StringError(raw=reason)),
            "now_ms": now_ms,
        },
    )
