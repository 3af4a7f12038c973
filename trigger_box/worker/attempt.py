"""One attempt in one executor, seen from the controller: frames in, an ending out.

Timers and signals live here; what the box is told about the ending is decided in ``run_life.py``.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Any, Final

from trigger_box.clock import Clock
from trigger_box.worker import endings
from trigger_box.worker.attempt_runtime import RateLimit
from trigger_box.worker.attributes import Scalar
from trigger_box.worker.box import Started
from trigger_box.worker.endings import MemoryKills
from trigger_box.worker.executors import Executor
from trigger_box.worker.frames import Frame
from trigger_box.worker.limits import (
    CANCEL_GRACE_S,
    FREE_S_MAX,
    LOGS_BURST_MAX,
    LOGS_PER_SECOND_MAX,
    TERMINATE_GRACE_S,
)
from trigger_box.worker.pool import Version
from trigger_box.worker.records import RecordMaker
from trigger_box.worker.reports import LinePrinted, Reporter
from trigger_box.worker.telemetry import Telemetry
from trigger_box.worker.updates import Updates

_MAX_DURATION_NONE_S: Final = 2_147_483_647
# User code gets the signal in its own process first, so that its `finally` blocks run.
_SELF_TERMINATE_S: Final = 0.25


class Stop(Enum):
    """Why the controller ends an attempt."""

    CANCELLED = auto()
    TIMED_OUT = auto()
    ABANDONED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an attempt ended.

    Attributes:
        completion: what the box is to be told; None: nothing, the run is somebody else's now.
    """

    completion: dict[str, Any] | None
    duration_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all attempts of a controller share."""

    telemetry: Telemetry
    reporter: Reporter
    clock: Clock
    memory_kills: MemoryKills


class Attempt:
    """Holds an executor for one attempt; the box is told when it has ended, not when it is free.

    Attributes:
        ended: how the attempt ended, as soon as user code has returned or raised.
        freed: later, once the process has tidied up: why it must not be used again, or None.
    """

    def __init__(
        self,
        started: Started,
        executor: Executor,
        version: Version,
        updates: Updates,
        around: Surroundings,
    ) -> None:
        self._started = started
        self._executor = executor
        self._version = version
        self._updates = updates
        self._around = around
        self._loop = asyncio.get_running_loop()
        self._task_id = str(started.execution["task"]["id"])
        self._stop: Stop | None = None
        self._reason = ""
        self._timers: list[asyncio.TimerHandle] = []
        self._begun_s = self._loop.time()
        self._begun_ns = around.clock.now_ms() * 1_000_000
        self._raw_lines = RateLimit(per_second=LOGS_PER_SECOND_MAX, burst=LOGS_BURST_MAX)
        self._open_spans: dict[str, Frame] = {}
        self.ended: asyncio.Future[Ending] = self._loop.create_future()
        self.freed: asyncio.Future[str | None] = self._loop.create_future()
        is_warm = executor.runs_done > 0
        self._records = RecordMaker(
            started.execution,
            worker_id=version.id,
            worker_version=version.version,
            is_warm=is_warm,
        )
        self._attempt_attributes: dict[str, Scalar] = {
            "$entity.type": "attempt",
            "$span.attempt": True,
            "$trigger.executionCount": executor.runs_done + 1,
            "$style.icon": "attempt",
            "$style.variant": "warm" if is_warm else "cold",
        }

    def begin(self) -> None:
        """Hand the run to the executor."""
        started, version, executor = self._started, self._version, self._executor
        executor.listener = self
        executor.runs_done += 1
        retry = version.retries.get(self._task_id)
        executor.send(
            {
                "kind": "run",
                "execution": started.execution,
                "variables": {
                    name: value
                    for name, value in started.variables.items()
                    if name not in version.pinned
                },
                "trace": self._records.trace_id,
                "span": self._records.attempt_span_id,
                "retry": retry,
                "retries": version.retries_enabled,
                "logLevel": version.log_level,
            }
        )
        limit_s = started.execution["run"].get("maxDuration")
        if limit_s and int(limit_s) < _MAX_DURATION_NONE_S and version.has_time_limits:
            self._after(float(limit_s), self._time_out)
        self._around.telemetry.add_partial(
            self._records.resource,
            partial(
                self._records.partial_span,
                name=f"Attempt {started.attempt_number}",
                span_id=self._records.attempt_span_id,
                parent_id=self._records.run_span_id,
                started_ns=self._begun_ns,
                attributes=dict(self._attempt_attributes),
            ),
            span_id=self._records.attempt_span_id,
        )

    def cancel(self, reason: str) -> None:
        """Ask user code to stop, and make it stop when it does not."""
        if self._stop is not None or self.ended.done():
            return
        self._stop, self._reason = Stop.CANCELLED, reason
        self._ask_to_stop(reason)
        self._kill_after(CANCEL_GRACE_S)

    def abandon(self, reason: str) -> None:
        """Kill the process and report nothing: the run has gone on without us."""
        if self.ended.done():
            return
        self._stop, self._reason = Stop.ABANDONED, reason
        self._executor.kill(signal.SIGKILL)

    @property
    def stop(self) -> Stop | None:
        """Why this attempt is being ended, if it is."""
        return self._stop

    @property
    def reason(self) -> str:
        """The same in words."""
        return self._reason

    # What the executor says.

    def heard(self, frame: Frame) -> None:
        """Take a frame of the executor."""
        match frame["kind"]:
            case "log":
                self._log(
                    str(frame["level"]),
                    str(frame["text"]),
                    int(frame["at"]),
                    str(frame["span"]),
                    frame.get("attributes") or {},
                )
            case "free":
                self._free(frame["unfit"])
            case _ if self.ended.done():
                # Of code that the run left behind: its spans are closed, its metadata is sent.
                pass
            case "span":
                self._span(frame)
            case "metadata":
                self._updates.change_metadata(str(frame["target"]), frame["operation"])
            case "tags":
                self._updates.add_tags([str(tag) for tag in frame["tags"]])
            case "done":
                self._done(frame)
            case _:
                pass

    def printed(self, stream: str, line: str) -> None:
        """Take a line that C code or a child process wrote."""
        if self._raw_lines.admit():
            level = "log" if stream == "stdout" else "warn"
            at_ns = self._around.clock.now_ms() * 1_000_000
            self._log(level, line, at_ns, self._records.attempt_span_id, {})

    def warn(self, text: str) -> None:
        """Write a line of the worker's own into the run's log."""
        at_ns = self._around.clock.now_ms() * 1_000_000
        self._log("warn", text, at_ns, self._records.attempt_span_id, {})

    def died(self, status: int | None, stderr_tail: str) -> None:
        """The process is gone, by itself or because it was told to."""
        match self._stop:
            case Stop.TIMED_OUT:
                error = endings.timeout_error(self._limit_s)
            case Stop.CANCELLED:
                error = endings.cancel_error(self._reason)
            case Stop.ABANDONED:
                error = None
            case None:
                error = endings.crash_error(
                    status,
                    stderr_tail,
                    is_out_of_memory=status == -signal.SIGKILL
                    and self._around.memory_kills.happened(),
                )
        self._end(None if error is None else self._failed(error))
        self._free("the process ended")

    def _done(self, frame: Frame) -> None:
        completion: dict[str, Any] | None = frame["completion"]
        match self._stop:
            case Stop.TIMED_OUT:
                completion = self._failed(endings.timeout_error(self._limit_s))
            case Stop.CANCELLED:
                completion = self._failed(endings.cancel_error(self._reason))
            case Stop.ABANDONED:
                completion = None
            case None:
                pass
        self._attempt_attributes.update(frame.get("output") or {})
        self._executor.flush_output()
        self._end(completion)
        if self._stop is None:
            self._after(FREE_S_MAX, self._free, "what the run left behind does not end")
        else:
            self._free("its run was stopped")

    def _end(self, completion: dict[str, Any] | None) -> None:
        if self.ended.done():
            return
        self._stop_timers()
        duration_ms = (self._loop.time() - self._begun_s) * 1000
        self._close_spans(completion, duration_ms)
        self.ended.set_result(Ending(completion=completion, duration_ms=duration_ms))

    def _free(self, unfit: str | None) -> None:
        if self.freed.done():
            return
        self._stop_timers()
        self._executor.listener = None
        self.freed.set_result(unfit)

    def _stop_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    # Stopping.

    @property
    def _limit_s(self) -> float:
        return float(self._started.execution["run"].get("maxDuration") or 0)

    def _time_out(self) -> None:
        if self._stop is None:
            self._stop = Stop.TIMED_OUT
            self._ask_to_stop("The run took longer than its max_duration.", is_urgent=True)
            self._kill_after(_SELF_TERMINATE_S)

    def _ask_to_stop(self, reason: str, *, is_urgent: bool = False) -> None:
        self._executor.send(
            {
                "kind": "cancel",
                "run": self._started.run_id,
                "reason": reason,
                "urgent": is_urgent,
            }
        )

    def _kill_after(self, pause_s: float) -> None:
        self._after(pause_s, self._executor.kill, signal.SIGTERM)
        self._after(pause_s + TERMINATE_GRACE_S, self._executor.kill, signal.SIGKILL)

    def _after(self, pause_s: float, act: Any, *args: object) -> None:  # noqa: ANN401 - any callback
        self._timers.append(self._loop.call_later(pause_s, act, *args))

    def _failed(self, error: Mapping[str, Any]) -> dict[str, Any]:
        return endings.failed(self._started.run_id, self._task_id, dict(error))

    # Telemetry.

    def _log(
        self, level: str, text: str, at_ns: int, span_id: str, attributes: Mapping[str, Scalar]
    ) -> None:
        records = self._records
        self._around.telemetry.add_log(
            records.resource,
            records.log(
                level=level, text=text, at_ns=at_ns, span_id=span_id, attributes=attributes
            ),
        )
        self._around.reporter.report(
            LinePrinted(
                run_id=self._started.run_id,
                task_id=self._task_id,
                level=level,
                text=text,
                attributes=attributes,
            )
        )

    def _span(self, frame: Frame) -> None:
        records, telemetry = self._records, self._around.telemetry
        span_id = str(frame["id"])
        ended_ns = frame.get("end")
        if ended_ns is None:
            self._open_spans[span_id] = frame
            telemetry.add_partial(
                records.resource,
                partial(
                    records.partial_span,
                    name=str(frame["name"]),
                    span_id=span_id,
                    parent_id=str(frame["parent"]),
                    started_ns=int(frame["start"]),
                    attributes=frame["attributes"],
                ),
                span_id=span_id,
            )
            return
        self._open_spans.pop(span_id, None)
        telemetry.add_span(
            records.resource,
            records.span(
                name=str(frame["name"]),
                span_id=span_id,
                parent_id=str(frame["parent"]),
                started_ns=int(frame["start"]),
                ended_ns=int(ended_ns),
                attributes=frame["attributes"],
                error=frame.get("error"),
            ),
            span_id=span_id,
        )

    def _close_spans(self, completion: dict[str, Any] | None, duration_ms: float) -> None:
        """End the attempt's span, and those that user code left open."""
        records = self._records
        ended_ns = self._begun_ns + int(duration_ms * 1_000_000)
        for frame in list(self._open_spans.values()):
            self._span({**frame, "end": max(ended_ns, int(frame["start"]))})
        error = _span_error(completion, self._reason)
        self._around.telemetry.add_span(
            records.resource,
            records.span(
                name=f"Attempt {self._started.attempt_number}",
                span_id=records.attempt_span_id,
                parent_id=records.run_span_id,
                started_ns=self._begun_ns,
                ended_ns=ended_ns,
                attributes=self._attempt_attributes,
                error=error,
            ),
            span_id=records.attempt_span_id,
        )


def _span_error(completion: dict[str, Any] | None, reason: str) -> dict[str, str] | None:
    if completion is None:
        return {"type": "Abandoned", "message": reason}
    if completion["ok"]:
        return None
    error = completion["error"]
    return {
        "type": str(error.get("name") or error.get("code") or error["type"]),
        "message": str(error.get("message") or error.get("raw") or ""),
        "stack": str(error.get("stackTrace") or ""),
    }


def error_text(completion: Mapping[str, Any]) -> str:
    """Return a completion's error in one line, for people."""
    error = completion["error"]
    name = error.get("name") or error.get("code") or error["type"]
    message = str(error.get("message") or error.get("raw") or "").strip().splitlines()
    return f"{name}: {message[0]}" if message else str(name)
