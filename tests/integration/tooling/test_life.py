"""A run's life as the npm CLI leads it: JSON under a plain text label, no key beyond its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from tests.integration.tooling.test_registration import register, registration
from tests.support.box import TestBox, a_box

TEXT = {"content-type": "text/plain;charset=UTF-8"}


async def say(box: TestBox, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await box.dev.post(path, content=json.dumps(body), headers=TEXT)
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.json()


async def test_a_run_lives_its_life_under_a_plain_text_label(tmp_path: Path):
    async with a_box(tmp_path) as box:
        worker = (await register(box, registration())).json()
        made = await say(box, "/api/v1/tasks/greet/trigger", {"payload": {"name": "Ada"}})
        asked = {"currentWorker": worker["id"], "oldWorkers": []}
        message = (await say(box, "/engine/v1/dev/dequeue", asked))["dequeuedMessages"][0]
        run = f"/engine/v1/dev/runs/{made['id']}"
        begin = f"{run}/snapshots/{message['snapshot']['friendlyId']}/attempts/start"
        started = await say(box, begin, {"isWarmStart": False})
        latest = (await box.dev.get(f"{run}/snapshots/latest")).json()["execution"]
        end = f"{run}/snapshots/{started['snapshot']['friendlyId']}/attempts/complete"
        completion = {
            "ok": True,
            "id": made["id"],
            "output": '{"json":{"greeting":"Hello Ada"}}',
            "outputType": "application/super+json",
            "usage": {"durationMs": 5},
        }
        ended = (await say(box, end, {"completion": completion}))["result"]

        assert message["backgroundWorker"]["friendlyId"] == worker["id"]
        assert message["run"]["attemptNumber"] == 1
        assert started["execution"]["run"]["payload"] == '{"name": "Ada"}'
        assert started["run"]["attemptNumber"] == 1
        assert latest["snapshot"]["friendlyId"] == started["snapshot"]["friendlyId"]
        assert latest["run"]["attemptNumber"] == 1
        assert ended["attemptStatus"] == "RUN_FINISHED"
        assert ended["run"]["attemptNumber"] == 1
        ids = [step["snapshot"]["friendlyId"] for step in (message, started, ended)]
        assert ids == sorted(ids)


async def test_the_oldest_clients_begin_an_attempt_with_an_empty_object(tmp_path: Path):
    async with a_box(tmp_path) as box:
        worker = (await register(box, registration())).json()
        made = await say(box, "/api/v1/tasks/greet/trigger", {"payload": {}})
        asked = {"currentWorker": worker["id"], "oldWorkers": []}
        message = (await say(box, "/engine/v1/dev/dequeue", asked))["dequeuedMessages"][0]
        begin = f"snapshots/{message['snapshot']['friendlyId']}/attempts/start"

        started = await say(box, f"/engine/v1/dev/runs/{made['id']}/{begin}", {})

        assert started["snapshot"]["executionStatus"] == "EXECUTING"


async def test_a_cancel_is_news_for_the_worker_and_its_newest_snapshot(tmp_path: Path):
    async with a_box(tmp_path) as box:
        worker = (await register(box, registration())).json()
        made = await say(box, "/api/v1/tasks/greet/trigger", {"payload": {}})
        asked = {"currentWorker": worker["id"], "oldWorkers": []}
        message = (await say(box, "/engine/v1/dev/dequeue", asked))["dequeuedMessages"][0]
        run = f"/engine/v1/dev/runs/{made['id']}"
        begin = f"{run}/snapshots/{message['snapshot']['friendlyId']}/attempts/start"
        started = await say(box, begin, {})
        environment_id = box.environments["dev"].id
        with box.rooms.core.bus.notifications(environment_id) as notifications:
            await box.dev.post(f"/api/v2/runs/{made['id']}/cancel")

            assert await notifications.next() == [made["id"]]
        latest = (await box.dev.get(f"{run}/snapshots/latest")).json()["execution"]

        assert latest["snapshot"]["executionStatus"] == "PENDING_CANCEL"
        # Another number here would make the CLI give the run up without ending its process.
        assert latest["run"]["attemptNumber"] == started["run"]["attemptNumber"]


async def test_the_newest_snapshot_of_another_environments_run_is_not_told(tmp_path: Path):
    async with a_box(tmp_path) as box:
        made = await say(box, "/api/v1/tasks/greet/trigger", {"payload": {}})

        answer = await box.prod.get(f"/engine/v1/dev/runs/{made['id']}/snapshots/latest")

        assert answer.status_code == httpx.codes.NOT_FOUND


async def test_a_goodbye_ends_runs_in_flight_at_once(tmp_path: Path):
    async with a_box(tmp_path) as box:
        worker = (await register(box, registration())).json()
        made = await say(box, "/api/v1/tasks/greet/trigger", {"payload": {}})
        asked = {"currentWorker": worker["id"], "oldWorkers": []}
        message = (await say(box, "/engine/v1/dev/dequeue", asked))["dequeuedMessages"][0]
        run = f"/engine/v1/dev/runs/{made['id']}"
        await say(box, f"{run}/snapshots/{message['snapshot']['friendlyId']}/attempts/start", {})

        said = await say(box, "/engine/v1/dev/disconnect", {"runFriendlyIds": [made["id"]]})
        told = (await box.dev.get(f"/api/v3/runs/{made['id']}")).json()

        assert said == {"cancelled": 1}
        assert told["status"] == "CANCELED"
        assert told["isCompleted"]
