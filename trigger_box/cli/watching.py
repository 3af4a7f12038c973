"""Following one run until it ends: its changes of status and its log lines, as they come.

There is no stream for secret keys yet, so this asks again and again, slower the longer it takes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from trigger_box.cli.api import Api, segment
from trigger_box.cli.exits import CliError, Exit

_PAUSE_S_MIN: Final = 0.05
_PAUSE_S_MAX: Final = 1.0
_PAUSE_FACTOR: Final = 1.3
_SILENCE_S_MIN: Final = 5.0
_SILENCE_S_MAX: Final = 60.0
_NOT_BEGUN: Final = frozenset({"PENDING_VERSION", "DELAYED", "QUEUED", "DEQUEUED"})
# A worker's last lines arrive a moment after its run has ended.
_LAST_LINES_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Changed:
    """The run has another status now."""

    run: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """The run has not begun, or goes on waiting, after so many seconds."""

    run: dict[str, Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class Logged:
    """The run wrote a line."""

    event: dict[str, Any]


def get_run(api: Api, run_id: str) -> dict[str, Any]:
    """Return a run with everything about it.

    Raises:
        CliError: there is no such run in this environment.
    """
    try:
        run: dict[str, Any] = api.get(f"/api/v3/runs/{segment(run_id)}")
    except CliError as error:
        if error.code is Exit.NOT_FOUND:
            raise CliError(
                f"There is no run {run_id} in this environment.",
                hint="Runs belong to one environment: name it with --env.",
                code=Exit.NOT_FOUND,
            ) from error
        raise
    return run


def follow(
    api: Api,
    run_id: str,
    *,
    with_logs: bool,
    timeout_s: float | None = None,
    again: str | None = None,
) -> Iterator[Changed | Kept | Logged]:
    """Yield what happens to a run until it has ended; the last ``Changed`` is its end.

    A run that does not execute is never silent: ``Kept`` comes after a while, and then rarer.

    Raises:
        CliError: no such run, or it goes on after ``timeout_s``; ``again`` is then the command to
            go on watching.
    """
    deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
    status: str | None = None
    logs = _Logs(api, run_id) if with_logs else None
    pause_s = _PAUSE_S_MIN
    since_s, silence_s = time.monotonic(), _SILENCE_S_MIN
    while True:
        run = get_run(api, run_id)
        if logs is not None:
            yield from map(Logged, logs.fresh())
        if run["isCompleted"]:
            if logs is not None:
                yield from map(Logged, logs.last())
            yield Changed(run)
            return
        if run["status"] != status:
            status = run["status"]
            pause_s = _PAUSE_S_MIN
            since_s, silence_s = time.monotonic(), _SILENCE_S_MIN
            yield Changed(run)
        waited_s = time.monotonic() - since_s
        if status in _NOT_BEGUN and waited_s >= silence_s:
            silence_s = waited_s + min(waited_s, _SILENCE_S_MAX)
            yield Kept(run, waited_s)
        if deadline_s is not None and time.monotonic() > deadline_s:
            raise CliError(
                f"{run_id} is still {status} after {timeout_s:g} seconds; it goes on.",
                hint=again,
                code=Exit.TIMED_OUT,
            )
        time.sleep(pause_s)
        pause_s = min(pause_s * _PAUSE_FACTOR, _PAUSE_S_MAX)


def log_events(api: Api, run_id: str) -> Iterator[dict[str, Any]]:
    """Yield the lines a run has written so far."""
    yield from _Logs(api, run_id).fresh()


def exit_of_run(run: dict[str, Any]) -> Exit:
    """Return how a command ends that waited for this run."""
    return Exit.OK if run["isSuccess"] else Exit.RUN_FAILED


class _Logs:
    """A bookmark in a run's log."""

    def __init__(self, api: Api, run_id: str) -> None:
        self._api = api
        self._path = f"/api/v1/runs/{segment(run_id)}/events"
        self._after = "0"

    def fresh(self) -> Iterator[dict[str, Any]]:
        """Yield the lines that have arrived since the last call."""
        while True:
            page: dict[str, Any] = self._api.get(
                self._path, params={"kind": "log", "after": self._after}
            )
            self._after = page["pagination"]["next"]
            yield from page["events"]
            if not page["pagination"]["hasMore"]:
                return

    def last(self) -> Iterator[dict[str, Any]]:
        """Yield the lines that arrive in the moment after the end."""
        deadline_s = time.monotonic() + _LAST_LINES_S
        while time.monotonic() < deadline_s:
            time.sleep(_PAUSE_S_MIN * 4)
            yield from self.fresh()
