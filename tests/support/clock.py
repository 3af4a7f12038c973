"""A clock that only tests move."""

from __future__ import annotations

START_MS = 1_767_225_600_000  # 2026-01-01 00:00 UTC


class ManualClock:
    """Wall and monotonic clock in one. ``advance`` moves both, ``jump`` the wall clock alone."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self._now_ms = now_ms
        self._monotonic_s = 1_000.0

    def now_ms(self) -> int:
        """Return the wall clock."""
        return self._now_ms

    def monotonic_s(self) -> float:
        """Return the monotonic clock."""
        return self._monotonic_s

    def advance(self, ms: int) -> None:
        """Let time pass."""
        assert ms >= 0, "time does not pass backwards: use jump()"
        self._now_ms += ms
        self._monotonic_s += ms / 1_000

    def jump(self, ms: int) -> None:
        """Set the wall clock forwards or back, as an administrator or a suspended host does."""
        self._now_ms += ms
