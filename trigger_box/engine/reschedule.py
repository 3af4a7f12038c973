"""The verb "reschedule": move the instant a delayed run is due (run-engine 12.1)."""

from __future__ import annotations

from functools import partial

from trigger_box.domain.errors import RefusedError
from trigger_box.domain.runs import RunEvent, RunState, RunStatus, next_state
from trigger_box.engine.changes import record, snapshot_after
from trigger_box.engine.core import Core
from trigger_box.engine.heads import head_of
from trigger_box.engine.rows import RunHead
from trigger_box.ids import EnvironmentId, RunId
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction


class NotDelayedError(RefusedError):
    """Cannot reschedule a run that is not delayed"""  # noqa: D415 - the wire's own words

    code = "run_not_delayed"


class PastDelayError(RefusedError):
    """The delay must be in the future."""

    code = "delay_in_past"


async def reschedule(
    core: Core, environment_id: EnvironmentId, run_id: str, *, delay_until_ms: int
) -> None:
    """Make a delayed run due at another instant, sooner or later.

    Raises:
        RunNotFoundError: no such run in this environment.
        NotDelayedError: it is not waiting for its delay.
        PastDelayError: the instant is not in the future.
    """
    await core.store.write(
        partial(_reschedule, core, environment_id, RunId(run_id), delay_until_ms)
    )


def _reschedule(
    core: Core,
    environment_id: EnvironmentId,
    run_id: RunId,
    delay_until_ms: int,
    tx: Transaction,
) -> None:
    head = head_of(tx, run_id, environment_id)
    if head.run_state is not RunState.DELAYED:
        raise NotDelayedError
    if delay_until_ms <= core.clock.now_ms():
        raise PastDelayError
    move(core, tx, head, delay_until_ms=delay_until_ms)


def move(core: Core, tx: Transaction, head: RunHead, *, delay_until_ms: int) -> None:
    """Make a delayed run due at another instant, inside the writer's thread."""
    now_ms = core.clock.now_ms()
    snapshot = snapshot_after(
        head.id,
        head.snapshot_number,
        state=next_state(head.run_state, RunEvent.RESCHEDULED),
        status=RunStatus.DELAYED,
        attempt_number=head.attempt_number,
        description="Delay was rescheduled",
        now_ms=now_ms,
    )
    tx.execute(
        sql.reschedule,
        {
            "id": head.id,
            "snapshot_number": snapshot.number,
            "delay_until_ms": delay_until_ms,
            "rank_ms": delay_until_ms - head.priority_ms,
            "now_ms": now_ms,
        },
    )
    record(tx, head, snapshot)
    tx.after_commit(partial(core.alarms.delays.ring_at, delay_until_ms))
