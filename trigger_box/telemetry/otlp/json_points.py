"""Data points of OTLP/JSON metrics."""

from __future__ import annotations

from typing import Final, cast

from trigger_box.telemetry.otlp import json_shapes as shapes
from trigger_box.telemetry.otlp.json_values import attributes_of, double_of
from trigger_box.telemetry.otlp.records import PointRecord, Record, integer, nanoseconds
from trigger_box.telemetry.rows import Attributes

_CUMULATIVE: Final = frozenset({2, "AGGREGATION_TEMPORALITY_CUMULATIVE"})


def points_of(metric: shapes.Metric) -> list[Record]:
    """Return the data points of one metric.

    Raises:
        MalformedTelemetryError: a number is none.
    """
    for name in ("gauge", "sum", "histogram", "exponential_histogram", "summary"):
        shape = cast("shapes.Shape | None", getattr(metric, name))
        if shape is not None:
            return [
                PointRecord(
                    name=metric.name,
                    unit=metric.unit,
                    shape=name,
                    is_monotonic=shape.is_monotonic,
                    is_cumulative=shape.aggregation_temporality in _CUMULATIVE,
                    start_ns=nanoseconds(point.start_time_unix_nano),
                    at_ns=nanoseconds(point.time_unix_nano),
                    values=_numbers(point) | _buckets(point),
                    attributes=attributes_of(point.attributes),
                )
                for point in shape.data_points
            ]
    return []


def _numbers(point: shapes.Point) -> Attributes:
    values: Attributes = {}
    if point.as_int is not None:
        values["value"] = integer(point.as_int)
    elif point.as_double is not None:
        values["value"] = double_of(point.as_double)
    for name in ("count", "scale", "zero_count"):
        whole = cast("shapes.Integer | None", getattr(point, name))
        if whole is not None:
            values[name] = integer(whole)
    for name in ("sum", "min", "max"):
        real = cast("shapes.Double | None", getattr(point, name))
        if real is not None:
            values[name] = double_of(real)
    return values


def _buckets(point: shapes.Point) -> Attributes:
    values: Attributes = {}
    if point.bucket_counts:
        values["buckets"] = [integer(count) for count in point.bucket_counts]
        values["bounds"] = [double_of(bound) for bound in point.explicit_bounds]
    for name in ("positive", "negative"):
        buckets = cast("shapes.Buckets | None", getattr(point, name))
        if buckets is not None:
            values[name] = {
                "offset": integer(buckets.offset),
                "buckets": [integer(count) for count in buckets.bucket_counts],
            }
    if point.quantile_values:
        values["quantiles"] = [
            [double_of(quantile.quantile), double_of(quantile.value)]
            for quantile in point.quantile_values
        ]
    return values
