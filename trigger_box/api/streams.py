"""Answers that last: server-sent events and long polls. Opened, bounded, and ended by us.

Three traps of the server are dealt with here and nowhere else: a caller that hangs up during a
long poll is only seen by whoever reads ``receive``; a ``send`` to a caller that vanished in
mid-stream never returns; and the server cannot stop while a stream is open.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any, Final

from litestar.response.base import ASGIResponse
from litestar.types import Message, Receive, Scope, Send

from trigger_box.engine.gone import Gone

Listen = Callable[[], Awaitable[Mapping[str, Any]]]

SEND_S_MAX: Final = 30.0
SILENCE_S_MAX: Final = 10.0
"""A stream says something at least this often, so that proxies and clients know it lives."""
CLOSE_S_MAX: Final = 5.0
LISTEN_AFTER_S: Final = 0.02
"""How long a stream or poll goes on before a caller who hangs up is noticed."""


class Streams:
    """All open streams and long polls of the box."""

    def __init__(self) -> None:
        self._open: set[Gone] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self.is_closing = False
        """Whether the box stops: nothing may begin to wait any more."""

    @property
    def open_count(self) -> int:
        """Return how many streams and long polls are open."""
        return len(self._open)

    def watch(self, receive: Listen) -> Watch:
        """Return what counts a stream or long poll while it is entered.

        What entering it gives says: stop, answer or not. It is set when the caller hangs up or the
        box stops. The request's body must have been read.
        """
        return Watch(self, receive)

    def opened(self, gone: Gone) -> None:
        """Count one more; told at once if the box stops already."""
        if self.is_closing:
            gone.set()
        self._open.add(gone)
        self._idle.clear()

    def closed(self, gone: Gone) -> None:
        """Count it no longer."""
        self._open.discard(gone)
        if not self._open:
            self._idle.set()

    async def close(self) -> None:
        """Tell all streams to end and wait until they have. Bounded."""
        self.is_closing = True
        for gone in list(self._open):
            gone.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S_MAX):
                await self._idle.wait()


class Watch:
    """An open stream or long poll: tells when its caller hangs up.

    It begins to listen a moment late: most polls of a busy box are answered by then, and listening
    costs as much as answering. The server hands out futures, so it costs no task here.
    """

    __slots__ = ("_gone", "_next", "_receive", "_streams", "_timer")

    def __init__(self, streams: Streams, receive: Listen) -> None:
        self._streams = streams
        self._receive = receive
        self._gone = Gone()
        self._next: asyncio.Future[Mapping[str, Any]] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Gone:
        self._streams.opened(self._gone)
        self._timer = asyncio.get_running_loop().call_later(LISTEN_AFTER_S, self._listen)
        return self._gone

    def __exit__(self, *_: object) -> None:
        assert self._timer is not None, "it has been entered"
        self._timer.cancel()
        if self._next is not None:
            self._next.remove_done_callback(self._heard)
            self._next.cancel()
        self._streams.closed(self._gone)

    def _listen(self) -> None:
        self._next = asyncio.ensure_future(self._receive())
        self._next.add_done_callback(self._heard)

    def _heard(self, said: asyncio.Future[Mapping[str, Any]]) -> None:
        # Whatever ended the listening, the caller can't be reached any more.
        if said.cancelled() or said.exception() or said.result()["type"] == "http.disconnect":
            self._gone.set()
        else:
            self._listen()


class EventStream(ASGIResponse):
    """A response that sends what ``events`` yields until it ends, the caller hangs up, or we stop.

    Args:
        events: bytes as they go out; use ``event()`` for server-sent events. The generator is
            closed (its ``finally`` runs) when the stream ends, for whatever reason.
        streams: the box's open streams.
        keep_alive: what to send at the start and after ``SILENCE_S_MAX`` without an event.
    """

    __slots__ = ("_events", "_extra_headers", "_keep_alive", "_media_type", "_streams")

    def __init__(
        self,
        events: AsyncGenerator[bytes],
        *,
        streams: Streams,
        keep_alive: bytes = b": still here\n\n",
        media_type: str = "text/event-stream",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._events = events
        self._streams = streams
        self._keep_alive = keep_alive
        self._media_type = media_type
        self._extra_headers = headers or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream. Returns when it has ended, for whatever reason."""
        del scope
        with self._streams.watch(receive) as gone:
            ended = asyncio.ensure_future(gone.wait())
            pump = asyncio.ensure_future(self._pump(send))
            try:
                await asyncio.wait({ended, pump}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ended.cancel()
                pump.cancel()
                await asyncio.wait({pump})
        if not pump.cancelled() and (error := pump.exception()) is not None:
            if isinstance(error, CallerLostError):
                return
            raise error
        # A caller that is still there needs the last piece, or it sees a broken stream.
        if not pump.cancelled() or self._streams.is_closing:
            with suppress(CallerLostError):
                await bounded(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _pump(self, send: Send) -> None:
        headers = {
            "content-type": self._media_type,
            "cache-control": "private, no-store",
            "x-accel-buffering": "no",
            **self._extra_headers,
        }
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await bounded(send, {"type": "http.response.start", "status": 200, "headers": encoded})
        # At once: a reader believes in the stream only when it has seen the headers.
        await _say(send, self._keep_alive)
        async with aclosing(self._events) as events:
            following = asyncio.ensure_future(_next(events))
            try:
                while True:
                    await asyncio.wait({following}, timeout=SILENCE_S_MAX)
                    if not following.done():
                        await _say(send, self._keep_alive)
                        continue
                    piece = following.result()
                    if piece is None:
                        return
                    await _say(send, piece)
                    following = asyncio.ensure_future(_next(events))
            finally:
                following.cancel()
                await asyncio.wait({following})


async def _next(events: AsyncGenerator[bytes]) -> bytes | None:
    return await anext(events, None)


async def _say(send: Send, piece: bytes) -> None:
    await bounded(send, {"type": "http.response.body", "body": piece, "more_body": True})


class CallerLostError(Exception):
    """The caller takes nothing any more and did not say goodbye."""


async def bounded(send: Send, message: Message | dict[str, Any]) -> None:
    """Send one message; give up on a caller that takes nothing for too long.

    Raises:
        CallerLostError: nothing could be sent in time.
    """
    try:
        async with asyncio.timeout(SEND_S_MAX):
            await send(message)  # pyright: ignore[reportArgumentType] - a literal of the right shape
    except TimeoutError as error:
        raise CallerLostError from error


def event(data: str, *, name: str | None = None, event_id: str | None = None) -> bytes:
    """Return one server-sent event. Line ends inside ``data`` become several data lines."""
    lines: list[str] = []
    if event_id is not None:
        lines.append(f"id: {event_id}")
    if name is not None:
        lines.append(f"event: {name}")
    lines += (f"data: {line}" for line in data.split("\n"))
    return ("\n".join(lines) + "\n\n").encode()
