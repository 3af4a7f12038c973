"""The live stream: row changes from the change feed, new spans, presence, and a beat.

One stream serves all tabs of a browser. News is gathered for a quarter of a second, so a busy box
sends four messages a second, not thousands. What does not fit is told as a gap: read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.openapi import ResponseSpec
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from trigger_box.access.actors import Environment
from trigger_box.access.sessions import SessionEndedError
from trigger_box.api.authentication import SESSION
from trigger_box.api.dashboard.reach import environment_of
from trigger_box.api.dashboard.rows import rows_of
from trigger_box.api.dashboard.shapes import Presence, RunRow
from trigger_box.api.problems import QueryError
from trigger_box.api.rooms import ApiRequest, Rooms, TheRooms, TheUser
from trigger_box.api.sessions import session_cookie
from trigger_box.api.streams import EventStream, event
from trigger_box.domain import limits
from trigger_box.domain.errors import UnavailableError
from trigger_box.engine.changes import RUN_CHANGED, RUN_CREATED
from trigger_box.engine.reading import run_of_row
from trigger_box.ids import RunId
from trigger_box.store.feed import Subscription
from trigger_box.store.queries import dashboard as sql
from trigger_box.store.writer import Change
from trigger_box.telemetry.watching import Watch

GATHER_S: Final = 0.25
TICK_S: Final = 1.0
BEAT_S: Final = 5.0
_OF_TASKS: Final = ("worker.", "environment.", "queue.")

_encode: Final = msgspec.json.Encoder().encode


class TooManyStreamsError(UnavailableError):
    """Too many pages are watching this box at once. Close some, then reload."""

    code = "too_many_streams"


class News(Struct, rename="camel"):
    """What changed in one environment. ``is_gap``: more than this; read the page again."""

    environment_id: str
    runs: list[RunRow]
    is_gap: bool
    tasks_changed: bool
    traces_of: list[str]
    presence: Presence | None


class Beat(Struct, rename="camel"):
    """A sign of life, with the box's clock."""

    now_ms: int


@dataclass(kw_only=True)
class _Gathered:
    """Changes of one environment that wait to be told."""

    environment: Environment
    run_ids: dict[str, None] = field(default_factory=dict[str, None])
    is_gap: bool = False
    tasks_changed: bool = False
    is_connected: bool | None = None
    presence: Presence | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.run_ids or self.is_gap or self.tasks_changed or self.presence)

    def add(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.kind in {RUN_CREATED, RUN_CHANGED}:
                self.run_ids[change.subject] = None
            elif change.kind.startswith(_OF_TASKS):
                self.tasks_changed = True
        if len(self.run_ids) > limits.LIVE_RUNS_MAX:
            self.run_ids = {}
            self.is_gap = True

    def look(self, *, is_connected: bool) -> None:
        """Note whether a development worker is connected, if that has changed."""
        if is_connected != self.is_connected:
            self.is_connected = is_connected
            self.presence = Presence(is_connected=is_connected)

    def forget(self) -> None:
        self.run_ids, self.is_gap, self.tasks_changed, self.presence = {}, False, False, None


@get(
    "/dashboard/api/live",
    opt={"auth": SESSION},
    summary="Changes as they happen",
    responses={
        200: ResponseSpec(
            News,
            description="Events named news; beats between them",
            generate_examples=False,
            media_type="text/event-stream",
        )
    },
)
async def live(  # noqa: PLR0913 - three query parameters
    request: ApiRequest,
    rooms: TheRooms,
    user: TheUser,
    *,
    environments: Annotated[str, QueryParameter()] = "",
    traces: Annotated[str, QueryParameter()] = "",
    after: Annotated[str, QueryParameter()] = "",
) -> EventStream:
    """Stream news of some environments, and of new spans in some traces (``RUN:TRACE`` each).

    A trace is followed only if its run is in one of these environments, and as the box knows it.
    ``after`` is the id of the last event that was seen: what came since is told first.
    """
    ids = [part for part in environments.split(",") if part]
    if not 0 < len(ids) <= limits.LIVE_ENVIRONMENTS_MAX:
        raise QueryError(
            details=f"environments are 1 to {limits.LIVE_ENVIRONMENTS_MAX} ids, with commas."
        )
    if rooms.streams.open_count >= limits.LIVE_STREAMS_MAX:
        raise TooManyStreamsError
    watched = [await environment_of(rooms, user, each) for each in ids]
    run_ids = [part.partition(":")[0] for part in traces.split(",") if part]
    stream = _Stream(
        rooms,
        watched,
        traces=await _traces_of(rooms, watched, run_ids[: limits.LIVE_ENVIRONMENTS_MAX]),
        cookie=session_cookie(request, rooms),
    )
    return EventStream(stream.events(_seq(after)), streams=rooms.streams)


async def _traces_of(
    rooms: Rooms, environments: Sequence[Environment], run_ids: Sequence[str]
) -> dict[str, str]:
    """Return the trace of each run, without those that are in none of these environments."""
    if not run_ids:
        return {}
    rows = await rooms.store.readers.all(
        sql.traces_of_runs,
        {
            "environment_ids": _encode([each.id for each in environments]).decode(),
            "ids": _encode(run_ids).decode(),
            "limit": limits.LIVE_ENVIRONMENTS_MAX,
        },
    )
    return {row["id"]: row["trace_id"] for row in rows}


class _Stream:
    """One open stream. ``traces``: the trace of each run whose spans are watched."""

    def __init__(
        self,
        rooms: Rooms,
        environments: Sequence[Environment],
        *,
        traces: dict[str, str],
        cookie: str,
    ) -> None:
        self._rooms = rooms
        self._gathered = [_Gathered(environment=each) for each in environments]
        self._traces = traces
        self._cookie = cookie
        self._seq = 0
        # What a page has read of a trace is not known here: told once, so that it reads again.
        self._touched: set[str] = set(traces)

    async def events(self, after: int | None) -> AsyncGenerator[bytes]:
        """Yield events until the caller is gone or the session has ended."""
        with ExitStack() as stack:
            # Listen first, then look back: nothing falls in between.
            subscriptions = [
                stack.enter_context(
                    self._rooms.store.feed.subscribe(environment_id=each.environment.id)
                )
                for each in self._gathered
            ]
            watches = {
                run_id: stack.enter_context(self._rooms.telemetry.watch(run_id, trace_id))
                for run_id, trace_id in self._traces.items()
            }
            waits = _Waits(subscriptions, watches)
            stack.callback(waits.cancel)
            await self._catch_up(after)
            async for piece in self._told(waits):
                yield piece

    async def _told(self, waits: _Waits) -> AsyncGenerator[bytes]:
        beat_at_s = self._rooms.clock.monotonic_s()
        while True:
            self._look()
            if any(not each.is_empty for each in self._gathered) or self._touched:
                for piece in await self._news():
                    yield piece
            if self._rooms.clock.monotonic_s() >= beat_at_s:
                beat_at_s = self._rooms.clock.monotonic_s() + BEAT_S
                if not await self._is_signed_in():
                    return
                beat = Beat(now_ms=self._rooms.clock.now_ms())
                yield event(_encode(beat).decode(), name="beat", event_id=str(self._seq))
            if await waits.wait(TICK_S):
                await asyncio.sleep(GATHER_S)
                self._gather(waits)

    def _gather(self, waits: _Waits) -> None:
        for each, (subscription, changes) in zip(self._gathered, waits.changes(), strict=True):
            each.add(changes)
            if subscription.overflowed:
                subscription.overflowed = False
                each.is_gap = True
            if changes:
                self._seq = max(self._seq, changes[-1].seq)
        self._touched |= waits.touched()

    def _look(self) -> None:
        for each in self._gathered:
            each.look(is_connected=self._rooms.core.presence.is_connected(each.environment.id))

    async def _catch_up(self, after: int | None) -> None:
        """Gather what came since the last event that was seen."""
        store = self._rooms.store
        self._seq = await store.last_change()
        if after is None or after >= self._seq:
            return
        most = limits.LIVE_CATCH_UP_ROWS_MAX
        changes = await store.changes_after(after, limit=most)
        for each in self._gathered:
            own = [change for change in changes if change.environment_id == each.environment.id]
            each.add(own)
            each.is_gap = each.is_gap or len(changes) == most

    async def _news(self) -> list[bytes]:
        pieces: list[bytes] = []
        touched, self._touched = sorted(self._touched), set()
        for each in self._gathered:
            if each.is_empty and not touched:
                continue
            news = News(
                environment_id=each.environment.id,
                runs=await self._rows(each),
                is_gap=each.is_gap,
                tasks_changed=each.tasks_changed,
                traces_of=touched,
                presence=each.presence,
            )
            each.forget()
            pieces.append(event(_encode(news).decode(), name="news", event_id=str(self._seq)))
        return pieces

    async def _rows(self, gathered: _Gathered) -> list[RunRow]:
        if not gathered.run_ids:
            return []
        environment_id = gathered.environment.id
        rows = await self._rooms.store.readers.all(
            sql.runs_by_id,
            {
                "environment_id": environment_id,
                "ids": _encode([RunId(run_id) for run_id in gathered.run_ids]).decode(),
                "limit": limits.LIVE_RUNS_MAX,
            },
        )
        return await rows_of(self._rooms.core, environment_id, [run_of_row(row) for row in rows])

    async def _is_signed_in(self) -> bool:
        try:
            await self._rooms.access.user_of_session(self._cookie)
        except SessionEndedError:
            return False
        return True


class _Waits:
    """Waits for any of several subscriptions and watches; keeps what each has said."""

    def __init__(self, subscriptions: Sequence[Subscription], watches: dict[str, Watch]) -> None:
        self._subscriptions = subscriptions
        self._watches = watches
        self._changes = {each: asyncio.ensure_future(each.next()) for each in subscriptions}
        self._touches = {
            run_id: asyncio.ensure_future(watch.changed()) for run_id, watch in watches.items()
        }

    async def wait(self, timeout_s: float) -> bool:
        """Return whether something is there, after at most so long."""
        waiting = [*self._changes.values(), *self._touches.values()]
        done, _ = await asyncio.wait(
            waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        return bool(done)

    def changes(self) -> list[tuple[Subscription, list[Change]]]:
        """Return what each subscription has, and listen on."""
        return [(each, self._taken(each)) for each in self._subscriptions]

    def _taken(self, subscription: Subscription) -> list[Change]:
        waiting = self._changes[subscription]
        if not waiting.done():
            return []
        self._changes[subscription] = asyncio.ensure_future(subscription.next())
        return waiting.result()

    def touched(self) -> set[str]:
        """Return the runs whose traces have got rows, and watch on."""
        found = {run_id for run_id, waiting in self._touches.items() if waiting.done()}
        for run_id in found:
            self._touches[run_id] = asyncio.ensure_future(self._watches[run_id].changed())
        return found

    def cancel(self) -> None:
        """Stop waiting."""
        for waiting in (*self._changes.values(), *self._touches.values()):
            waiting.cancel()


def _seq(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None  # noqa: PLR2004 - 64 bits


routes: list[ControllerRouterHandler] = [live]
