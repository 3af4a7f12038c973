"""Lists that come in pages: iterate over all of them, or take one page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from trigger_box.sdk.blocking import refuse_in_loop
from trigger_box.sdk.calls import Call
from trigger_box.sdk.errors import TriggerBoxError

if TYPE_CHECKING:
    from trigger_box.sdk.client import Client
    from trigger_box.sdk.transport import Line, Operation

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page, newest first. ``next`` and ``previous`` are for ``after=`` and ``before=``."""

    items: list[T]
    next: str | None = None
    previous: str | None = None


# Given the cursor to go on after (None for the beginning), makes the operation for one page.
Fetch = Callable[[str | None], "Callable[[Line], Operation[Page[T]]]"]


class Pager(Generic[T]):
    """A list on the server: ``async for`` over everything, or ``await pager.page()``."""

    def __init__(self, name: str, client: Callable[[], Client], fetch: Fetch[T]) -> None:
        self._name = name
        self._client = client
        self._fetch = fetch

    def page(self) -> Call[Page[T]]:
        """Fetch the first page only.

        Raises:
            ApiError, ConnectionFailed: when awaited.
        """
        return Call(f"{self._name}.page", lambda: self._client().carry_out(self._fetch(None)))

    async def __aiter__(self) -> AsyncIterator[T]:
        client, cursor = self._client(), None
        while True:
            page = await client.carry_out(self._fetch(cursor))
            for item in page.items:
                yield item
            if page.next is None:
                return
            cursor = _moved(cursor, page.next)


class BlockingPager(Generic[T]):
    """A list on the server: ``for`` over everything, or ``pager.page()``."""

    def __init__(self, name: str, client: Callable[[], Client], fetch: Fetch[T]) -> None:
        self._name = name
        self._client = client
        self._fetch = fetch

    def page(self) -> Page[T]:
        """Fetch the first page only.

        Raises:
            ApiError, ConnectionFailed: the call failed.
            SyncInAsyncError: an event loop runs in this thread.
        """
        refuse_in_loop(self._name)
        return self._client().carry_out_blocking(self._fetch(None))

    def __iter__(self) -> Iterator[T]:
        refuse_in_loop(self._name)
        client, cursor = self._client(), None
        while True:
            page = client.carry_out_blocking(self._fetch(cursor))
            yield from page.items
            if page.next is None:
                return
            cursor = _moved(cursor, page.next)


def _moved(cursor: str | None, following: str) -> str:
    # A server that names one page twice would keep us here for ever.
    if following == cursor:
        raise TriggerBoxError("The server's list does not move on: it named one page twice.")
    return following
