"""The life of a run as one table: states, events, and what each state means for slot and lease.

Source: run-engine 3.3 of the specification this box is built to. What people see (``RunStatus``)
is a projection of the stored state, never stored on its own authority. Who decides *which* event
happened (retry or give up, requeue or fail) lives in ``domain/retries.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from trigger_box.domain.errors import StaleTransitionError


class RunState(StrEnum):
    """Where a run is. The names are the wire's (``executionStatus`` of a snapshot)."""

    RUN_CREATED = "RUN_CREATED"
    DELAYED = "DELAYED"
    QUEUED = "QUEUED"
    PENDING_EXECUTING = "PENDING_EXECUTING"
    EXECUTING = "EXECUTING"
    EXECUTING_WITH_WAITPOINTS = "EXECUTING_WITH_WAITPOINTS"
    QUEUED_EXECUTING = "QUEUED_EXECUTING"
    PENDING_CANCEL = "PENDING_CANCEL"
    FINISHED = "FINISHED"


class RunEvent(StrEnum):
    """What can happen to a run. Past tense: the decision has been made."""

    VERSION_FOUND = "VERSION_FOUND"
    VERSION_FOUND_EARLY = "VERSION_FOUND_EARLY"
    PARK_EXPIRED = "PARK_EXPIRED"
    BECAME_DUE = "BECAME_DUE"
    RESCHEDULED = "RESCHEDULED"
    DEQUEUED = "DEQUEUED"
    CANNOT_RUN = "CANNOT_RUN"
    EXPIRED = "EXPIRED"
    STARTED = "STARTED"
    DISPATCH_FAILED = "DISPATCH_FAILED"
    DISPATCH_GAVE_UP = "DISPATCH_GAVE_UP"
    SUCCEEDED = "SUCCEEDED"
    RETRIED_NOW = "RETRIED_NOW"
    RETRIED_LATER = "RETRIED_LATER"
    FAILED = "FAILED"
    BLOCKED = "BLOCKED"
    PARKED = "PARKED"
    WAITS_DONE = "WAITS_DONE"
    WAITS_DONE_WITHOUT_SLOT = "WAITS_DONE_WITHOUT_SLOT"
    SLOT_GRANTED = "SLOT_GRANTED"
    CANCEL_REQUESTED = "CANCEL_REQUESTED"
    CANCEL_CONFIRMED = "CANCEL_CONFIRMED"


class RunStatus(StrEnum):
    """What people and SDKs see: the internal names (rest-api 12 maps them to the API's words)."""

    DELAYED = "DELAYED"
    PENDING = "PENDING"
    PENDING_VERSION = "PENDING_VERSION"
    DEQUEUED = "DEQUEUED"
    EXECUTING = "EXECUTING"
    WAITING_TO_RESUME = "WAITING_TO_RESUME"
    COMPLETED_SUCCESSFULLY = "COMPLETED_SUCCESSFULLY"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"
    CANCELED = "CANCELED"
    CRASHED = "CRASHED"
    SYSTEM_FAILURE = "SYSTEM_FAILURE"
    TIMED_OUT = "TIMED_OUT"
    EXPIRED = "EXPIRED"


FINAL_STATUSES: Final[frozenset[RunStatus]] = frozenset(
    {
        RunStatus.COMPLETED_SUCCESSFULLY,
        RunStatus.COMPLETED_WITH_ERRORS,
        RunStatus.CANCELED,
        RunStatus.CRASHED,
        RunStatus.SYSTEM_FAILURE,
        RunStatus.TIMED_OUT,
        RunStatus.EXPIRED,
    }
)
"""The outcomes a FINISHED run can have. A cancel writes its outcome already when requested."""

FAILED_STATUSES: Final[frozenset[RunStatus]] = FINAL_STATUSES - {
    RunStatus.COMPLETED_SUCCESSFULLY,
    RunStatus.CANCELED,
}
"""Outcomes that release an idempotency key (run-engine 2)."""

_S = RunState
_E = RunEvent

_RUNNING_EXITS: Final[Mapping[RunEvent, RunState]] = {
    _E.SUCCEEDED: _S.FINISHED,
    _E.FAILED: _S.FINISHED,
    _E.RETRIED_LATER: _S.QUEUED,
    _E.CANCEL_REQUESTED: _S.PENDING_CANCEL,
    # A worker may report "cancelled" before anybody asked (its process was told directly).
    _E.CANCEL_CONFIRMED: _S.FINISHED,
}

TRANSITIONS: Final[Mapping[RunState, Mapping[RunEvent, RunState]]] = {
    _S.RUN_CREATED: {
        _E.VERSION_FOUND: _S.QUEUED,
        _E.VERSION_FOUND_EARLY: _S.DELAYED,
        _E.PARK_EXPIRED: _S.FINISHED,
        _E.EXPIRED: _S.FINISHED,
        _E.CANCEL_REQUESTED: _S.FINISHED,
    },
    _S.DELAYED: {
        _E.BECAME_DUE: _S.QUEUED,
        _E.RESCHEDULED: _S.DELAYED,
        _E.CANCEL_REQUESTED: _S.FINISHED,
    },
    _S.QUEUED: {
        _E.DEQUEUED: _S.PENDING_EXECUTING,
        _E.CANNOT_RUN: _S.RUN_CREATED,
        _E.EXPIRED: _S.FINISHED,
        _E.CANCEL_REQUESTED: _S.FINISHED,
    },
    _S.PENDING_EXECUTING: {
        _E.STARTED: _S.EXECUTING,
        _E.DISPATCH_FAILED: _S.QUEUED,
        _E.DISPATCH_GAVE_UP: _S.FINISHED,
        _E.FAILED: _S.FINISHED,
        _E.CANCEL_REQUESTED: _S.PENDING_CANCEL,
        # The worker said good-bye before it began (a dev session that ended).
        _E.CANCEL_CONFIRMED: _S.FINISHED,
    },
    _S.EXECUTING: {
        **_RUNNING_EXITS,
        # A new snapshot in the same attempt; the worker starts the next attempt from it.
        _E.RETRIED_NOW: _S.EXECUTING,
        _E.STARTED: _S.EXECUTING,
        _E.BLOCKED: _S.EXECUTING_WITH_WAITPOINTS,
        # What it waits for is there already, or one of several waits is over while it goes on.
        _E.WAITS_DONE: _S.EXECUTING,
    },
    _S.EXECUTING_WITH_WAITPOINTS: {
        **_RUNNING_EXITS,
        _E.RETRIED_NOW: _S.EXECUTING,
        _E.BLOCKED: _S.EXECUTING_WITH_WAITPOINTS,
        _E.PARKED: _S.EXECUTING_WITH_WAITPOINTS,
        _E.WAITS_DONE: _S.EXECUTING,
        _E.WAITS_DONE_WITHOUT_SLOT: _S.QUEUED_EXECUTING,
    },
    _S.QUEUED_EXECUTING: {
        **_RUNNING_EXITS,
        _E.SLOT_GRANTED: _S.EXECUTING,
    },
    _S.PENDING_CANCEL: {
        _E.CANCEL_CONFIRMED: _S.FINISHED,
    },
    _S.FINISHED: {},
}
"""State, event → next state. A missing entry is the rule: the message is late or repeated."""


def next_state(state: RunState, event: RunEvent) -> RunState:
    """Return the state after ``event``.

    Raises:
        StaleTransitionError: the table has no such move (a late or repeated message).
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise StaleTransitionError(state=str(state), event=str(event)) from None


SLOT_STATES: Final[frozenset[RunState]] = frozenset(
    {
        _S.PENDING_EXECUTING,
        _S.EXECUTING,
        _S.EXECUTING_WITH_WAITPOINTS,
        _S.PENDING_CANCEL,
    }
)
"""States that hold one slot of the environment and of the queue, unless the run is parked."""


def holds_slot(state: RunState, *, is_parked: bool) -> bool:
    """Return whether a run in this state takes a slot (run-engine 3.3)."""
    return state in SLOT_STATES and not is_parked


LEASE_MS: Final[Mapping[RunState, int]] = {
    _S.PENDING_EXECUTING: 60_000,
    _S.EXECUTING: 300_000,
    _S.EXECUTING_WITH_WAITPOINTS: 300_000,
    _S.QUEUED_EXECUTING: 300_000,
    _S.PENDING_CANCEL: 60_000,
}
"""Silence allowed in a state before the core decides, in ms (run-engine 9). Absent: no lease."""


def status_of(state: RunState, *, is_parked: bool, outcome: RunStatus | None) -> RunStatus:
    """Return the status people see. A pure projection of what is stored (run-engine 2, P21).

    Args:
        outcome: the final status; set when FINISHED, and already when a cancel was requested.
    """
    match state:
        case RunState.RUN_CREATED:
            return RunStatus.PENDING_VERSION
        case RunState.DELAYED:
            return RunStatus.DELAYED
        case RunState.QUEUED:
            return RunStatus.PENDING
        case RunState.PENDING_EXECUTING:
            return RunStatus.DEQUEUED
        case RunState.EXECUTING | RunState.EXECUTING_WITH_WAITPOINTS:
            return RunStatus.WAITING_TO_RESUME if is_parked else RunStatus.EXECUTING
        case RunState.QUEUED_EXECUTING:
            return RunStatus.WAITING_TO_RESUME
        case RunState.PENDING_CANCEL | RunState.FINISHED:
            assert outcome is not None, f"a run in {state} has an outcome"
            return outcome
