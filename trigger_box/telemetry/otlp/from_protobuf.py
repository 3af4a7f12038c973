"""OTLP/protobuf, read with the message classes of ``opentelemetry-proto``.

They are imported at the first such request: our own worker and the npm SDK send JSON.
"""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as WireLog
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan

from trigger_box.telemetry.otlp.records import (
    Group,
    LogRecord,
    MalformedTelemetryError,
    PointRecord,
    Record,
    Signal,
    SpanEvent,
    SpanRecord,
    nanoseconds,
    number,
)
from trigger_box.telemetry.rows import Attributes, JsonValue

_Point = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint | SummaryDataPoint


def read_protobuf(signal: Signal, body: bytes) -> list[Group]:
    """Return the records of an OTLP/protobuf export request.

    Raises:
        MalformedTelemetryError: it is no such message.
    """
    try:
        match signal:
            case Signal.TRACES:
                return _traces(ExportTraceServiceRequest.FromString(body))
            case Signal.LOGS:
                return _logs(ExportLogsServiceRequest.FromString(body))
            case Signal.METRICS:
                return _metrics(ExportMetricsServiceRequest.FromString(body))
    except DecodeError as error:
        raise MalformedTelemetryError("The body is not an OTLP protobuf message.") from error


def _traces(request: ExportTraceServiceRequest) -> list[Group]:
    return [
        Group(
            resource=_attributes(each.resource.attributes),
            records=[_span(span) for scope in each.scope_spans for span in scope.spans],
        )
        for each in request.resource_spans
    ]


def _logs(request: ExportLogsServiceRequest) -> list[Group]:
    return [
        Group(
            resource=_attributes(each.resource.attributes),
            records=[_log(log) for scope in each.scope_logs for log in scope.log_records],
        )
        for each in request.resource_logs
    ]


def _metrics(request: ExportMetricsServiceRequest) -> list[Group]:
    return [
        Group(
            resource=_attributes(each.resource.attributes),
            records=[
                point
                for scope in each.scope_metrics
                for metric in scope.metrics
                for point in _points(metric)
            ],
        )
        for each in request.resource_metrics
    ]


def _attributes(members: Iterable[KeyValue]) -> Attributes:
    return {member.key: _value(member.value) for member in members}


def _value(value: AnyValue) -> JsonValue:
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "int_value":
            return value.int_value
        case "bool_value":
            return value.bool_value
        case "double_value":
            return number(value.double_value)
        case "array_value":
            return [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return _attributes(value.kvlist_value.values)
        case "bytes_value":
            return value.bytes_value.hex()
        case _:
            return None


def _span(span: WireSpan) -> SpanRecord:
    return SpanRecord(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        start_ns=nanoseconds(span.start_time_unix_nano),
        end_ns=nanoseconds(span.end_time_unix_nano),
        status_code=int(span.status.code),
        status_message=span.status.message,
        attributes=_attributes(span.attributes),
        events=[
            SpanEvent(
                name=event.name,
                at_ns=nanoseconds(event.time_unix_nano),
                attributes=_attributes(event.attributes),
            )
            for event in span.events
        ],
    )


def _log(log: WireLog) -> LogRecord:
    return LogRecord(
        trace_id=log.trace_id.hex(),
        span_id=log.span_id.hex(),
        at_ns=nanoseconds(log.time_unix_nano),
        observed_ns=nanoseconds(log.observed_time_unix_nano),
        severity_text=log.severity_text,
        severity_number=int(log.severity_number),
        body=_value(log.body),
        attributes=_attributes(log.attributes),
    )


def _points(metric: Metric) -> list[Record]:
    temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_UNSPECIFIED
    points: Iterable[_Point]
    is_monotonic = False
    shape = metric.WhichOneof("data")
    match shape:
        case "gauge":
            points = metric.gauge.data_points
        case "sum":
            points = metric.sum.data_points
            temporality = metric.sum.aggregation_temporality
            is_monotonic = metric.sum.is_monotonic
        case "histogram":
            points = metric.histogram.data_points
            temporality = metric.histogram.aggregation_temporality
        case "exponential_histogram":
            points = metric.exponential_histogram.data_points
            temporality = metric.exponential_histogram.aggregation_temporality
        case "summary":
            points = metric.summary.data_points
        case _:
            return []
    return [
        PointRecord(
            name=metric.name,
            unit=metric.unit,
            shape=shape,
            is_monotonic=is_monotonic,
            is_cumulative=temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE,
            start_ns=nanoseconds(point.start_time_unix_nano),
            at_ns=nanoseconds(point.time_unix_nano),
            values=_values(point),
            attributes=_attributes(point.attributes),
        )
        for point in points
    ]


def _values(point: _Point) -> Attributes:
    match point:
        case NumberDataPoint():
            return _number(point)
        case HistogramDataPoint():
            values = _sums(point)
            if point.bucket_counts:
                values["buckets"] = list(point.bucket_counts)
                values["bounds"] = [number(bound) for bound in point.explicit_bounds]
            return values
        case ExponentialHistogramDataPoint():
            values = _sums(point) | {"scale": point.scale, "zero_count": point.zero_count}
            for name, buckets in (("positive", point.positive), ("negative", point.negative)):
                if buckets.bucket_counts:
                    values[name] = {
                        "offset": buckets.offset,
                        "buckets": list(buckets.bucket_counts),
                    }
            return values
        case SummaryDataPoint():
            return {
                "count": point.count,
                "sum": number(point.sum),
                "quantiles": [
                    [number(each.quantile), number(each.value)] for each in point.quantile_values
                ],
            }


def _number(point: NumberDataPoint) -> Attributes:
    if point.WhichOneof("value") == "as_int":
        return {"value": point.as_int}
    return {"value": number(point.as_double)}


def _sums(point: HistogramDataPoint | ExponentialHistogramDataPoint) -> Attributes:
    values: Attributes = {"count": point.count}
    if point.HasField("sum"):
        values["sum"] = number(point.sum)
    if point.HasField("min"):
        values["min"] = number(point.min)
    if point.HasField("max"):
        values["max"] = number(point.max)
    return values
