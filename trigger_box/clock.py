"""Time comes in through a Clock, so that tests can own it. Nobody else reads the machine's."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where the present comes from."""

    def now_ms(self) -> int:
        """Return the wall clock as milliseconds since 1970, UTC: for instants that are stored."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds that never jump: for durations that are measured."""
        ...


class SystemClock:
    """The machine's own clocks."""

    __slots__ = ()

    def now_ms(self) -> int:
        """Return milliseconds since 1970, UTC."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Return seconds on the monotonic clock."""
        return time.monotonic()
