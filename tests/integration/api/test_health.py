"""Health, metrics and the OpenAPI document."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tests.integration.api.life import triggered
from tests.support.box import TestBox, a_box, client_of
from trigger_box.version import VERSION


async def test_a_box_says_that_it_lives_and_that_it_is_ready(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        alive, ready = await box.nobody.get("/healthz"), await box.nobody.get("/readyz")

    assert alive.json() == {"status": "ok", "version": VERSION}
    assert ready.json() == {"status": "ready"}


async def test_scripts_made_for_the_hosted_platform_find_their_health_check(tmp_path: Path) -> None:
    async with a_box(tmp_path, is_claimed=False) as box:
        alive = await box.nobody.get("/healthcheck")
        await box.rooms.streams.close()
        stopping = await box.nobody.get("/healthcheck")

    assert (alive.status_code, alive.text) == (200, "OK")
    assert alive.headers["content-type"].startswith("text/plain")
    assert stopping.status_code == 503


async def test_a_box_that_stops_is_not_ready(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        await box.rooms.streams.close()

        answer = await box.nobody.get("/readyz")

    assert answer.status_code == 503


async def test_a_box_whose_disk_is_full_is_not_ready_until_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_box(tmp_path) as box:
        known = await triggered(box.dev)
        connection = box.rooms.store._connection
        assert connection is not None

        def no_room(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr(os, "posix_fallocate", no_room)
            connection.execute("PRAGMA max_page_count = 1")
            refused = await box.dev.post(
                "/api/v1/tasks/hello/trigger", json={"payload": "x" * 50_000}
            )
            ready, health = [await box.nobody.get(path) for path in ("/readyz", "/healthcheck")]
            alive = await box.nobody.get("/healthz")
            read = await box.dev.get(f"/api/v3/runs/{known}")
        connection.execute("PRAGMA max_page_count = 100000")
        ready_again = await box.nobody.get("/readyz")
        await triggered(box.dev)

    assert refused.status_code == 503
    assert refused.json()["code"] == "disk_full"
    assert refused.headers["x-should-retry"] == "true"
    assert (ready.status_code, ready.json()["code"]) == (503, "disk_full")
    assert health.status_code == 503
    assert (alive.status_code, read.status_code) == (200, 200)
    assert ready_again.status_code == 200


def from_elsewhere(box: TestBox, token: str | None = None):
    return client_of(box.app, token, address="203.0.113.9")


async def test_metrics_are_told_to_this_machine(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        await triggered(box.dev)

        answer = await box.nobody.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert f'trigger_box_info{{version="{VERSION}"}} 1.0' in answer.text
    assert "trigger_box_store_backlog 0.0" in answer.text
    assert box.project is not None
    labels = f'environment="dev",project="{box.project.project.ref}"'
    assert f"trigger_box_runs_ready{{{labels}}} 1.0" in answer.text
    assert f"trigger_box_runs_running{{{labels}}} 0.0" in answer.text


async def test_metrics_are_told_elsewhere_only_to_whoever_shows_a_token(tmp_path: Path) -> None:
    async with a_box(tmp_path, metrics_token="scrape-me") as box:
        statuses = {
            "nobody": (await from_elsewhere(box).get("/metrics")).status_code,
            "wrong": (await from_elsewhere(box, "scrape-you").get("/metrics")).status_code,
            "right": (await from_elsewhere(box, "scrape-me").get("/metrics")).status_code,
            "owner": (
                await from_elsewhere(box, box.rooms.access.local_owner_token).get("/metrics")
            ).status_code,
            "wrong, from here": (await box.client("scrape-you").get("/metrics")).status_code,
        }

    assert statuses == {
        "nobody": 401,
        "wrong": 401,
        "right": 200,
        "owner": 200,
        "wrong, from here": 401,
    }


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded"])
async def test_whoever_comes_through_a_proxy_is_not_this_machine(
    tmp_path: Path, header: str
) -> None:
    async with a_box(tmp_path) as box:
        answer = await box.nobody.get("/metrics", headers={header: "203.0.113.9"})

    assert answer.status_code == 401


async def test_the_openapi_document_tells_paths_bodies_answers_and_who_may_call(
    tmp_path: Path,
) -> None:
    async with a_box(tmp_path) as box:
        document = (await box.nobody.get("/api/openapi.json")).json()

    trigger = document["paths"]["/api/v1/tasks/{task_id}/trigger"]["post"]
    retrieve = document["paths"]["/api/v3/runs/{run_id}"]["get"]
    schemas = document["components"]["schemas"]
    assert document["openapi"].startswith("3.1")
    assert trigger["security"] == [{"public_token": []}, {"secret_key": []}]
    assert trigger["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/TriggerBody"
    }
    assert schemas["TriggerBody"]["properties"].keys() == {"payload", "options"}
    assert retrieve["responses"]["200"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/RunAnswer"
    }
    assert retrieve["responses"]["default"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Problem"
    }


async def test_every_reference_in_the_openapi_document_leads_somewhere(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        document = (await box.nobody.get("/api/openapi.json")).json()

    def references(value: object):
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for part in value.values():
                yield from references(part)
        elif isinstance(value, list):
            for part in value:
                yield from references(part)

    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known
