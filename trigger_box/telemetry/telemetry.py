"""The room as others see it: take telemetry in, show a run's trace and logs, wake who watches.

Rows go to segment files and to the tail in memory at once. DuckDB is opened late: when somebody
looks at a run older than the tail, or when the tail has grown; and closed when nobody has looked
for a while. Used from one event loop; nothing here blocks it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final, ParamSpec, TypeVar

from trigger_box.clock import Clock
from trigger_box.domain import limits
from trigger_box.domain.errors import NotFoundError
from trigger_box.ids import EnvironmentId, RunId
from trigger_box.store.store import Store
from trigger_box.telemetry.details import SpanDetail, detail_of
from trigger_box.telemetry.families import Family, TracedRun, read_family
from trigger_box.telemetry.history import History, Scope
from trigger_box.telemetry.nodes import Node, Trace
from trigger_box.telemetry.parcels import Packed, Parcel, open_packed
from trigger_box.telemetry.queries import history as sql
from trigger_box.telemetry.reading import Found, Query, Reader
from trigger_box.telemetry.receiving import HeldBody, Receiver
from trigger_box.telemetry.retention import DAY_MS, cutoff, pack_old, remove_old
from trigger_box.telemetry.rows import Kind, Row
from trigger_box.telemetry.segment_writer import SegmentWriter
from trigger_box.telemetry.segments import day_of, last_seq
from trigger_box.telemetry.tail import Tail
from trigger_box.telemetry.trees import build
from trigger_box.telemetry.watching import Watch, Watches

P = ParamSpec("P")
T = TypeVar("T")

_SLACK_MS: Final = 24 * 3_600_000
"""How long after its run a row may come in (a sender that was cut off tries again later), and how
far the clock may be set back meanwhile."""
_INLINE_ROWS: Final = 500
_SWEEP_S: Final = 3_600.0
_BITE_PAUSE_S: Final = 1.0
_SPAN_ID_LENGTH: Final = 16
_NUMBERS_END: Final = 2**63


class SpanNotFoundError(NotFoundError):
    """Span not found"""  # noqa: D415 - the wire's own words

    code = "span_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPage:
    """Rows of a run in order of arrival.

    Attributes:
        next: the cursor to go on from; the same as before if nothing came.
        has_more: there are more rows already.
        is_complete: False while older rows are still being loaded.
    """

    rows: tuple[Row, ...]
    next: int
    has_more: bool
    is_complete: bool


class Telemetry:
    """The open room. Made by ``open_telemetry``; ``keep`` must run while it is open."""

    def __init__(self, store: Store, clock: Clock, *, kept_days: int) -> None:
        self._store = store
        self._clock = clock
        self._kept_days = kept_days
        self._segments = store.folder.segments
        self._writer = SegmentWriter(self._segments, clock)
        self._tail = Tail(clock.now_ms())
        self._watches = Watches()
        self._is_closed = False
        self._work = ThreadPoolExecutor(1, "telemetry-work")
        self._receiver = Receiver(
            self._writer,
            self._tail,
            self._watches,
            clock,
            open_apart=lambda packed: self.apart(open_packed, packed),
        )
        self._reader = Reader(
            History(
                store.folder.history,
                segments=self._segments,
                scratch=store.folder.run,
                own_files=lambda: tuple(self._writer.rows_files),
            ),
            self._tail,
            self._watches,
            clock,
            kept_days=kept_days,
        )

    async def start(self) -> None:
        """Find where numbers go on; start the thread that writes."""
        self._receiver.count_from(await self.apart(last_seq, self._segments))
        self._writer.start()

    async def close(self) -> None:
        """Write what waits, make it durable, close everything. Safe to call twice."""
        if self._is_closed:
            return
        self._is_closed = True
        await self.apart(self._writer.stop)
        await self._reader.close()
        self._work.shutdown()

    def hold_body(self) -> AbstractContextManager[HeldBody]:
        """Count a request body while it is read and taken in, so that all of them are bounded."""
        return self._receiver.bodies.hold()

    async def receive(self, packed: Packed) -> Parcel:
        """Take in one export request; return what became of it.

        The rows can be read when this returns, and are on disk about a second later.

        Raises:
            TelemetryBusyError: too much waits already; nothing was taken.
            InvalidError, TooLargeError: the request is not OTLP, or too large.
        """
        parcel = await self._receiver.receive(packed)
        self._reader.wake()
        return parcel

    def watch(self, *keys: str) -> AbstractContextManager[Watch]:
        """Watch for new rows, of runs (by id) or whole traces (by trace id), while it is open.

        Open it before the first look, so that nothing falls in between.
        """
        return self._watches.watch(keys)

    async def trace(
        self, environment_id: EnvironmentId, run_id: RunId, *, with_attributes: bool = False
    ) -> Trace:
        """Return the tree of a run and the runs below it.

        Args:
            with_attributes: also give each node's row its attributes, as far as they fit.

        Raises:
            RunNotFoundError: there is no such run in this environment.
        """
        family = await read_family(self._store, environment_id, run_id)
        found = await self._reader.find(
            Query(
                text=sql.full_rows if with_attributes else sql.tree_rows,
                scope=self._scope(family),
                since_ms=family.run.created_at_ms,
                parameters={"run_id": run_id, "message_max": limits.TRACE_MESSAGE_CHARACTERS_MAX},
                order=lambda row: (row.run_id != run_id, row.kind != Kind.SPAN, row.seq),
                limit=limits.TRACE_ROWS_MAX,
            )
        )
        if len(found.rows) <= _INLINE_ROWS:
            return self._plant(family, found)
        return await self.apart(self._plant, family, found)

    async def span(self, environment_id: EnvironmentId, run_id: RunId, span_id: str) -> SpanDetail:
        """Return one row of a run's tree with all it has.

        Raises:
            RunNotFoundError: there is no such run in this environment.
            SpanNotFoundError: its tree has no such row.
        """
        family = await read_family(self._store, environment_id, run_id)
        number = _number_of(span_id)
        found = await self._reader.find(
            Query(
                text=sql.span_rows,
                scope=self._scope(family),
                since_ms=family.run.created_at_ms,
                parameters={"span_id": span_id, "number": number},
                keeps=lambda row: span_id in {row.span_id, row.replaces} or row.seq == number,
                order=lambda row: (row.seq,),
                limit=_INLINE_ROWS,
            )
        )
        node = _node_in(self._plant(family, found), span_id)
        if node is None:
            # Made from another row (an error, a pause), or from the run itself.
            node = _node_in(await self.trace(environment_id, run_id), span_id)
        if node is None:
            raise SpanNotFoundError
        return detail_of(node, family)

    async def logs(
        self,
        environment_id: EnvironmentId,
        run_id: RunId,
        *,
        after: int = 0,
        limit: int = limits.LOGS_PAGE_MAX,
    ) -> RowPage:
        """Return log lines of one run (not of runs below it) that came in after a cursor.

        Raises:
            RunNotFoundError: there is no such run in this environment.
        """
        return await self._page(
            environment_id, run_id, after=after, limit=limit, kinds=frozenset({Kind.LOG})
        )

    async def arrived(
        self,
        environment_id: EnvironmentId,
        run_id: RunId,
        *,
        after: int = 0,
        limit: int = limits.LOGS_PAGE_MAX,
    ) -> RowPage:
        """Return all rows of one run as they came in after a cursor: partial spans, too.

        Raises:
            RunNotFoundError: there is no such run in this environment.
        """
        return await self._page(
            environment_id, run_id, after=after, limit=limit, kinds=frozenset(Kind)
        )

    async def run(self, environment_id: EnvironmentId, run_id: RunId) -> TracedRun:
        """Return what a trace shows of a run itself.

        Raises:
            RunNotFoundError: there is no such run in this environment.
        """
        return (await read_family(self._store, environment_id, run_id, most=1)).run

    async def apart(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something long in the room's thread, such as encoding a large answer."""
        call = partial(act, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._work, call)

    async def _page(
        self,
        environment_id: EnvironmentId,
        run_id: RunId,
        *,
        after: int,
        limit: int,
        kinds: frozenset[Kind],
    ) -> RowPage:
        family = await read_family(self._store, environment_id, run_id, most=1)
        found = await self._reader.find(
            Query(
                text=sql.log_rows if Kind.SPAN not in kinds else sql.arrived_rows,
                scope=self._scope(family),
                since_ms=family.run.created_at_ms,
                parameters={"after": after},
                keeps=lambda row: row.kind in kinds and row.seq > after,
                order=lambda row: (row.seq,),
                limit=min(limit, limits.LOGS_PAGE_MAX),
            )
        )
        return RowPage(
            rows=tuple(found.rows),
            next=found.rows[-1].seq if found.rows else after,
            has_more=found.is_cut,
            is_complete=found.is_complete,
        )

    async def keep(self) -> None:
        """Load, close and forget when it is time to, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._reader.keep(), name="telemetry-reader")
            group.create_task(self._sweep(), name="telemetry-sweep")

    async def sweep(self) -> float:
        """Remove what is too old and pack what is over, a bite of it.

        Returns the seconds until the next sweep is due.
        """
        now_ms = self._clock.now_ms()
        has_more = await self.apart(remove_old, self._segments, cutoff(now_ms, self._kept_days))
        has_more |= await self.apart(pack_old, self._segments, day_of(now_ms - DAY_MS))
        return _BITE_PAUSE_S if has_more else _SWEEP_S

    def figures(self) -> dict[str, float]:
        """Return the room's figures by name: counters (``…_total``) and gauges, for /metrics."""
        counters = asdict(self._receiver.counters)
        return {
            **{f"{name}_total": float(value) for name, value in counters.items()},
            "bytes_written_total": self._writer.bytes_written,
            "bytes_lost_total": self._writer.bytes_lost,
            "bytes_loaded_total": self._reader.bytes_loaded,
            "bytes_waiting": self._writer.bytes_waiting,
            "disk_failing": self._writer.failure is not None,
            "tail_rows": self._tail.count,
            "tail_bytes": self._tail.bytes,
            "watched": self._watches.count,
            "history_open": self._reader.is_history_open,
        }

    async def _sweep(self) -> None:
        never = asyncio.Event()
        while True:
            pause_s = await self.sweep()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await never.wait()

    def _scope(self, family: Family) -> Scope:
        run = family.run
        ends_ms = [each.completed_at_ms for each in family.runs if each.is_finished]
        is_over = len(ends_ms) == len(family.runs) and not family.is_cut
        last_ms = max((end for end in ends_ms if end is not None), default=0)
        return Scope(
            environment_id=run.environment_id,
            run_id=run.id,
            run_ids=tuple(each.id for each in family.runs),
            # Rows without a run belong to the trace as a whole: shown at its top only.
            trace_id=run.trace_id if run.parent_run_id is None else "",
            from_ms=run.created_at_ms - _SLACK_MS,
            to_ms=(last_ms if is_over else self._clock.now_ms()) + _SLACK_MS,
        )

    def _plant(self, family: Family, found: Found) -> Trace:
        return build(
            family,
            found.rows,
            now_ms=self._clock.now_ms(),
            is_truncated=found.is_cut,
            is_complete=found.is_complete,
        )


async def open_telemetry(store: Store, *, clock: Clock, kept_days: int) -> Telemetry:
    """Open the room on a store's data folder. DuckDB stays closed until it is needed.

    Args:
        kept_days: how many whole days before today spans, logs and measurements are kept.
    """
    telemetry = Telemetry(store, clock, kept_days=kept_days)
    await telemetry.start()
    return telemetry


def _node_in(trace: Trace, span_id: str) -> Node | None:
    return next((node for node in trace.nodes if node.id == span_id), None)


def _number_of(span_id: str) -> int:
    """Return the number that a log line's id is made from, -1 if it can't be one."""
    try:
        number = int(span_id, 16) if len(span_id) == _SPAN_ID_LENGTH else -1
    except ValueError:
        return -1
    return number if number < _NUMBERS_END else -1
