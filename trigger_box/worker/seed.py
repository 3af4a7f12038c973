"""The parent of one version's executors: imports the user's modules once, forks when asked.

A fork of a process that has everything loaded is ready in milliseconds. Forking is safe only while
one thread exists, so a project whose imports start threads gets executors that import for
themselves. Runs as ``python -m trigger_box.worker.seed FD``; the other end is ``nursery.py``.
"""

from __future__ import annotations

import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from trigger_box.worker.discovery import Discovery, Project, discover
from trigger_box.worker.frames import Frame, FrameReader, encode, receive, receive_with_files

PROTOCOL: Final = 2
"""Version of the talk between a CLI and a project's own installation of trigger-box."""

_FILES_A_FORK: Final = 3


class Seed:
    """Forks executors and buries them. One thread, no event loop."""

    def __init__(
        self, control: socket.socket, project: Project, discovery: Discovery | None
    ) -> None:
        self._control = control
        self._project = project
        self._discovery = discovery
        self._children: set[int] = set()
        self._woken, self._waker = socket.socketpair()
        self._woken.settimeout(0)
        self._waker.settimeout(0)

    def serve(self) -> Callable[[], NoReturn] | None:
        """Serve until the controller is gone; in a fork, return what the child shall do."""
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        selector = selectors.DefaultSelector()
        selector.register(self._control, selectors.EVENT_READ)
        selector.register(self._woken, selectors.EVENT_READ)
        reader = FrameReader()
        while True:
            ready = {key.fileobj for key, _events in selector.select()}
            if self._woken in ready:
                with suppress(BlockingIOError):
                    self._woken.recv(4096)
                self._bury()
            if self._control not in ready:
                continue
            received = receive_with_files(self._control, reader, _FILES_A_FORK)
            if received is None:
                self._kill_all()
                return None
            frames, files = received
            for frame in frames:
                child = self._obey(frame, files)
                if child is not None:
                    selector.close()
                    return child

    def _obey(self, frame: Frame, files: list[int]) -> Callable[[], NoReturn] | None:
        match frame["kind"]:
            case "fork":
                assert len(files) == _FILES_A_FORK, "a fork brings its channel and two pipes"
                return self._fork(int(frame["seat"]), files)
            case "kill":
                self._kill(int(frame["pid"]), int(frame["signal"]))
            case _:
                pass
        return None

    def _fork(self, seat: int, files: list[int]) -> Callable[[], NoReturn] | None:
        pid = os.fork()
        if pid:
            self._children.add(pid)
            for file in files:
                os.close(file)
            files.clear()
            self._tell({"kind": "forked", "seat": seat, "pid": pid})
            return None
        # From here on this is the executor. Its own session: a signal to its group reaches its
        # children and nobody else, and the terminal's Ctrl-C does not reach it.
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        channel = socket.socket(fileno=files[0])
        os.dup2(files[1], 1)
        os.dup2(files[2], 2)
        os.close(files[1])
        os.close(files[2])
        for inherited in (self._control, self._woken, self._waker):
            inherited.close()
        project, discovery = self._project, self._discovery

        def become_executor() -> NoReturn:
            from trigger_box.worker.executor import serve  # noqa: PLC0415 - the seed itself runs no task

            serve(channel, project, discovery)

        return become_executor

    def _bury(self) -> None:
        while self._children:
            # Look before reaping: while the child is a zombie its process group cannot become
            # somebody else's, so whatever it left running can be killed safely.
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None:
                return
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(found.si_pid, signal.SIGKILL)
            _pid, status = os.waitpid(found.si_pid, 0)
            self._children.discard(found.si_pid)
            self._tell(
                {
                    "kind": "exited",
                    "pid": found.si_pid,
                    "status": os.waitstatus_to_exitcode(status),
                }
            )

    def _kill(self, pid: int, number: int) -> None:
        if pid not in self._children:
            return
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            # It has not made its own group yet.
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _kill_all(self) -> None:
        for pid in list(self._children):
            self._kill(pid, signal.SIGKILL)
        for pid in list(self._children):
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)

    def _tell(self, frame: Frame) -> None:
        # A controller that is gone shows as the end of the channel in the next read.
        with suppress(ConnectionError):
            self._control.sendall(encode(frame))


def _other_threads() -> list[str]:
    """Return the names of all threads but this one, those of C libraries included."""
    names = [thread.name for thread in threading.enumerate()[1:]]
    with suppress(OSError):
        native = len(os.listdir("/proc/self/task")) - 1 - len(names)  # noqa: PTH208 - a count
        names += ["a thread of a C library"] * native
    return names


def main() -> None:
    """Plant one seed: read the project, import it if that is safe, serve."""
    control = socket.socket(fileno=int(sys.argv[1]))
    first = receive(control, FrameReader())
    if first is None:
        return
    frame = first[0]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.chdir(frame["folder"])
    project = Project(
        folder=Path(frame["folder"]), dirs=tuple(frame["dirs"]), ignore=tuple(frame["ignore"])
    )
    discovery: Discovery | None = None
    threads: list[str] = []
    if frame["preload"]:
        discovery = discover(project)
        from trigger_box.worker.execution import prepare_tasks  # noqa: PLC0415 - imports the SDK

        prepare_tasks()
        threads = _other_threads()
    control.sendall(
        encode(
            {
                "kind": "planted",
                "protocol": PROTOCOL,
                "threads": threads,
                "problems": [problem.as_dict() for problem in discovery.problems]
                if discovery
                else [],
            }
        )
    )
    if threads:
        return
    importlib.import_module("trigger_box.worker.executor")  # loaded once, shared by every fork
    gc.collect()
    gc.freeze()
    child = Seed(control, project, discovery).serve()
    if child is not None:
        child()


if __name__ == "__main__":
    main()
