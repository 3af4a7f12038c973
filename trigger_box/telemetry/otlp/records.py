"""What both encodings of OTLP are read into. Nothing is judged or bounded here.

Times are nanoseconds since 1970, ids lower-case hex, attribute values plain JSON values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from trigger_box.domain.errors import InvalidError
from trigger_box.telemetry.rows import Attributes, JsonValue

_INT64_MAX: Final = 2**63 - 1


class MalformedTelemetryError(InvalidError):
    """The body is not an OTLP export request."""

    code = "otlp_malformed"


class Signal(StrEnum):
    """The three kinds of telemetry; the value is the last part of the path."""

    TRACES = "traces"
    LOGS = "logs"
    METRICS = "metrics"


@dataclass(slots=True, kw_only=True)
class SpanEvent:
    """An event inside a span."""

    name: str
    at_ns: int
    attributes: Attributes


@dataclass(slots=True, kw_only=True)
class SpanRecord:
    """A span as it came. ``status_code``: 0 unset, 1 ok, 2 error."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    start_ns: int
    end_ns: int
    status_code: int
    status_message: str
    attributes: Attributes
    events: list[SpanEvent] = field(default_factory=list["SpanEvent"])


@dataclass(slots=True, kw_only=True)
class LogRecord:
    """A log record as it came. ``body`` is text, or whatever structure was logged."""

    trace_id: str
    span_id: str
    at_ns: int
    observed_ns: int
    severity_text: str
    severity_number: int
    body: JsonValue
    attributes: Attributes


@dataclass(slots=True, kw_only=True)
class PointRecord:
    """One data point of a metric.

    Attributes:
        shape: ``gauge``, ``sum``, ``histogram``, ``exponential_histogram`` or ``summary``.
        values: what the shape carries, such as ``{"value": 1}`` or ``{"count": 3, "sum": 9}``.
    """

    name: str
    unit: str
    shape: str
    is_monotonic: bool
    is_cumulative: bool
    start_ns: int
    at_ns: int
    values: Attributes
    attributes: Attributes


Record = SpanRecord | LogRecord | PointRecord


@dataclass(slots=True, kw_only=True)
class Group:
    """Records of one sender, and what it says about itself."""

    resource: Attributes
    records: list[Record]


def number(value: float) -> JsonValue:
    """Return a number that JSON can hold: text for what it can't (NaN, infinities)."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def integer(value: int | str) -> int:
    """Return an integer that came as a JSON number or as text, as OTLP writes 64-bit ones.

    Raises:
        MalformedTelemetryError: it is neither, or does not fit into 64 bits.
    """
    if isinstance(value, str):
        if len(value) > 20 or not value.lstrip("-").isdecimal():  # noqa: PLR2004 - 64 bits
            raise MalformedTelemetryError(f"{value[:40]!r} is not an integer.")
        value = int(value)
    if not -_INT64_MAX - 1 <= value <= 2 * _INT64_MAX + 1:
        raise MalformedTelemetryError("An integer has more than 64 bits.")
    return value


def nanoseconds(value: int | str) -> int:
    """Return an instant, 0 if it is none.

    Raises:
        MalformedTelemetryError: it is no 64-bit integer.
    """
    found = integer(value)
    return found if 0 <= found <= _INT64_MAX else 0
