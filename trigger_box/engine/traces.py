"""Which trace a run belongs to (rest-api 3, trace context rule). Spans live in ``telemetry``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import msgspec

from trigger_box.engine.executions import TraceContext
from trigger_box.ids import IdSource

_TRACEPARENT: Final = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(dict[str, str]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The trace headers of a trigger call.

    ``is_external``: the caller is not a running task, so the run gets its own trace and keeps the
    caller's apart. ``is_link``: a task asked for a trace of its own for its child.
    """

    traceparent: str | None = None
    tracestate: str | None = None
    is_external: bool = True
    is_link: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTrace:
    """Ids for a run's root span. ``external`` is JSON of the caller's own context."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    external: str | None


def trace_of(ids: IdSource, trace: Trace, inherited: str | None) -> NewTrace:
    """Return the trace of a new run. ``inherited``: the parent run's external context, JSON."""
    match = None if trace.traceparent is None else _TRACEPARENT.match(trace.traceparent)
    if match is None:
        return NewTrace(
            trace_id=ids.trace(), span_id=ids.span(), parent_span_id=None, external=inherited
        )
    if trace.is_external:
        external = {"traceparent": match[0]}
        if trace.tracestate:
            external["tracestate"] = trace.tracestate
        return NewTrace(
            trace_id=ids.trace(),
            span_id=ids.span(),
            parent_span_id=None,
            external=_encode(external).decode(),
        )
    return NewTrace(
        trace_id=ids.trace() if trace.is_link else match[1],
        span_id=ids.span(),
        parent_span_id=None if trace.is_link else match[2],
        external=inherited,
    )


def context_of(trace_id: str, span_id: str, external: str | None) -> TraceContext:
    """Return a stored run's trace context."""
    if external is None:
        return TraceContext(trace_id=trace_id, span_id=span_id)
    return TraceContext(trace_id=trace_id, span_id=span_id, external=_decode(external))
