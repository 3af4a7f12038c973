"""Finding rows: those in DuckDB and those that are not in it yet, as one answer.

Owns the thread that DuckDB lives in, and decides when it is opened, loaded and closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar

from trigger_box.clock import Clock
from trigger_box.domain import limits
from trigger_box.telemetry.history import History, HistoryUnavailableError, Scope
from trigger_box.telemetry.retention import Cutoff, cutoff
from trigger_box.telemetry.rows import Row
from trigger_box.telemetry.tail import Tail, rows_of
from trigger_box.telemetry.watching import Watches

T = TypeVar("T")

_FAILED_PAUSE_S: Final = 30.0
_WRITTEN_SOON_S: Final = 0.25
_FOREVER_S: Final = 24 * 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query in DuckDB's words, and the same in Python for rows that are not there yet.

    Attributes:
        since_ms: when the first row could have come in.
        limit: how many rows are wanted; one more is asked for, to know whether there are.
    """

    text: str
    scope: Scope
    since_ms: int
    limit: int
    order: Callable[[Row], tuple[int, ...]]
    keeps: Callable[[Row], bool] = lambda _: True
    parameters: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Rows in the query's order.

    ``is_cut``: there are more than asked for. ``is_complete``: False while older rows are still
    being loaded, or while DuckDB can't be used.
    """

    rows: list[Row]
    is_cut: bool
    is_complete: bool


class Reader:
    """Finds rows. Used on the event loop; what blocks runs in the history thread."""

    def __init__(
        self,
        history: History,
        tail: Tail,
        watches: Watches,
        clock: Clock,
        *,
        kept_days: int,
    ) -> None:
        self._history = history
        self._tail = tail
        self._watches = watches
        self._clock = clock
        self._kept_days = kept_days
        self._forgotten: Cutoff | None = None
        self._used_at_s = 0.0
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "telemetry-history")

    @property
    def is_history_open(self) -> bool:
        """Return whether DuckDB is open."""
        return self._history.is_open

    @property
    def bytes_loaded(self) -> int:
        """Return how many segment bytes were loaded into DuckDB since the start."""
        return self._history.bytes_loaded

    async def close(self) -> None:
        """Close DuckDB and end its thread."""
        await self._in_thread(self._history.close)
        self._thread.shutdown()

    async def find(self, query: Query) -> Found:
        """Return the rows of a query, true now."""
        lines = self._tail.lines(query.scope.keys)
        if self._tail.covers(query.since_ms, now_ms=self._clock.now_ms()):
            rows = (
                await self._in_thread(rows_of, lines)
                if len(lines) > limits.LOGS_PAGE_MAX
                else (rows_of(lines))
            )
            return _found(query, rows, is_complete=True)
        self._used_at_s = self._clock.monotonic_s()
        must_load = self._tail.has_gap
        try:
            rows, loaded_seq, is_complete = await self._in_thread(
                self._look_up, query, lines, must_load
            )
        except HistoryUnavailableError:
            # The run's own facts and what just came in are better than an error page.
            return _found(query, await self._in_thread(rows_of, lines), is_complete=False)
        self._tail.loaded(loaded_seq)
        # What was opened has to be closed again; what was not loaded has to be loaded.
        self._wake.set()
        return _found(query, rows, is_complete=is_complete and not self._tail.has_gap)

    def wake(self) -> None:
        """Tell that the tail has grown."""
        if self._tail.bytes >= limits.TELEMETRY_TAIL_BYTES:
            self._wake.set()

    async def keep(self) -> None:
        """Load and close DuckDB when it is time to, until cancelled."""
        while True:
            self._wake.clear()
            pause_s = await self.tend()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()

    async def tend(self) -> float:
        """Load one bite if it is time to, or close DuckDB if nobody looks.

        Returns the seconds until there may be something to do again.
        """
        is_full = self._tail.bytes >= limits.TELEMETRY_TAIL_BYTES
        if is_full or (self._history.is_open and self._history.is_behind):
            was_behind = self._history.is_behind
            self._used_at_s = self._clock.monotonic_s()
            try:
                has_loaded = await self._in_thread(self._load)
            except HistoryUnavailableError:
                return _FAILED_PAUSE_S
            self._tail.loaded(self._history.loaded_seq)
            if was_behind and not self._history.is_behind:
                self._watches.wake_all()
            # What is in the tail may not have reached its file yet.
            return 0.0 if has_loaded else _WRITTEN_SOON_S
        if not self._history.is_open:
            return _FOREVER_S
        idle_s = self._clock.monotonic_s() - self._used_at_s
        if idle_s >= limits.HISTORY_IDLE_S:
            await self._in_thread(self._history.close)
            return _FOREVER_S
        return limits.HISTORY_IDLE_S - idle_s

    async def _in_thread(self, act: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act, *arguments)

    def _look_up(
        self,
        query: Query,
        lines: list[bytes],
        must_load: bool,  # noqa: FBT001 - handed to a thread
    ) -> tuple[list[Row], int, bool]:
        history = self._history
        self._open()
        until_s = self._clock.monotonic_s() + limits.HISTORY_CATCH_UP_S
        while history.is_behind or must_load:
            if history.load() is None:
                break
            if self._clock.monotonic_s() >= until_s:
                break
        rows = history.rows(
            query.text,
            {**query.scope.parameters(), **query.parameters, "limit": query.limit + 1},
        )
        loaded_seq = history.loaded_seq
        rows += [row for row in rows_of(lines) if row.seq > loaded_seq]
        return rows, loaded_seq, not history.is_behind

    def _load(self) -> bool:
        self._open()
        return self._history.load() is not None

    def _open(self) -> None:
        self._history.open()
        oldest = cutoff(self._clock.now_ms(), self._kept_days)
        if oldest != self._forgotten:
            self._history.forget(before_ms=oldest.instant_ms, before_day=oldest.day)
            self._forgotten = oldest


def _found(query: Query, rows: list[Row], *, is_complete: bool) -> Found:
    wanted = [row for row in rows if query.scope.holds(row) and query.keeps(row)]
    wanted.sort(key=query.order)
    return Found(
        rows=wanted[: query.limit], is_cut=len(wanted) > query.limit, is_complete=is_complete
    )
