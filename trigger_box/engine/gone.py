"""That a caller has hung up: asked for, waited for, or told at once to who stands in for him.

An ``asyncio.Event`` can't be heard together with something else without two tasks per call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Gone:
    """Set once, when nobody waits for the answer any more. On the event loop only."""

    __slots__ = ("_is_set", "_listeners")

    def __init__(self) -> None:
        self._is_set = False
        self._listeners: list[Callable[[], None]] = []

    def is_set(self) -> bool:
        """Return whether the caller has gone."""
        return self._is_set

    def set(self) -> None:
        """Say that he has gone; tell who listens."""
        self._is_set = True
        listeners, self._listeners = self._listeners, []
        for act in listeners:
            act()

    def listen(self, act: Callable[[], None]) -> None:
        """Call ``act`` as soon as he goes, at once if he has gone."""
        if self._is_set:
            act()
        else:
            self._listeners.append(act)

    def ignore(self, act: Callable[[], None]) -> None:
        """Call ``act`` no more."""
        if act in self._listeners:
            self._listeners.remove(act)

    async def wait(self) -> None:
        """Wait until he has gone."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def settle() -> None:
            if not future.done():
                future.set_result(None)

        self.listen(settle)
        try:
            await future
        finally:
            self.ignore(settle)
