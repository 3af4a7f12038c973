"""Who waits for new rows of a run. Woken on the event loop, nobody polls."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable
from contextlib import contextmanager


class Watch:
    """Tells that rows came in since the last look."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()

    async def changed(self) -> None:
        """Wait until rows have come in since the last call, then return. Never misses one."""
        await self._wake.wait()
        self._wake.clear()

    def wake(self) -> None:
        """Tell the watcher."""
        self._wake.set()


class Watches:
    """All watches of the room, by what they look at: run ids and trace ids."""

    def __init__(self) -> None:
        self._by_key: dict[str, set[Watch]] = {}

    @contextmanager
    def watch(self, keys: Iterable[str]) -> Generator[Watch]:
        """Watch runs or traces while the context is open."""
        watch = Watch()
        watched = set(keys)
        for key in watched:
            self._by_key.setdefault(key, set()).add(watch)
        try:
            yield watch
        finally:
            for key in watched:
                self._by_key[key].discard(watch)
                if not self._by_key[key]:
                    del self._by_key[key]

    def wake(self, keys: Iterable[str]) -> None:
        """Wake whoever watches one of ``keys``."""
        if not self._by_key:
            return
        for key in keys:
            for watch in self._by_key.get(key, ()):
                watch.wake()

    def wake_all(self) -> None:
        """Wake everybody: rows turned up that were there before."""
        self.wake(list(self._by_key))

    @property
    def count(self) -> int:
        """Return how many keys are watched."""
        return len(self._by_key)
