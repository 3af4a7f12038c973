"""What the routes of the pages answer, with a box behind them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.life import a_version, completed, finished, started, taken, triggered
from tests.integration.dashboard.visitor import API, OTHER, at, read, signed_in
from tests.support.box import a_box

FAILED = {
    "ok": False,
    "error": {"type": "BUILT_IN_ERROR", "name": "KeyError", "message": "no", "stackTrace": "at x"},
    "skippedRetrying": True,
}


async def test_the_tasks_of_the_current_version_tell_what_runs_and_how_the_day_went(
    tmp_path: Path,
) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        empty = await read(browser, at(box, "/tasks"))
        assert (empty["version"], empty["tasks"]) == (None, [])
        await a_version(box, "hello", "other")
        await finished(box.dev, await triggered(box.dev))
        await finished(box.dev, await triggered(box.dev), FAILED)
        await triggered(box.dev, options={"delay": "1h"})
        await triggered(box.dev)

        hello, other = (await read(browser, at(box, "/tasks")))["tasks"]

    assert (hello["id"], hello["runningCount"], hello["queuedCount"]) == ("hello", 0, 1)
    assert hello["successRatio"] == 0.5
    assert hello["hours"][-1] == [1, 2, 0, 1]
    assert hello["lastRun"]["status"] == "QUEUED"
    assert (other["id"], other["lastRun"], other["successRatio"]) == ("other", None, None)


async def test_what_a_task_says_about_itself_reaches_its_pages(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        assert box.project is not None
        browser = await signed_in(box)
        long = "x" * 600
        registered = await box.dev.post(
            f"/api/v1/projects/{box.project.project.ref}/background-workers",
            json={
                "localOnly": True,
                "metadata": {
                    "contentHash": "h1",
                    "packageVersion": "4.8.3",
                    "tasks": [
                        {"id": "a", "filePath": "a.ts", "description": "Says hello.\nTwice."},
                        {"id": "b", "filePath": "b.ts", "description": long},
                        {"id": "c", "filePath": "c.ts"},
                    ],
                },
            },
        )
        assert registered.status_code == 200, registered.text

        listed = (await read(browser, at(box, "/tasks")))["tasks"]
        whole = (await read(browser, at(box, "/tasks/b")))["description"]

    assert [task["description"] for task in listed] == ["Says hello.\nTwice.", long[:500], None]
    assert whole == long


async def test_a_page_of_runs_is_counted_and_turned(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        ids: list[str] = []
        for _ in range(27):
            ids.insert(0, await triggered(box.dev))
            box.clock.advance(1_000)

        first = await read(browser, at(box, "/runs"))
        second = await read(browser, at(box, "/runs"), cursor=first["next"])
        back = await read(browser, at(box, "/runs"), cursor=second["previous"])

    assert [run["id"] for run in first["runs"]] == ids[:25]
    assert [run["id"] for run in second["runs"]] == ids[25:]
    assert back["runs"] == first["runs"]
    assert (first["total"], first["previous"], second["next"]) == (27, None, None)


async def test_an_empty_list_says_whether_there_ever_were_runs(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        never = await read(browser, at(box, "/runs"))
        await triggered(box.dev)
        none_match = await read(browser, at(box, "/runs"), status="CRASHED")

    assert (never["runs"], never["hasAnyRuns"]) == ([], False)
    assert (none_match["runs"], none_match["hasAnyRuns"]) == ([], True)


async def test_counts_and_filter_values_come_from_the_runs_there_are(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        await a_version(box)
        await finished(box.dev, await triggered(box.dev, options={"tags": ["order:1"]}), FAILED)
        await triggered(box.dev, "hello", options={"tags": ["vip"]})

        counts = await read(browser, at(box, "/run-counts"))
        tags = await read(browser, at(box, "/filter-values"), name="tag", text="ORDER")
        tasks = await read(browser, at(box, "/filter-values"), name="task")
        versions = await read(browser, at(box, "/filter-values"), name="version")
        refused = await browser.get(at(box, "/filter-values"), params={"name": "colour"})

    assert counts == {"active": 0, "failed": 1, "queued": 1}
    assert (tags["values"], tasks["values"]) == (["order:1"], ["hello"])
    assert len(versions["values"]) == 1
    assert refused.status_code == 400


async def test_the_palette_finds_tasks_by_a_part_and_runs_by_their_id(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        await a_version(box, "send-email", "resize")
        run_id = await triggered(box.dev, "send-email")

        by_name = await read(browser, at(box, "/find"), text="EMAIL")
        by_id = await read(browser, at(box, "/find"), text=run_id)
        nothing = await read(browser, at(box, "/find"), text="nowhere")

    assert [task["id"] for task in by_name["tasks"]] == ["send-email"]
    assert [run["id"] for run in by_name["runs"]] == [run_id]
    assert [run["id"] for run in by_id["runs"]] == [run_id]
    assert nothing == {"tasks": [], "runs": []}


async def test_the_page_of_a_run_has_its_facts_attempts_and_packets(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        await a_version(box)
        run_id = await triggered(
            box.dev, payload={"n": 9007199254740993}, options={"idempotencyKey": "k"}
        )
        await finished(box.dev, run_id, FAILED)

        page = await read(browser, at(box, f"/runs/{run_id}"))
        download = await browser.get(at(box, f"/runs/{run_id}/packets/payload/download"))
        missing = await browser.get(at(box, f"/runs/{run_id}/packets/output"))
        unknown = await browser.get(at(box, f"/runs/{run_id}/packets/keys"))

    assert page["run"]["status"] == "FAILED"
    assert "9007199254740993" in page["payload"]["text"]
    assert page["error"] == {
        "name": "KeyError",
        "message": "no",
        "stack": "at x",
        "code": None,
        "hint": None,
    }
    assert [attempt["outcome"] for attempt in page["attempts"]] == ["failed"]
    assert page["detail"]["idempotencyKey"]["state"] == "released"
    assert page["context"]["run"]["id"] == run_id
    assert page["why"] is None
    assert "attachment" in download.headers["content-disposition"]
    assert "no-store" in download.headers["cache-control"]
    assert download.headers["x-content-type-options"] == "nosniff"
    assert (missing.status_code, unknown.status_code) == (404, 404)


async def test_the_page_of_a_run_says_why_it_waits(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        early = await triggered(box.dev)
        delayed = await triggered(box.dev, options={"delay": "1h"})

        no_version = await read(browser, at(box, f"/runs/{early}"))
        later = await read(browser, at(box, f"/runs/{delayed}"))
        await a_version(box)
        no_worker = await read(browser, at(box, f"/runs/{early}"))

    assert no_version["why"]["title"] == "No version is registered in this environment yet."
    assert later["why"]["atMs"] == later["run"]["delayUntilMs"]
    assert no_worker["why"]["title"].startswith("No worker")


async def test_a_run_is_cancelled_and_replayed_from_its_page(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        await a_version(box)
        run_id = await triggered(box.dev, payload={"a": 1}, options={"tags": ["x"]})

        cancelled = await browser.post(at(box, f"/runs/{run_id}/cancel"), json={})
        replayed = await browser.post(
            at(box, f"/runs/{run_id}/replay"),
            content=b'{"options":{"payload":{"a":9007199254740993}}}',
        )
        old = await read(browser, at(box, f"/runs/{run_id}"))
        new = await read(browser, at(box, f"/runs/{replayed.json()['id']}"))
        elsewhere = await browser.post(
            at(box, f"/runs/{run_id}/replay"), json={"environmentId": "env_nowhere"}
        )

    assert (cancelled.status_code, replayed.status_code) == (200, 201)
    assert old["run"]["status"] == "CANCELED"
    assert old["error"]["message"] == "Canceled by owner@example.com"
    assert "9007199254740993" in new["payload"]["text"]
    assert (new["replayedFrom"]["id"], new["run"]["tags"]) == (run_id, ["x"])
    assert new["detail"]["triggeredBy"] == "a replay"
    assert elsewhere.status_code == 404


async def test_a_test_is_a_run_that_says_so(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        await a_version(box)

        made = await browser.post(
            at(box, "/tasks/hello/test"),
            content=b'{"payload":{"n":1.0e2},"options":{"tags":["by-hand"],"maxAttempts":2}}',
        )
        page = await read(browser, at(box, f"/runs/{made.json()['id']}"))
        task = await read(browser, at(box, "/tasks/hello"))
        wrong = await browser.post(
            at(box, "/tasks/hello/test"), json={"options": {"tags": [f"t{n}" for n in range(11)]}}
        )
        unknown = await browser.get(at(box, "/tasks/nothing"))

    assert made.status_code == 201
    assert page["run"]["isTest"]
    assert (page["detail"]["triggeredBy"], page["detail"]["maxAttempts"]) == ("a test", 2)
    assert page["payload"]["text"] == '{"n":1.0e2}'
    assert [recent["payload"]["text"] for recent in task["recent"]] == ['{"n":1.0e2}']
    assert (wrong.status_code, unknown.status_code) == (422, 404)
    assert "tags" in json.dumps(wrong.json())


async def test_a_link_with_only_a_run_leads_to_its_environment(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        run_id = await triggered(box.prod)

        found = await read(browser, f"{API}/find-run/{run_id}")

    assert (found["project"], found["environment"], found["id"]) == ("shop", "prod", run_id)


async def test_the_key_of_an_environment_is_masked_until_it_is_asked_for(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        assert box.project is not None
        key = box.project.keys["dev"]

        masked = await browser.get(at(box, "/root-key"))
        shown = await browser.post(at(box, "/root-key/reveal"), json={})

    assert key not in masked.text
    assert masked.json()["obfuscated"].endswith(key[-4:])
    assert shown.json() == {"key": key}
    assert "no-store" in shown.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/tasks",
        "/tasks/hello",
        "/runs",
        "/run-counts",
        "/find?text=a",
        "/filter-values?name=task",
        "/root-key",
        "/runs/{run}",
        "/runs/{run}/trace",
        "/runs/{run}/packets/payload/download",
    ],
)
async def test_what_is_somebody_elses_does_not_exist(tmp_path: Path, path: str) -> None:
    async with a_box(tmp_path) as box:
        stranger = await signed_in(box, OTHER)
        run_id = await triggered(box.dev)

        answer = await stranger.get(at(box, path.format(run=run_id)))
        by_id = await stranger.get(f"{API}/find-run/{run_id}")

    assert answer.status_code == 404
    assert by_id.status_code == 404


@pytest.mark.parametrize(
    "path", ["/runs/{run}/cancel", "/runs/{run}/replay", "/tasks/hello/test", "/root-key/reveal"]
)
async def test_nobody_else_can_change_anything(tmp_path: Path, path: str) -> None:
    async with a_box(tmp_path) as box:
        stranger = await signed_in(box, OTHER)
        run_id = await triggered(box.dev)

        answer = await stranger.post(at(box, path.format(run=run_id)), json={})

        assert answer.status_code == 404
        owner = await signed_in(box)
        assert (await read(owner, at(box, f"/runs/{run_id}")))["run"]["status"] == "QUEUED"


async def test_a_run_of_another_environment_is_not_found_here(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        run_id = await triggered(box.prod)

        statuses = [
            (await browser.get(at(box, f"/runs/{run_id}{rest}"))).status_code
            for rest in ("", "/trace", "/packets/payload")
        ]

    assert statuses == [404, 404, 404]


@pytest.mark.parametrize(
    "query", ["period=soon", "from=x", "&".join(["tag=x"] * 101), "cursor=x", "status=DONE"]
)
async def test_an_address_that_was_typed_wrong_is_no_fault_of_the_box(
    tmp_path: Path, query: str
) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)

        answer = await browser.get(at(box, f"/runs?{query}"))

    assert answer.status_code == 400, answer.text


async def test_the_longest_period_is_everything(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        run_id = await triggered(box.dev)

        page = await read(browser, at(box, "/runs"), period="99999d")

    assert [run["id"] for run in page["runs"]] == [run_id]


def _children(nodes: list[dict[str, Any]], parent: str | None) -> list[str]:
    return [node["title"] for node in nodes if node["parentId"] == parent]


async def test_runs_that_a_task_triggered_are_shown_below_its_attempt(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        await a_version(box, "hello", "child")
        run_id = await triggered(box.dev)
        [message] = await taken(box.dev)
        begun = await started(box.dev, message)
        box.clock.advance(50)
        apart = await box.dev.post(
            "/api/v1/tasks/child/trigger",
            json={"options": {"parentRunId": run_id}},
            headers={
                "traceparent": begun["execution"]["run"]["traceContext"]["traceparent"],
                "x-trigger-span-parent-as-link": "1",
            },
        )
        assert apart.status_code == 200

        nodes = (await read(browser, at(box, f"/runs/{run_id}/trace")))["nodes"]

    [root] = [node for node in nodes if node["parentId"] is None]
    [attempt] = [node for node in nodes if node["kind"] == "attempt"]
    assert _children(nodes, root["id"]) == ["Attempt 1"]
    [child] = [node for node in nodes if node["parentId"] == attempt["id"]]
    assert (child["kind"], child["title"], child["runId"]) == ("run", "child", apart.json()["id"])
    assert child["run"]["status"] == "QUEUED"
    assert child["endMs"] is None


async def test_a_cancelled_attempt_is_no_error(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await signed_in(box)
        await a_version(box)
        run_id = await triggered(box.dev)
        [message] = await taken(box.dev)
        begun = await started(box.dev, message)
        await browser.post(at(box, f"/runs/{run_id}/cancel"), json={})
        latest = await box.dev.get(f"/engine/v1/dev/runs/{run_id}/snapshots/latest")
        begun["snapshot"] = latest.json()["execution"]["snapshot"]
        error = {"type": "INTERNAL_ERROR", "code": "TASK_RUN_CANCELLED", "message": "Canceled"}
        await completed(box.dev, begun, {"ok": False, "error": error})

        trace = await read(browser, at(box, f"/runs/{run_id}/trace"))

    assert [node["title"] for node in trace["nodes"] if node["isError"]] == []
    [attempt] = [node for node in trace["nodes"] if node["kind"] == "attempt"]
    assert attempt["isCanceled"]
