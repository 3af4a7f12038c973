"""A stored span or log line: its fields, and its form as one line of a segment file.

How OTLP becomes rows lives in ``intake.py``; how rows become a tree in ``trees.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

JsonValue = object
"""Anything JSON can hold. Named for readers; the type checker learns nothing from it."""

Attributes = dict[str, JsonValue]


class Kind(StrEnum):
    """What a row is."""

    SPAN = "SPAN"
    LOG = "LOG"


class Level(StrEnum):
    """How important a row is. The names are the API's (rest-api 13.3); spans are ``TRACE``."""

    TRACE = "TRACE"
    DEBUG = "DEBUG"
    LOG = "LOG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


class RowStatus(StrEnum):
    """How a span ended, or that it has not yet (``PARTIAL``)."""

    UNSET = "UNSET"
    PARTIAL = "PARTIAL"
    OK = "OK"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"


# gc=False here and below: nothing in them can form a cycle, and a tree makes ten thousand at once.
class RowEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Something that happened at one instant inside a span."""

    name: str
    at_ns: int
    attributes: Attributes = {}


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One span, partial span or log line. Field names are the keys of a segment line.

    Attributes:
        seq: orders everything this box ever received; unique. Also the cursor of log pages.
            0 until it is stored.
        received_ms: when it came in, by the box's clock: decides the day it is kept in.
        run_id: empty when the sender named none; then ``trace_id`` says where it belongs.
        span_id: its own id; empty for a log line.
        replaces: of a partial span: the id of the span it announces.
        attributes: flat, as they came; keys with ``$`` are the SDK's own.
        style: flat ``$style.`` attributes without the prefix.
    """

    received_ms: int
    environment_id: str
    kind: Kind
    start_ns: int
    message: str
    seq: int = 0
    run_id: str = ""
    trace_id: str = ""
    span_id: str = ""
    parent_id: str = ""
    replaces: str = ""
    task: str = ""
    attempt: int = 0
    version: str = ""
    entity: str = ""
    duration_ns: int = 0
    level: Level = Level.TRACE
    status: RowStatus = RowStatus.UNSET
    style: Attributes = {}
    attributes: Attributes = {}
    events: list[RowEvent] = []

    @property
    def key(self) -> str:
        """Return what it is found by: its run, or else its trace."""
        return self.run_id or self.trace_id


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Row)
_EVENTS: Final = msgspec.json.Decoder(list[RowEvent])
_ATTRIBUTES: Final = msgspec.json.Decoder(Attributes)


def encoded(record: msgspec.Struct) -> bytes:
    """Return a row or point as JSON, still without its number."""
    return _ENCODER.encode(record)


def line_of(encoded_record: bytes, seq: int) -> bytes:
    """Return the line of a segment file: the record with its number, and a line feed.

    Numbers are given where order is known, on the event loop; encoding is done elsewhere.
    """
    return b'{"seq":%d,%b\n' % (seq, encoded_record[1:])


def row_of_line(line: bytes) -> Row:
    """Return the row of a segment line.

    Raises:
        msgspec.DecodeError: it is not one.
    """
    return _DECODER.decode(line)


def row_of_columns(columns: Mapping[str, Any]) -> Row:
    """Return the row of what DuckDB holds: absent values are null, the three JSON columns text.

    By hand, since it is done for every row of a tree: ``msgspec.convert`` takes four times as long.
    """
    style, attributes, events = columns["style"], columns["attributes"], columns["events"]
    return Row(
        seq=columns["seq"],
        received_ms=columns["received_ms"],
        environment_id=columns["environment_id"],
        kind=Kind(columns["kind"]),
        start_ns=columns["start_ns"],
        message=columns["message"] or "",
        run_id=columns["run_id"] or "",
        trace_id=columns["trace_id"] or "",
        span_id=columns["span_id"] or "",
        parent_id=columns["parent_id"] or "",
        replaces=columns["replaces"] or "",
        task=columns["task"] or "",
        attempt=columns["attempt"] or 0,
        version=columns["version"] or "",
        entity=columns["entity"] or "",
        duration_ns=columns["duration_ns"] or 0,
        level=Level(columns["level"] or Level.TRACE),
        status=RowStatus(columns["status"] or RowStatus.UNSET),
        style=_ATTRIBUTES.decode(style) if style else {},
        attributes=_ATTRIBUTES.decode(attributes) if attributes else {},
        events=_EVENTS.decode(events) if events else [],
    )
