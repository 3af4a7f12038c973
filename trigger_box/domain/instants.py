"""Instants as JavaScript reads them. Inside the box they are integer milliseconds, UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

LAST_MS: Final = 253_402_300_799_999
"""The end of the year 9999: for what comes after it clients have no digits."""
_FIRST_MS: Final = -62_135_596_800_000


@lru_cache(maxsize=4_096)
def _second(seconds: int) -> str:
    # Not strftime: its %Y has three digits for the year 999.
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def iso(at_ms: int) -> str:
    """Return an instant as ``2026-01-31T10:00:00.000Z`` (rest-api 2: UTC, milliseconds, ``Z``).

    What no calendar reaches is told as its nearest end: one such instant must not hide a page.
    """
    seconds, milliseconds = divmod(max(_FIRST_MS, min(at_ms, LAST_MS)), 1_000)
    return f"{_second(seconds)}.{milliseconds:03d}Z"
