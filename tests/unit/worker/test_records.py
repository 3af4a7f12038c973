from __future__ import annotations

import json
from typing import Any

from tests.integration.worker.dev_box import FakeRun, an_execution, attributes
from trigger_box.worker.records import RecordMaker, attribute_list, resource_attributes


def a_maker(**extra: Any) -> RecordMaker:
    run = FakeRun(id="run_1", task="hello", payload=1, extra=extra, version="w", attempt=2)
    return RecordMaker(
        an_execution(run), worker_id="worker_1", worker_version="20260131.1", is_warm=True
    )


def test_a_span_is_valid_otlp_json_with_the_attempts_own_attributes() -> None:
    maker = a_maker()

    span = json.loads(
        maker.span(
            name='quote " and \n',
            span_id="c" * 16,
            parent_id="d" * 16,
            started_ns=10,
            ended_ns=20,
            attributes={"size": 3, "ratio": 0.5, "ok": True},
            error={"type": "ValueError", "message": "oops", "stack": "line"},
        )
    )

    found = attributes(span)
    assert span["name"] == 'quote " and \n'
    assert (span["traceId"], span["parentSpanId"]) == ("a" * 32, "d" * 16)
    assert (span["startTimeUnixNano"], span["endTimeUnixNano"]) == ("10", "20")
    assert span["status"] == {"code": 2, "message": "oops"}
    assert attributes(span["events"][0])["exception.stacktrace"] == "line"
    assert found["$metadata.ctx.run.id"] == "run_1"
    assert found["$metadata.ctx.attempt.number"] == "2"
    assert found["$metadata.worker.version"] == "20260131.1"
    assert (found["size"], found["ratio"], found["ok"]) == ("3", 0.5, True)


def test_a_partial_span_names_the_real_one() -> None:
    span = json.loads(
        a_maker().partial_span(
            name="x", span_id="c" * 16, parent_id=None, started_ns=10, attributes={}
        )
    )

    assert span["spanId"] != "c" * 16
    assert "parentSpanId" not in span
    assert attributes(span)["$span.span_id"] == "c" * 16
    assert attributes(span)["$span.partial"] is True


def test_a_printed_line_has_the_capital_that_tells_it_from_logger() -> None:
    maker = a_maker()

    def severity(level: str) -> str:
        record = maker.log(level=level, text="t", at_ns=1, span_id="c" * 16, attributes={})
        return str(json.loads(record)["severityText"])

    assert [severity(level) for level in ("log", "info", "warn", "error", "debug")] == [
        "Log",
        "info",
        "warn",
        "error",
        "debug",
    ]


def test_a_run_without_a_trace_gets_one() -> None:
    maker = a_maker(traceContext={})

    assert len(maker.trace_id) == 32
    assert maker.run_span_id is None


def test_the_resource_says_where_not_what() -> None:
    run = FakeRun(id="run_1", task="hello", payload=1, extra={}, version="w")

    text = resource_attributes(an_execution(run))

    found = attributes({"attributes": json.loads(f"[{text}]")})
    assert found["$trigger"] is True
    assert found["ctx.environment.id"] == "env_1"
    assert found["ctx.machine.memory"] == 0.5
    assert found["sdk.language"] == "python"
    assert resource_attributes(an_execution(run)) is text


def test_no_attributes_are_an_empty_list() -> None:
    assert attribute_list({}) == ""
