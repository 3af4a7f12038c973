"""Which debounce options are good, and how far a run is pushed (run-engine 12.3)."""

import pytest

from trigger_box.domain.debounce import (
    Debounce,
    DebounceMode,
    InvalidDebounceError,
    debounce_of,
    pushed_until_ms,
)


def options(**changes: str | None) -> Debounce:
    given = {"key": "k", "delay": "5s", "mode": "leading", "max_delay": None, **changes}
    return debounce_of(**given)  # type: ignore[arg-type] - wrong ones are what is tested


def test_durations_are_read_as_delays_are():
    assert options(delay="1m30s", max_delay="1h", mode="trailing") == Debounce(
        key="k", delay_ms=90_000, mode=DebounceMode.TRAILING, max_delay_ms=3_600_000
    )
    assert options().max_delay_ms is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key": ""}, "debounce.key"),
        ({"delay": "soon"}, r"debounce\.delay: 'soon'"),
        ({"delay": "0s"}, r"debounce\.delay"),
        ({"delay": "2030-01-01T00:00:00Z"}, r"debounce\.delay"),
        ({"max_delay": "later"}, r"debounce\.maxDelay: 'later'"),
        ({"max_delay": "5s"}, r"maxDelay \(5s\) must be longer than debounce\.delay \(5s\)"),
        ({"max_delay": "1s"}, "must be longer"),
    ],
)
def test_what_can_not_be_is_refused_by_name(changes: dict[str, str], words: str):
    with pytest.raises(InvalidDebounceError, match=words):
        options(**changes)


def test_a_push_goes_to_whole_seconds():
    assert pushed_until_ms(options(), created_at_ms=0, delay_until_ms=5_000, now_ms=1_999) == 6_000


def test_p13_a_push_never_makes_a_run_earlier():
    short = options(delay="1s")

    assert pushed_until_ms(short, created_at_ms=0, delay_until_ms=60_000, now_ms=5_000) == 60_000


def test_a_run_is_pushed_up_to_its_longest_delay_and_no_further():
    bounded = options(max_delay="10s")

    assert pushed_until_ms(bounded, created_at_ms=0, delay_until_ms=5_000, now_ms=5_000) == 10_000
    assert pushed_until_ms(bounded, created_at_ms=0, delay_until_ms=5_000, now_ms=6_000) is None
