"""Appends to segment files: one thread owns the open ones.

It writes what waits in one go and makes it durable at most a second later, so a power cut costs
that second at most; a run's own state is never in here. Each start of the box begins new files, so
a line torn by a crash stays where it is, at the end of a file.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from trigger_box import log
from trigger_box.clock import Clock
from trigger_box.domain import limits
from trigger_box.domain.errors import UnavailableError
from trigger_box.telemetry.segments import ROWS, SUFFIX, sync_folder

_PAUSE_S: Final = 1.0
_PAUSE_S_MAX: Final = 10.0
_WRITE_BYTES_MAX: Final = 4 * 1024 * 1024

_log = log.get("telemetry")


class TelemetryBusyError(UnavailableError):
    """The box has more telemetry to store than its disk can take right now. Send it again later."""

    code = "telemetry_busy"


@dataclass(slots=True, kw_only=True)
class _Batch:
    stream: str
    day: str
    seq: int
    lines: bytes


@dataclass(slots=True)
class _Open:
    day: str
    path: Path
    descriptor: int
    size: int
    is_dirty: bool = False


class SegmentWriter:
    """Takes lines from the event loop; its thread appends them. ``put`` never blocks."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._queue: SimpleQueue[_Batch | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="telemetry-segments", daemon=True)
        self._ending = threading.Event()
        self._open: dict[str, _Open] = {}
        self._sync_at_s = 0.0
        self._bytes_put = 0  # the loop's
        self._bytes_settled = 0  # the thread's
        self.bytes_written = 0
        self.bytes_lost = 0
        """What was answered with "stored" and could not be: the disk failed until the stop."""
        self.rows_files: list[str] = []
        """Names of the row files this process has begun, oldest first. Only ever grows."""
        self.failure: str | None = None
        """Why the disk takes nothing right now, or None."""

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, make it durable, end the thread. Blocks: call it in a thread."""
        self._ending.set()
        self._queue.put(None)
        self._thread.join()

    @property
    def bytes_waiting(self) -> int:
        """Return how much was put and is not in a file yet."""
        return self._bytes_put - self._bytes_settled

    def check_room(self, size: int) -> None:
        """Check that ``size`` more bytes may be put. Whatever is put alone always fits.

        Raises:
            TelemetryBusyError: too much waits already.
        """
        waiting = self.bytes_waiting
        if waiting and waiting + size > limits.TELEMETRY_QUEUE_BYTES_MAX:
            raise TelemetryBusyError

    def put(self, stream: str, *, day: str, seq: int, lines: bytes) -> None:
        """Hand over complete lines, the first of them numbered ``seq``. Ask for room before."""
        self._bytes_put += len(lines)
        self._queue.put(_Batch(stream=stream, day=day, seq=seq, lines=lines))

    def _run(self) -> None:
        has_ended = False
        while not has_ended:
            batches: list[_Batch] = []
            try:
                batch = self._queue.get(timeout=self._sync_in_s())
            except Empty:
                self._sync()
                continue
            size = 0
            while batch is not None:
                batches.append(batch)
                size += len(batch.lines)
                if size >= _WRITE_BYTES_MAX or self._queue.empty():
                    break
                batch = self._queue.get()
            has_ended = batch is None
            self._store(batches)
            if self._sync_in_s() == 0:
                self._sync()
        self._close_all()

    def _sync_in_s(self) -> float | None:
        """Return when the next sync is due; None while nothing needs one."""
        if not any(file.is_dirty for file in self._open.values()):
            return None
        return max(0.0, self._sync_at_s - self._clock.monotonic_s())

    def _store(self, batches: list[_Batch]) -> None:
        """Write batches; while the disk refuses, try again: the queue's bound holds senders up."""
        joined: dict[tuple[str, str], list[_Batch]] = {}
        for batch in batches:
            joined.setdefault((batch.stream, batch.day), []).append(batch)
        pause_s = _PAUSE_S
        for (stream, day), parts in joined.items():
            whole = _Batch(
                stream=stream,
                day=day,
                seq=parts[0].seq,
                lines=b"".join(part.lines for part in parts),
            )
            while not self._append(whole):
                if self._ending.wait(pause_s):
                    self.bytes_lost += len(whole.lines)
                    break
                pause_s = min(_PAUSE_S_MAX, pause_s * 2)
            self._bytes_settled += len(whole.lines)

    def _append(self, batch: _Batch) -> bool:
        try:
            file = self._file_for(batch)
            view = memoryview(batch.lines)
            while view:
                view = view[os.write(file.descriptor, view) :]
        except OSError as error:
            self._fail(batch.stream, error)
            return False
        if not any(each.is_dirty for each in self._open.values()):
            self._sync_at_s = self._clock.monotonic_s() + limits.SEGMENT_SYNC_S
        file.is_dirty = True
        file.size += len(batch.lines)
        self.bytes_written += len(batch.lines)
        if self.failure is not None:
            self.failure = None
            _log.warning("telemetry.disk_recovered")
        return True

    def _file_for(self, batch: _Batch) -> _Open:
        file = self._open.get(batch.stream)
        if file is not None and (
            file.day != batch.day or file.size + len(batch.lines) > limits.SEGMENT_BYTES_MAX
        ):
            self._close(batch.stream)
            file = None
        if file is None:
            folder = self._folder / batch.day
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            name = f"{batch.stream}-{batch.seq:016d}{SUFFIX}"
            path = folder / name
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            file = _Open(batch.day, path, descriptor, os.fstat(descriptor).st_size)
            self._open[batch.stream] = file
            if batch.stream == ROWS and self.rows_files[-1:] != [f"{batch.day}/{name}"]:
                self.rows_files.append(f"{batch.day}/{name}")
            for each in (folder, self._folder):
                sync_folder(each)
        return file

    def _fail(self, stream: str, error: OSError) -> None:
        """Note a failed write; leave the file as it was before, and go on in a new one."""
        if self.failure is None:
            _log.error(
                "telemetry.disk_failed",
                reason=error.strerror,
                next_step="Free disk space or repair the disk; spans and logs wait in memory.",
            )
        self.failure = error.strerror or str(error)
        file = self._open.pop(stream, None)
        if file is not None:
            with suppress(OSError):
                os.ftruncate(file.descriptor, file.size)
            with suppress(OSError):
                os.close(file.descriptor)

    def _sync(self) -> None:
        for stream, file in list(self._open.items()):
            if file.is_dirty:
                file.is_dirty = False
                try:
                    os.fdatasync(file.descriptor)
                except OSError as error:
                    self._fail(stream, error)

    def _close(self, stream: str) -> None:
        self._sync()
        file = self._open.pop(stream, None)
        if file is not None:
            os.close(file.descriptor)

    def _close_all(self) -> None:
        for stream in list(self._open):
            self._close(stream)
