"""From what a sender says to what is stored: who it belongs to, what is kept, what is refused.

Pure: no clock, no files. The environment is the one the caller's token proves; what the resource
claims must agree with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from trigger_box.domain import limits
from trigger_box.ids import EnvironmentId
from trigger_box.telemetry.attributes import Budget
from trigger_box.telemetry.otlp.records import (
    Group,
    LogRecord,
    PointRecord,
    Record,
    SpanEvent,
    SpanRecord,
)
from trigger_box.telemetry.rows import (
    Attributes,
    JsonValue,
    Kind,
    Level,
    Row,
    RowEvent,
    RowStatus,
)

STATUS_MESSAGE: Final = "$status.message"
"""The attribute that keeps what a failed span said of its failure."""

_ENVIRONMENT: Final = "ctx.environment.id"
_METADATA: Final = "$metadata."
_STYLE: Final = "$style."
_STATUS_ERROR: Final = 2

_RUN_ID: Final = re.compile(r"run_[0-9a-z]{1,60}")
_TRACE_ID: Final = re.compile(r"(?!0{32})[0-9a-f]{32}")
_SPAN_ID: Final = re.compile(r"(?!0{16})[0-9a-f]{16}")
_TASK_CHARACTERS_MAX: Final = 256
_VERSION_CHARACTERS_MAX: Final = 64
_ATTEMPT_MAX: Final = 32_767

_LEVELS: Final = {
    "trace": Level.TRACE,
    "debug": Level.DEBUG,
    "log": Level.LOG,
    "info": Level.INFO,
    "warn": Level.WARN,
    "warning": Level.WARN,
    "error": Level.ERROR,
    "fatal": Level.ERROR,
    "critical": Level.ERROR,
}
_LEVELS_OF_NUMBERS: Final = (
    (17, Level.ERROR),
    (13, Level.WARN),
    (9, Level.INFO),
    (5, Level.DEBUG),
    (1, Level.TRACE),
)


class Point(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One measurement, as one line of a segment file. Not loaded into DuckDB yet."""

    received_ms: int
    environment_id: str
    name: str
    shape: str
    at_ns: int
    run_id: str = ""
    task: str = ""
    attempt: int = 0
    unit: str = ""
    start_ns: int = 0
    is_monotonic: bool = False
    is_cumulative: bool = False
    values: Attributes = {}
    attributes: Attributes = {}


@dataclass(slots=True, kw_only=True)
class Receipt:
    """What became of an export request.

    Attributes:
        refused: records that were not taken, and ``reasons`` why.
        cut: attribute values that were shortened or left out to fit the limits.
    """

    rows: list[Row] = field(default_factory=list[Row])
    points: list[Point] = field(default_factory=list[Point])
    refused: int = 0
    reasons: list[str] = field(default_factory=list[str])
    cut: int = 0

    def refuse(self, count: int, reason: str) -> None:
        """Count refused records; each reason is told once."""
        self.refused += count
        if reason not in self.reasons:
            self.reasons.append(reason)

    @property
    def message(self) -> str:
        """Return the reasons as one text, empty if nothing was refused."""
        return " ".join(self.reasons)


def take_in(groups: Iterable[Group], *, environment_id: EnvironmentId, received_ms: int) -> Receipt:
    """Turn an export request into rows and points, not numbered yet."""
    receipt = Receipt()
    place = _Place(received_ms, environment_id)
    taken = 0
    for group in groups:
        claimed = group.resource.get(_ENVIRONMENT, environment_id)
        if claimed != environment_id:
            receipt.refuse(
                len(group.records),
                "The resource's ctx.environment.id is not the environment of the token.",
            )
            continue
        for record in group.records:
            if taken >= limits.OTLP_RECORDS_MAX:
                receipt.refuse(1, f"A request may hold at most {limits.OTLP_RECORDS_MAX} records.")
                continue
            taken += _take(record, place, receipt)
    return receipt


@dataclass(slots=True)
class _Place:
    received_ms: int
    environment_id: EnvironmentId


def _take(record: Record, place: _Place, receipt: Receipt) -> bool:
    budget = Budget()
    taken: Row | Point | None
    match record:
        case SpanRecord():
            taken = _span(record, place, budget)
        case LogRecord():
            taken = _log(record, place, budget)
        case PointRecord():
            taken = _point(record, place, budget)
    receipt.cut += budget.cut
    if taken is None:
        receipt.refuse(
            1,
            "A span needs a trace id of 32 and a span id of 16 hex digits; a log record needs "
            "$metadata.ctx.run.id or a trace id; a metric needs a name.",
        )
        return False
    if isinstance(taken, Row):
        receipt.rows.append(taken)
    else:
        receipt.points.append(taken)
    return True


@dataclass(slots=True)
class _Parts:
    """A record's attributes, sorted by what they are for."""

    metadata: Attributes
    style: Attributes
    kept: Attributes

    @property
    def run_id(self) -> str:
        return _matching(_RUN_ID, self.metadata.get("ctx.run.id"))

    @property
    def task(self) -> str:
        return _short(self.metadata.get("ctx.task.id"), _TASK_CHARACTERS_MAX)

    @property
    def version(self) -> str:
        return _short(self.metadata.get("worker.version"), _VERSION_CHARACTERS_MAX)

    @property
    def attempt(self) -> int:
        return _attempt(self.metadata.get("ctx.attempt.number"))


def _sorted(attributes: Attributes) -> _Parts:
    parts = _Parts({}, {}, {})
    for key, value in attributes.items():
        if key.startswith(_METADATA):
            parts.metadata[key[len(_METADATA) :]] = value
        elif key.startswith(_STYLE):
            parts.style[key[len(_STYLE) :]] = value
        elif not key.startswith("ctx."):  # run facts, kept once in the run's own row
            parts.kept[key] = value
    return parts


def _span(span: SpanRecord, place: _Place, budget: Budget) -> Row | None:
    if not (_TRACE_ID.fullmatch(span.trace_id) and _SPAN_ID.fullmatch(span.span_id)):
        return None
    parts = _sorted(span.attributes)
    is_partial = parts.kept.pop("$span.partial", False) is True
    replaces = _matching(_SPAN_ID, parts.kept.pop("$span.span_id", None))
    status = RowStatus.UNSET
    if is_partial:
        status = RowStatus.PARTIAL
    elif span.status_code == _STATUS_ERROR:
        status = RowStatus.ERROR
        if span.status_message:
            parts.kept.setdefault(STATUS_MESSAGE, span.status_message)
    elif span.status_code == 1:
        status = RowStatus.OK
    start_ns = span.start_ns or place.received_ms * 1_000_000
    if len(span.events) > limits.RECORD_EVENTS_MAX:
        budget.cut += len(span.events) - limits.RECORD_EVENTS_MAX
    return Row(
        received_ms=place.received_ms,
        environment_id=place.environment_id,
        kind=Kind.SPAN,
        run_id=parts.run_id,
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=_matching(_SPAN_ID, span.parent_id),
        replaces=replaces if is_partial else "",
        task=parts.task,
        attempt=parts.attempt,
        version=parts.version,
        entity=_short(parts.kept.get("$entity.type"), _VERSION_CHARACTERS_MAX),
        start_ns=start_ns,
        duration_ns=0 if is_partial else max(0, span.end_ns - start_ns),
        status=status,
        message=budget.text(span.name, limits.SPAN_NAME_CHARACTERS_MAX),
        style=budget.attributes(parts.style, limits.EVENT_ATTRIBUTES_MAX),
        events=[_event(event, budget) for event in span.events[: limits.RECORD_EVENTS_MAX]],
        attributes=budget.attributes(parts.kept, limits.RECORD_ATTRIBUTES_MAX),
    )


def _event(event: SpanEvent, budget: Budget) -> RowEvent:
    return RowEvent(
        name=budget.text(event.name, limits.SPAN_NAME_CHARACTERS_MAX),
        at_ns=event.at_ns,
        attributes=budget.attributes(event.attributes, limits.EVENT_ATTRIBUTES_MAX),
    )


def _log(log: LogRecord, place: _Place, budget: Budget) -> Row | None:
    parts = _sorted(log.attributes)
    trace_id = _matching(_TRACE_ID, log.trace_id)
    run_id = parts.run_id
    if not (run_id or trace_id):
        return None
    level = _level(log)
    return Row(
        received_ms=place.received_ms,
        environment_id=place.environment_id,
        kind=Kind.LOG,
        run_id=run_id,
        trace_id=trace_id,
        parent_id=_matching(_SPAN_ID, log.span_id),
        task=parts.task,
        attempt=parts.attempt,
        version=parts.version,
        start_ns=log.at_ns or log.observed_ns or place.received_ms * 1_000_000,
        level=level,
        status=RowStatus.ERROR if level is Level.ERROR else RowStatus.OK,
        message=budget.text(_body(log.body)),
        style=budget.attributes(parts.style, limits.EVENT_ATTRIBUTES_MAX),
        attributes=budget.attributes(parts.kept, limits.RECORD_ATTRIBUTES_MAX),
    )


def _point(point: PointRecord, place: _Place, budget: Budget) -> Point | None:
    if not point.name:
        return None
    given = point.attributes
    return Point(
        received_ms=place.received_ms,
        environment_id=place.environment_id,
        name=budget.text(point.name, limits.ATTRIBUTE_KEY_CHARACTERS_MAX),
        unit=_short(point.unit, _VERSION_CHARACTERS_MAX),
        shape=point.shape,
        run_id=_matching(_RUN_ID, given.get("ctx.run.id")),
        task=_short(given.get("ctx.task.id"), _TASK_CHARACTERS_MAX),
        attempt=_attempt(given.get("ctx.attempt.number")),
        start_ns=point.start_ns,
        at_ns=point.at_ns or place.received_ms * 1_000_000,
        is_monotonic=point.is_monotonic,
        is_cumulative=point.is_cumulative,
        values=budget.attributes(point.values, limits.EVENT_ATTRIBUTES_MAX),
        attributes=budget.attributes(
            {key: value for key, value in given.items() if not key.startswith("ctx.")},
            limits.RECORD_ATTRIBUTES_MAX,
        ),
    )


def _level(log: LogRecord) -> Level:
    named = _LEVELS.get(log.severity_text.strip().lower())
    if named is not None:
        return named
    for least, level in _LEVELS_OF_NUMBERS:
        if log.severity_number >= least:
            return level
    return Level.LOG


def _body(body: JsonValue) -> str:
    if body is None:
        return ""
    return body if isinstance(body, str) else msgspec.json.encode(body).decode()


def _matching(pattern: re.Pattern[str], value: JsonValue) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


def _short(value: JsonValue, most: int) -> str:
    return value[:most] if isinstance(value, str) else ""


def _attempt(value: JsonValue) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return value if 0 <= value <= _ATTEMPT_MAX else 0
