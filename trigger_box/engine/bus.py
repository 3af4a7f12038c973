"""Wake-ups inside this process: who waits for a run to do, and who wants to hear of changes.

Everything here happens on the event loop and never blocks. Nothing is stored: a lost wake-up is
impossible because waiting begins before looking (see ``dequeue``).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager

from trigger_box.domain import limits
from trigger_box.ids import RunId


class Ticket:
    """A place in the line of those who wait for a run of one environment."""

    __slots__ = ("_future",)

    def __init__(self) -> None:
        self._future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def is_called(self) -> bool:
        """Return whether this ticket's turn has come."""
        return self._future.done()

    def call(self) -> None:
        """Say that its turn has come."""
        if not self._future.done():
            self._future.set_result(None)

    async def called(self) -> None:
        """Wait for its turn."""
        await asyncio.shield(self._future)


class Notifications:
    """Runs whose snapshot changed by something other than their worker's own call."""

    def __init__(self) -> None:
        self._runs: dict[RunId, None] = {}
        self._wake = asyncio.Event()

    def offer(self, run_id: RunId) -> None:
        """Add a run. A reader that is too slow loses the oldest: workers poll as well."""
        if len(self._runs) >= limits.NOTIFICATIONS_WAITING_MAX:
            del self._runs[next(iter(self._runs))]
        self._runs[run_id] = None
        self._wake.set()

    async def next(self) -> list[RunId]:
        """Wait for changes; return the ids of the runs that changed."""
        while not self._runs:
            self._wake.clear()
            await self._wake.wait()
        runs = list(self._runs)
        self._runs.clear()
        return runs


class Bus:
    """The wake-ups of one box."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[Ticket]] = {}
        self._notifications: dict[str, set[Notifications]] = {}

    @contextmanager
    def ticket(self, environment_id: str) -> Generator[Ticket]:
        """Stand in line for a run of this environment while the context is open.

        A ticket that was called but whose holder fails passes the call on to the next.
        """
        ticket = Ticket()
        line = self._lines.setdefault(environment_id, deque())
        line.append(ticket)
        try:
            yield ticket
        except BaseException:
            if ticket.is_called:
                self.wake(environment_id)
            raise
        finally:
            if not ticket.is_called:
                line.remove(ticket)
            if not line and self._lines.get(environment_id) is line:
                del self._lines[environment_id]

    def wake(self, environment_id: str) -> None:
        """A run of this environment may be there: call the first in line."""
        line = self._lines.get(environment_id)
        if line:
            line.popleft().call()

    def wake_all(self, environment_id: str) -> None:
        """Many runs may be there (a limit was raised, a version came): call everybody."""
        line = self._lines.get(environment_id)
        while line:
            line.popleft().call()

    def waiting(self, environment_id: str) -> int:
        """Return how many stand in line."""
        return len(self._lines.get(environment_id, ()))

    @contextmanager
    def notifications(self, environment_id: str) -> Generator[Notifications]:
        """Listen, while the context is open, for runs that workers must look at."""
        notifications = Notifications()
        self._notifications.setdefault(environment_id, set()).add(notifications)
        try:
            yield notifications
        finally:
            listeners = self._notifications[environment_id]
            listeners.discard(notifications)
            if not listeners:
                del self._notifications[environment_id]

    def notify(self, environment_id: str, run_id: RunId) -> None:
        """Tell whoever holds this run's worker that its snapshot has changed."""
        for notifications in self._notifications.get(environment_id, ()):
            notifications.offer(run_id)
