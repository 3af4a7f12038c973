"""The controller's end of one version's seed process: has executors forked and hears of their end.

The other end is ``seed.py``. Which executor does what is decided in ``pool.py``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, cast

from trigger_box.worker.discovery import Project
from trigger_box.worker.executors import Executor
from trigger_box.worker.frames import Frame, FrameReader, encode
from trigger_box.worker.limits import IMPORT_S_MAX, STDERR_TAIL_BYTES, TERMINATE_GRACE_S
from trigger_box.worker.seed import PROTOCOL


class NurseryError(Exception):
    """The project's Python process could not be started, or does not fit this program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Soil:
    """What a seed grows from.

    Attributes:
        python: the interpreter of the user's project.
        environment: the complete environment of the processes; holds secrets.
    """

    python: str
    project: Project
    environment: Mapping[str, str]


class Nursery(asyncio.Protocol):
    """One seed process and the executors it forked. Make with ``plant``; close when done."""

    def __init__(
        self,
        python: str,
        process: subprocess.Popen[bytes],
        control: socket.socket,
        words: IO[bytes],
    ) -> None:
        self._python = python
        self._process = process
        self._control = control
        self._words = words
        self._transport: asyncio.Transport | None = None
        self._reader = FrameReader()
        self._seat = 0
        self._by_seat: dict[int, Executor] = {}
        self._by_pid: dict[int, Executor] = {}
        self._planted: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._is_closing = False
        self.is_dead = False

    @classmethod
    async def plant(cls, soil: Soil) -> Nursery:
        """Start a seed and wait until it can fork.

        Raises:
            NurseryError: it did not start; the message says what to do.
        """
        nursery, threads = await cls._plant(soil, preload=sys.platform.startswith("linux"))
        if threads:
            # Forking beside running threads may leave their locks held for ever.
            await nursery.close()
            nursery, _threads = await cls._plant(soil, preload=False)
        return nursery

    @classmethod
    async def _plant(cls, soil: Soil, *, preload: bool) -> tuple[Nursery, list[str]]:
        ours, theirs = socket.socketpair()
        ours.settimeout(0)
        words = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the nursery
        try:
            process = _start(soil, theirs, words)
        except OSError as error:
            ours.close()
            words.close()
            raise NurseryError(f"{soil.python} does not start: {error.strerror}") from error
        finally:
            theirs.close()
        nursery = cls(soil.python, process, ours, words)
        project = soil.project
        try:
            async with asyncio.timeout(IMPORT_S_MAX):
                loop = asyncio.get_running_loop()
                await loop.create_unix_connection(lambda: nursery, sock=ours)
                nursery._tell(
                    {
                        "kind": "plant",
                        "folder": str(project.folder),
                        "dirs": list(project.dirs),
                        "ignore": list(project.ignore),
                        "preload": preload,
                    }
                )
                planted = await nursery._planted
        except TimeoutError as error:
            await nursery._uproot()
            raise NurseryError(
                f"the project was not imported within {IMPORT_S_MAX:g} s: "
                "a module waits for something while it is imported"
            ) from error
        except asyncio.CancelledError:
            await nursery._uproot()
            raise
        if planted["protocol"] != PROTOCOL:
            await nursery.close()
            raise NurseryError(
                f"the trigger-box installed for {soil.python} does not fit this program: "
                "install the same version in both places"
            )
        return nursery, cast("list[str]", planted["threads"])

    async def fork(self) -> Executor:
        """Return a new executor. It may be told to run at once: it listens when it is ready.

        Raises:
            NurseryError: the seed is gone.
        """
        if self.is_dead or self._is_closing:
            raise NurseryError("the project's Python process is gone")
        executor = Executor(self)
        files = await executor.open()
        self._seat += 1
        self._by_seat[self._seat] = executor
        try:
            socket.send_fds(self._control, [encode({"kind": "fork", "seat": self._seat})], files)
        except OSError as error:
            executor.has_exited(None)
            self._by_seat.pop(self._seat, None)
            raise NurseryError("the project's Python process is gone") from error
        finally:
            for file in files:
                os.close(file)
        return executor

    def kill(self, executor: Executor, number: int) -> None:
        """Signal one executor and everything it started."""
        if executor.pid is None or executor.is_dead:
            return
        if self.is_dead:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(executor.pid, number)
            return
        self._tell({"kind": "kill", "pid": executor.pid, "signal": number})

    async def close(self) -> None:
        """End the seed; it kills its executors."""
        self._is_closing = True
        if self._transport is not None:
            self._transport.close()
        else:
            self._control.close()
        await asyncio.to_thread(self._end)
        self._bury_all()

    async def _uproot(self) -> None:
        """End a seed that is still importing: it hears nothing, and nobody runs in it yet."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self.close()

    def _end(self) -> None:
        try:
            self._process.wait(TERMINATE_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._words.close()

    def _tell(self, frame: Mapping[str, object]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode(frame))

    # What the seed says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        assert isinstance(transport, asyncio.Transport), "a socket gives a two-way transport"
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Act on what the seed says."""
        for frame in self._reader.feed(data):
            self._hear(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        """The seed is gone: what it would have reaped is killed from here."""
        del exc
        self.is_dead = True
        if not self._planted.done():
            self._planted.set_exception(NurseryError(self._last_words()))
        if not self._is_closing:
            for executor in list(self._by_pid.values()):
                executor.kill(signal.SIGKILL)
        self._bury_all()

    def _hear(self, frame: Frame) -> None:
        match frame["kind"]:
            case "planted":
                if not self._planted.done():
                    self._planted.set_result(frame)
            case "forked":
                executor = self._by_seat.pop(int(frame["seat"]), None)
                if executor is not None:
                    self._by_pid[int(frame["pid"])] = executor
                    executor.was_forked(int(frame["pid"]))
            case "exited":
                executor = self._by_pid.pop(int(frame["pid"]), None)
                if executor is not None:
                    executor.has_exited(int(frame["status"]))
            case _:
                pass

    def _bury_all(self) -> None:
        executors = [*self._by_seat.values(), *self._by_pid.values()]
        self._by_seat.clear()
        self._by_pid.clear()
        for executor in executors:
            executor.has_exited(None)

    def _last_words(self) -> str:
        """Return why the seed never came up, from what it wrote before it ended."""
        end = self._words.seek(0, os.SEEK_END)
        self._words.seek(max(0, end - STDERR_TAIL_BYTES))
        words = self._words.read().decode("utf-8", "replace").strip()
        if "No module named" in words and "trigger_box" in words:
            return f"trigger-box is not installed for {self._python}"
        return "the project's Python process ended while it started: " + (
            words.splitlines()[-1] if words else "it said nothing"
        )


def _start(soil: Soil, control: socket.socket, words: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the user's own interpreter
        [soil.python, "-m", "trigger_box.worker.seed", str(control.fileno())],
        cwd=soil.project.folder,
        env=dict(soil.environment),
        pass_fds=[control.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=words,
        start_new_session=True,
    )
