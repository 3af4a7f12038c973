"""Storing what came in: numbers, segment files, the tail, and who is woken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from trigger_box.clock import Clock
from trigger_box.domain import limits
from trigger_box.telemetry.parcels import Packed, Parcel, open_packed
from trigger_box.telemetry.rows import line_of
from trigger_box.telemetry.segment_writer import SegmentWriter, TelemetryBusyError
from trigger_box.telemetry.segments import POINTS, ROWS, day_of, first_seq_at, instant_of_seq
from trigger_box.telemetry.tail import Tail
from trigger_box.telemetry.watching import Watches

_INLINE_BYTES: Final = 64 * 1024
"""A request up to this size is read on the loop: a hop to a thread would cost more."""

_STEP_ROWS: Final = 500
_LINE_OVERHEAD: Final = 32


@dataclass(slots=True, kw_only=True)
class Counters:
    """What came in since the start. All only ever grow."""

    requests: int = 0
    bytes_received: int = 0
    rows: int = 0
    points: int = 0
    refused: int = 0
    cut_values: int = 0
    busy_answers: int = 0
    repeats: int = 0


class HeldBody:
    """One request body on its way in. All bodies together are bounded."""

    def __init__(self, held: Bodies) -> None:
        self._held = held
        self._bytes = 0

    def add(self, size: int) -> None:
        """Count bytes that came in.

        Raises:
            TelemetryBusyError: all bodies together are too large. One alone never is.
        """
        others = self._held.bytes - self._bytes
        if others and self._held.bytes + size > limits.OTLP_BODIES_BYTES_MAX:
            raise TelemetryBusyError
        self._bytes += size
        self._held.bytes += size

    def release(self) -> None:
        """Count its bytes out."""
        self._held.bytes -= self._bytes
        self._bytes = 0


@dataclass(slots=True)
class Bodies:
    """How many bytes of request bodies are in memory."""

    bytes: int = 0

    @contextmanager
    def hold(self) -> Generator[HeldBody]:
        """Count one body while the context is open."""
        body = HeldBody(self)
        try:
            yield body
        finally:
            body.release()


class Receiver:
    """Takes export requests. Used on the event loop.

    Args:
        open_apart: opens a large parcel in a thread.
    """

    def __init__(
        self,
        writer: SegmentWriter,
        tail: Tail,
        watches: Watches,
        clock: Clock,
        *,
        open_apart: Callable[[Packed], Awaitable[Parcel]],
    ) -> None:
        self._writer = writer
        self._tail = tail
        self._watches = watches
        self._clock = clock
        self._open_apart = open_apart
        self._seq = 0
        self._digests: dict[bytes, None] = {}
        self.bodies = Bodies()
        self.counters = Counters()

    def count_from(self, seq: int) -> None:
        """Go on with numbers after the last one of an earlier start."""
        self._seq = seq
        # They tell the time, too: where the clock has been set back, the tail begins later.
        self._tail.since_ms = max(self._tail.since_ms, instant_of_seq(seq))

    async def receive(self, packed: Packed) -> Parcel:
        """Take in one export request; return what became of it.

        The rows can be read when this returns, and are on disk about a second later. Log records
        that were sent again because the answer was lost are there already, and are answered so.

        Raises:
            TelemetryBusyError: too much waits already; nothing was taken.
            InvalidError, TooLargeError: the request is not OTLP, or too large.
        """
        self.counters.requests += 1
        self.counters.bytes_received += len(packed.body)
        try:
            self._writer.check_room(len(packed.body))
            parcel = await self._open(packed)
            if parcel.digest in self._digests:
                self.counters.repeats += 1
                return parcel
            self._writer.check_room(
                sum(len(row.record) + _LINE_OVERHEAD for row in parcel.rows)
                + sum(len(point) + _LINE_OVERHEAD for point in parcel.points)
            )
        except TelemetryBusyError:
            self.counters.busy_answers += 1
            raise
        self._remember(parcel.digest)
        self.counters.refused += parcel.refused
        self.counters.cut_values += parcel.cut
        for at in range(0, max(len(parcel.rows), len(parcel.points)), _STEP_ROWS):
            if at:
                await asyncio.sleep(0)  # a large request must not hold up others
            self._store_rows(parcel, at)
            self._store_points(parcel, at)
        return parcel

    async def _open(self, packed: Packed) -> Parcel:
        if len(packed.body) <= _INLINE_BYTES and not packed.content_encoding:
            return open_packed(packed)
        return await self._open_apart(packed)

    def _remember(self, digest: bytes) -> None:
        if not digest:
            return
        if len(self._digests) >= limits.OTLP_REQUESTS_REMEMBERED_MAX:
            del self._digests[next(iter(self._digests))]
        self._digests[digest] = None

    def _store_rows(self, parcel: Parcel, at: int) -> None:
        rows = parcel.rows[at : at + _STEP_ROWS]
        if not rows:
            return
        first = self._numbers(len(rows))
        lines = [line_of(row.record, first + i) for i, row in enumerate(rows)]
        self._writer.put(ROWS, day=day_of(parcel.received_ms), seq=first, lines=b"".join(lines))
        for i, row in enumerate(rows):
            self._tail.add(first + i, received_ms=parcel.received_ms, key=row.key, line=lines[i])
        self.counters.rows += len(rows)
        self._watches.wake({row.key for row in rows} | {row.trace_id for row in rows})

    def _store_points(self, parcel: Parcel, at: int) -> None:
        points = parcel.points[at : at + _STEP_ROWS]
        if not points:
            return
        first = self._numbers(len(points))
        lines = b"".join(line_of(point, first + i) for i, point in enumerate(points))
        self._writer.put(POINTS, day=day_of(parcel.received_ms), seq=first, lines=lines)
        self.counters.points += len(points)

    def _numbers(self, count: int) -> int:
        """Return the first of ``count`` numbers: higher than all before, also after a restart."""
        first = max(self._seq + 1, first_seq_at(self._clock.now_ms()))
        self._seq = first + count - 1
        return first
