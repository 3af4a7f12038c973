"""The process that executes user code: one run at a time, on its main thread.

It is forked by ``seed.py`` and told what to do by the controller. It imports nothing but the
standard library, pydantic, httpx and the SDK. A thread reads the channel, so that a cancel arrives
while the task runs.
"""

from __future__ import annotations

import atexit
import importlib
import os
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import Any, Final, NoReturn

from trigger_box.clock import SystemClock
from trigger_box.ids import IdSource
from trigger_box.sdk.errors import RunCancelled
from trigger_box.sdk.registry import REGISTRY
from trigger_box.sdk.runtime import running
from trigger_box.worker.attempt_runtime import AttemptRuntime
from trigger_box.worker.capture import Capture, Level
from trigger_box.worker.discovery import Discovery, Project, discover
from trigger_box.worker.environment import RunEnvironment, process_environment
from trigger_box.worker.execution import Outcome, RetryRules, execute
from trigger_box.worker.frames import Frame, FrameReader, FrameTooLargeError, receive
from trigger_box.worker.limits import (
    BLOCKED_LOOP_S_MAX,
    INSPECT_PORT_S_MAX,
    MEMORY_SHARE_MAX,
    OUTPUT_BYTES_MAX,
)
from trigger_box.worker.loop_owner import LoopOwner
from trigger_box.worker.outbox import Outbox

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_GIGABYTE: Final = 1024**3

_INSPECT_PAUSE_S: Final = 0.1

INSPECT_VARIABLE: Final = "TRIGGER_BOX_INSPECT_PORT"
"""Where an executor listens for a debugger before its first run; set by ``dev --inspect``."""


class Executor:
    """Executes runs until told to stop."""

    def __init__(self, channel: socket.socket, folder: Path, discovery: Discovery) -> None:
        self._channel = channel
        self._folder = str(folder.resolve())
        self._problems = discovery.problems
        self._modules = {module.name: sys.modules.get(module.name) for module in discovery.modules}
        self._outbox = Outbox(channel)
        self._inbox: SimpleQueue[Frame | None] = SimpleQueue()
        self._capture = Capture(self._captured)
        self._environment = RunEnvironment()
        self._loop = LoopOwner()
        self._clock = SystemClock()
        self._ids = IdSource(self._clock)
        self._runtime: AttemptRuntime | None = None
        self._is_in_user_code = False
        self._threads: set[threading.Thread] = set()
        self._memory_at_start = _resident_bytes()
        self._inspect_port = int(process_environment().get(INSPECT_VARIABLE) or 0)

    def serve(self) -> None:
        """Execute runs, one after the other."""
        if self._inspect_port:
            _await_debugger(self._inspect_port)
        self._capture.install()
        signal.signal(signal.SIGTERM, self._on_terminate)
        threading.Thread(target=self._read, name="trigger-box-channel", daemon=True).start()
        self._threads = set(threading.enumerate())
        self._outbox.send({"kind": "ready", "pid": os.getpid()})
        while (frame := self._inbox.get()) is not None:
            self._run(frame)

    def _read(self) -> None:
        reader = FrameReader()
        while True:
            frames = receive(self._channel, reader)
            if frames is None:
                # The controller is gone, and with it everybody who could use a result.
                os._exit(0)
            for frame in frames:
                match frame["kind"]:
                    case "run":
                        self._inbox.put(frame)
                    case "cancel":
                        self._cancel(frame)
                    case "retire":
                        self._inbox.put(None)
                    case _:
                        pass

    def _cancel(self, frame: Frame) -> None:
        """Stop the run that executes now, as gently as its kind of code allows."""
        runtime = self._runtime
        if runtime is None or runtime.run_id != frame["run"]:
            return
        reason = str(frame["reason"])
        runtime.cancel_signal.cancel(reason)
        task = REGISTRY.tasks.get(runtime.task_id)
        if task is None:
            return
        if task.is_async:
            self._loop.cancel(reason)
            timer = threading.Timer(BLOCKED_LOOP_S_MAX, self._terminate_if_blocked, (runtime,))
            timer.daemon = True
            timer.start()
        elif frame["urgent"] or "signal" not in task.shape.injected.values():
            # Code that cannot ask whether it was cancelled is told with an exception.
            os.kill(os.getpid(), signal.SIGTERM)

    def _terminate_if_blocked(self, runtime: AttemptRuntime) -> None:
        if self._runtime is runtime and not self._loop.was_cancel_delivered:
            os.kill(os.getpid(), signal.SIGTERM)

    def _on_terminate(self, number: int, frame: FrameType | None) -> None:
        del frame
        runtime = self._runtime
        if runtime is not None and runtime.cancel_signal.cancelled:
            # Blocking code that was cancelled: let its `finally` blocks run, once. SIGKILL follows.
            # A second signal, or one that comes when they are done, is not worth an exception.
            if not self._is_in_user_code:
                return
            self._is_in_user_code = False
            raise RunCancelled(runtime.cancel_signal.reason or "The run was cancelled.")
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _run(self, frame: Frame) -> None:
        execution = frame["execution"]
        self._capture.check()
        self._environment.apply(frame["variables"])
        runtime = AttemptRuntime(
            execution=execution,
            trace_id=frame["trace"],
            span_id=frame["span"],
            outbox=self._outbox,
            clock=self._clock,
            level_min=frame["logLevel"],
        )
        self._runtime = runtime
        retry = RetryRules(policy=frame["retry"], is_enabled=frame["retries"])
        try:
            with running(runtime):
                self._is_in_user_code = True
                try:
                    outcome = execute(
                        execution,
                        runtime=runtime,
                        loop=self._loop,
                        problems=self._problems,
                        retry=retry,
                        clock=self._clock,
                        ids=self._ids,
                    )
                finally:
                    self._is_in_user_code = False
                self._capture.finish_lines()
            runtime.note_dropped()
            # The run ends here. What it left behind is nothing the box need wait for.
            self._finish(outcome)
            unfit = self._unfit(execution)
            self._capture.finish_lines()
        finally:
            self._runtime = None
        self._environment.restore()
        self._outbox.send({"kind": "free", "unfit": unfit})

    def _finish(self, outcome: Outcome) -> None:
        frame: dict[str, object] = {
            "kind": "done",
            "completion": outcome.completion,
            "output": outcome.output_attributes,
            "cancelled": outcome.is_cancelled,
        }
        try:
            self._outbox.send(frame)
        except FrameTooLargeError:
            # Text that was under the limit as UTF-8 grew when it was quoted once more.
            frame["completion"] = {
                "ok": False,
                "id": outcome.completion["id"],
                "error": {
                    "type": "INTERNAL_ERROR",
                    "code": "TASK_OUTPUT_ERROR",
                    "message": f"The output is larger than {OUTPUT_BYTES_MAX} bytes.",
                },
            }
            self._outbox.send(frame)

    def _captured(self, level: Level, text: str, fields: Mapping[str, object]) -> bool:
        runtime = self._runtime
        if runtime is None or not self._outbox.is_open:
            return False
        runtime.record(level, text, fields)
        return True

    def _unfit(self, execution: Mapping[str, Any]) -> str | None:
        """Return why this process must not execute another run, or None (python-sdk 18.1)."""
        reason = self._loop.tidy()
        if reason is not None:
            return reason
        if self._inspect_port:
            # The debugger has threads and a process of its own, and only one process may have it.
            return None
        left = [thread.name for thread in threading.enumerate() if thread not in self._threads]
        if left:
            return f"the run left a thread behind: {left[0]}"
        if _has_children():
            return "the run left a child process behind"
        if any(sys.modules.get(name) is not module for name, module in self._modules.items()):
            return "the run replaced a module"
        machine: Mapping[str, Any] = execution.get("machine") or {}
        limit = float(machine.get("memory") or 0.5) * _GIGABYTE * MEMORY_SHARE_MAX
        if _resident_bytes() > max(limit, 2 * self._memory_at_start):
            return "the process uses more than 80 % of the machine's memory"
        if signal.getsignal(signal.SIGTERM) != self._on_terminate:
            return "the run replaced the handler of SIGTERM"
        try:
            if os.getcwd() != self._folder:  # noqa: PTH109 - asked after every run, and a text will do
                os.chdir(self._folder)
        except OSError:
            return "the working directory is gone"
        return None


def serve(channel: socket.socket, project: Project, discovery: Discovery | None) -> NoReturn:
    """Be an executor, then end the process.

    Args:
        discovery: what the seed imported; None when this process has to import for itself.
    """
    code = 1
    try:
        _reseed()
        found = discover(project) if discovery is None else discovery
        Executor(channel, project.folder, found).serve()
        # User modules may have registered functions, and os._exit() skips them.
        atexit._run_exitfuncs()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - no public way
        code = 0
    finally:
        with suppress(Exception):
            sys.__stdout__.flush()  # type: ignore[union-attr] # inside suppress
            sys.__stderr__.flush()  # type: ignore[union-attr] # inside suppress
        os._exit(code)


def _await_debugger(port: int) -> None:
    """Wait until a person has attached a debugger to this process."""
    debugpy = importlib.import_module("debugpy")
    deadline = time.monotonic() + INSPECT_PORT_S_MAX
    while True:
        try:
            debugpy.listen(("127.0.0.1", port))
            break
        except (OSError, RuntimeError):
            # The executor before this one is still letting go of the port.
            if time.monotonic() > deadline:
                raise
            time.sleep(_INSPECT_PAUSE_S)
    debugpy.wait_for_client()


def _reseed() -> None:
    """Give this fork randomness of its own: it shares the seed's state of generators."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def _has_children() -> bool:
    try:
        # Looks without reaping: the child may still be waited for by its own Popen object.
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _resident_bytes() -> int:
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - read once a run
            return int(file.read().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0
