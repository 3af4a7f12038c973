"""Which environments have a live worker connected right now, and which versions it holds.

In memory: it ends with the process.
"""

from __future__ import annotations

from collections import Counter

from trigger_box.clock import Clock
from trigger_box.domain import limits
from trigger_box.ids import WorkerId


class Presence:
    """Counts open connections of development workers. Used on the event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: Counter[str] = Counter()
        self._last_seen_s: dict[str, float] = {}
        self._held: dict[str, list[WorkerId]] = {}

    def connected(self, environment_id: str) -> Connection:
        """Return a connection, to be entered: it counts while the context is open."""
        return Connection(self, environment_id)

    def opened(self, environment_id: str) -> None:
        """Count a connection."""
        self._open[environment_id] += 1

    def closed(self, environment_id: str) -> None:
        """Count a connection no longer."""
        self._open[environment_id] -= 1
        if not self._open[environment_id]:
            del self._open[environment_id]
        self.seen(environment_id)

    def seen(self, environment_id: str) -> None:
        """Note a sign of life from a worker that holds no connection (it polls)."""
        self._last_seen_s[environment_id] = self._clock.monotonic_s()

    def left(self, environment_id: str) -> None:
        """Note that a worker said goodbye: unless another one is there, it is not waited for."""
        self._last_seen_s.pop(environment_id, None)

    def is_connected(self, environment_id: str) -> bool:
        """Return whether a worker is connected, or was a moment ago: streams reopen at times."""
        if environment_id in self._open:
            return True
        last_s = self._last_seen_s.get(environment_id)
        if last_s is None:
            return False
        return self._clock.monotonic_s() - last_s <= limits.PRESENCE_GRACE_S

    def began(self, environment_id: str) -> None:
        """Note that a worker process has just started: it holds no version yet."""
        self._held.pop(environment_id, None)

    def registered(self, environment_id: str, worker_id: WorkerId) -> None:
        """Note that the worker process has a new version, and keeps a few older ones for a while.

        Source: cli-protocol 7: after a rebuild the npm CLI keeps at most two idle ones, and does
        not tell which when it asks for runs.
        """
        held = self._held.setdefault(environment_id, [])
        if worker_id in held:
            held.remove(worker_id)
        held.append(worker_id)
        del held[: -limits.DEV_VERSIONS_HELD_MAX]

    def held_with(self, environment_id: str, worker_id: WorkerId) -> frozenset[WorkerId]:
        """Return the versions that the worker process whose newest one is ``worker_id`` can run."""
        held = self._held.get(environment_id, [])
        return frozenset(held) if worker_id in held else frozenset((worker_id,))


class Connection:
    """A worker's connection. A class: each call for a run opens one."""

    __slots__ = ("_environment_id", "_presence")

    def __init__(self, presence: Presence, environment_id: str) -> None:
        self._presence = presence
        self._environment_id = environment_id

    def __enter__(self) -> None:
        self._presence.opened(self._environment_id)

    def __exit__(self, *_: object) -> None:
        self._presence.closed(self._environment_id)
