"""OTLP/JSON. Parsed by hand, not by protobuf's JSON reader: here ids are hex, not base64.

Integers come as numbers or as text, unknown fields are ignored (cli-protocol 10).
"""

from __future__ import annotations

import json
from typing import Final, TypeVar, cast

import msgspec

from trigger_box.telemetry.otlp import json_shapes as shapes
from trigger_box.telemetry.otlp.json_points import points_of
from trigger_box.telemetry.otlp.json_values import attributes_of, value_of
from trigger_box.telemetry.otlp.records import (
    Group,
    LogRecord,
    MalformedTelemetryError,
    Signal,
    SpanEvent,
    SpanRecord,
    nanoseconds,
)
from trigger_box.telemetry.rows import Attributes, JsonValue

T = TypeVar("T")

_TRACES: Final = msgspec.json.Decoder(shapes.Traces)
_LOGS: Final = msgspec.json.Decoder(shapes.Logs)
_METRICS: Final = msgspec.json.Decoder(shapes.Metrics)
_STATUS_NAMES: Final = {"STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}


def read_json(signal: Signal, body: bytes) -> list[Group]:
    """Return the records of an OTLP/JSON export request.

    Raises:
        MalformedTelemetryError: it is no JSON, or not of OTLP's shape; says where.
    """
    try:
        return _READERS[signal](body)
    except RecursionError as error:
        raise MalformedTelemetryError("A value is nested too deeply.") from error


def _traces(body: bytes) -> list[Group]:
    return [
        Group(
            resource=_resource(each.resource),
            records=[_span(span) for scope in each.scope_spans for span in scope.spans],
        )
        for each in _decode(_TRACES, body).resource_spans
    ]


def _logs(body: bytes) -> list[Group]:
    return [
        Group(
            resource=_resource(each.resource),
            records=[_log(log) for scope in each.scope_logs for log in scope.log_records],
        )
        for each in _decode(_LOGS, body).resource_logs
    ]


def _metrics(body: bytes) -> list[Group]:
    return [
        Group(
            resource=_resource(each.resource),
            records=[
                point
                for scope in each.scope_metrics
                for metric in scope.metrics
                for point in points_of(metric)
            ],
        )
        for each in _decode(_METRICS, body).resource_metrics
    ]


_READERS: Final = {Signal.TRACES: _traces, Signal.LOGS: _logs, Signal.METRICS: _metrics}


def _decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise MalformedTelemetryError(f"The body is not an OTLP request: {error}.") from error
    except (msgspec.DecodeError, UnicodeError):
        pass
    # A lone surrogate in one log line, which JavaScript strings may hold, must not cost the whole
    # batch. The standard reader takes it, and bare NaN too; both then become something storable.
    try:
        loose = json.loads(body.decode("utf-8", "replace"))
        return msgspec.convert(_storable(loose), decoder.type)
    except ValueError as error:
        raise MalformedTelemetryError(f"The body is not an OTLP request: {error}.") from error


def _storable(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_storable(item) for item in cast("list[JsonValue]", value)]
    if isinstance(value, dict):
        return {
            str(_storable(key)): _storable(item) for key, item in cast("Attributes", value).items()
        }
    return value


def _resource(resource: shapes.Resource | None) -> Attributes:
    return {} if resource is None else attributes_of(resource.attributes)


def _span(span: shapes.Span) -> SpanRecord:
    status = span.status
    code = 0
    if status is not None:
        code = _STATUS_NAMES.get(str(status.code)) or (
            status.code if isinstance(status.code, int) else 0
        )
    return SpanRecord(
        trace_id=span.trace_id.lower(),
        span_id=span.span_id.lower(),
        parent_id=span.parent_span_id.lower(),
        name=span.name,
        start_ns=nanoseconds(span.start_time_unix_nano),
        end_ns=nanoseconds(span.end_time_unix_nano),
        status_code=code,
        status_message="" if status is None else status.message,
        attributes=attributes_of(span.attributes),
        events=[
            SpanEvent(
                name=event.name,
                at_ns=nanoseconds(event.time_unix_nano),
                attributes=attributes_of(event.attributes),
            )
            for event in span.events
        ],
    )


def _log(log: shapes.Log) -> LogRecord:
    return LogRecord(
        trace_id=log.trace_id.lower(),
        span_id=log.span_id.lower(),
        at_ns=nanoseconds(log.time_unix_nano),
        observed_ns=nanoseconds(log.observed_time_unix_nano),
        severity_text=log.severity_text,
        severity_number=log.severity_number if isinstance(log.severity_number, int) else 0,
        body=value_of(log.body),
        attributes=attributes_of(log.attributes),
    )
