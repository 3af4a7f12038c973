"""Instants as JavaScript reads them. Inside the box they are integer milliseconds, UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=4_096)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def iso(at_ms: int) -> str:
    """Return an instant as ``2026-01-31T10:00:00.000Z`` (rest-api 2: UTC, milliseconds, ``Z``)."""
    seconds, milliseconds = divmod(at_ms, 1_000)
    return f"{_second(seconds)}.{milliseconds:03d}Z"
