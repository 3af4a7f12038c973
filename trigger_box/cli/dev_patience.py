"""Gives up importing a project as soon as one of its files is saved again."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

_AT_ONCE_MAX: Final = 3
_LEAST_S: Final = 5.0


class SupersededError(Exception):
    """A file was saved meanwhile: what was being imported is not what is on disk any more."""


class Patience:
    """How long imports go on once they are out of date: not at all, at first.

    A project may write a file each time it is imported, or a tool may save all the time. So that
    it gets through nevertheless, imports that were given up three times in a row are then left
    alone for some seconds.
    """

    def __init__(self) -> None:
        self._given_up = 0

    async def unless(self, saved: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
        """Return what ``work`` returns, unless a file is saved while it is at it.

        Raises:
            SupersededError: ``saved`` was set; ``work`` has been cancelled, and has ended.
        """
        working = asyncio.ensure_future(work)
        waiting = asyncio.ensure_future(self._wait(saved))
        try:
            await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                self._given_up += 1
                raise SupersededError
            self._given_up = 0
            return working.result()
        finally:
            working.cancel()
            waiting.cancel()
            await asyncio.gather(working, waiting, return_exceptions=True)

    async def _wait(self, saved: asyncio.Event) -> None:
        if self._given_up >= _AT_ONCE_MAX:
            await asyncio.sleep(_LEAST_S)
        await saved.wait()
