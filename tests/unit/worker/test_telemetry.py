from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from tests.unit.worker.test_calls import Peer, calling, ok
from trigger_box.worker import telemetry
from trigger_box.worker.telemetry import Telemetry


def bodies(peer: Peer) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for request in peer.requests:
        head, _, body = request.partition("\r\n\r\n")
        found.append((head.split(" ")[1], json.loads(body)))
    return found


@asynccontextmanager
async def sending(peer: Peer) -> AsyncIterator[Telemetry]:
    async with calling(peer.serve) as caller:
        road = Telemetry(caller.base_url, {"x-tb-otlp-token": "secret"})
        running = asyncio.ensure_future(road.run())
        try:
            yield road
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            await road.release()


async def test_records_of_one_moment_travel_together_by_resource() -> None:
    peer = Peer(ok(), ok())
    async with sending(peer) as road:
        road.add_span('{"r":1}', '{"s":1}', span_id="a")
        road.add_span('{"r":1}', '{"s":2}', span_id="b")
        road.add_span('{"r":2}', '{"s":3}', span_id="c")
        road.add_log('{"r":1}', '{"l":1}')
        await road.close()

    (traces_path, traces), (logs_path, logs) = bodies(peer)
    assert (traces_path, logs_path) == ("/base/v1/traces", "/base/v1/logs")
    assert [len(one["scopeSpans"][0]["spans"]) for one in traces["resourceSpans"]] == [2, 1]
    assert logs["resourceLogs"][0]["scopeLogs"][0]["logRecords"] == [{"l": 1}]
    assert "x-tb-otlp-token: secret" in peer.requests[0]


async def test_an_announcement_is_not_sent_when_its_span_has_ended_already() -> None:
    peer = Peer(ok())
    made: list[str] = []

    def make() -> str:
        made.append("made")
        return '{"partial":true}'

    async with sending(peer) as road:
        road.add_partial('{"r":1}', make, span_id="a")
        road.add_partial('{"r":1}', make, span_id="b")
        road.add_span('{"r":1}', '{"s":1}', span_id="a")
        await road.close()

    ((_path, body),) = bodies(peer)
    assert body["resourceSpans"][0]["scopeSpans"][0]["spans"] == [{"s": 1}, {"partial": True}]
    assert made == ["made"]


async def test_a_box_that_is_away_for_a_moment_gets_everything_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(telemetry, "CALL_PAUSE_S_MIN", 0.001)
    peer = Peer(ok(b"", "503 Unavailable"), None, None, ok())
    async with sending(peer) as road:
        road.add_log('{"r":1}', '{"l":1}')
        await road.close()

    assert road.dropped == 0
    assert bodies(peer)[-1][1]["resourceLogs"][0]["scopeLogs"][0]["logRecords"] == [{"l": 1}]


async def test_a_refusal_is_counted_not_repeated() -> None:
    peer = Peer(ok(b'{"error":"wrong token"}', "401 Unauthorized"), ok())
    async with sending(peer) as road:
        road.add_log('{"r":1}', '{"l":1}')
        await road.close()

    assert road.dropped == 1
    assert len(peer.requests) == 1


async def test_a_backlog_is_bounded_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "BACKLOG_RECORDS_MAX", 3)
    road = Telemetry("http://127.0.0.1:1", {})

    for number in range(5):
        road.add_log('{"r":1}', f'{{"l":{number}}}')

    assert road.dropped == 2


async def test_leaving_does_not_wait_for_a_box_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(telemetry, "TELEMETRY_CLOSE_S_MAX", 0.05)
    road = Telemetry("http://127.0.0.1:1", {})
    running = asyncio.ensure_future(road.run())
    road.add_log('{"r":1}', '{"l":1}')

    async with asyncio.timeout(2):
        await road.close()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_the_environments_variables_say_where_and_with_which_token() -> None:
    road = Telemetry.from_variables(
        {
            "TRIGGER_OTEL_EXPORTER_OTLP_ENDPOINT": "http://box.test/otel",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-tb-otlp-token=a%20b,broken, X-Other = c",
        },
        "http://elsewhere.test",
    )
    default = Telemetry.from_variables({}, "http://box.test/")

    assert road._caller.base_url == "http://box.test/otel"
    assert "x-tb-otlp-token: a b" in road._caller._head
    assert "x-other: c" in road._caller._head
    assert default._caller.base_url == "http://box.test/otel"
