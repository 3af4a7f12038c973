"""Alarms of the keepers: each sleeps until its next instant, or until something is due sooner."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


class Alarm:
    """One keeper's alarm. Used on the event loop."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self._next_at_ms: int | None = None

    def set(self, next_at_ms: int | None) -> None:
        """Note when the keeper will look next by itself; None while it is looking."""
        self._next_at_ms = next_at_ms

    def ring_at(self, at_ms: int | None) -> None:
        """Something falls due at ``at_ms``: wake the keeper if it would look later than that."""
        if at_ms is not None and (self._next_at_ms is None or at_ms < self._next_at_ms):
            self.wake.set()

    def ring(self) -> None:
        """Wake the keeper now."""
        self.wake.set()


@dataclass(slots=True)
class Alarms:
    """The alarms of all keepers."""

    delays: Alarm = field(default_factory=Alarm)
    ttl: Alarm = field(default_factory=Alarm)
    leases: Alarm = field(default_factory=Alarm)
    cascades: Alarm = field(default_factory=Alarm)
    waits: Alarm = field(default_factory=Alarm)
    versions: Alarm = field(default_factory=Alarm)
