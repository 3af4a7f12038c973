"""OTLP over HTTP, as task processes and other exporters speak it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.support.box import TestBox, a_box
from tests.support.builders import a_request as a_trigger
from tests.support.otlp import Json, a_log, a_request, a_span, as_protobuf, encoded
from trigger_box.domain import limits
from trigger_box.engine.trigger import trigger
from trigger_box.telemetry.families import TracedRun
from trigger_box.telemetry.otlp.records import Signal
from trigger_box.telemetry.parcels import PROTOBUF

SPAN = "b" * 16


def token_of(box: TestBox, slug: str = "dev") -> dict[str, str]:
    return {"x-tb-otlp-token": box.rooms.access.otlp_token(box.environments[slug].id)}


async def a_run(box: TestBox, slug: str = "dev") -> TracedRun:
    environment = box.environments[slug]
    triggered = await trigger(box.rooms.core, a_trigger(environment))
    return await box.rooms.telemetry.run(environment.id, triggered.run_id)


def a_body(box: TestBox, run: TracedRun, slug: str = "dev") -> Json:
    return a_request(
        Signal.TRACES,
        a_span(SPAN, run.span_id, "work", trace_id=run.trace_id, run_id=run.id),
        environment_id=box.environments[slug].id,
    )


async def names(box: TestBox, run: TracedRun) -> list[str]:
    trace = await box.rooms.telemetry.trace(run.environment_id, run.id)
    return [node.message for node in trace.nodes]


async def test_a_task_process_sends_json_with_its_environments_token(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run = await a_run(box)

        answer = await box.nobody.post(
            "/otel/v1/traces", json=a_body(box, run), headers=token_of(box)
        )

        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == {"partialSuccess": {}}
        assert await names(box, run) == ["send-email", "work"]


async def test_another_exporter_sends_protobuf_packed(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run = await a_run(box)
        body = gzip.compress(as_protobuf(Signal.TRACES, a_body(box, run)))

        answer = await box.nobody.post(
            "/otel/v1/traces",
            content=body,
            headers={
                **token_of(box),
                "content-type": PROTOBUF,
                "content-encoding": "gzip",
            },
        )

        assert answer.status_code == 200
        assert answer.headers["content-type"] == PROTOBUF
        assert (
            ExportTraceServiceResponse.FromString(answer.content).HasField("partial_success")
            is False
        )
        assert await names(box, run) == ["send-email", "work"]


async def test_a_secret_key_is_as_good_as_the_token(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run = await a_run(box)

        answer = await box.dev.post("/otel/v1/traces", json=a_body(box, run))

        assert answer.status_code == 200
        assert await names(box, run) == ["send-email", "work"]


@pytest.mark.parametrize("path", ["traces", "logs", "metrics"])
async def test_without_a_good_token_nothing_is_taken(tmp_path: Path, path: str) -> None:
    async with a_box(tmp_path) as box:
        forged = {"x-tb-otlp-token": f"{box.environments['dev'].id}.forged"}

        for headers in ({}, forged, {"x-tb-otlp-token": b"\xe9.\xe9"}):
            answer = await box.nobody.post(f"/otel/v1/{path}", json={}, headers=headers)
            assert answer.status_code == 401
        assert (await box.person.post(f"/otel/v1/{path}", json={})).status_code == 401


async def test_a_token_can_not_speak_for_another_environment(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run = await a_run(box, "prod")
        claims_prod = a_body(box, run, "prod")
        claims_dev = a_body(box, run, "dev")

        refused = await box.nobody.post(
            "/otel/v1/traces", json=claims_prod, headers=token_of(box, "dev")
        )
        taken = await box.nobody.post(
            "/otel/v1/traces", json=claims_dev, headers=token_of(box, "dev")
        )

        assert refused.status_code == 200
        assert refused.json()["partialSuccess"]["rejectedSpans"] == "1"
        assert taken.json() == {"partialSuccess": {}}
        assert await names(box, run) == ["send-email"]


async def test_a_body_that_is_no_export_request_is_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    async with a_box(tmp_path) as box:
        wrong = await box.dev.post("/otel/v1/logs", content=b'{"resourceLogs": 5}')
        xml = await box.dev.post(
            "/otel/v1/logs", content=b"<x/>", headers={"content-type": "text/xml"}
        )
        brotli = await box.dev.post(
            "/otel/v1/logs", content=b"x", headers={"content-encoding": "br"}
        )

        assert (wrong.status_code, wrong.json()["code"]) == (400, "otlp_malformed")
        assert "resourceLogs" in wrong.json()["error"]
        assert (xml.status_code, xml.json()["code"]) == (400, "otlp_content_type")
        assert (brotli.status_code, brotli.json()["code"]) == (400, "otlp_content_encoding")


async def test_a_body_that_is_too_large_is_refused_packed_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OTLP_BODY_BYTES_MAX", 100_000)
    monkeypatch.setattr(limits, "OTLP_UNPACKED_BYTES_MAX", 200_000)
    async with a_box(tmp_path) as box:
        plain = await box.dev.post("/otel/v1/logs", content=b" " * 100_001)
        packed = await box.dev.post(
            "/otel/v1/logs",
            content=gzip.compress(b" " * 10_000_000),
            headers={"content-encoding": "gzip"},
        )

        assert plain.status_code == 413
        assert packed.status_code == 413
        assert packed.json()["details"]["limit_bytes"] == 200_000


async def test_a_box_whose_disk_is_behind_tells_senders_to_try_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_box(tmp_path) as box:
        run = await a_run(box)
        monkeypatch.setattr(limits, "OTLP_BODIES_BYTES_MAX", 10)

        with box.rooms.telemetry.hold_body() as other:
            other.add(10)
            busy = await box.dev.post("/otel/v1/traces", json=a_body(box, run))
        after = await box.dev.post("/otel/v1/traces", json=a_body(box, run))

        assert (busy.status_code, busy.json()["code"]) == (503, "telemetry_busy")
        assert int(busy.headers["retry-after"]) >= 1
        assert after.status_code == 200


async def test_a_large_request_is_taken_whole(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run = await a_run(box)
        logs = [
            a_log(f"line {number}", trace_id=run.trace_id, run_id=run.id) for number in range(2_500)
        ]
        body = encoded(a_request(Signal.LOGS, *logs, environment_id=run.environment_id))
        assert len(body) > 64 * 1024

        answer = await box.dev.post("/otel/v1/logs", content=body)

        assert answer.json() == {"partialSuccess": {}}
        seen: list[str] = []
        cursor = 0
        for _ in range(3):
            page = await box.rooms.telemetry.logs(run.environment_id, run.id, after=cursor)
            seen += [row.message for row in page.rows]
            cursor = page.next
        assert seen == [f"line {number}" for number in range(2_500)]


async def test_what_came_in_and_what_was_refused_can_be_counted(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run = await a_run(box)
        await box.dev.post("/otel/v1/traces", json=a_body(box, run))
        await box.dev.post("/otel/v1/traces", json=a_body(box, run, "prod"))

        figures = (await box.nobody.get("/metrics")).text

        assert "trigger_box_telemetry_rows_total 1.0" in figures
        assert "trigger_box_telemetry_refused_total 1.0" in figures
        assert "trigger_box_telemetry_disk_failing 0.0" in figures
