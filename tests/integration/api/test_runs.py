"""Reading and changing runs over HTTP (rest-api 13.3)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.api.life import a_version, finished, started, taken, triggered
from tests.support.box import a_box

CURRENT = {"x-trigger-api-version": "2025-07-16"}


async def shown(client: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    answer = await client.get(f"/api/v3/runs/{run_id}", headers=CURRENT)
    assert answer.status_code == 200
    return answer.json()


async def test_a_run_is_shown_from_queued_to_completed(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        await a_version(box)
        run_id = await triggered(box.dev, payload={"n": 1}, options={"tags": ["b", "a"]})
        queued = await shown(box.dev, run_id)
        [message] = await taken(box.dev)
        dequeued = await shown(box.dev, run_id)
        begun = await started(box.dev, message)
        executing = await shown(box.dev, run_id)
        path = f"/engine/v1/dev/runs/{run_id}/snapshots/{begun['snapshot']['friendlyId']}"
        await box.dev.post(
            f"{path}/attempts/complete",
            json={"completion": {"ok": True, "id": run_id, "output": "7",
                                 "outputType": "application/json", "usage": {"durationMs": 9}}},
        )  # fmt: skip
        completed = await shown(box.dev, run_id)

    assert [queued["status"], dequeued["status"], executing["status"], completed["status"]] == [
        "QUEUED",
        "DEQUEUED",
        "EXECUTING",
        "COMPLETED",
    ]
    assert queued["isQueued"]
    assert executing["isExecuting"]
    assert completed["isSuccess"]
    assert completed["output"] == 7
    assert completed["durationMs"] == 9
    assert completed["attemptCount"] == 1
    assert completed["version"].endswith(".1")
    assert completed["tags"] == ["a", "b"]
    assert "startedAt" in completed
    assert "finishedAt" in completed


async def test_a_failed_run_tells_why(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        await a_version(box)
        run_id = await triggered(box.dev)
        error = {"type": "BUILT_IN_ERROR", "name": "ValueError", "message": "no", "stackTrace": "x"}
        await finished(box.dev, run_id, {"ok": False, "error": error})

        run = await shown(box.dev, run_id)
        result = await box.dev.get(f"/api/v1/runs/{run_id}/result")

    assert run["status"] == "FAILED"
    assert run["error"] == {"name": "ValueError", "message": "no", "stackTrace": "x"}
    assert "output" not in run
    assert result.json() == {
        "ok": False,
        "id": run_id,
        "taskIdentifier": "hello",
        "error": error,
        "usage": {"durationMs": 0},
    }


async def test_a_result_is_there_once_the_run_has_ended(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        await a_version(box)
        run_id = await triggered(box.dev)
        early = await box.dev.get(f"/api/v1/runs/{run_id}/result")
        await finished(box.dev, run_id)

        result = await box.dev.get(f"/api/v1/runs/{run_id}/result")

    assert early.status_code == 404
    assert early.headers["x-should-retry"] == "false"
    assert result.json() == {
        "ok": True,
        "id": run_id,
        "taskIdentifier": "hello",
        "output": '{"json":{"done":true}}',
        "outputType": "application/super+json",
        "usage": {"durationMs": 12},
    }


async def test_a_cancelled_run_has_the_result_waiting_code_expects(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run_id = await triggered(box.dev)
        await box.dev.post(f"/api/v2/runs/{run_id}/cancel")

        result = await box.dev.get(f"/api/v1/runs/{run_id}/result")

    assert result.json()["error"] == {"type": "INTERNAL_ERROR", "code": "TASK_RUN_CANCELLED"}


async def test_a_parent_and_its_children_know_each_other(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        parent = await triggered(box.dev)
        child = await triggered(box.dev, "other", options={"parentRunId": parent})
        grandchild = await triggered(box.dev, "third", options={"parentRunId": child})

        top, middle = await shown(box.dev, parent), await shown(box.dev, child)
        bottom = await shown(box.dev, grandchild)

    assert [run["id"] for run in top["relatedRuns"]["children"]] == [child]
    assert "parent" not in top["relatedRuns"]
    assert middle["relatedRuns"]["parent"]["id"] == parent
    assert bottom["relatedRuns"]["root"]["id"] == parent
    assert bottom["depth"] == 2


async def test_an_unknown_run_is_a_404_at_once(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        read = await box.dev.get("/api/v3/runs/run_unknown")
        cancelled = await box.dev.post("/api/v2/runs/run_unknown/cancel")

    assert read.status_code == 404
    assert read.headers["x-should-retry"] == "false"
    assert cancelled.status_code == 404
    assert cancelled.json()["error"] == "Resource not found"


async def test_cancelling_twice_is_fine(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run_id = await triggered(box.dev)

        first = await box.dev.post(f"/api/v2/runs/{run_id}/cancel")
        second = await box.dev.post(f"/api/v2/runs/{run_id}/cancel")
        run = await shown(box.dev, run_id)

    assert first.json() == second.json() == {"id": run_id}
    assert second.status_code == 200
    assert run["isCancelled"]


async def test_a_replay_copies_what_went_in(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run_id = await triggered(
            box.dev,
            payload='{"json":{"n":1},"meta":{"values":{}}}',
            options={
                "payloadType": "application/super+json",
                "tags": ["a"],
                "metadata": {"k": 1},
                "test": True,
            },
        )
        await box.dev.post(f"/api/v2/runs/{run_id}/cancel")

        answer = await box.dev.post(f"/api/v1/runs/{run_id}/replay")
        copy = await shown(box.dev, answer.json()["id"])

    assert copy["id"] != run_id
    assert copy["payload"] == {"n": 1}
    assert copy["tags"] == ["a"]
    assert copy["metadata"] == {"k": 1}
    assert copy["isTest"]
    assert copy["status"] == "QUEUED"


async def test_a_replay_may_change_what_goes_in(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run_id = await triggered(box.dev, payload={"n": 1}, options={"tags": ["a"]})

        answer = await box.dev.post(
            f"/api/v1/runs/{run_id}/replay",
            json={"payload": {"n": 2}, "tags": ["b"], "delay": "1h", "metadata": {"k": 2}},
        )
        copy = await shown(box.dev, answer.json()["id"])
        refused = await box.dev.post(f"/api/v1/runs/{run_id}/replay", json={"color": "red"})

    assert copy["payload"] == {"n": 2}
    assert copy["tags"] == ["b"]
    assert copy["metadata"] == {"k": 2}
    assert copy["status"] == "DELAYED"
    assert refused.status_code == 400
    assert "color" in refused.json()["error"]


async def test_a_delayed_run_is_moved(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run_id = await triggered(box.dev, options={"delay": "1h"})

        answer = await box.dev.post(f"/api/v1/runs/{run_id}/reschedule", json={"delay": "2h"})
        bad = await box.dev.post(f"/api/v1/runs/{run_id}/reschedule", json={"delay": "soon"})
        shapeless = await box.dev.post(f"/api/v1/runs/{run_id}/reschedule", json={"x": 1})

    assert answer.json()["delayedUntil"] == "2026-01-01T02:00:00.000Z"
    assert "relatedRuns" in answer.json()
    assert bad.status_code == 422
    assert bad.json()["error"].startswith("Invalid delay: ")
    assert shapeless.status_code == 400
    assert "delay" in shapeless.json()["error"]


async def test_a_run_that_is_not_delayed_is_not_moved(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run_id = await triggered(box.dev)

        answer = await box.dev.post(f"/api/v1/runs/{run_id}/reschedule", json={"delay": "2h"})

    assert answer.status_code == 422
    assert answer.json()["error"] == "Cannot reschedule a run that is not delayed"


async def test_tags_are_added_up_to_ten(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run_id = await triggered(box.dev, options={"tags": ["a"]})
        path = f"/api/v1/runs/{run_id}/tags"

        added = await box.dev.post(path, json={"tags": ["a", "b", " "]})
        same = await box.dev.post(path, json={"tags": "b"})
        many = await box.dev.post(path, json={"tags": [str(number) for number in range(9)]})
        run = await shown(box.dev, run_id)

    assert added.json() == {"message": "Successfully set 1 new tags."}
    assert same.json() == {"message": "No new tags to add"}
    assert many.status_code == 422
    assert run["tags"] == ["a", "b"]


async def test_metadata_is_changed_by_operations_and_by_replacement(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run_id = await triggered(box.dev, options={"metadata": {"n": 1}})
        path = f"/api/v1/runs/{run_id}/metadata"

        operated = await box.dev.put(
            path,
            json={
                "metadata": {"ignored": True},
                "operations": [
                    {"type": "increment", "key": "n", "value": 2},
                    {"type": "append", "key": "log", "value": "x"},
                    {"type": "set", "key": "$.deep.key", "value": [1]},
                ],
            },
        )
        read = await box.dev.get(path)
        replaced = await box.dev.put(path, json={"metadata": {"only": 1}})
        bad = await box.dev.put(
            path, json={"operations": [{"type": "set", "key": "$.__proto__.x"}]}
        )
        big = await box.dev.put(path, json={"metadata": {"x": "y" * 262_144}})
        after = await box.dev.get(path)

    assert operated.json()["metadata"] == {"n": 3, "log": ["x"], "deep": {"key": [1]}}
    assert read.json() == operated.json()
    assert replaced.json()["metadata"] == {"only": 1}
    assert bad.status_code == 400
    assert big.status_code == 413
    assert after.json()["metadata"] == {"only": 1}


async def test_concurrent_increments_all_count(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run_id = await triggered(box.dev)
        body = {"operations": [{"type": "increment", "key": "n", "value": 1}]}

        await asyncio.gather(
            *(box.dev.put(f"/api/v1/runs/{run_id}/metadata", json=body) for _ in range(30))
        )
        read = await box.dev.get(f"/api/v1/runs/{run_id}/metadata")

    assert read.json()["metadata"] == {"n": 30}


async def test_no_metadata_is_an_empty_object(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run_id = await triggered(box.dev)

        read = await box.dev.get(f"/api/v1/runs/{run_id}/metadata")
        unknown = await box.dev.get("/api/v1/runs/run_unknown/metadata")

    assert read.json()["metadata"] == {}
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        ("POST", "/api/v1/runs/{run_id}/reschedule"),
        ("POST", "/api/v1/runs/{run_id}/tags"),
        ("PUT", "/api/v1/runs/{run_id}/metadata"),
        ("POST", "/api/v1/idempotencyKeys/{run_id}/reset"),
    ],
)
async def test_a_change_without_a_body_or_with_a_broken_one_is_refused(
    tmp_path: Path, change: tuple[str, str]
) -> None:
    async with a_box(tmp_path) as box:
        method, path = change
        path = path.format(run_id=await triggered(box.dev))
        headers = {"content-type": "application/json"}

        empty = await box.dev.request(method, path, headers=headers)
        broken = await box.dev.request(method, path, headers=headers, content=b'{"tags": NaN}')
        huge = await box.dev.request(method, path, content=b"x" * (3 * 1024 * 1024))

    assert (empty.status_code, empty.json()["error"]) == (400, "Request body is empty")
    assert (broken.status_code, broken.json()["error"]) == (400, "Invalid JSON")
    assert (huge.status_code, huge.json()["error"]) == (413, "Request body too large")
