from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.box import TestBox, a_box


def task(task_id: str = "greet", **extra: object) -> dict[str, Any]:
    return {"id": task_id, "filePath": "src/trigger/tasks.ts", "entryPoint": "tasks", **extra}


def registration(*tasks: dict[str, Any], **metadata: object) -> dict[str, Any]:
    """Return a body as the npm CLI 4.8.3 sends it."""
    return {
        "localOnly": True,
        "engine": "V2",
        "supportsLazyAttempts": True,
        "metadata": {
            "packageVersion": "4.8.3",
            "cliPackageVersion": "4.8.3",
            "contentHash": "hash-1",
            "runtime": "node-22",
            "runtimeVersion": "20.20.2",
            "tasks": list(tasks) or [task()],
            "queues": [],
            "prompts": [],
            "sourceFiles": [],
            "somethingNew": {"nested": [1, 2, 3]},
            **metadata,
        },
    }


async def register(box: TestBox, body: object) -> httpx.Response:
    assert box.project is not None
    path = f"/api/v1/projects/{box.project.project.ref}/background-workers"
    return await box.dev.post(path, json=body)


async def test_a_version_is_registered_and_current_at_once(tmp_path: Path):
    async with a_box(tmp_path) as box:
        made = (await register(box, registration())).json()
        assert box.project is not None
        path = f"/api/v1/projects/{box.project.project.ref}/dev/workers/current"
        current = (await box.person.get(path)).json()

        assert made["id"].startswith("worker_")
        assert made["version"] == "20260101.1"
        assert made["contentHash"] == "hash-1"
        assert current["worker"]["id"] == made["id"]
        assert [one["slug"] for one in current["worker"]["tasks"]] == ["greet"]
        assert current["urls"]["runs"].endswith("/runs?envSlug=dev")


async def test_the_same_content_is_the_same_version_and_other_content_a_new_one(tmp_path: Path):
    async with a_box(tmp_path) as box:
        first = (await register(box, registration())).json()
        again = (await register(box, registration())).json()
        other = (await register(box, registration(contentHash="hash-2"))).json()

        assert again == first
        assert other["version"] == "20260101.2"


async def test_versions_can_be_asked_for_by_name_and_none_is_told_so(tmp_path: Path):
    async with a_box(tmp_path) as box:
        assert box.project is not None
        path = f"/api/v1/projects/{box.project.project.ref}"
        none = await box.person.get(f"{path}/dev/workers/current")
        made = (await register(box, registration())).json()
        named = await box.person.get(f"{path}/dev/workers/{made['version']}")

        assert none.status_code == httpx.codes.NOT_FOUND
        assert named.json()["worker"]["id"] == made["id"]


async def test_json_under_a_plain_text_label_is_json(tmp_path: Path):
    async with a_box(tmp_path) as box:
        assert box.project is not None
        answer = await box.dev.post(
            f"/api/v1/projects/{box.project.project.ref}/background-workers",
            content=json.dumps(registration()),
            headers={"content-type": "text/plain;charset=UTF-8"},
        )

        assert answer.status_code == httpx.codes.OK


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        ([task("a"), task("a", filePath="other.ts")], ["'a'", "other.ts"]),
        ([task("")], ["empty id"]),
        ([task(schedule={"cron": "every day"})], ["greet", "cron", "'every day'"]),
        ([task(schedule={"cron": "61 * * * *"})], ["greet", "minute", "'61'"]),
        ([task(schedule={"cron": "0 9 * * SOMEDAY"})], ["day of week"]),
        ([task(ttl="whenever")], ["greet", "ttl", "whenever"]),
        ([task(ttl=-5)], ["greet", "ttl"]),
        ([task(maxDuration=0)], ["greet", "maxDuration"]),
        ([task(queue={"concurrencyLimit": -1})], ["greet", "concurrencyLimit"]),
        ([task(retry={"maxAttempts": "many"})], ["greet", "retry"]),
        ([task(retry={"maxAttempts": 10**30})], ["greet", "retry", "maxAttempts"]),
        ([task(retry={"maxAttempts": -1})], ["greet", "retry", "maxAttempts"]),
        ([task(retry={"maxTimeoutInMs": 1e300})], ["greet", "retry", "maxTimeoutInMs"]),
        ([task(retry={"factor": -2})], ["greet", "retry", "factor"]),
        ([task(machine={"cpu": "fast"})], ["greet", "machine"]),
        ([{"filePath": "x.ts"}], ["metadata", "id"]),
    ],
)
async def test_a_task_that_asks_for_what_does_not_exist_is_named(
    tmp_path: Path, tasks: list[dict[str, Any]], words: list[str]
):
    async with a_box(tmp_path) as box:
        answer = await register(box, registration(*tasks))

        assert answer.status_code == httpx.codes.BAD_REQUEST
        for word in words:
            assert word in answer.json()["error"]


@pytest.mark.parametrize(
    "cron", ["0 9 * * 1-5", "*/5 * * * *", "0 0 L * *", "0 12 * JAN-MAR 7", "15 10 ? * MON#2"]
)
async def test_cron_texts_that_schedules_may_have_are_taken(tmp_path: Path, cron: str):
    async with a_box(tmp_path) as box:
        answer = await register(box, registration(task(schedule={"cron": cron})))

        assert answer.status_code == httpx.codes.OK, answer.text


async def test_a_task_can_ask_for_everything_there_is(tmp_path: Path):
    whole = task(
        exportName="greet",
        description="Says hello",
        queue={"name": "mail", "concurrencyLimit": 2},
        retry={"maxAttempts": 3, "factor": 2, "minTimeoutInMs": 1000, "randomize": True},
        machine={"preset": "small-2x"},
        maxDuration=60,
        ttl=3600,
        triggerSource="schedule",
        schedule={"cron": "0 9 * * *", "timezone": "UTC"},
        payloadSchema={"type": "object"},
    )
    async with a_box(tmp_path) as box:
        queues = [{"name": "mail", "concurrencyLimit": None}]
        answer = await register(box, registration(whole, queues=queues))
        assert box.project is not None
        path = f"/api/v1/projects/{box.project.project.ref}/dev/workers/current"
        told = (await box.person.get(path)).json()["worker"]["tasks"][0]

        assert answer.status_code == httpx.codes.OK, answer.text
        assert told["triggerSource"] == "SCHEDULED"
        assert told["payloadSchema"] == {"type": "object"}


@pytest.mark.parametrize(
    "body", [b"", b"nope", b"[]", b"{}", b'{"metadata": 7}', b'{"metadata":' + b"[" * 5000]
)
async def test_what_is_no_registration_is_refused(tmp_path: Path, body: bytes):
    async with a_box(tmp_path) as box:
        assert box.project is not None
        answer = await box.dev.post(
            f"/api/v1/projects/{box.project.project.ref}/background-workers", content=body
        )

        assert answer.status_code == httpx.codes.BAD_REQUEST


async def test_other_environments_and_projects_are_no_place_to_register(tmp_path: Path):
    async with a_box(tmp_path) as box:
        assert box.project is not None
        path = f"/api/v1/projects/{box.project.project.ref}/background-workers"
        production = await box.prod.post(path, json=registration())
        elsewhere = await box.dev.post(
            "/api/v1/projects/proj_other/background-workers", json=registration()
        )

        assert production.status_code == httpx.codes.FORBIDDEN
        assert elsewhere.status_code == httpx.codes.BAD_REQUEST
