"""``Call``: what an async method returns. It does nothing until awaited, and tells when it wasn't.

A call is a coroutine to asyncio, so ``gather``, ``wait_for``, ``TaskGroup`` and ``asyncio.run``
take it; it has no usable attributes, so that a forgotten ``await`` shows at once (python-sdk 5.3).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Coroutine, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from trigger_box.sdk.errors import UnawaitedCallWarning
from trigger_box.sdk.places import calling_place

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Call(Coroutine[Any, Any, T_co]):
    """A call that was written down and waits for its ``await``.

    Args:
        name: how the call is written, such as ``runs.retrieve``.
        begin: makes the coroutine that does it.
    """

    __slots__ = ("__weakref__", "_begin", "_coroutine", "_is_begun", "_name", "_place")

    def __init__(self, name: str, begin: Callable[[], Coroutine[Any, Any, T_co]]) -> None:
        self._name = name
        self._begin = begin
        self._coroutine: Coroutine[Any, Any, T_co] | None = None
        self._is_begun = False
        self._place = calling_place()

    def __await__(self) -> Generator[Any, Any, T_co]:
        """Carry out the call."""
        return self._started().__await__()

    def send(self, value: Any, /) -> Any:  # noqa: ANN401 - the coroutine protocol
        """Carry out the call up to its next suspension: the event loop does this."""
        return self._started().send(value)

    def throw(
        self,
        typ: Any,  # noqa: ANN401 - the coroutine protocol
        val: BaseException | object = None,
        tb: TracebackType | None = None,
        /,
    ) -> Any:  # noqa: ANN401 - the coroutine protocol
        """Raise inside the call: the event loop does this to cancel it."""
        return self._started().throw(typ, val, tb)

    def close(self) -> None:
        """Give the call up."""
        self._is_begun = True
        if self._coroutine is not None:
            self._coroutine.close()

    def _started(self) -> Coroutine[Any, Any, T_co]:
        if self._coroutine is None:
            self._is_begun = True
            self._coroutine = self._begin()
        return self._coroutine

    def _taken(self) -> Callable[[], Coroutine[Any, Any, T_co]]:
        """Return what would carry out this call; another call does it instead."""
        self._is_begun = True
        return self._begin

    def __repr__(self) -> str:
        return f"<call {self._name}(...) at {self._place[0]}:{self._place[1]}>"

    def __del__(self) -> None:
        if not self._is_begun:
            file, line = self._place
            warnings.warn_explicit(
                f"{self._name}(...) was never awaited, so nothing happened."
                f" Write `await {self._name}(...)`.",
                UnawaitedCallWarning,
                file,
                line,
                source=None,
            )

    if not TYPE_CHECKING:  # a type checker shall go on flagging unknown attributes

        def __getattr__(self, attribute: str) -> object:
            if attribute.startswith(("cr_", "gi_", "__")):
                raise AttributeError(attribute)
            raise AttributeError(
                f"{self._name}(...) was not awaited, so it has no {attribute!r}."
                f" Write `(await {self._name}(...)).{attribute}`."
            )
