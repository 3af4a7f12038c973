"""One attempt as the SDK sees it: logs, spans, metadata and tags leave through the outbox.

Everything returns at once; batching and sending is the controller's work.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar, Token
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from trigger_box.clock import Clock
from trigger_box.sdk.cancellation import CancelSignal
from trigger_box.sdk.context import Context
from trigger_box.worker.attributes import flattened
from trigger_box.worker.limits import LOGS_BURST_MAX, LOGS_PER_SECOND_MAX
from trigger_box.worker.outbox import Outbox

if TYPE_CHECKING:
    from trigger_box.sdk.client import Client
    from trigger_box.sdk.metadata_document import MetadataDocument, MetadataOperation
    from trigger_box.sdk.runtime import LogLevel, MetadataTarget, SpanHandle

_LEVELS: Final[Mapping[str, int]] = {"debug": 10, "log": 20, "info": 20, "warn": 30, "error": 40}
_current: ContextVar[Span | None] = ContextVar("trigger_box_span", default=None)


class Span:
    """A span of user code that has begun."""

    __slots__ = ("attributes", "name", "parent_id", "span_id", "started_ns", "token", "trace_id")

    def __init__(  # noqa: PLR0913 - what a span is made of
        self,
        *,
        name: str,
        trace_id: str,
        span_id: str,
        parent_id: str,
        started_ns: int,
        attributes: dict[str, object],
    ) -> None:
        self.name = name
        self.trace_id = trace_id
        self.span_id = span_id
        self.parent_id = parent_id
        self.started_ns = started_ns
        self.attributes = attributes
        self.token: Token[Span | None] | None = None

    def set_attribute(self, name: str, value: object) -> None:
        """Set an attribute; it is sent when the span ends."""
        self.attributes[name] = value


class RateLimit:
    """Lets a burst through, then so many a second. Counts what it held back."""

    def __init__(self, *, per_second: int, burst: int) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._left = float(burst)
        self._refilled_s = time.monotonic()
        self._lock = Lock()
        self.dropped = 0

    def admit(self) -> bool:
        """Return whether one more may pass now."""
        with self._lock:
            now_s = time.monotonic()
            self._left = min(
                self._burst, self._left + (now_s - self._refilled_s) * self._per_second
            )
            self._refilled_s = now_s
            if self._left < 1:
                self.dropped += 1
                return False
            self._left -= 1
            return True


class AttemptRuntime:
    """Implements the SDK's ``RunRuntime`` for the one attempt this process executes now.

    Args:
        trace_id: of the run, 32 hex digits.
        span_id: of the attempt's span, which the controller writes.
        level_min: the project's ``log_level``; filters ``logger`` only.
    """

    def __init__(  # noqa: PLR0913 - what an attempt is made of
        self,
        *,
        execution: Mapping[str, Any],
        trace_id: str,
        span_id: str,
        outbox: Outbox,
        clock: Clock,
        level_min: str = "debug",
    ) -> None:
        self._execution = execution
        self._trace_id = trace_id
        self._span_id = span_id
        self._outbox = outbox
        self._level_min = _LEVELS.get(level_min, 0)
        # Wall time at the start plus the steady clock: later records never sort before earlier.
        self._epoch_ns = clock.now_ms() * 1_000_000 - time.perf_counter_ns()
        self._context: Context | None = None
        self._metadata: MetadataDocument | None = None
        self._limit = RateLimit(per_second=LOGS_PER_SECOND_MAX, burst=LOGS_BURST_MAX)
        self.run_id = str(execution["run"]["id"])
        self.task_id = str(execution["task"]["id"])
        self.cancel_signal = CancelSignal()

    @property
    def context(self) -> Context:
        """What the task may know about its run."""
        if self._context is None:
            self._context = Context.from_execution(self._execution)
        return self._context

    @property
    def metadata(self) -> MetadataDocument:
        """This attempt's copy of the run's metadata."""
        if self._metadata is None:
            from trigger_box.sdk.metadata_document import MetadataDocument  # noqa: PLC0415 - rarely used

            self._metadata = MetadataDocument(dict(self._execution["run"].get("metadata") or {}))
        return self._metadata

    def emit_log(self, level: LogLevel, message: str, attributes: Mapping[str, object]) -> None:
        """Record a log line of ``logger`` within the current span."""
        if _LEVELS[level] >= self._level_min:
            self.record(level, message, attributes)

    def record(self, level: LogLevel, message: str, attributes: Mapping[str, object]) -> None:
        """Record a line, whatever the project's log level is."""
        if self._limit.admit():
            self._send_log(level, message, attributes)

    def _send_log(self, level: LogLevel, message: str, attributes: Mapping[str, object]) -> None:
        span = _current.get()
        frame: dict[str, object] = {
            "kind": "log",
            "at": self._now_ns(),
            "level": level,
            "text": message,
            "span": span.span_id if span is not None else self._span_id,
        }
        if attributes:
            frame["attributes"] = flattened(attributes)
        self._outbox.send_or_drop(frame)

    def start_span(self, name: str, attributes: Mapping[str, object]) -> SpanHandle:
        """Start a span below the current one, and make it the current one of this context."""
        around = _current.get()
        span = Span(
            name=name,
            trace_id=self._trace_id,
            span_id=os.urandom(8).hex(),
            parent_id=around.span_id if around is not None else self._span_id,
            started_ns=self._now_ns(),
            attributes=dict(attributes),
        )
        span.token = _current.set(span)
        self._send_span(span)
        return span

    def end_span(self, span: SpanHandle, error: BaseException | None = None) -> None:
        """End ``span``; the one around it is the current one again."""
        assert isinstance(span, Span), "only our own spans come back"
        if span.token is not None:
            # Ended in another context (a generator, a thread): that one never saw it.
            with suppress(ValueError):
                _current.reset(span.token)
            span.token = None
        self._send_span(span, ended_ns=self._now_ns(), error=error)

    def _send_span(
        self, span: Span, *, ended_ns: int | None = None, error: BaseException | None = None
    ) -> None:
        frame: dict[str, object] = {
            "kind": "span",
            "name": span.name,
            "id": span.span_id,
            "parent": span.parent_id,
            "start": span.started_ns,
            "attributes": flattened(span.attributes),
        }
        if ended_ns is not None:
            frame["end"] = ended_ns
        if error is not None:
            frame["error"] = {"type": type(error).__name__, "message": str(error)}
        self._outbox.send_or_drop(frame)

    def metadata_operation(self, operation: MetadataOperation, target: MetadataTarget) -> None:
        """Send this operation with the next flush."""
        self._outbox.send({"kind": "metadata", "target": target, "operation": operation})

    def add_tags(self, tags: Sequence[str]) -> None:
        """Add tags to the run."""
        self._outbox.send({"kind": "tags", "tags": list(tags)})

    def traceparent(self) -> str | None:
        """Return the W3C header value of the current span."""
        span = _current.get()
        return f"00-{self._trace_id}-{span.span_id if span else self._span_id}-01"

    def client(self) -> Client | None:
        """Return None: the run's own variables configure the process's client."""
        return None

    def note_dropped(self) -> None:
        """Say how many lines were over the rate limit, if any were."""
        if self._limit.dropped:
            self._send_log(
                "warn",
                f"{self._limit.dropped} log lines were dropped: a run may write "
                f"{LOGS_PER_SECOND_MAX} a second",
                {},
            )

    def _now_ns(self) -> int:
        return self._epoch_ns + time.perf_counter_ns()
