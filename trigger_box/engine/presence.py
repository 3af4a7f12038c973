"""Which environments have a live worker connected right now. In memory: it ends with the process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from trigger_box.clock import Clock
from trigger_box.domain import limits


class Presence:
    """Counts open connections of development workers. Used on the event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: Counter[str] = Counter()
        self._last_seen_s: dict[str, float] = {}

    @contextmanager
    def connected(self, environment_id: str) -> Generator[None]:
        """Count a connection while the context is open."""
        self._open[environment_id] += 1
        try:
            yield
        finally:
            self._open[environment_id] -= 1
            if not self._open[environment_id]:
                del self._open[environment_id]
            self.seen(environment_id)

    def seen(self, environment_id: str) -> None:
        """Note a sign of life from a worker that holds no connection (it polls)."""
        self._last_seen_s[environment_id] = self._clock.monotonic_s()

    def is_connected(self, environment_id: str) -> bool:
        """Return whether a worker is connected, or was a moment ago: streams reopen now and then."""
        if environment_id in self._open:
            return True
        last_s = self._last_seen_s.get(environment_id)
        if last_s is None:
            return False
        return self._clock.monotonic_s() - last_s <= limits.PRESENCE_GRACE_S
