import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_box.domain import limits
from trigger_box.domain.durations import (
    checked_instant_ms,
    due_ms,
    duration_ms,
    instant_ms,
    key_ttl_ms,
    ttl_at_ms,
    ttl_text,
)
from trigger_box.domain.instants import LAST_MS

NOW_MS = 1_767_225_600_000  # 2026-01-01 00:00 UTC


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1w2d3h", 788_400),
        ("90m", 5_400),
        ("1hr", 3_600),
        ("2h30m10s", 9_010),
        ("1s1s", 1),  # each unit counts once
        ("0s", 0),
    ],
)
def test_durations_follow_the_vectors_of_the_specification(text: str, seconds: int) -> None:
    assert duration_ms(text) == seconds * 1_000


@pytest.mark.parametrize(
    "text", ["1.5h", "1 h", "h", "", "1y", "-1h", "1h ", "\u0661h", "9" * 101 + "s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    assert duration_ms(text) is None


def test_a_duration_beyond_the_last_instant_is_refused() -> None:
    assert duration_ms("9" * 90 + "w") is None


@pytest.mark.parametrize(
    ("text", "ms"),
    [("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("1d", 86_400_000)],
)
def test_a_key_ttl_has_one_unit(text: str, ms: int) -> None:
    assert key_ttl_ms(text) == ms


@pytest.mark.parametrize("text", [None, "1h30m", "1w", "soon", ""])
def test_any_other_key_ttl_means_the_default(text: str | None) -> None:
    assert key_ttl_ms(text) == limits.IDEMPOTENCY_KEY_TTL_MS


@pytest.mark.parametrize(
    ("ttl", "text"),
    [
        (3_600, "1h"),
        (90, "1m30s"),
        (694_861, "1w1d1h1m1s"),
        ("10m", "10m"),
        (0, ""),
        ("0", ""),
        ("0s", ""),
        ("", None),
        (None, None),
    ],
)
def test_a_ttl_in_seconds_becomes_the_shortest_text(
    ttl: str | int | None, text: str | None
) -> None:
    assert ttl_text(ttl) == text


@given(st.integers(1, 10**9))
def test_a_ttl_text_means_the_seconds_it_came_from(seconds: int) -> None:
    text = ttl_text(seconds)

    assert text is not None
    assert duration_ms(text) == seconds * 1_000


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("2026-01-01T00:00:00.000Z", NOW_MS),
        ("2026-01-01T01:00:00+01:00", NOW_MS),
        ("2026-01-01", NOW_MS),
        ("2026-01-01T00:00:01.500", NOW_MS + 1_500),
        ("Thu, 01 Jan 2026 00:00:00 GMT", NOW_MS),
    ],
)
def test_dates_are_read_as_utc(text: str, at_ms: int) -> None:
    assert instant_ms(text) == at_ms


@pytest.mark.parametrize(
    "text", ["", "1", "tomorrow", "2026-13-01", "20260101", "0001-01-01T00:00:00+23:59"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    assert instant_ms(text) is None or text.startswith("0001")


def test_a_delay_is_a_date_or_a_duration() -> None:
    assert due_ms("2026-01-01T00:00:05Z", now_ms=NOW_MS) == NOW_MS + 5_000
    assert due_ms("5s", now_ms=NOW_MS) == NOW_MS + 5_000
    assert due_ms("soon", now_ms=NOW_MS) is None


def test_a_ttl_counts_from_now_and_nonsense_never_expires() -> None:
    assert ttl_at_ms("10m", now_ms=NOW_MS) == NOW_MS + 600_000
    assert ttl_at_ms("whenever", now_ms=NOW_MS) is None
    assert ttl_at_ms(None, now_ms=NOW_MS) is None


@pytest.mark.parametrize(
    ("number", "at_ms"),
    [(1_767_225_600_000.4, 1_767_225_600_000), (-1, -1), (253_402_300_799_999, LAST_MS)],
)
def test_an_instant_may_come_as_a_number(number: float, at_ms: int) -> None:
    assert checked_instant_ms(number) == at_ms


@pytest.mark.parametrize("number", [1e300, -1e300, 10**400, 8.65e15])
def test_an_instant_that_no_calendar_reaches_is_none(number: float) -> None:
    assert checked_instant_ms(number) is None
