"""The public routes of a run's trace, spans and events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.integration.telemetry.test_otlp import SPAN, a_body, a_run
from tests.support.box import TestBox, a_box
from tests.support.otlp import a_log, a_partial, a_request, a_span
from trigger_box.telemetry.families import TracedRun
from trigger_box.telemetry.otlp.records import Signal

ATTEMPT = "a" * 16


async def a_told_run(box: TestBox) -> TracedRun:
    """A run with an attempt, a span that failed, one that still runs, and a log line."""
    run = await a_run(box)
    of: dict[str, Any] = {"trace_id": run.trace_id, "run_id": run.id}
    failed = {
        "status": {"code": 2, "message": "no"},
        "events": [
            {
                "name": "exception",
                "timeUnixNano": "1767225600000000000",
                "attributes": [{"key": "exception.type", "value": {"stringValue": "KeyError"}}],
            }
        ],
    }
    spans = a_request(
        Signal.TRACES,
        a_span(ATTEMPT, run.span_id, "Attempt 1", extra={"$entity.type": "attempt"}, **of)
        | {"status": {"code": 2}},
        a_span(SPAN, ATTEMPT, "work", extra={"user.name": "ada"}, **of) | failed,
        a_partial("c" * 16, "d" * 16, ATTEMPT, "slow", **of),
    )
    logs = a_request(Signal.LOGS, a_log("hello", SPAN, level="warn", **of))
    assert (await box.dev.post("/otel/v1/traces", json=spans)).status_code == 200
    assert (await box.dev.post("/otel/v1/logs", json=logs)).status_code == 200
    return run


def flattened(span: dict[str, Any]) -> list[dict[str, Any]]:
    return [span, *(each for child in span["children"] for each in flattened(child))]


async def test_a_trace_is_a_tree_as_the_client_reads_it(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run = await a_told_run(box)

        answer = await box.dev.get(f"/api/v1/runs/{run.id}/trace")

        assert answer.status_code == 200
        trace = answer.json()["trace"]
        assert trace["traceId"] == run.trace_id
        spans = {span["data"]["message"]: span for span in flattened(trace["rootSpan"])}
        assert set(spans) == {"send-email", "Attempt 1", "work", "slow", "hello"}
        root, work = spans["send-email"], spans["work"]
        assert (root["id"], root["runId"]) == (run.span_id, run.id)
        assert "parentId" not in root
        assert root["data"]["isPartial"] is True
        assert root["data"]["queueName"] == "task/send-email"
        assert work["parentId"] == ATTEMPT
        assert work["data"]["isError"] is True
        assert work["data"]["duration"] == 100_000_000
        assert work["data"]["startTime"] == "2026-01-01T00:00:00.000Z"
        assert work["data"]["properties"] == {"user": {"name": "ada"}}
        assert work["data"]["events"][0]["name"] == "exception"
        assert (spans["slow"]["id"], spans["slow"]["data"]["isPartial"]) == ("d" * 16, True)
        assert spans["hello"]["data"]["level"] == "WARN"


async def test_nothing_in_a_trace_is_null(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run = await a_told_run(box)

        for path in ("trace", "trace?page[size]=10", "events", f"spans/{ATTEMPT}"):
            answer = await box.dev.get(f"/api/v1/runs/{run.id}/{path}")
            assert answer.status_code == 200
            assert "null" not in answer.text


async def test_a_trace_comes_in_flat_pages_when_a_page_size_is_given(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run = await a_told_run(box)
        seen: list[dict[str, Any]] = []
        failures: list[dict[str, Any]] = []
        query: dict[str, str] = {"page[size]": "2"}
        for _ in range(3):
            page = (await box.dev.get(f"/api/v1/runs/{run.id}/trace", params=query)).json()
            assert len(page["data"]) <= 2
            seen += page["data"]
            failures += page["attemptFailures"]
            query["page[after]"] = page["pagination"].get("next", "")

        assert page["pagination"] == {}
        assert {span["message"] for span in seen} == {
            "send-email", "Attempt 1", "work", "slow", "hello",
        }  # fmt: skip
        assert len(seen) == 5
        assert failures == [{"spanId": ATTEMPT, "attemptNumber": 1, "runId": run.id}]


async def test_a_page_query_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run = await a_run(box)

        for query in (
            {"page[size]": "many"},
            {"page[size]": "-1"},
            {"page[size]": "5", "page[after]": "nonsense"},
        ):
            answer = await box.dev.get(f"/api/v1/runs/{run.id}/trace", params=query)
            assert answer.status_code == 400
            assert "page[" in str(answer.json())


async def test_one_span_has_everything_that_is_known_of_it(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run = await a_told_run(box)

        span = (await box.dev.get(f"/api/v1/runs/{run.id}/spans/{SPAN}")).json()
        root = (await box.dev.get(f"/api/v1/runs/{run.id}/spans/{run.span_id}")).json()
        missing = await box.dev.get(f"/api/v1/runs/{run.id}/spans/{'9' * 16}")

        assert span["spanId"] == SPAN
        assert span["parentId"] == ATTEMPT
        assert span["durationMs"] == 100
        assert span["statusMessage"] == "no"
        assert span["properties"] == {"user": {"name": "ada"}}
        assert root["parentId"] is None
        assert missing.status_code == 404
        assert missing.json()["error"] == "Span not found"


async def test_events_come_in_order_of_arrival_and_go_on_from_a_cursor(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run = await a_told_run(box)
        path = f"/api/v1/runs/{run.id}/events"

        first = (await box.dev.get(path, params={"limit": "2"})).json()
        rest = (await box.dev.get(path, params={"after": first["pagination"]["next"]})).json()
        logs = (await box.dev.get(path, params={"kind": "log"})).json()

        assert [event["message"] for event in first["events"]] == ["Attempt 1", "work"]
        assert first["pagination"]["hasMore"] is True
        assert [event["message"] for event in rest["events"]] == ["slow", "hello"]
        assert rest["events"][0]["partialOf"] == "d" * 16
        assert [(event["kind"], event["level"]) for event in logs["events"]] == [("LOG", "WARN")]
        for query in ({"after": "x"}, {"limit": "x"}, {"kind": "x"}):
            assert (await box.dev.get(path, params=query)).status_code == 400


async def test_a_run_of_nowhere_or_of_another_environment_has_no_trace(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run = await a_told_run(box)

        for client, run_id in ((box.prod, run.id), (box.dev, "run_unknown")):
            for path in ("trace", "events", f"spans/{SPAN}"):
                answer = await client.get(f"/api/v1/runs/{run_id}/{path}")
                assert answer.status_code == 404
                assert answer.json()["error"] == "Trace not found"
                assert answer.headers["x-should-retry"] == "false"


async def test_a_public_token_reads_the_runs_it_was_made_for(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run, other = await a_told_run(box), await a_run(box)
        environment = box.environments["dev"]

        async def status(scope: str, run_id: str) -> int:
            token = box.rooms.access.public_token(environment, scopes=[scope], lifetime_s=60)
            answer = await box.client(token).get(f"/api/v1/runs/{run_id}/trace")
            return answer.status_code

        assert await status(f"read:runs:{run.id}", run.id) == 200
        assert await status("read:tasks:send-email", run.id) == 200
        assert await status("read:runs", run.id) == 200
        assert await status(f"read:runs:{run.id}", other.id) == 403
        assert await status("write:runs", run.id) == 403


async def test_nobody_reads_a_trace_without_a_credential(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run = await a_run(box)
        await box.dev.post("/otel/v1/traces", json=a_body(box, run))

        for path in ("trace", "events", f"spans/{SPAN}"):
            assert (await box.nobody.get(f"/api/v1/runs/{run.id}/{path}")).status_code == 401
