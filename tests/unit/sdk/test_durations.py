from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from trigger_box.sdk.durations import (
    delay_text,
    duration_ms,
    duration_s,
    duration_text_ms,
    instant_text,
    seconds_text,
)
from trigger_box.sdk.errors import OptionError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1w2d3h", 788_400),
        ("90m", 5_400),
        ("1hr", 3_600),
        ("2h30m10s", 9_010),
        ("10s", 10),
        ("0s", 0),
        ("1h1h", 3_600),
    ],
)
def test_a_duration_text_means_what_the_server_makes_of_it(text: str, seconds: int) -> None:
    assert duration_text_ms(text) == seconds * 1000


@pytest.mark.parametrize(
    "text",
    ["1.5h", "1 h", "h", "", "1x", "-1h", "1h ", "\N{ARABIC-INDIC DIGIT ONE}h", "1H", "1m" * 51],
)
def test_a_text_outside_the_grammar_is_no_duration(text: str) -> None:
    assert duration_text_ms(text) is None
    with pytest.raises(OptionError, match="ttl="):
        duration_ms(text, option="ttl")


def test_seconds_and_timedeltas_are_durations() -> None:
    assert duration_ms(2, option="x") == 2_000
    assert duration_ms(0.25, option="x") == 250
    assert duration_ms(timedelta(minutes=1), option="x") == 60_000
    assert duration_ms(0.1 + 0.2, option="x") == 300


def test_a_part_of_a_second_rounds_up() -> None:
    assert duration_s(0.2, option="x") == 1
    assert duration_s("90m", option="x") == 5_400


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), True, timedelta(seconds=-1)])
def test_a_time_that_makes_no_sense_is_refused(value: float) -> None:
    with pytest.raises(OptionError, match="delay="):
        duration_ms(value, option="delay")


def test_something_that_is_no_time_is_refused_with_a_hint() -> None:
    with pytest.raises(OptionError, match="timedelta"):
        duration_ms([1], option="delay")  # type: ignore[arg-type]


def test_instants_are_utc_with_milliseconds() -> None:
    moment = datetime(2026, 1, 31, 12, 0, 0, 123_999, tzinfo=timezone(timedelta(hours=2)))

    assert instant_text(moment, option="at") == "2026-01-31T10:00:00.123Z"


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(OptionError, match="no time zone"):
        instant_text(datetime(2026, 1, 31), option="delay")  # noqa: DTZ001 - what is tested


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1h30m", "1h30m"),
        (90, "90s"),
        (timedelta(hours=1), "3600s"),
        (0.5, "2026-01-01T00:00:00.500Z"),
        (datetime(2027, 1, 1, tzinfo=UTC), "2027-01-01T00:00:00.000Z"),
        ("2027-01-01T01:00:00+01:00", "2027-01-01T00:00:00.000Z"),
    ],
)
def test_a_delay_is_spelled_for_the_wire(value: str | float, text: str) -> None:
    now_ms = 1_767_225_600_000

    assert delay_text(value, now_ms=now_ms) == text


@pytest.mark.parametrize("value", ["tomorrow", "1.5h", "2027-01-01T00:00:00"])
def test_a_delay_that_nobody_can_read_is_refused(value: str) -> None:
    with pytest.raises(OptionError, match="delay="):
        delay_text(value, now_ms=0)


def test_a_key_ttl_has_one_unit_because_the_server_ignores_others() -> None:
    assert seconds_text("1h30m", option="idempotency_key_ttl") == "5400s"
