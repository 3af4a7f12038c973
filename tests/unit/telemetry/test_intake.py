from __future__ import annotations

import pytest

from tests.support.otlp import (
    RUN_ID,
    START_NS,
    TRACE_ID,
    a_log,
    a_partial,
    a_request,
    a_span,
    attributes,
    encoded,
)
from trigger_box.domain import limits
from trigger_box.ids import EnvironmentId
from trigger_box.telemetry.intake import Receipt, take_in
from trigger_box.telemetry.otlp.from_json import read_json
from trigger_box.telemetry.otlp.records import Signal
from trigger_box.telemetry.rows import Kind, Level, RowStatus

SPAN = "00f067aa0ba902b7"
OTHER = "53995c3f42cd8ad8"
OURS = EnvironmentId("env_ours")


def taken(signal: Signal, *records: dict, environment_id: str | None = OURS) -> Receipt:
    request = a_request(signal, *records, environment_id=environment_id)
    return take_in(
        read_json(signal, encoded(request)),
        environment_id=OURS,
        received_ms=START_NS // 1_000_000,
    )


def test_a_span_knows_its_run_task_attempt_and_version() -> None:
    (row,) = taken(Signal.TRACES, a_span(SPAN, OTHER, "GET /", attempt=2)).rows

    assert (row.run_id, row.task, row.attempt) == (RUN_ID, "send-email", 2)
    assert row.version == "20261124.1"
    assert (row.trace_id, row.span_id, row.parent_id) == (TRACE_ID, SPAN, OTHER)
    assert (row.kind, row.level, row.status) == (Kind.SPAN, Level.TRACE, RowStatus.UNSET)
    assert row.duration_ns == 100_000_000
    assert row.environment_id == OURS


def test_run_facts_are_not_stored_again_with_each_row() -> None:
    span = a_span(SPAN, extra={"http.method": "GET", "ctx.run.tags": ["a"], "$style.icon": "http"})

    (row,) = taken(Signal.TRACES, span).rows

    assert row.attributes == {"http.method": "GET"}
    assert row.style == {"icon": "http"}


def test_a_partial_span_names_the_span_it_announces() -> None:
    (row,) = taken(Signal.TRACES, a_partial(SPAN, OTHER)).rows

    assert row.status is RowStatus.PARTIAL
    assert row.replaces == OTHER
    assert row.duration_ns == 0
    assert "$span.partial" not in row.attributes


def test_a_failed_span_keeps_what_it_said_of_its_failure() -> None:
    span = a_span(SPAN) | {"status": {"code": 2, "message": "connection refused"}}

    (row,) = taken(Signal.TRACES, span).rows

    assert row.status is RowStatus.ERROR
    assert row.attributes["$status.message"] == "connection refused"


@pytest.mark.parametrize(
    ("text", "number", "level"),
    [
        ("Log", 9, Level.LOG),
        ("debug", 5, Level.DEBUG),
        ("WARNING", 0, Level.WARN),
        ("CRITICAL", 0, Level.ERROR),
        ("", 17, Level.ERROR),
        ("", 14, Level.WARN),
        ("notice", 10, Level.INFO),
        ("", 1, Level.TRACE),
        ("", 0, Level.LOG),
    ],
)
def test_levels_come_from_the_text_or_else_from_the_number(
    text: str, number: int, level: Level
) -> None:
    (row,) = taken(Signal.LOGS, a_log("x", level=text, severityNumber=number)).rows

    assert row.level is level


def test_a_structured_log_body_is_shown_as_json() -> None:
    body = {"kvlistValue": {"values": attributes({"a": 1, "b": ["x"]})}}

    (row,) = taken(Signal.LOGS, a_log("x") | {"body": body}).rows

    assert row.message == '{"a":1,"b":["x"]}'


def test_a_record_that_claims_another_environment_is_refused_and_counted() -> None:
    receipt = taken(Signal.LOGS, a_log("a"), a_log("b"), environment_id="env_theirs")

    assert receipt.rows == []
    assert receipt.refused == 2
    assert "ctx.environment.id" in receipt.message


def test_a_sender_that_claims_no_environment_gets_that_of_its_token() -> None:
    (row,) = taken(Signal.LOGS, a_log("a"), environment_id=None).rows

    assert row.environment_id == OURS


@pytest.mark.parametrize("trace_id", ["", "0" * 32, "xyz", TRACE_ID + "0"])
def test_a_span_without_a_usable_trace_id_is_refused(trace_id: str) -> None:
    receipt = taken(Signal.TRACES, a_span(SPAN, trace_id=trace_id), a_span(OTHER))

    assert receipt.refused == 1
    assert [row.span_id for row in receipt.rows] == [OTHER]


def test_a_log_record_needs_a_run_or_a_trace() -> None:
    receipt = taken(
        Signal.LOGS,
        a_log("by run", trace_id=""),
        a_log("by trace", run_id=""),
        a_log("by neither", run_id="", trace_id=""),
    )

    assert [row.message for row in receipt.rows] == ["by run", "by trace"]
    assert [row.key for row in receipt.rows] == [RUN_ID, TRACE_ID]
    assert receipt.refused == 1


def test_a_run_id_that_is_none_is_not_believed() -> None:
    (row,) = taken(Signal.TRACES, a_span(SPAN, run_id="run_1'; DROP TABLE")).rows

    assert row.run_id == ""


def test_a_span_that_ends_before_it_starts_takes_no_time() -> None:
    (row,) = taken(Signal.TRACES, a_span(SPAN, duration_ms=-5)).rows

    assert row.duration_ns == 0


def test_a_record_without_a_time_gets_that_of_its_arrival() -> None:
    (row,) = taken(Signal.LOGS, a_log("x", at_ns=0)).rows

    assert row.start_ns == START_NS


def test_what_does_not_fit_is_cut_and_counted() -> None:
    events = [{"name": f"e{i}", "timeUnixNano": "1"} for i in range(100)]
    extra = {f"k{i}": i for i in range(limits.RECORD_ATTRIBUTES_MAX + 3)}

    receipt = taken(Signal.TRACES, a_span(SPAN, extra=extra) | {"events": events})

    (row,) = receipt.rows
    assert len(row.attributes) == limits.RECORD_ATTRIBUTES_MAX
    assert len(row.events) == limits.RECORD_EVENTS_MAX
    assert receipt.cut == 3 + (100 - limits.RECORD_EVENTS_MAX)


def test_a_measurement_knows_its_run() -> None:
    metric = {
        "name": "process.memory",
        "unit": "By",
        "gauge": {
            "dataPoints": [
                {
                    "timeUnixNano": str(START_NS),
                    "asInt": "12345",
                    "attributes": attributes({"ctx.run.id": RUN_ID, "ctx.task.id": "t", "x": 1}),
                }
            ]
        },
    }

    (point,) = taken(Signal.METRICS, metric).points

    assert (point.name, point.run_id, point.task) == ("process.memory", RUN_ID, "t")
    assert point.values == {"value": 12345}
    assert point.attributes == {"x": 1}
