"""The verbs "cancel" and "disconnect". What lies below a cancelled run is the cascades keeper's.

Source: run-engine 8, cli-protocol 7 (disconnect).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec

from trigger_box.access.actors import Environment, EnvironmentType
from trigger_box.domain import limits
from trigger_box.domain.errors import DeniedError, InvalidError
from trigger_box.domain.failures import StringError
from trigger_box.domain.runs import LEASE_MS, RunEvent, RunState, RunStatus, next_state
from trigger_box.engine import settlements
from trigger_box.engine.blocking import drop_waits
from trigger_box.engine.changes import record, snapshot_after
from trigger_box.engine.core import Core
from trigger_box.engine.endings import Ending, error_text, finish
from trigger_box.engine.heads import head_of
from trigger_box.engine.packets import StoredPacket, insert_packet
from trigger_box.engine.rows import RunHead
from trigger_box.engine.settlements import Report
from trigger_box.ids import EnvironmentId, RunId
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction

BY_USER: Final = "Canceled by user"
BY_PARENT: Final = "Canceled because its parent run was canceled"
SESSION_ENDED: Final = "Dev session ended"

_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The answer to a cancel; ``is_already_finished``: there was nothing left to cancel."""

    run_id: RunId
    status: RunStatus
    is_already_finished: bool


async def cancel(
    core: Core, environment_id: EnvironmentId, run_id: str, *, reason: str | None = None
) -> Cancelled:
    """Cancel a run. One that a worker holds ends when the worker confirms; its children follow.

    Raises:
        RunNotFoundError: no such run in this environment.
    """
    return await core.store.write(partial(_cancel, core, environment_id, RunId(run_id), reason))


def _cancel(
    core: Core, environment_id: EnvironmentId, run_id: RunId, reason: str | None, tx: Transaction
) -> Cancelled:
    head = head_of(tx, run_id, environment_id)
    was_finished = head.run_state is RunState.FINISHED
    status = cancel_one(core, tx, head, reason or BY_USER)
    return Cancelled(run_id=run_id, status=status, is_already_finished=was_finished)


def cancel_one(core: Core, tx: Transaction, head: RunHead, reason: str) -> RunStatus:
    """Cancel one run, whatever its state; return its status afterwards."""
    match head.run_state:
        case RunState.FINISHED:
            assert head.final_status is not None, "a finished run has an outcome"
            return head.final_status
        case RunState.PENDING_CANCEL:
            tx.after_commit(partial(core.bus.notify, head.environment_id, head.id))
        case (
            RunState.PENDING_EXECUTING
            | RunState.EXECUTING
            | RunState.EXECUTING_WITH_WAITPOINTS
            | RunState.QUEUED_EXECUTING
        ):
            _ask_worker(core, tx, head, reason)
        case RunState.RUN_CREATED | RunState.DELAYED | RunState.QUEUED:
            finish(
                core,
                tx,
                head,
                Ending(
                    event=RunEvent.CANCEL_REQUESTED,
                    status=RunStatus.CANCELED,
                    description=reason,
                    error=StringError(raw=reason),
                ),
                now_ms=core.clock.now_ms(),
            )
    return RunStatus.CANCELED


def _ask_worker(core: Core, tx: Transaction, head: RunHead, reason: str) -> None:
    """Tell the worker to stop. The slot stays taken until it has (run-engine 3.2)."""
    now_ms = core.clock.now_ms()
    snapshot = snapshot_after(
        head.id,
        head.snapshot_number,
        state=next_state(head.run_state, RunEvent.CANCEL_REQUESTED),
        status=RunStatus.CANCELED,
        attempt_number=head.attempt_number,
        description=reason,
        runner_id=head.runner_id,
        now_ms=now_ms,
    )
    lease_expires_at_ms = now_ms + LEASE_MS[snapshot.state]
    tx.execute(
        sql.keep_running,
        {
            "id": head.id,
            "state": snapshot.state.value,
            "status": snapshot.status.value,
            "outcome": snapshot.status.value,
            "snapshot_number": snapshot.number,
            "is_parked": head.is_parked,
            "lease_expires_at_ms": lease_expires_at_ms,
            "usage_ms": head.usage_ms,
            "cost_in_cents": head.cost_in_cents,
            "now_ms": now_ms,
        },
    )
    record(tx, head, snapshot)
    drop_waits(core, tx, head)
    text = error_text(StringError(raw=reason))
    insert_packet(tx, head.id, "ERROR", StoredPacket("application/json", text, None, len(text)))
    tx.after_commit(partial(core.alarms.leases.ring_at, lease_expires_at_ms))
    tx.after_commit(partial(core.bus.notify, head.environment_id, head.id))


async def disconnect(core: Core, environment: Environment, run_ids: Sequence[str]) -> int:
    """End at once the runs that a development worker held when it went; return how many.

    Runs of the environment's branches count as its own: the watchdog that calls names no branch.

    Raises:
        DeniedError: not a development environment.
        InvalidError: too many ids.
    """
    if environment.type is not EnvironmentType.DEVELOPMENT:
        raise DeniedError("Only development environments can be disconnected.")
    if len(run_ids) > limits.DISCONNECT_RUNS_MAX:
        raise InvalidError(
            f"At most {limits.DISCONNECT_RUNS_MAX} runs can be disconnected at once, "
            f"these are {len(run_ids)}."
        )
    return await core.store.write(partial(_disconnect, core, environment.id, run_ids))


def _disconnect(
    core: Core, environment_id: EnvironmentId, run_ids: Sequence[str], tx: Transaction
) -> int:
    rows = tx.all(
        sql.held_heads,
        {
            "environment_id": environment_id,
            "run_ids": _encode(list(run_ids)).decode(),
            "limit": limits.DISCONNECT_RUNS_MAX,
        },
    )
    for row in rows:
        end_held(core, tx, RunHead._make(row), SESSION_ENDED)
    return len(rows)


def end_held(core: Core, tx: Transaction, head: RunHead, reason: str) -> None:
    """End a run whose worker is known to be gone: nobody is asked."""
    settlements.confirm_cancel(core, tx, head, Report(), reason=reason)
