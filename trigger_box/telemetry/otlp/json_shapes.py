# ruff: noqa: D101 - the names and their meaning are OTLP's own
"""OTLP/JSON as types: what a body must look like. Only fields that somebody reads are named.

Integers come as numbers or as text; unknown fields are ignored.
"""

from __future__ import annotations

import msgspec

Integer = int | str
Double = float | str


class Wire(msgspec.Struct, rename="camel", gc=False):
    """OTLP/JSON names its fields in camelCase."""


class Value(Wire):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: Integer | None = None
    double_value: Double | None = None
    array_value: Values | None = None
    kvlist_value: Members | None = None
    bytes_value: str | None = None


class Values(Wire):
    values: list[Value] = []


class Member(Wire):
    key: str = ""
    value: Value | None = None


class Members(Wire):
    values: list[Member] = []


class Resource(Wire):
    attributes: list[Member] = []


class Event(Wire):
    name: str = ""
    time_unix_nano: Integer = 0
    attributes: list[Member] = []


class Status(Wire):
    code: Integer = 0
    message: str = ""


class Span(Wire):
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    name: str = ""
    start_time_unix_nano: Integer = 0
    end_time_unix_nano: Integer = 0
    attributes: list[Member] = []
    events: list[Event] = []
    status: Status | None = None


class ScopeSpans(Wire):
    spans: list[Span] = []


class ResourceSpans(Wire):
    resource: Resource | None = None
    scope_spans: list[ScopeSpans] = []


class Traces(Wire):
    resource_spans: list[ResourceSpans] = []


class Log(Wire):
    time_unix_nano: Integer = 0
    observed_time_unix_nano: Integer = 0
    severity_number: Integer = 0
    severity_text: str = ""
    body: Value | None = None
    attributes: list[Member] = []
    trace_id: str = ""
    span_id: str = ""


class ScopeLogs(Wire):
    log_records: list[Log] = []


class ResourceLogs(Wire):
    resource: Resource | None = None
    scope_logs: list[ScopeLogs] = []


class Logs(Wire):
    resource_logs: list[ResourceLogs] = []


class Buckets(Wire):
    offset: Integer = 0
    bucket_counts: list[Integer] = []


class Quantile(Wire):
    quantile: Double = 0.0
    value: Double = 0.0


class Point(Wire):
    attributes: list[Member] = []
    start_time_unix_nano: Integer = 0
    time_unix_nano: Integer = 0
    as_double: Double | None = None
    as_int: Integer | None = None
    count: Integer | None = None
    sum: Double | None = None
    min: Double | None = None
    max: Double | None = None
    bucket_counts: list[Integer] = []
    explicit_bounds: list[Double] = []
    scale: Integer | None = None
    zero_count: Integer | None = None
    positive: Buckets | None = None
    negative: Buckets | None = None
    quantile_values: list[Quantile] = []


class Shape(Wire):
    data_points: list[Point] = []
    aggregation_temporality: Integer = 0
    is_monotonic: bool = False


class Metric(Wire):
    name: str = ""
    unit: str = ""
    gauge: Shape | None = None
    sum: Shape | None = None
    histogram: Shape | None = None
    exponential_histogram: Shape | None = None
    summary: Shape | None = None


class ScopeMetrics(Wire):
    metrics: list[Metric] = []


class ResourceMetrics(Wire):
    resource: Resource | None = None
    scope_metrics: list[ScopeMetrics] = []


class Metrics(Wire):
    resource_metrics: list[ResourceMetrics] = []
