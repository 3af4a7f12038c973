"""The event loop of an executor: one for all its async tasks, clean after each.

One loop for the life of the process, because clients that user modules hold (HTTP sessions,
database pools) belong to the loop that first used them.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from trigger_box.worker.limits import LEFTOVER_TASKS_S_MAX, THREADS_JOIN_S

_THREAD_PREFIX: Final = "trigger-box-to-thread"


class LoopOwner:
    """Runs coroutines on the main thread; ``cancel`` may be called from any other."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self.was_cancel_delivered = False

    def run(self, coroutine: Coroutine[Any, Any, Any], *, is_cancelled: bool) -> Any:  # noqa: ANN401 - the task's own value
        """Run a task's coroutine to its end and return its value.

        Args:
            is_cancelled: the run was cancelled before its code began.
        """
        if self._loop is None or self._loop.is_closed():
            self._pool = None
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        if self._pool is None:
            # Our own, so that threads of asyncio.to_thread can be told from threads left over.
            self._pool = ThreadPoolExecutor(thread_name_prefix=_THREAD_PREFIX)
            self._loop.set_default_executor(self._pool)
        self.was_cancel_delivered = False
        with self._lock:
            self._task = task = self._loop.create_task(coroutine)
            if is_cancelled:
                task.cancel()
        try:
            return self._loop.run_until_complete(task)
        finally:
            with self._lock:
                self._task = None

    def cancel(self, reason: str) -> None:
        """Raise ``CancelledError`` in the task that runs now, at its next await."""
        with self._lock:
            if self._task is not None and self._loop is not None:
                self._loop.call_soon_threadsafe(self._deliver, self._task, reason)

    def _deliver(self, task: asyncio.Task[Any], reason: str) -> None:
        self.was_cancel_delivered = True
        task.cancel(reason)

    def tidy(self) -> str | None:
        """End what the last task left behind; return why the process is not clean, if so."""
        if self._loop is None or self._loop.is_closed():
            return None
        left = asyncio.all_tasks(self._loop)
        if left:
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.wait(left, timeout=LEFTOVER_TASKS_S_MAX))
            if any(not task.done() for task in left):
                return "an asyncio task that the run started does not end"
            for task in left:
                # Look at the outcome, so that asyncio does not complain in a later run's log.
                if not task.cancelled():
                    task.exception()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        return self._tidy_threads()

    def _tidy_threads(self) -> str | None:
        threads = [
            thread for thread in threading.enumerate() if thread.name.startswith(_THREAD_PREFIX)
        ]
        if not threads or self._pool is None:
            return None
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None
        deadline_s = time.monotonic() + THREADS_JOIN_S
        for thread in threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            return "asyncio.to_thread still runs something that the run started"
        return None
