"""A run that waits: it gives its slot away, and goes on when one of its waits is over.

Inside the writer's thread. What it waits for: ``waitpoints.py``. A run may wait for several
waitpoints at once; the first that is complete lets it go on, and the others stay. Source:
run-engine 10.2, 10.3 and 11.2.
"""

from __future__ import annotations

from functools import partial

from trigger_box.domain.errors import RefusedError
from trigger_box.domain.runs import LEASE_MS, RunEvent, RunState, RunStatus, next_state, status_of
from trigger_box.engine.changes import record, snapshot_after
from trigger_box.engine.core import Core
from trigger_box.engine.heads import head_of
from trigger_box.engine.lanes import Resuming
from trigger_box.engine.rows import RunHead
from trigger_box.ids import EnvironmentId, RunId, WaitpointId
from trigger_box.store.queries import runs as runs_sql
from trigger_box.store.queries import waits as sql
from trigger_box.store.writer import Transaction

_MAY_WAIT = frozenset(
    {RunState.EXECUTING, RunState.EXECUTING_WITH_WAITPOINTS, RunState.QUEUED_EXECUTING}
)


class NotExecutingError(RefusedError):
    """Only a run that is executing can wait."""

    code = "run_not_executing"


def may_wait(head: RunHead) -> bool:
    """Return whether a run is in a state in which its code can wait for something."""
    return head.run_state in _MAY_WAIT


def block(core: Core, tx: Transaction, head: RunHead, waitpoint_id: WaitpointId) -> None:
    """Let a run wait for a waitpoint; if that is complete already, the run is told at once.

    In development its slot is free as soon as it waits: nobody there says when a process is idle
    (run-engine 3.3). Elsewhere its worker says so: ``park``.

    Raises:
        NotExecutingError: it is in no state that can wait.
    """
    if not may_wait(head):
        raise NotExecutingError
    parameters = {"run_id": head.id, "waitpoint_id": waitpoint_id}
    known = tx.one(sql.wait, parameters)
    if known is None:
        tx.execute(sql.add_wait, parameters)
    elif known["told_number"] is not None:
        tx.execute(sql.wait_again, parameters)
    if not head.has_waited:
        tx.execute(sql.has_waited, {"id": head.id})
    if _has_something_to_tell(tx, head.id):
        go_on(core, tx, head)
    elif head.run_state is RunState.EXECUTING:
        is_parked = core.lanes.environment(tx, head.environment_id).is_development
        _move(core, tx, head, RunEvent.BLOCKED, "Run waits", is_parked=is_parked)
        if is_parked:
            _free_slot(core, tx, head)


def park(core: Core, tx: Transaction, head: RunHead) -> None:
    """The process of a waiting run is idle: give its slot away.

    For workers that say so, which development workers don't: their route comes with images.
    """
    if head.run_state is RunState.EXECUTING_WITH_WAITPOINTS and not head.is_parked:
        _move(core, tx, head, RunEvent.PARKED, "Run waits, its process is idle", is_parked=True)
        _free_slot(core, tx, head)


def go_on(core: Core, tx: Transaction, head: RunHead) -> None:
    """One of a run's waits is over: it goes on if it has, or gets, a slot; else it stands in line.

    A run that can't wait any more (it is being cancelled, or has ended) stays as it is.
    """
    match head.run_state:
        case RunState.EXECUTING:
            _tell(core, tx, head, RunEvent.WAITS_DONE)
        case RunState.EXECUTING_WITH_WAITPOINTS:
            if not head.is_parked:
                _tell(core, tx, head, RunEvent.WAITS_DONE)
            elif core.lanes.has_room(tx, head.lane):
                core.lanes.shift(tx, head.lane, running=1)
                _tell(core, tx, head, RunEvent.WAITS_DONE)
            else:
                text = "Run wants to go on and waits for a slot"
                _move(core, tx, head, RunEvent.WAITS_DONE_WITHOUT_SLOT, text, is_parked=True)
                rank = tx.one(sql.rank_of, {"id": head.id})
                assert rank is not None, "its head was read just now"
                core.lanes.queue_resume(tx, Resuming(rank["rank_ms"], head.id, head.lane))
        case _:
            return


def give_slots_back(core: Core, tx: Transaction, environment_id: EnvironmentId) -> None:
    """Slots may have become free: runs that wait to go on come first, in their old order."""
    for waiting in core.lanes.resuming(environment_id):
        if core.lanes.is_full(environment_id):
            return
        if core.lanes.has_room(tx, waiting.lane):
            core.lanes.leave_resume(tx, waiting.lane, waiting.run_id)
            core.lanes.shift(tx, waiting.lane, running=1)
            head = head_of(tx, waiting.run_id, environment_id)
            _tell(core, tx, head, RunEvent.SLOT_GRANTED)


def drop_waits(core: Core, tx: Transaction, head: RunHead) -> None:
    """A run's attempt is over: it waits for nothing, and for no slot to go on."""
    if head.has_waited:
        tx.execute(sql.drop_waits, {"run_id": head.id})
    if head.run_state is RunState.QUEUED_EXECUTING:
        core.lanes.leave_resume(tx, head.lane, head.id)


def _tell(core: Core, tx: Transaction, head: RunHead, event: RunEvent) -> None:
    """Let a run go on with a snapshot that tells of all its waits that are over."""
    number = _move(core, tx, head, event, "Run goes on", is_parked=False)
    tx.execute(sql.tell, {"run_id": head.id, "number": number})


def _has_something_to_tell(tx: Transaction, run_id: RunId) -> bool:
    return tx.one(sql.has_something_to_tell, {"run_id": run_id}) is not None


def _free_slot(core: Core, tx: Transaction, head: RunHead) -> None:
    core.lanes.shift(tx, head.lane, running=-1)
    give_slots_back(core, tx, head.environment_id)
    if core.lanes.may_go(head.environment_id):
        tx.after_commit(partial(core.bus.wake, head.environment_id))


def _move(  # noqa: PLR0913 - a move has these parts
    core: Core,
    tx: Transaction,
    head: RunHead,
    event: RunEvent,
    description: str,
    *,
    is_parked: bool,
) -> int:
    """Write a new snapshot in the same worker's hands, and tell it; return its number."""
    now_ms = core.clock.now_ms()
    state = next_state(head.run_state, event)
    status: RunStatus = status_of(state, is_parked=is_parked, outcome=None)
    snapshot = snapshot_after(
        head.id,
        head.snapshot_number,
        state=state,
        status=status,
        attempt_number=head.attempt_number,
        description=description,
        runner_id=head.runner_id,
        now_ms=now_ms,
    )
    tx.execute(
        runs_sql.keep_running,
        {
            "id": head.id,
            "state": state.value,
            "status": status.value,
            "outcome": None,
            "snapshot_number": snapshot.number,
            "is_parked": int(is_parked),
            "lease_expires_at_ms": now_ms + LEASE_MS[state],
            "usage_ms": head.usage_ms,
            "cost_in_cents": head.cost_in_cents,
            "now_ms": now_ms,
        },
    )
    record(tx, head, snapshot)
    tx.after_commit(partial(core.bus.notify, head.environment_id, head.id))
    return snapshot.number
