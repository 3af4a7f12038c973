"""The signal that tells blocking code that its run was cancelled.

Async tasks get ``asyncio.CancelledError`` from the worker instead; they may use both.
"""

from __future__ import annotations

from threading import Event

from trigger_box.sdk.errors import RunCancelled


class CancelSignal:
    """Set once, when the run is cancelled or runs out of time. Safe to use from any thread."""

    __slots__ = ("_event", "_reason")

    def __init__(self) -> None:
        self._event = Event()
        self._reason: str | None = None

    @property
    def cancelled(self) -> bool:
        """Whether the run was cancelled."""
        return self._event.is_set()

    @property
    def reason(self) -> str | None:
        """Why, in a sentence for people; None while the run goes on."""
        return self._reason

    def wait(self, timeout_s: float | None = None) -> bool:
        """Block until cancelled or until ``timeout_s`` seconds passed; return ``cancelled``.

        Use it instead of ``time.sleep`` in a loop that should stop at once.
        """
        return self._event.wait(timeout_s)

    def raise_if_cancelled(self) -> None:
        """Go on, or end the task here.

        Raises:
            RunCancelled: the run was cancelled.
        """
        if self._event.is_set():
            raise RunCancelled(self._reason or "The run was cancelled.")

    def cancel(self, reason: str) -> None:
        """Set the signal; for the worker and for tests. The first reason stays."""
        if not self._event.is_set():
            self._reason = reason
            self._event.set()
