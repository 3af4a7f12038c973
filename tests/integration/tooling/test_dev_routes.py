from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.integration.tooling.live import opened
from tests.support.box import ORIGIN, a_box
from trigger_box.domain import limits
from trigger_box.engine.environments import set_limits
from trigger_box.ids import RunId, WorkerId


async def test_a_worker_learns_where_and_how_often_to_ask(tmp_path: Path):
    async with a_box(tmp_path) as box:
        config = (await box.dev.get("/engine/v1/dev/config")).json()

        assert config["environmentId"] == box.environments["dev"].id
        assert config["engineUrl"] == ORIGIN
        assert config["maxConcurrentRuns"] == limits.DEVELOPMENT_CONCURRENCY
        assert 0 < config["dequeueIntervalWithRun"] <= config["dequeueIntervalWithoutRun"]


async def test_a_worker_takes_as_many_runs_as_its_environment_lets_go(tmp_path: Path):
    async with a_box(tmp_path) as box:
        await set_limits(box.rooms.core, box.environments["dev"].id, limit=200, burst_factor=1.5)
        config = (await box.dev.get("/engine/v1/dev/config")).json()

        assert config["maxConcurrentRuns"] == 300


async def test_a_worker_that_starts_holds_no_version_of_the_one_before(tmp_path: Path):
    async with a_box(tmp_path) as box:
        environment_id = box.environments["dev"].id
        presence = box.rooms.core.presence
        presence.registered(environment_id, WorkerId("worker_1"))
        await box.dev.get("/engine/v1/dev/config")
        presence.registered(environment_id, WorkerId("worker_2"))

        assert presence.held_with(environment_id, WorkerId("worker_2")) == {"worker_2"}


@pytest.mark.parametrize("path", ["config", "presence", "notifications"])
async def test_only_development_environments_have_such_workers(tmp_path: Path, path: str):
    async with a_box(tmp_path) as box:
        answer = await box.prod.get(f"/engine/v1/dev/{path}")

        assert answer.status_code == httpx.codes.FORBIDDEN


async def test_an_open_stream_is_presence_and_a_closed_one_is_not(tmp_path: Path):
    async with a_box(tmp_path) as box:
        assert box.project is not None
        presence = box.rooms.core.presence
        environment_id = box.environments["dev"].id
        key = box.project.keys["dev"]
        async with opened(box.app, "http", "/engine/v1/dev/presence", key) as stream:
            start = await stream.next()
            first = await stream.event()

            assert dict(start["headers"])[b"content-type"] == b"text/event-stream"
            assert b"no-store" in dict(start["headers"])[b"cache-control"]
            assert first["event"] == "start"
            assert presence.is_connected(environment_id)
        box.clock.advance(60_000)

        assert not presence.is_connected(environment_id)


async def test_our_own_worker_hears_of_every_run_of_its_environment(tmp_path: Path):
    async with a_box(tmp_path) as box:
        assert box.project is not None
        key = box.project.keys["dev"]
        async with opened(box.app, "http", "/engine/v1/dev/notifications", key) as stream:
            await stream.next()
            assert (await stream.event())["event"] == "start"
            box.rooms.core.bus.notify(box.environments["dev"].id, RunId("run_1"))

            heard = await stream.event()

            assert heard == {
                "event": "run:notify",
                "data": '{"version":"1","run":{"friendlyId":"run_1"}}',
            }


async def test_a_controllers_own_diagnostics_are_taken_and_forgotten(tmp_path: Path):
    async with a_box(tmp_path) as box:
        answer = await box.dev.post(
            "/engine/v1/dev/runs/run_1/logs/debug",
            json={"time": "2026-01-01T00:00:00.000Z", "message": "hello"},
        )

        assert answer.status_code == httpx.codes.NO_CONTENT


async def test_a_late_sign_of_life_is_answered_like_any_other(tmp_path: Path):
    async with a_box(tmp_path) as box:
        made = (await box.dev.post("/api/v1/tasks/greet/trigger", json={"payload": {}})).json()
        beat = f"/engine/v1/dev/runs/{made['id']}/snapshots/snapshot_of_long_ago/heartbeat"
        own = await box.dev.post(beat, json={"cpu": 0, "memory": 0})
        others = await box.prod.post(beat, json={"cpu": 0, "memory": 0})

        assert own.json() == {"ok": True}
        assert others.status_code == httpx.codes.NOT_FOUND


async def test_a_goodbye_names_the_runs_to_end(tmp_path: Path):
    async with a_box(tmp_path) as box:
        none = await box.dev.post("/engine/v1/dev/disconnect", json={"runFriendlyIds": ["run_x"]})
        many = await box.dev.post(
            "/engine/v1/dev/disconnect", json={"runFriendlyIds": ["run_x"] * 501}
        )
        wrong = await box.prod.post("/engine/v1/dev/disconnect", json={"runFriendlyIds": []})

        assert none.json() == {"cancelled": 0}
        assert many.status_code == httpx.codes.BAD_REQUEST
        assert wrong.status_code == httpx.codes.FORBIDDEN
