from __future__ import annotations

import pytest

from trigger_box.domain.instants import LAST_MS, iso


def test_an_instant_is_utc_with_milliseconds_and_z():
    assert iso(1_769_853_600_000) == "2026-01-31T10:00:00.000Z"


def test_milliseconds_keep_their_leading_zeros():
    assert iso(1_769_853_600_007) == "2026-01-31T10:00:00.007Z"


def test_an_instant_before_1970_is_still_an_instant():
    assert iso(-1) == "1969-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [
        (LAST_MS, "9999-12-31T23:59:59.999Z"),
        (10**18, "9999-12-31T23:59:59.999Z"),
        (-(10**18), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_what_no_calendar_reaches_is_told_as_its_nearest_end(at_ms: int, text: str):
    assert iso(at_ms) == text
