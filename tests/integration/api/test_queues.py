"""Queues over HTTP: lists, names, pauses, limits (rest-api 7, 13.7, 16)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.api.life import a_version, completed, started, taken, triggered
from tests.support.box import TestBox, a_box
from trigger_box.access.public_tokens import sign


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[TestBox]:
    """A box whose development environment knows the task hello and the queue mail/out."""
    async with a_box(tmp_path) as box:
        await a_version(box, "hello")
        await triggered(box.dev, options={"queue": {"name": "mail/out"}})
        yield box


async def queue(client: httpx.AsyncClient, name: str = "hello", kind: str = "task") -> Any:
    answer = await client.get(f"/api/v1/queues/{name}", params={"type": kind})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def changed(client: httpx.AsyncClient, change: str, **body: object) -> Any:
    answer = await client.post(f"/api/v1/queues/hello/{change}", json={"type": "task", **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_queue_is_listed_as_the_clients_read_it(box: TestBox) -> None:
    answer = await box.dev.get("/api/v1/queues")

    page = answer.json()
    assert page["pagination"] == {"currentPage": 1, "totalPages": 1, "count": 2}
    own = {"current": None, "base": None, "override": None}
    nobody = {"overriddenAt": None, "overriddenBy": None}
    assert [{**one, "id": "queue_"} for one in page["data"]] == [
        {
            "id": "queue_",
            "name": name,
            "type": kind,
            "running": 0,
            "queued": queued,
            "paused": False,
            "concurrencyLimit": None,
            "concurrency": own | nobody,
            "releaseConcurrencyOnWaitpoint": True,
        }
        for name, kind, queued in (("mail/out", "custom", 1), ("hello", "task", 0))
    ]
    assert all(one["id"].startswith("queue_") for one in page["data"])


async def test_pages_count_from_one_and_have_a_largest_size(box: TestBox) -> None:
    second = (await box.dev.get("/api/v1/queues", params={"page": "2", "perPage": "1"})).json()
    beyond = (await box.dev.get("/api/v1/queues", params={"page": "9", "perPage": "500"})).json()

    assert [one["name"] for one in second["data"]] == ["hello"]
    assert second["pagination"] == {"currentPage": 2, "totalPages": 2, "count": 2}
    assert beyond == {"data": [], "pagination": {"currentPage": 9, "totalPages": 1, "count": 2}}


@pytest.mark.parametrize("query", [{"page": "0"}, {"perPage": "many"}, {"page": "-1"}])
async def test_a_page_that_is_no_number_is_refused_by_name(
    box: TestBox, query: dict[str, str]
) -> None:
    answer = await box.dev.get("/api/v1/queues", params=query)

    assert answer.status_code == 400
    assert answer.json()["details"][0]["path"] == list(query)


async def test_a_queue_is_found_by_id_by_task_and_by_a_name_with_a_slash(box: TestBox) -> None:
    by_task = await queue(box.dev)
    # The client encodes the slash twice, since servers decode a path once.
    by_name = await queue(box.dev, "mail%252Fout", "custom")

    assert await queue(box.dev, by_task["id"], "id") == by_task
    assert by_name["name"] == "mail/out"


@pytest.mark.parametrize(("name", "kind"), [("nope", "task"), ("hello", "custom"), ("q_1", "id")])
async def test_an_unknown_queue_is_not_found(box: TestBox, name: str, kind: str) -> None:
    read = await box.dev.get(f"/api/v1/queues/{name}", params={"type": kind})
    paused = await box.dev.post(
        f"/api/v1/queues/{name}/pause", json={"type": kind, "action": "pause"}
    )

    assert (read.status_code, read.json()["error"]) == (404, "queue-not-found")
    assert (paused.status_code, paused.json()["error"]) == (404, "Queue not found")


async def test_another_environments_queue_is_not_found(box: TestBox) -> None:
    known = await queue(box.dev)

    assert (await box.prod.get(f"/api/v1/queues/{known['id']}")).status_code == 404


async def test_a_paused_queue_hands_out_nothing_and_keeps_its_runs(box: TestBox) -> None:
    first = await triggered(box.dev)
    paused = await changed(box.dev, "pause", action="pause")
    handed = await taken(box.dev, resources={}, maxRunCount=5)

    assert (paused["paused"], paused["queued"]) == (True, 1)
    assert first not in {one["run"]["friendlyId"] for one in handed}

    resumed = await changed(box.dev, "pause", action="resume")
    assert resumed["paused"] is False
    (message,) = await taken(box.dev)
    assert message["run"]["friendlyId"] == first


async def test_counts_are_live(box: TestBox) -> None:
    await triggered(box.dev)
    waiting = await queue(box.dev)
    messages = await taken(box.dev)
    running = await queue(box.dev)
    for message in messages:
        await completed(box.dev, await started(box.dev, message))
    idle = await queue(box.dev)

    counts = [(one["queued"], one["running"]) for one in (waiting, running, idle)]
    assert counts == [(1, 0), (0, 1), (0, 0)]


async def test_a_limit_set_by_hand_holds_until_it_is_reset(box: TestBox) -> None:
    over = await changed(box.dev, "concurrency/override", concurrencyLimit=0)
    await triggered(box.dev)
    handed = await taken(box.dev)
    reset = await changed(box.dev, "concurrency/reset")

    assert over["concurrency"]["override"] == over["concurrencyLimit"] == 0
    assert over["concurrency"]["overriddenAt"].endswith("Z")
    assert [one["run"]["friendlyId"] for one in handed] != []  # mail/out has no limit of its own
    assert reset["concurrency"] | {"base": None} == dict.fromkeys(reset["concurrency"])
    assert reset["concurrencyLimit"] is None


async def test_a_percentage_is_of_the_environments_limit(box: TestBox) -> None:
    over = await changed(box.dev, "concurrency/override", percent=20)

    assert over["concurrencyLimit"] == 5  # development runs 25 at once


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"percent": 101}, "percent"),
        ({"percent": 0}, "percent"),
        ({"concurrencyLimit": -1}, "concurrencyLimit"),
        ({"concurrencyLimit": 26}, "25"),
        ({"concurrencyLimit": 1, "percent": 5}, "either"),
        ({}, "either"),
    ],
)
async def test_a_limit_out_of_bounds_is_refused_by_name(
    box: TestBox, body: dict[str, Any], word: str
) -> None:
    answer = await box.dev.post(
        "/api/v1/queues/hello/concurrency/override", json={"type": "task", **body}
    )

    assert answer.status_code == 400
    assert word in answer.text
    assert (await queue(box.dev))["concurrency"]["override"] is None


async def test_a_limit_nobody_set_cannot_be_reset(box: TestBox) -> None:
    answer = await box.dev.post("/api/v1/queues/hello/concurrency/reset", json={"type": "task"})

    assert (answer.status_code, answer.json()["error"]) == (400, "Queue is not overridden")


async def test_a_public_token_reads_the_queues_it_names(box: TestBox) -> None:
    claims = (await box.dev.post("/api/v1/auth/jwt/claims")).json()
    key = box.dev.headers["authorization"].removeprefix("Bearer ")
    now_s = box.rooms.clock.now_ms() // 1_000

    def holder(scope: str) -> httpx.AsyncClient:
        token = sign({**claims, "scopes": [scope]}, key=key, now_s=now_s, lifetime_s=60)
        return box.client(token)

    seen = await holder("read:queues").get("/api/v1/queues/hello", params={"type": "task"})
    denied = await holder("read:runs").get("/api/v1/queues/hello", params={"type": "task"})

    assert (seen.status_code, denied.status_code) == (200, 403)
