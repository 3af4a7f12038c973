from __future__ import annotations

import pytest

from trigger_box.domain import limits
from trigger_box.telemetry.tail import Tail


def test_rows_are_found_by_run_in_order_of_arrival() -> None:
    tail = Tail(since_ms=0)
    tail.add(1, received_ms=10, key="run_a", line=b"one")
    tail.add(2, received_ms=11, key="run_b", line=b"two")
    tail.add(3, received_ms=12, key="run_a", line=b"three")

    assert tail.lines(["run_a"]) == [b"one", b"three"]
    assert tail.lines(["run_b", "run_c"]) == [b"two"]


def test_loaded_rows_leave_and_the_rest_stays() -> None:
    tail = Tail(since_ms=0)
    for seq in range(1, 5):
        tail.add(seq, received_ms=seq * 10, key="run_a", line=b"%d" % seq)

    tail.loaded(2)

    assert tail.lines(["run_a"]) == [b"3", b"4"]
    assert tail.count == 2
    assert tail.bytes == 2


def test_it_covers_a_run_only_if_nothing_of_it_can_have_left() -> None:
    tail = Tail(since_ms=100)
    assert not tail.covers(100, now_ms=500)
    assert tail.covers(101, now_ms=500)

    tail.add(1, received_ms=150, key="run_a", line=b"x")
    tail.loaded(1)

    assert not tail.covers(150, now_ms=500)
    assert tail.covers(151, now_ms=500)
    assert not tail.covers(501, now_ms=500)  # the clock was set back


def test_a_tail_that_is_never_loaded_stays_bounded_and_says_that_it_has_a_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "TELEMETRY_TAIL_BYTES_MAX", 100)
    tail = Tail(since_ms=0)
    for seq in range(1, 101):
        tail.add(seq, received_ms=seq, key="run_a", line=b"0123456789")

    assert tail.bytes == 100
    assert tail.has_gap

    tail.loaded(90)

    assert not tail.has_gap
