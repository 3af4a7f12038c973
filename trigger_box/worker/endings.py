"""What the end of an executor process means for its run: exit codes and signals as error codes.

Source: worker-protocol 5.3, run-engine 7.5 and 24. None of these carries a wish for a retry: the
engine looks the policy up where it is allowed.
"""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

Wire = dict[str, Any]

_OUT_OF_MEMORY_STATUS: Final = 137


def crash_error(status: int | None, stderr_tail: str, *, is_out_of_memory: bool) -> Wire:
    """Return the error of a run whose process ended by itself.

    Args:
        status: exit code, minus a signal's number, or None when nobody saw it.
        is_out_of_memory: the kernel says that it killed for memory.
    """
    if is_out_of_memory or status == _OUT_OF_MEMORY_STATUS:
        return _error("TASK_PROCESS_OOM_KILLED", "The process ran out of memory.", stderr_tail)
    match status:
        case None:
            code, message = "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE", "The process disappeared."
        case -11:
            code = "TASK_PROCESS_SIGSEGV"
            message = "The process crashed: segmentation fault (SIGSEGV)."
        case -15:
            code, message = "TASK_PROCESS_SIGTERM", "The process was ended with SIGTERM."
        case _ if status < 0:
            code = "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE"
            # These words are read by the engine: signal 9 that nobody sent counts as memory.
            message = f"Process exited with code -1 after signal {_signal_name(-status)}."
        case _:
            code = "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE"
            message = f"Process exited with code {status}."
    return _error(code, message, stderr_tail)


def timeout_error(seconds: float) -> Wire:
    """Return the error of a run that took longer than its ``maxDuration``."""
    return _error(
        "MAX_DURATION_EXCEEDED", f"The run took longer than its max_duration of {seconds:g} s."
    )


def cancel_error(reason: str) -> Wire:
    """Return the error of a cancelled run."""
    return _error("TASK_RUN_CANCELLED", reason)


def internal_error(code: str, message: str) -> Wire:
    """Return an error of the worker's own; ``code`` is one of run-engine 24."""
    return _error(code, message)


def failed(run_id: str, task_id: str | None, error: Wire) -> Wire:
    """Return the completion of an attempt that failed with ``error``."""
    completion: Wire = {"ok": False, "id": run_id, "error": error}
    if task_id is not None:
        completion["taskIdentifier"] = task_id
    return completion


def _error(code: str, message: str, stack: str = "") -> Wire:
    error: Wire = {"type": "INTERNAL_ERROR", "code": code, "message": message}
    if stack:
        error["stackTrace"] = stack
    return error


def _signal_name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return str(number)


class MemoryKills:
    """Counts what the kernel killed for memory in this process's own control group."""

    def __init__(self) -> None:
        self._file = _events_file()
        self._seen = self._count()

    def happened(self) -> bool:
        """Return whether there was a kill since the last question."""
        before, self._seen = self._seen, self._count()
        return self._seen > before

    def _count(self) -> int:
        if self._file is None:
            return 0
        try:
            for line in self._file.read_text().splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count)
        except (OSError, ValueError):
            pass
        return 0


def _events_file() -> Path | None:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _number, controllers, path = line.split(":", 2)
        if not controllers:
            file = Path("/sys/fs/cgroup") / path.lstrip("/") / "memory.events"
        elif "memory" in controllers.split(","):
            file = Path("/sys/fs/cgroup/memory") / path.lstrip("/") / "memory.oom_control"
        else:
            continue
        if file.is_file():
            return file
    return None
