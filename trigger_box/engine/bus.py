"""Wake-ups inside this process: who waits for a run to do, and who wants to hear of changes.

Everything here happens on the event loop and never blocks. Nothing is stored.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Self

from trigger_box.domain import limits
from trigger_box.ids import RunId


class Ticket:
    """A place in the line of those who wait for a run of one environment.

    A context manager: who enters stands in line. A holder who was called looks for a run inside
    the context: until its end he counts as on his way. If he takes none, for whatever reason, the
    next in line is called. (A class, because a generator costs a waiting call twice as much.)
    """

    __slots__ = ("_future", "_line", "tried")

    def __init__(self, line: Line, tried: int) -> None:
        self._future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._line = line
        self.tried = tried
        """The newest piece of news with which its holder has looked in vain."""

    def __enter__(self) -> Self:
        self._line.tickets.append(self)
        self._line.look()
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_called:
            self._line.claims -= 1
            self._line.look()
        else:
            self._line.tickets.remove(self)

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


class Line:
    """Who waits for runs of one environment.

    The rule: while more runs could go than callers are on their way, the next ticket is called that
    has not looked in vain since the last news. It is looked at again whenever something of it
    changes, so no wake-up is lost, and nobody looks twice for nothing.

    Args:
        ready: how many runs could go now. A hint: it may be ahead of the commit.
    """

    __slots__ = ("_ready", "claims", "news", "tickets")

    def __init__(self, ready: Callable[[], int]) -> None:
        self._ready = ready
        self.tickets: deque[Ticket] = deque()
        self.claims = 0
        """Callers on their way to take a run: called or looking, and not through yet."""
        self.news = 0
        """Counts what may have made a run ready, or able to go."""

    def __enter__(self) -> None:
        """Look for a run without standing in line, while the context is open."""
        self.claims += 1

    def __exit__(self, *_: object) -> None:
        self.claims -= 1
        self.look()

    def look(self) -> None:
        """Call as many tickets as there are runs that nobody is on his way to."""
        if not self.tickets:
            return
        missing = self._ready() - self.claims
        if missing > 0:
            fresh = (one for one in self.tickets if one.tried < self.news and one.is_waiting)
            for ticket in list(islice(fresh, missing)):
                self._call(ticket)

    def call_all(self) -> None:
        """Call everybody."""
        for ticket in [one for one in self.tickets if one.is_waiting]:
            self._call(ticket)

    def _call(self, ticket: Ticket) -> None:
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

    Args:
        ready: how many runs of an environment could go now. A hint: it may be ahead of the commit.
    """

    def __init__(self, ready: Callable[[str], int]) -> None:
        self._ready = ready
        # Never taken out: environments are few, and a news number must not begin anew.
        self._lines: dict[str, Line] = {}
        self._notifications: dict[str, set[Notifications]] = {}

    def _line(self, environment_id: str) -> Line:
        line = self._lines.get(environment_id)
        if line is None:
            line = self._lines[environment_id] = Line(partial(self._ready, environment_id))
        return line

    def ticket(self, environment_id: str, *, tried: int = -1) -> Ticket:
        """Return a place in the line for a run of this environment, to be entered.

        Args:
            tried: the news (``news``) with which the caller has looked in vain just now.
        """
        return Ticket(self._line(environment_id), tried)

    def claiming(self, environment_id: str) -> Line:
        """Return what to enter while looking for a run without standing in line."""
        return self._line(environment_id)

    def news(self, environment_id: str) -> int:
        """Return the number of the newest piece of news: to be remembered before looking."""
        return self._line(environment_id).news

    def wake(self, environment_id: str) -> None:
        """A run of this environment may be there, or may go now: call who is next in line."""
        line = self._line(environment_id)
        line.news += 1
        line.look()

    def wake_all(self, environment_id: str) -> None:
        """What the callers may take has changed (a limit, a version): call everybody."""
        line = self._line(environment_id)
        line.news += 1
        line.call_all()

    def waiting(self, environment_id: str) -> int:
        """Return how many stand in line."""
        return len(self._line(environment_id).tickets)

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
