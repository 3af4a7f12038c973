"""The controller's end of one executor process: its channel, its output, its end.

What happens during a run is the business of the ``Listener`` that holds the executor meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Mapping
from typing import Final, Protocol

from trigger_box.worker.frames import Frame, FrameReader, FrameTooLargeError, encode
from trigger_box.worker.limits import (
    CHANNEL_END_S_MAX,
    EXIT_S_MAX,
    FRAME_READ_BYTES,
    LINE_BYTES_MAX,
    STDERR_TAIL_BYTES,
)

_READS_A_TURN_MAX: Final = 8


class Listener(Protocol):
    """Whoever holds an executor hears what it does."""

    def heard(self, frame: Frame) -> None:
        """Take a frame that the executor sent."""
        ...

    def printed(self, stream: str, line: str) -> None:
        """Take a line written past Python: by C code or a child process. ``stdout``/``stderr``."""
        ...

    def died(self, status: int | None, stderr_tail: str) -> None:
        """Learn that the process is gone: exit code, minus a signal, or None when unknown."""
        ...


class Killer(Protocol):
    """Signals an executor's whole process group."""

    def kill(self, executor: Executor, number: int) -> None:
        """Send signal ``number``; does nothing when the process is gone."""
        ...


class LinePipe:
    """Reads one output stream of an executor and cuts it into lines."""

    def __init__(self, executor: Executor, stream: str) -> None:
        self._executor = executor
        self._stream = stream
        self._pending = bytearray()
        self._loop = asyncio.get_running_loop()
        self._file, self.writable = os.pipe()
        os.set_blocking(self._file, False)
        self._is_open = True
        self.tail = bytearray()
        self._loop.add_reader(self._file, self.drain)

    def drain(self, reads_max: int = _READS_A_TURN_MAX) -> None:
        """Take what is there now, without waiting for more."""
        for _ in range(reads_max):
            if not self._is_open:
                return
            try:
                data = os.read(self._file, FRAME_READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.close()
                return
            self._take(data)

    def flush(self) -> None:
        """Take what is there now, an unfinished last line included."""
        self.drain()
        if self._pending:
            self._emit(bytes(self._pending))
            self._pending.clear()

    def close(self) -> None:
        """Stop reading."""
        if not self._is_open:
            return
        self._is_open = False
        self._loop.remove_reader(self._file)
        os.close(self._file)
        if self._pending:
            self._emit(bytes(self._pending))
            self._pending.clear()

    def _take(self, data: bytes) -> None:
        self.tail += data
        del self.tail[:-STDERR_TAIL_BYTES]
        self._pending += data
        *lines, rest = self._pending.split(b"\n")
        for line in lines:
            self._emit(bytes(line))
        if len(rest) > LINE_BYTES_MAX:
            self._emit(bytes(rest))
            rest = bytearray()
        self._pending = bytearray(rest)

    def _emit(self, line: bytes) -> None:
        text = line[:LINE_BYTES_MAX].decode("utf-8", "replace").rstrip("\r")
        if len(line) > LINE_BYTES_MAX:
            text += "…"
        if text:
            self._executor.printed(self._stream, text)


class Executor(asyncio.Protocol):
    """One executor process. Made by ``nursery.py``.

    Attributes:
        pid: None until the seed has said it.
        runs_done: how many runs it has executed.
        listener: who holds it now; None while it is idle.
    """

    def __init__(self, killer: Killer) -> None:
        self.pid: int | None = None
        self.runs_done = 0
        self.listener: Listener | None = None
        self.is_dead = False
        self._killer = killer
        self._status: int | None = None
        self._end_timer: asyncio.TimerHandle | None = None
        self._is_channel_open = True
        self._kill_pending: int | None = None
        self._transport: asyncio.Transport | None = None
        self._reader = FrameReader()
        self._stdout = LinePipe(self, "stdout")
        self._stderr = LinePipe(self, "stderr")
        self.gone: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def open(self) -> list[int]:
        """Make the channel; return the files that the process gets: channel, stdout, stderr."""
        ours, theirs = socket.socketpair()
        ours.settimeout(0)
        loop = asyncio.get_running_loop()
        files = [theirs.detach(), self._stdout.writable, self._stderr.writable]
        try:
            await loop.create_unix_connection(lambda: self, sock=ours)
        except BaseException:
            # Whoever asked for it was cancelled: nobody will close what is open by now.
            self._end()
            ours.close()
            for file in files:
                os.close(file)
            raise
        return files

    def send(self, frame: Mapping[str, object]) -> None:
        """Send a frame; one that cannot arrive any more is dropped: ``died`` follows."""
        if self._transport is not None and not self.is_dead:
            self._transport.write(encode(frame))

    def kill(self, number: int) -> None:
        """Send a signal to the process and everything it started."""
        if self.is_dead:
            return
        if self.pid is None:
            self._kill_pending = number
            return
        self._killer.kill(self, number)

    def flush_output(self) -> None:
        """Take what was printed up to now."""
        self._stdout.flush()
        self._stderr.flush()

    # What the seed says.

    def was_forked(self, pid: int) -> None:
        """Learn the process id."""
        self.pid = pid
        if self._kill_pending is not None:
            self._killer.kill(self, self._kill_pending)

    def has_exited(self, status: int | None) -> None:
        """Learn that the process is gone. What it had still sent is heard first."""
        self._status = status
        if self._is_channel_open and self._transport is not None:
            self._end_within(CHANNEL_END_S_MAX)
        else:
            self._end()

    def _end_within(self, pause_s: float) -> None:
        if self._end_timer is None and not self.is_dead:
            self._end_timer = asyncio.get_running_loop().call_later(pause_s, self._end)

    def _end(self) -> None:
        if self.is_dead:
            return
        if self._end_timer is not None:
            self._end_timer.cancel()
        if self._status is None:
            self.kill(signal.SIGKILL)
        self.is_dead = True
        self._stdout.drain()
        self._stderr.drain()
        self._stdout.close()
        self._stderr.close()
        if self._transport is not None:
            self._transport.close()
        if not self.gone.done():
            self.gone.set_result(self._status)
        listener, self.listener = self.listener, None
        if listener is not None:
            listener.died(self._status, self._stderr.tail.decode("utf-8", "replace").strip())

    # What the process says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        assert isinstance(transport, asyncio.Transport), "a socket gives a two-way transport"
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand whole frames to whoever holds the executor."""
        try:
            frames = self._reader.feed(data)
        except (FrameTooLargeError, ValueError):
            # It does not speak our language any more: user code wrote into the channel.
            self.kill(signal.SIGKILL)
            return
        for frame in frames:
            if self.listener is not None:
                self.listener.heard(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        """The process closed its channel: it has ended, or is about to."""
        del exc
        self._is_channel_open = False
        if self._status is not None:
            self._end()
        else:
            self._end_within(EXIT_S_MAX)

    def printed(self, stream: str, line: str) -> None:
        """Hand a printed line to whoever holds the executor."""
        if self.listener is not None:
            self.listener.printed(stream, line)
