"""OTLP export requests as senders make them: the npm SDK's attributes, JSON and protobuf."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from trigger_box.telemetry.otlp.records import Signal

Json = dict[str, Any]

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
RUN_ID = "run_06dndml801ufbgpcf2jhiopmgn"
START_NS = 1_767_225_600_000_000_000

_FIELDS = {
    Signal.TRACES: ("resourceSpans", "scopeSpans", "spans"),
    Signal.LOGS: ("resourceLogs", "scopeLogs", "logRecords"),
    Signal.METRICS: ("resourceMetrics", "scopeMetrics", "metrics"),
}


def value(plain: object) -> Json:
    match plain:
        case bool():
            return {"boolValue": plain}
        case int():
            return {"intValue": plain}
        case float():
            return {"doubleValue": plain}
        case list():
            return {"arrayValue": {"values": [value(item) for item in plain]}}
        case dict():
            return {"kvlistValue": {"values": attributes(plain)}}
        case _:
            return {"stringValue": plain}


def attributes(plain: Mapping[str, object]) -> list[Json]:
    return [{"key": key, "value": value(item)} for key, item in plain.items()]


def context(run_id: str = RUN_ID, *, task: str = "send-email", attempt: int = 1) -> Json:
    """What the SDK stamps on each span and log record."""
    return {
        "$metadata.ctx.run.id": run_id,
        "$metadata.ctx.attempt.number": attempt,
        "$metadata.ctx.task.id": task,
        "$metadata.ctx.task.filePath": "src/tasks.ts",
        "$metadata.ctx.queue.name": f"task/{task}",
        "$metadata.ctx.run.isTest": False,
        "$metadata.worker.version": "20261124.1",
        "$metadata.warm_start": True,
    }


def a_span(
    span_id: str,
    parent_id: str = "",
    name: str = "work",
    *,
    trace_id: str = TRACE_ID,
    run_id: str = RUN_ID,
    attempt: int = 1,
    start_ns: int = START_NS,
    duration_ms: int = 100,
    extra: Mapping[str, object] | None = None,
    **fields: Any,
) -> Json:
    return {
        "traceId": trace_id,
        "spanId": span_id,
        "parentSpanId": parent_id,
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(start_ns),
        "endTimeUnixNano": str(start_ns + duration_ms * 1_000_000),
        "attributes": attributes({**context(run_id, attempt=attempt), **(extra or {})}),
        "status": {"code": 0},
        **fields,
    }


def a_partial(span_id: str, of: str, parent_id: str = "", name: str = "work", **more: Any) -> Json:
    """What the SDK sends when a span starts: a span of its own that names the real one."""
    extra = {"$span.partial": True, "$span.span_id": of, **more.pop("extra", {})}
    return a_span(span_id, parent_id, name, extra=extra, **more)


def a_log(
    message: str,
    span_id: str = "",
    *,
    level: str = "info",
    trace_id: str = TRACE_ID,
    run_id: str = RUN_ID,
    at_ns: int = START_NS,
    extra: Mapping[str, object] | None = None,
    **fields: Any,
) -> Json:
    return {
        "timeUnixNano": str(at_ns),
        "severityNumber": 9,
        "severityText": level,
        "body": {"stringValue": message},
        "attributes": attributes({**context(run_id), **(extra or {})}),
        "traceId": trace_id,
        "spanId": span_id,
        **fields,
    }


def a_request(
    signal: Signal, *records: Json, environment_id: str | None = None, **resource: object
) -> Json:
    """An export request of one resource."""
    groups, scopes, items = _FIELDS[signal]
    facts: Json = {"$trigger": True, **resource}
    if environment_id is not None:
        facts["ctx.environment.id"] = environment_id
    return {
        groups: [
            {
                "resource": {"attributes": attributes(facts)},
                scopes: [{"scope": {"name": "test"}, items: list(records)}],
            }
        ]
    }


def encoded(request: Json) -> bytes:
    return json.dumps(request).encode()


def as_protobuf(signal: Signal, request: Json) -> bytes:
    """The same request as a protobuf body, as other exporters send it."""
    message = {
        Signal.TRACES: ExportTraceServiceRequest,
        Signal.LOGS: ExportLogsServiceRequest,
        Signal.METRICS: ExportMetricsServiceRequest,
    }[signal]()
    _fill(message, request)
    return message.SerializeToString()


def _fill(message: Any, fields: Json) -> None:
    for name, given in fields.items():
        snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        if isinstance(given, list):
            for item in given:
                if snake == "attributes":
                    message.attributes.append(
                        KeyValue(key=item["key"], value=_any_value(item["value"]))
                    )
                elif isinstance(item, dict):
                    _fill(getattr(message, snake).add(), item)
                else:
                    getattr(message, snake).append(item)
        elif snake == "body":
            message.body.CopyFrom(_any_value(given))
        elif isinstance(given, dict):
            getattr(message, snake).SetInParent()
            _fill(getattr(message, snake), given)
        elif snake in {"trace_id", "span_id", "parent_span_id"}:
            setattr(message, snake, bytes.fromhex(given))
        elif snake.endswith("_nano"):
            setattr(message, snake, int(given))
        else:
            setattr(message, snake, given)


def _any_value(given: Json) -> AnyValue:
    ((kind, plain),) = given.items()
    match kind:
        case "stringValue":
            return AnyValue(string_value=plain)
        case "boolValue":
            return AnyValue(bool_value=plain)
        case "intValue":
            return AnyValue(int_value=int(plain))
        case "doubleValue":
            return AnyValue(double_value=float(plain))
        case "arrayValue":
            items = [_any_value(item) for item in plain["values"]]
            return AnyValue(array_value=ArrayValue(values=items))
        case "kvlistValue":
            members = [
                KeyValue(key=member["key"], value=_any_value(member["value"]))
                for member in plain["values"]
            ]
            return AnyValue(kvlist_value=KeyValueList(values=members))
        case _:
            raise AssertionError(kind)
