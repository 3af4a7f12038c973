from __future__ import annotations

from tests.support.clock import ManualClock
from trigger_box.domain import limits
from trigger_box.engine.presence import Presence
from trigger_box.ids import WorkerId

V1, V2, V3, V4 = (WorkerId(f"worker_{number}") for number in range(1, 5))


def test_a_worker_is_connected_while_its_stream_is_open():
    presence = Presence(ManualClock())

    with presence.connected("env"):
        assert presence.is_connected("env")
        assert not presence.is_connected("other")


def test_a_worker_that_left_is_forgotten_after_a_grace_in_which_streams_may_reopen():
    clock = ManualClock()
    presence = Presence(clock)
    with presence.connected("env"), presence.connected("env"):
        pass

    assert presence.is_connected("env")
    clock.advance(round(limits.PRESENCE_GRACE_S * 1_000) + 1)

    assert not presence.is_connected("env")


def test_a_worker_that_says_goodbye_is_gone_at_once_and_no_other():
    presence = Presence(ManualClock())
    with presence.connected("env"):
        presence.left("env")
        assert presence.is_connected("env")
    assert presence.is_connected("env")

    presence.left("env")

    assert not presence.is_connected("env")


def test_a_rebuilt_worker_still_holds_its_two_versions_before():
    presence = Presence(ManualClock())
    for version in (V1, V2, V3, V4):
        presence.registered("env", version)

    assert presence.held_with("env", V4) == {V2, V3, V4}


def test_a_version_that_comes_back_is_the_newest_again():
    presence = Presence(ManualClock())
    for version in (V1, V2, V1, V3):
        presence.registered("env", version)

    assert presence.held_with("env", V3) == {V1, V2, V3}


def test_a_worker_process_that_has_just_started_holds_nothing_of_the_one_before():
    presence = Presence(ManualClock())
    presence.registered("env", V1)
    presence.began("env")
    presence.registered("env", V2)

    assert presence.held_with("env", V2) == {V2}


def test_a_second_worker_process_is_given_only_what_it_names():
    presence = Presence(ManualClock())
    presence.registered("env", V1)

    assert presence.held_with("env", V2) == {V2}
