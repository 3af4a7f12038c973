"""The live stream of the pages, in process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.api.life import a_version, completed, started, taken, triggered
from tests.integration.dashboard.visitor import API, OTHER, at, signed_in
from tests.integration.tooling.live import Open, opened
from tests.support.box import TestBox, a_box
from tests.support.otlp import a_request, a_span
from trigger_box.api.asgi import Receive, Scope, Send
from trigger_box.domain import limits
from trigger_box.telemetry.otlp.records import Signal

ENDS_S = 5.0


@asynccontextmanager
async def watching(
    box: TestBox,
    browser: httpx.AsyncClient,
    *,
    environment: str | None = None,
    traces: str = "",
    after: str = "",
) -> AsyncIterator[Open]:
    """Open the stream, for the development environment unless told otherwise."""
    cookie = "; ".join(f"{each.name}={each.value}" for each in browser.cookies.jar)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await box.app(
            {**scope, "headers": [(b"host", b"box.test"), (b"cookie", cookie.encode())]},
            receive,
            send,
        )

    watched = environment or box.environments["dev"].id
    query = f"environments={watched}&traces={traces}&after={after}"
    async with opened(app, "http", f"{API}/live", "", query=query) as stream:
        begun = await stream.next()
        assert begun["status"] == 200
        yield stream


async def news(stream: Open) -> dict[str, Any]:
    """Return the next news; beats are left out."""
    while True:
        told = await stream.event()
        if told["event"] == "news":
            return json.loads(told["data"])


async def test_a_stream_begins_with_whether_a_worker_is_there_and_the_boxs_time(
    tmp_path: Path,
) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)

        async with watching(box, browser) as stream:
            first = await stream.event()
            second = await stream.event()

    assert json.loads(first["data"])["presence"] == {"isConnected": False}
    assert second["event"] == "beat"
    assert json.loads(second["data"]) == {"nowMs": box.clock.now_ms()}
    assert int(second["id"]) > 0


async def test_a_run_is_told_as_a_row_each_time_it_changes(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        await a_version(box)

        async with watching(box, browser) as stream:
            await news(stream)
            run_id = await triggered(box.dev)
            queued = await news(stream)
            [message] = await taken(box.dev)
            await completed(box.dev, await started(box.dev, message))
            done = await news(stream)
            while done["runs"][0]["status"] != "COMPLETED":
                done = await news(stream)

    assert [(run["id"], run["status"]) for run in queued["runs"]] == [(run_id, "QUEUED")]
    assert done["runs"][0]["id"] == run_id
    assert done["runs"][0]["version"] > queued["runs"][0]["version"]
    assert not done["isGap"]


async def test_runs_of_other_environments_are_not_told(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)

        async with watching(box, browser) as stream:
            await news(stream)
            await triggered(box.prod)
            own = await triggered(box.dev)
            told = await news(stream)

    assert [run["id"] for run in told["runs"]] == [own]


async def test_who_comes_back_is_told_what_they_missed(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        async with watching(box, browser) as stream:
            last = (await stream.event())["id"]
        missed = await triggered(box.dev)
        await triggered(box.prod)

        async with watching(box, browser, after=last) as stream:
            told = await news(stream)

    assert [run["id"] for run in told["runs"]] == [missed]
    assert not told["isGap"]


async def test_more_than_one_message_carries_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LIVE_RUNS_MAX", 2)
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        async with watching(box, browser) as stream:
            last = (await stream.event())["id"]
        for _ in range(3):
            await triggered(box.dev)

        async with watching(box, browser, after=last) as stream:
            told = await news(stream)

    assert told["isGap"]
    assert told["runs"] == []


async def test_a_new_version_is_told(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)

        async with watching(box, browser) as stream:
            await news(stream)
            await a_version(box)
            told = await news(stream)

    assert told["tasksChanged"]


async def test_new_spans_of_a_run_that_is_looked_at_are_told(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        run_id = await triggered(box.dev)
        run = await box.rooms.telemetry.run(box.environments["dev"].id, run_id)
        spans = a_request(
            Signal.TRACES,
            a_span("b" * 16, run.span_id, "work", trace_id=run.trace_id, run_id=run_id),
        )

        async with watching(box, browser, traces=f"{run_id}:{run.trace_id}") as stream:
            begun = await news(stream)
            assert (await box.dev.post("/otel/v1/traces", json=spans)).status_code == 200
            told = await news(stream)

    # The spans that came between the page's reading and the stream's beginning.
    assert begun["tracesOf"] == [run_id]
    assert told["tracesOf"] == [run_id]


async def test_two_runs_of_one_trace_are_both_told(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        traceparent = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
        runs = sorted(
            [
                (
                    await box.dev.post("/api/v1/tasks/hello/trigger", json={}, headers=traceparent)
                ).json()["id"]
                for _ in range(2)
            ]
        )

        async with watching(
            box, browser, traces=",".join(f"{run_id}:{'a' * 32}" for run_id in runs)
        ) as stream:
            begun = await news(stream)

    assert begun["tracesOf"] == runs


async def test_what_somebody_elses_run_does_is_told_to_nobody_else(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        stranger = await signed_in(box, OTHER)
        bob = await box.rooms.access.user_by_email(OTHER)
        theirs = await box.rooms.access.create_project(bob, name="Elsewhere")
        own = await box.rooms.access.environment_of_key(theirs.keys["dev"])
        run_id = await triggered(box.dev)
        run = await box.rooms.telemetry.run(box.environments["dev"].id, run_id)
        mine = await triggered(box.client(theirs.keys["dev"]))

        async with watching(
            box,
            stranger,
            environment=own.id,
            # Also as the trace of a run of their own: whose trace it is, the box knows.
            traces=f"{run_id}:{run.trace_id},{mine}:{run.trace_id}",
        ) as stream:
            begun = await news(stream)
            spans = a_request(
                Signal.TRACES,
                a_span("b" * 16, run.span_id, "work", trace_id=run.trace_id, run_id=run_id),
            )
            assert (await box.dev.post("/otel/v1/traces", json=spans)).status_code == 200
            await triggered(box.client(theirs.keys["dev"]))
            told = await news(stream)

    assert begun["tracesOf"] == [mine]
    assert told["tracesOf"] == []
    assert len(told["runs"]) == 1


async def test_signing_out_ends_the_stream(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)

        async with watching(box, browser) as stream:
            await news(stream)
            signed_out = await browser.post(f"{API}/sign-out", json={})
            assert signed_out.is_success
            box.clock.advance(60_000)

            async with asyncio.timeout(ENDS_S):
                await stream.ended.wait()


async def test_a_stream_is_for_environments_of_ones_own(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        owner, stranger = await signed_in(box), await signed_in(box, OTHER)
        dev = at(box).rpartition("/")[2]

        nobody = await box.nobody.get(f"{API}/live", params={"environments": dev})
        other = await stranger.get(f"{API}/live", params={"environments": dev})
        none = await owner.get(f"{API}/live")
        many = await owner.get(f"{API}/live", params={"environments": ",".join([dev] * 100)})

    assert [each.status_code for each in (nobody, other, none, many)] == [401, 404, 400, 400]


async def test_there_are_not_endlessly_many_streams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LIVE_STREAMS_MAX", 0)
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        dev = at(box).rpartition("/")[2]

        answer = await browser.get(f"{API}/live", params={"environments": dev})

    assert (answer.status_code, answer.json()["code"]) == (503, "too_many_streams")
