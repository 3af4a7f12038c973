"""Who hears of committed changes: subscribers in this process, woken without polling.

A subscriber that is too slow does not hold the others up: its buffer is dropped and it is told
where to go on reading from the store (``Gap``). Nothing is lost, the rows are in ``changes``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager

from trigger_box.domain import limits
from trigger_box.store.writer import Change


class Subscription:
    """Changes as they are committed. Take them with ``next()``."""

    def __init__(self, environment_id: str | None) -> None:
        self._environment_id = environment_id
        self._buffer: deque[Change] = deque()
        self._wake = asyncio.Event()
        self.overflowed = False
        """True once changes were dropped: read on from the store after the last seen ``seq``."""

    def offer(self, change: Change) -> None:
        """Add a change, if this subscription wants it. Never blocks."""
        if self._environment_id is not None and change.environment_id != self._environment_id:
            return
        if len(self._buffer) >= limits.FEED_SUBSCRIBER_ROWS_MAX:
            self._buffer.clear()
            self.overflowed = True
        self._buffer.append(change)
        self._wake.set()

    async def next(self) -> list[Change]:
        """Wait for changes; return all that are there, oldest first."""
        while not self._buffer:
            self._wake.clear()
            await self._wake.wait()
        changes = list(self._buffer)
        self._buffer.clear()
        return changes


class Feed:
    """The committed changes of this process, handed to whoever subscribed."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    def publish(self, changes: list[Change]) -> None:
        """Hand committed changes to all subscribers. Called on the event loop."""
        for subscription in self._subscriptions:
            for change in changes:
                subscription.offer(change)

    @contextmanager
    def subscribe(self, *, environment_id: str | None = None) -> Generator[Subscription]:
        """Listen while the context is open; ``environment_id`` None means everything."""
        subscription = Subscription(environment_id)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
