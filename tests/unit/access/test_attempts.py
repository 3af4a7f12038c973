from __future__ import annotations

import pytest

from tests.support.clock import ManualClock
from trigger_box.access.attempts import Allowance, Attempts, source_of
from trigger_box.domain import limits
from trigger_box.domain.errors import LimitError

THREE = Allowance(burst=3, refill_s=10)


def test_a_burst_is_allowed_then_one_more_after_each_pause() -> None:
    clock = ManualClock()
    attempts = Attempts(clock)
    for _ in range(3):
        attempts.take({"ada": THREE})

    with pytest.raises(LimitError) as caught:
        attempts.take({"ada": THREE})
    clock.advance(10_000)
    attempts.take({"ada": THREE})

    assert caught.value.details["seconds"] == 10
    assert caught.value.details["retry_after_s"] == 10
    with pytest.raises(LimitError):
        attempts.take({"ada": THREE})


def test_the_wait_that_is_told_is_the_wait_that_is_needed() -> None:
    clock = ManualClock()
    attempts = Attempts(clock)
    for _ in range(3):
        attempts.take({"ada": THREE})
        clock.advance(1_000)

    with pytest.raises(LimitError, match="Try again in 7 seconds"):
        attempts.take({"ada": THREE})
    clock.advance(7_000)

    attempts.take({"ada": THREE})


def test_a_refused_attempt_takes_nothing_from_the_other_keys() -> None:
    attempts = Attempts(ManualClock())
    one = Allowance(burst=1, refill_s=60)
    attempts.take({"address": one})

    for _ in range(5):
        with pytest.raises(LimitError):
            attempts.take({"address": one, "account": one})

    attempts.take({"account": one})


def test_keys_do_not_share_an_allowance() -> None:
    attempts = Attempts(ManualClock())
    one = Allowance(burst=1, refill_s=60)

    attempts.take({"ada": one})
    attempts.take({"bob": one})


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("unknown address", "unknown address"),
    ],
)
def test_all_addresses_of_one_ipv6_network_are_one_source(address: str, source: str) -> None:
    assert source_of(address) == source


def test_a_forgiven_key_begins_anew() -> None:
    attempts = Attempts(ManualClock())
    one = Allowance(burst=1, refill_s=60)
    attempts.take({"ada": one})

    attempts.forgive("ada")

    attempts.take({"ada": one})


def test_memory_is_bounded_however_many_addresses_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ATTEMPT_KEYS_MAX", 10)
    attempts = Attempts(ManualClock())

    for number in range(100):
        attempts.take({f"address {number}": THREE})

    assert len(attempts._empty_at_s) == 10
