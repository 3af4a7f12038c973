import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trigger_box.domain.errors import StaleTransitionError
from trigger_box.domain.runs import (
    FAILED_STATUSES,
    FINAL_STATUSES,
    LEASE_MS,
    SLOT_STATES,
    TRANSITIONS,
    RunEvent,
    RunState,
    RunStatus,
    holds_slot,
    next_state,
    status_of,
)

S, E = RunState, RunEvent


def test_every_state_has_its_row_and_every_row_leads_to_a_state() -> None:
    assert set(TRANSITIONS) == set(RunState)
    for events in TRANSITIONS.values():
        assert set(events) <= set(RunEvent)
        assert set(events.values()) <= set(RunState)


def test_nothing_follows_finished() -> None:
    assert TRANSITIONS[S.FINISHED] == {}


@pytest.mark.parametrize("event", RunEvent)
def test_every_event_happens_somewhere(event: RunEvent) -> None:
    assert any(event in events for events in TRANSITIONS.values())


def test_every_state_can_reach_the_end() -> None:
    reaches = {S.FINISHED}
    for _ in RunState:
        reaches |= {
            state for state, events in TRANSITIONS.items() if reaches & set(events.values())
        }
    assert reaches == set(RunState)


def test_every_state_but_the_last_can_be_cancelled() -> None:
    for state in set(RunState) - {S.FINISHED}:
        cancels = {E.CANCEL_REQUESTED, E.CANCEL_CONFIRMED} & set(TRANSITIONS[state])
        assert cancels, state


def test_an_event_that_is_not_in_the_table_is_stale() -> None:
    with pytest.raises(StaleTransitionError) as caught:
        next_state(S.FINISHED, E.SUCCEEDED)

    assert caught.value.details == {"state": "FINISHED", "event": "SUCCEEDED"}


def test_slot_states_have_leases_so_that_no_slot_can_leak() -> None:
    # P3: whoever holds a slot can lose its lease, and then gives the slot back.
    assert set(LEASE_MS) >= SLOT_STATES


def test_a_parked_run_holds_no_slot() -> None:
    assert holds_slot(S.EXECUTING_WITH_WAITPOINTS, is_parked=False)
    assert not holds_slot(S.EXECUTING_WITH_WAITPOINTS, is_parked=True)


@given(
    state=st.sampled_from(RunState),
    is_parked=st.booleans(),
    outcome=st.sampled_from(sorted(FINAL_STATUSES)),
)
def test_p21_the_status_is_a_function_of_what_is_stored(
    state: RunState, is_parked: bool, outcome: RunStatus
) -> None:
    has_outcome = state in {S.PENDING_CANCEL, S.FINISHED}
    status = status_of(state, is_parked=is_parked, outcome=outcome if has_outcome else None)

    assert status == status_of(state, is_parked=is_parked, outcome=outcome if has_outcome else None)
    assert (status in FINAL_STATUSES) == has_outcome


def test_only_failures_give_an_idempotency_key_back() -> None:
    assert RunStatus.COMPLETED_SUCCESSFULLY not in FAILED_STATUSES
    assert RunStatus.CANCELED not in FAILED_STATUSES
    assert RunStatus.EXPIRED in FAILED_STATUSES


def test_attempts_begin_only_where_a_worker_holds_the_run() -> None:
    begins = {state for state, events in TRANSITIONS.items() if E.STARTED in events}

    assert begins == {S.PENDING_EXECUTING, S.EXECUTING}


class RunLife(RuleBasedStateMachine):
    """Any events, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state = S.QUEUED
        self.times_finished = 0

    @rule(event=st.sampled_from(RunEvent))
    def happen(self, event: RunEvent) -> None:
        try:
            self.state = next_state(self.state, event)
        except StaleTransitionError:
            return
        self.times_finished += self.state is S.FINISHED

    @invariant()
    def p7_it_finishes_at_most_once(self) -> None:
        assert self.times_finished <= 1


TestRunLife = RunLife.TestCase


def test_two_states_never_share_a_name_with_a_status_by_accident() -> None:
    shared = {str(a) for a, b in itertools.product(RunState, RunStatus) if str(a) == str(b)}

    assert shared == {"DELAYED", "EXECUTING"}
