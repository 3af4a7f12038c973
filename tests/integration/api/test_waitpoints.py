"""Waits and waitpoint tokens over HTTP (rest-api 13.9, cli-protocol 8)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.integration.api.life import a_version, completed, started, taken, triggered
from tests.support.box import ORIGIN, TestBox, a_box
from trigger_box.engine.keepers import waits

TOKENS = "/api/v1/waitpoints/tokens"


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[TestBox]:
    async with a_box(tmp_path) as box:
        await a_version(box, "parent", "child")
        yield box


async def begun(box: TestBox, task: str = "parent") -> dict[str, Any]:
    """Trigger a run and begin its attempt."""
    await triggered(box.dev, task)
    (message,) = await taken(box.dev)
    return await started(box.dev, message)


async def latest(box: TestBox, run_id: str) -> dict[str, Any]:
    answer = await box.dev.get(f"/engine/v1/dev/runs/{run_id}/snapshots/latest")
    return answer.json()["execution"]


async def a_token(client: httpx.AsyncClient, **body: object) -> dict[str, Any]:
    answer = await client.post(TOKENS, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def say(client: httpx.AsyncClient, token: str, **body: object) -> httpx.Response:
    return await client.post(f"{TOKENS}/{token}/complete", json=body)


async def wait_for(box: TestBox, run_id: str, token: str) -> httpx.Response:
    return await box.dev.post(f"/engine/v1/runs/{run_id}/waitpoints/tokens/{token}/wait")


async def test_a_parent_gets_its_childs_output_as_the_worker_reads_it(box: TestBox) -> None:
    parent = await begun(box)
    run_id = parent["run"]["friendlyId"]
    options = {"parentRunId": run_id, "resumeParentOnCompletion": True}
    child = await triggered(box.dev, "child", options=options)
    blocked = await latest(box, run_id)
    shown = await box.dev.get(
        f"/api/v3/runs/{run_id}", headers={"x-trigger-api-version": "2025-07-16"}
    )
    (message,) = await taken(box.dev)
    await completed(box.dev, await started(box.dev, message))
    resumed = await latest(box, run_id)

    assert blocked["snapshot"]["executionStatus"] == "EXECUTING_WITH_WAITPOINTS"
    assert blocked["completedWaitpoints"] == []
    assert shown.json()["status"] == "WAITING"
    assert resumed["snapshot"]["executionStatus"] == "EXECUTING"
    assert resumed["snapshot"]["id"] > blocked["snapshot"]["id"]
    (wait,) = resumed["completedWaitpoints"]
    assert wait["id"] == wait["friendlyId"]
    assert {
        name: wait[name] for name in wait if name not in {"id", "friendlyId", "completedAt"}
    } == {
        "type": "RUN",
        "completedByTaskRun": {"id": child, "friendlyId": child},
        "output": '{"json":{"done":true}}',
        "outputType": "application/super+json",
        "outputIsError": False,
    }
    ended = await completed(box.dev, parent)
    assert ended["result"]["attemptStatus"] == "RUN_FINISHED"


@pytest.mark.parametrize("parent", [None, "run_nope"])
async def test_waiting_without_a_parent_is_refused_and_makes_no_run(
    box: TestBox, parent: str | None
) -> None:
    options = {"parentRunId": parent, "resumeParentOnCompletion": True}
    answer = await box.dev.post("/api/v1/tasks/child/trigger", json={"options": options})

    assert answer.status_code == 422
    assert "parentRunId" in answer.json()["error"]
    assert (await box.dev.get("/api/v1/runs")).json()["data"] == []


async def test_a_run_waits_for_an_instant(box: TestBox) -> None:
    run_id = (await begun(box))["run"]["friendlyId"]
    date = "2099-01-31T10:00:00.000Z"
    answer = await box.dev.post(f"/engine/v1/runs/{run_id}/wait/duration", json={"date": date})
    past = await box.dev.post(
        f"/engine/v1/runs/{run_id}/wait/duration", json={"date": "2001-01-01T00:00:00.000Z"}
    )

    assert answer.json()["waitUntil"] == date
    assert answer.json()["waitpoint"]["id"].startswith("waitpoint_")
    (wait,) = (await latest(box, run_id))["completedWaitpoints"]
    assert wait["id"] == past.json()["waitpoint"]["id"]
    assert (wait["type"], wait["completedAfter"]) == ("DATETIME", "2001-01-01T00:00:00.000Z")
    assert "output" not in wait


@pytest.mark.parametrize("body", [{}, {"date": "soon"}, {"date": 5}])
async def test_an_instant_that_is_none_is_refused_by_name(
    box: TestBox, body: dict[str, object]
) -> None:
    run_id = (await begun(box))["run"]["friendlyId"]
    answer = await box.dev.post(f"/engine/v1/runs/{run_id}/wait/duration", json=body)

    assert answer.status_code == 400
    assert "date" in answer.json()["error"]
    assert (await latest(box, run_id))["snapshot"]["executionStatus"] == "EXECUTING"


async def test_a_run_that_does_not_execute_can_not_wait(box: TestBox) -> None:
    run_id = await triggered(box.dev, "parent")
    token = (await a_token(box.dev))["id"]

    refused = await wait_for(box, run_id, token)
    unknown = await wait_for(box, "run_nope", token)

    assert (refused.status_code, refused.json()["code"]) == (422, "run_not_executing")
    assert unknown.status_code == 404


async def test_a_token_is_made_waited_for_and_completed(box: TestBox) -> None:
    run_id = (await begun(box))["run"]["friendlyId"]
    made = await a_token(box.dev, tags=["b", "a"], timeout="1h")
    waiting = await wait_for(box, run_id, made["id"])
    said = await say(box.dev, made["id"], data={"ok": True})
    again = await say(box.dev, made["id"], data="too late")

    assert waiting.json() == said.json() == again.json() == {"success": True}
    (wait,) = (await latest(box, run_id))["completedWaitpoints"]
    assert (wait["id"], wait["type"]) == (made["id"], "MANUAL")
    assert (wait["output"], wait["outputType"]) == (
        '{"json":{"ok":true}}',
        "application/super+json",
    )
    seen = (await box.dev.get(f"{TOKENS}/{made['id']}")).json()
    assert seen["status"] == "COMPLETED"
    assert (seen["tags"], seen["outputIsError"]) == (["a", "b"], False)
    assert seen["url"] == made["url"]
    assert seen["timeoutAt"] > seen["createdAt"]


@pytest.mark.parametrize(
    ("body", "output", "kind"),
    [
        ({}, None, "application/json"),
        ({"data": "yes"}, "yes", "text/plain"),
        ({"data": None}, '{"json":null}', "application/super+json"),
        ({"data": [1, "ż"]}, '{"json":[1,"ż"]}', "application/super+json"),
    ],
)
async def test_a_value_is_kept_as_the_clients_read_it(
    box: TestBox, body: dict[str, object], output: str | None, kind: str
) -> None:
    token = (await a_token(box.dev))["id"]
    await say(box.dev, token, **body)

    seen = (await box.dev.get(f"{TOKENS}/{token}")).json()
    assert (seen.get("output"), seen["outputType"]) == (
        None if output is None else output.replace(": ", ":").replace(", ", ","),
        kind,
    )


async def test_a_token_whose_time_is_up_tells_so(box: TestBox) -> None:
    run_id = (await begun(box))["run"]["friendlyId"]
    made = await a_token(box.dev, timeout="1m")
    await wait_for(box, run_id, made["id"])
    box.clock.advance(60_000)
    await waits.sweep(box.rooms.core)

    (wait,) = (await latest(box, run_id))["completedWaitpoints"]
    assert wait["outputIsError"]
    assert '"code":"TRIGGER_WAITPOINT_TIMEOUT"' in wait["output"]
    assert (await box.dev.get(f"{TOKENS}/{made['id']}")).json()["status"] == "TIMED_OUT"


async def test_a_browser_completes_the_token_its_key_is_for_and_no_other(box: TestBox) -> None:
    answer = await box.dev.post(TOKENS)
    other = (await a_token(box.dev))["id"]
    holder = box.client(answer.headers["x-trigger-jwt"])

    denied = await say(holder, other, data=1)
    done = await say(holder, answer.json()["id"], data=1)

    assert (denied.status_code, done.status_code) == (403, 200)
    assert '"pub":true' in answer.headers["x-trigger-jwt-claims"]
    assert (await box.dev.get(f"{TOKENS}/{other}")).json()["status"] == "WAITING"


async def test_a_callback_completes_a_token_without_a_key(box: TestBox) -> None:
    made = await a_token(box.dev)
    path = urlsplit(made["url"]).path
    assert made["url"].startswith(ORIGIN)
    wrong = await box.nobody.post(path[:-1] + ("A" if path[-1] != "A" else "B"), json={"a": 1})
    done = await box.nobody.post(path, json={"a": 1})

    assert (wrong.status_code, done.json()) == (401, {"success": True})
    seen = (await box.dev.get(f"{TOKENS}/{made['id']}")).json()
    assert seen["output"] == '{"json":{"a":1}}'


async def test_a_callback_with_something_else_than_json_counts_as_nothing_said(
    box: TestBox,
) -> None:
    made = await a_token(box.dev)
    await box.nobody.post(urlsplit(made["url"]).path, content=b"ok=1&b=2")

    seen = (await box.dev.get(f"{TOKENS}/{made['id']}")).json()
    assert (seen["status"], seen["output"]) == ("COMPLETED", '{"json":{}}')


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"timeout": "soon"}, 422, "timeout"),
        ({"tags": [str(n) for n in range(11)]}, 422, "10"),
        ({"idempotencyKey": "x" * 2_049}, 400, "idempotencyKey"),
        ({"tags": "x" * 11_000}, 413, "10240"),
    ],
)
async def test_a_token_that_can_not_be_is_refused_by_name(
    box: TestBox, body: dict[str, object], status: int, word: str
) -> None:
    answer = await box.dev.post(TOKENS, json=body)

    assert answer.status_code == status
    assert word in answer.text
    assert (await box.dev.get(TOKENS)).json()["data"] == []


async def test_another_environments_token_is_not_there(box: TestBox) -> None:
    token = (await a_token(box.prod))["id"]
    run_id = (await begun(box))["run"]["friendlyId"]

    answers = [
        await box.dev.get(f"{TOKENS}/{token}"),
        await say(box.dev, token),
        await wait_for(box, run_id, token),
    ]

    assert [one.status_code for one in answers] == [404, 404, 404]
    assert answers[1].json()["error"] == "Waitpoint not found"


async def test_a_known_key_is_the_same_token(box: TestBox) -> None:
    first = await a_token(box.dev, idempotencyKey="k", idempotencyKeyTTL="1h")
    again = await a_token(box.dev, idempotencyKey="k")
    seen = (await box.dev.get(f"{TOKENS}/{first['id']}")).json()

    assert (first["isCached"], again["isCached"]) == (False, True)
    assert (again["id"], again["url"]) == (first["id"], first["url"])
    assert seen["idempotencyKey"] == "k"
    assert seen["idempotencyKeyExpiresAt"] > seen["createdAt"]


async def test_tokens_are_listed_by_page_and_filter(box: TestBox) -> None:
    made: list[str] = []
    for number in range(3):
        made.insert(0, (await a_token(box.dev, tags=[f"t{number}"]))["id"])
        box.clock.advance(1_000)
    await say(box.dev, made[0])

    async def listed(**query: str) -> Any:
        answer = await box.dev.get(TOKENS, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    first = await listed(**{"page[size]": "2"})
    rest = await listed(**{"page[size]": "2", "page[after]": first["pagination"]["next"]})
    waiting = await listed(**{"filter[status]": "WAITING", "filter[tags]": "t0,t2"})

    assert [one["id"] for one in first["data"]] == made[:2]
    assert first["pagination"].keys() == {"next"}
    assert [one["id"] for one in rest["data"]] == made[2:]
    assert rest["pagination"].keys() == {"previous"}
    assert [one["id"] for one in waiting["data"]] == [made[2]]
    assert first["data"][0]["status"] == "COMPLETED"
    assert "output" not in first["data"][0]


@pytest.mark.parametrize(
    "query", [{"filter[status]": "DONE"}, {"page[after]": "x"}, {"page[size]": "0"}]
)
async def test_a_filter_that_is_none_is_refused_by_name(
    box: TestBox, query: dict[str, str]
) -> None:
    answer = await box.dev.get(TOKENS, params=query)

    assert answer.status_code == 400
    assert answer.json()["details"][0]["path"] == list(query)
