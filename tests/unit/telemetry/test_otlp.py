from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.otlp import START_NS, TRACE_ID, a_log, a_request, a_span, as_protobuf, encoded
from trigger_box.telemetry.otlp.from_json import read_json
from trigger_box.telemetry.otlp.from_protobuf import read_protobuf
from trigger_box.telemetry.otlp.records import (
    LogRecord,
    MalformedTelemetryError,
    PointRecord,
    Signal,
    SpanRecord,
)

SPAN = "00f067aa0ba902b7"
METRICS = [
    {
        "name": "cpu",
        "unit": "1",
        "gauge": {"dataPoints": [{"timeUnixNano": str(START_NS), "asDouble": 0.5}]},
    },
    {
        "name": "requests",
        "sum": {
            "aggregationTemporality": 2,
            "isMonotonic": True,
            "dataPoints": [{"timeUnixNano": str(START_NS), "asInt": 3}],
        },
    },
    {
        "name": "latency",
        "histogram": {
            "aggregationTemporality": 2,
            "dataPoints": [
                {
                    "timeUnixNano": str(START_NS),
                    "count": 3,
                    "sum": 6.0,
                    "min": 1.0,
                    "max": 3.0,
                    "bucketCounts": [1, 2],
                    "explicitBounds": [1.5],
                }
            ],
        },
    },
    {
        "name": "sizes",
        "exponentialHistogram": {
            "aggregationTemporality": 1,
            "dataPoints": [
                {
                    "timeUnixNano": str(START_NS),
                    "count": 2,
                    "sum": 5.0,
                    "scale": 1,
                    "zeroCount": 0,
                    "positive": {"offset": 1, "bucketCounts": [1, 1]},
                }
            ],
        },
    },
    {
        "name": "old",
        "summary": {
            "dataPoints": [
                {
                    "timeUnixNano": str(START_NS),
                    "count": 2,
                    "sum": 5.0,
                    "quantileValues": [{"quantile": 0.5, "value": 2.0}],
                }
            ]
        },
    },
]


def both(signal: Signal, *records: dict) -> list:
    """Read a request in both encodings; they must come to the same."""
    request = a_request(signal, *records, environment_id="env_1")
    from_json = read_json(signal, encoded(request))
    assert read_protobuf(signal, as_protobuf(signal, request)) == from_json
    (group,) = from_json
    assert group.resource["ctx.environment.id"] == "env_1"
    return group.records


def test_a_span_reads_the_same_from_json_and_protobuf() -> None:
    event = {"name": "exception", "timeUnixNano": str(START_NS + 1), "attributes": []}
    span = a_span(
        SPAN, "b" * 16, "GET /", extra={"n": 2**62, "list": ["a", 1, True], "map": {"k": 0.5}}
    )

    (record,) = both(Signal.TRACES, span | {"events": [event], "status": {"code": 2}})

    assert isinstance(record, SpanRecord)
    assert (record.trace_id, record.span_id, record.parent_id) == (TRACE_ID, SPAN, "b" * 16)
    assert (record.start_ns, record.end_ns) == (START_NS, START_NS + 100_000_000)
    assert record.status_code == 2
    assert record.attributes["n"] == 2**62
    assert record.attributes["list"] == ["a", 1, True]
    assert record.attributes["map"] == {"k": 0.5}
    assert [(each.name, each.at_ns) for each in record.events] == [("exception", START_NS + 1)]


def test_a_log_record_reads_the_same_from_json_and_protobuf() -> None:
    (record,) = both(Signal.LOGS, a_log("hello", SPAN, level="warn"))

    assert isinstance(record, LogRecord)
    assert (record.body, record.severity_text, record.span_id) == ("hello", "warn", SPAN)


def test_each_shape_of_metric_reads_the_same_from_json_and_protobuf() -> None:
    points = both(Signal.METRICS, *METRICS)

    assert all(isinstance(point, PointRecord) for point in points)
    assert {point.shape: point.values for point in points} == {
        "gauge": {"value": 0.5},
        "sum": {"value": 3},
        "histogram": {
            "count": 3, "sum": 6.0, "min": 1.0, "max": 3.0, "buckets": [1, 2], "bounds": [1.5],
        },
        "exponential_histogram": {
            "count": 2, "sum": 5.0, "scale": 1, "zero_count": 0,
            "positive": {"offset": 1, "buckets": [1, 1]},
        },
        "summary": {"count": 2, "sum": 5.0, "quantiles": [[0.5, 2.0]]},
    }  # fmt: skip
    assert [point.is_cumulative for point in points] == [False, True, True, False, False]


def test_integers_come_as_numbers_or_as_text() -> None:
    span = a_span(SPAN)
    span["startTimeUnixNano"] = START_NS
    span["attributes"] = [
        {"key": "text", "value": {"intValue": "9223372036854775807"}},
        {"key": "number", "value": {"intValue": -5}},
    ]

    (group,) = read_json(Signal.TRACES, encoded(a_request(Signal.TRACES, span)))

    (record,) = group.records
    assert isinstance(record, SpanRecord)
    assert record.start_ns == START_NS
    assert record.attributes == {"text": 2**63 - 1, "number": -5}


def test_half_a_surrogate_pair_in_one_line_does_not_cost_the_batch() -> None:
    body = encoded(a_request(Signal.LOGS, a_log("broken MARK"), a_log("fine")))

    (group,) = read_json(Signal.LOGS, body.replace(b"MARK", b"\\ud83d"))

    assert [record.body for record in group.records if isinstance(record, LogRecord)] == [
        "broken ?",
        "fine",
    ]


def test_numbers_that_json_does_not_have_become_words() -> None:
    body = encoded(a_request(Signal.TRACES, a_span(SPAN, extra={"x": 1.5})))

    for wire in (b'"NaN"', b"NaN", b'"Infinity"'):
        (group,) = read_json(Signal.TRACES, body.replace(b"1.5", wire))
        (record,) = group.records
        assert record.attributes["x"] in {"nan", "inf"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b'{"resourceSpans": 1}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"spanId": 5}]}]}]}',
        b"\xff\xfe",
    ],
)
def test_a_body_that_is_no_export_request_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedTelemetryError):
        read_json(Signal.TRACES, body)


def test_a_wrong_field_is_named() -> None:
    body = b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"spanId": 5}]}]}]}'

    with pytest.raises(MalformedTelemetryError, match="spanId"):
        read_json(Signal.TRACES, body)


def test_an_integer_of_more_than_64_bits_is_refused() -> None:
    span = a_span(SPAN)
    span["attributes"] = [{"key": "n", "value": {"intValue": 2**70}}]

    with pytest.raises(MalformedTelemetryError, match="64 bits"):
        read_json(Signal.TRACES, encoded(a_request(Signal.TRACES, span)))


def test_a_value_nested_without_end_is_refused() -> None:
    deep = b'{"arrayValue":{"values":[' * 5_000 + b'{"intValue":1}' + b"]}}" * 5_000
    body = encoded(a_request(Signal.TRACES, a_span(SPAN, extra={"x": "MARK"})))

    with pytest.raises(MalformedTelemetryError):
        read_json(Signal.TRACES, body.replace(b'{"stringValue": "MARK"}', deep))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_as_protobuf(body: bytes) -> None:
    for signal in Signal:
        with suppress(MalformedTelemetryError):
            read_protobuf(signal, body)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["resourceSpans", "scopeSpans", "spans", "attributes", "value", "key"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_any_json_is_read_or_refused(value: object) -> None:
    for signal in Signal:
        with suppress(MalformedTelemetryError):
            read_json(signal, json.dumps(value).encode())
