"""Wake-ups inside this process: who waits for a run to do, and who wants to hear of changes.

Everything here happens on the event loop and never blocks. Nothing is stored.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from trigger_box.domain import limits
from trigger_box.ids import RunId


class Ticket:
    """A place in the line of those who wait for a run of one environment."""

    __slots__ = ("_future", "tried")

    def __init__(self, tried: int) -> None:
        self._future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.tried = tried
        """The newest piece of news with which its holder has looked in vain."""

    @property
    def is_called(self) -> bool:
        """Return whether this ticket's turn has come."""
        future = self._future
        return future.done() and not future.cancelled() and future.result()

    @property
    def is_waiting(self) -> bool:
        """Return whether it has neither been called nor given up."""
        return not self._future.done()

    def call(self) -> None:
        """Say that its turn has come. It is waiting."""
        self._future.set_result(True)

    def give_up(self) -> None:
        """Wait no longer."""
        if not self._future.done():
            self._future.set_result(False)

    async def called(self) -> bool:
        """Wait for its turn; False: it has been given up before."""
        return await self._future


@dataclass(slots=True)
class _Line:
    """Who waits for runs of one environment."""

    tickets: deque[Ticket] = field(default_factory=deque[Ticket])
    claims: int = 0
    """Callers on their way to take a run: called or looking, and not through yet."""
    news: int = 0
    """Counts what may have made a run ready, or able to go."""

    def call(self, ticket: Ticket) -> None:
        """Call a ticket. It leaves the line; its holder is on his way."""
        ticket.call()
        self.tickets.remove(ticket)
        self.claims += 1


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
    """The wake-ups of one box.

    The rule of each line: while more runs could go than callers are on their way, the next ticket
    is called that has not looked in vain since the last news. It is looked at again whenever
    something of it changes, so no wake-up is lost, and nobody looks twice for nothing.

    Args:
        ready: how many runs of an environment could go now. A hint: it may be ahead of the commit.
    """

    def __init__(self, ready: Callable[[str], int]) -> None:
        self._ready = ready
        # Never taken out: environments are few, and a news number must not begin anew.
        self._lines: defaultdict[str, _Line] = defaultdict(_Line)
        self._notifications: dict[str, set[Notifications]] = {}

    @contextmanager
    def ticket(self, environment_id: str, *, tried: int = -1) -> Generator[Ticket]:
        """Stand in line for a run of this environment while the context is open.

        A holder who was called looks for a run inside the context: until its end he counts as on
        his way. If he takes none, for whatever reason, the next in line is called.

        Args:
            tried: the news (``news``) with which the caller has looked in vain just now.
        """
        line = self._lines[environment_id]
        ticket = Ticket(tried)
        line.tickets.append(ticket)
        self._call(environment_id, line)
        try:
            yield ticket
        finally:
            if ticket.is_called:
                line.claims -= 1
                self._call(environment_id, line)
            else:
                line.tickets.remove(ticket)

    def news(self, environment_id: str) -> int:
        """Return the number of the newest piece of news: to be remembered before looking."""
        return self._lines[environment_id].news

    @contextmanager
    def claiming(self, environment_id: str) -> Generator[None]:
        """Look for a run without standing in line, while the context is open."""
        line = self._lines[environment_id]
        line.claims += 1
        try:
            yield
        finally:
            line.claims -= 1
            self._call(environment_id, line)

    def wake(self, environment_id: str) -> None:
        """A run of this environment may be there, or may go now: call who is next in line."""
        line = self._lines[environment_id]
        line.news += 1
        self._call(environment_id, line)

    def wake_all(self, environment_id: str) -> None:
        """What the callers may take has changed (a limit, a version): call everybody."""
        line = self._lines[environment_id]
        line.news += 1
        for ticket in [one for one in line.tickets if one.is_waiting]:
            line.call(ticket)

    def waiting(self, environment_id: str) -> int:
        """Return how many stand in line."""
        return len(self._lines[environment_id].tickets)

    def _call(self, environment_id: str, line: _Line) -> None:
        if not line.tickets:
            return
        missing = self._ready(environment_id) - line.claims
        if missing > 0:
            # Bounded: a call for each run that nobody is on his way to.
            fresh = (one for one in line.tickets if one.tried < line.news and one.is_waiting)
            for ticket in list(islice(fresh, missing)):
                line.call(ticket)

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
