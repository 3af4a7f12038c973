"""Triggering over HTTP: answers, tokens, keys, limits, errors in their order."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.integration.api.life import a_version, finished, triggered
from tests.support.box import a_box
from trigger_box.domain import limits

TRIGGER = "/api/v1/tasks/hello/trigger"


async def test_the_answer_names_the_run_and_carries_its_token(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        answer = await box.dev.post(TRIGGER, json={"payload": {"a": 1}})

    body = answer.json()
    claims = json.loads(answer.headers["x-trigger-jwt-claims"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert body["id"].startswith("run_")
    assert body["isCached"] is False
    assert claims["sub"] == box.environments["dev"].id
    assert claims["pub"] is True
    assert claims["scopes"] == [f"read:runs:{body['id']}", f"write:inputStreams:{body['id']}"]
    assert answer.headers["x-trigger-jwt-claims"].isascii()


async def test_a_task_id_may_hold_an_encoded_slash(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        run_id = await triggered(box.dev, "my%2Ft%C3%A4sk")

        shown = await box.dev.get(f"/api/v3/runs/{run_id}")

    assert shown.json()["taskIdentifier"] == "my/täsk"


async def test_a_task_id_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        answer = await box.dev.post("/api/v1/tasks/%FF%FE/trigger", json={})

    assert answer.status_code == 400
    assert answer.json()["error"] == "Params Error"


async def test_a_task_id_has_a_limit(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        answer = await box.dev.post(f"/api/v1/tasks/{'x' * 513}/trigger", json={})

    assert answer.status_code == 400
    assert "512" in answer.text


async def test_the_same_key_twice_is_one_run(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        first = await box.dev.post(TRIGGER, json={"options": {"idempotencyKey": "k"}})
        again = await box.dev.post(TRIGGER, json={"options": {"idempotencyKey": "k"}})
        other_task = await box.dev.post(
            "/api/v1/tasks/other/trigger", json={"options": {"idempotencyKey": "k"}}
        )

    assert again.json() == {"id": first.json()["id"], "isCached": True}
    assert again.headers["x-trigger-jwt"]
    assert other_task.json()["isCached"] is False


async def test_fifty_callers_with_one_key_get_one_run(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        answers = await asyncio.gather(
            *(box.dev.post(TRIGGER, json={"options": {"idempotencyKey": "k"}}) for _ in range(50))
        )

    assert len({answer.json()["id"] for answer in answers}) == 1
    assert [answer.json()["isCached"] for answer in answers].count(False) == 1


async def test_the_key_of_a_failed_run_makes_a_new_one(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        await a_version(box)
        first = await triggered(box.dev, options={"idempotencyKey": "k"})
        await finished(
            box.dev, first, {"ok": False, "error": {"type": "STRING_ERROR", "raw": "no"}}
        )

        second = await triggered(box.dev, options={"idempotencyKey": "k"})

    assert second != first


async def test_a_key_is_forgotten_on_request(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        first = await triggered(box.dev, options={"idempotencyKey": "a/b"})
        reset = await box.dev.post(
            "/api/v1/idempotencyKeys/a%2Fb/reset", json={"taskIdentifier": "hello"}
        )
        second = await triggered(box.dev, options={"idempotencyKey": "a/b"})
        unknown = await box.dev.post(
            "/api/v1/idempotencyKeys/zzz/reset", json={"taskIdentifier": "hello"}
        )

    assert reset.json() == {"id": "a/b"}
    assert second != first
    assert unknown.status_code == 404


async def test_triggers_with_one_debounce_key_make_one_run(tmp_path: Path) -> None:
    last = {"key": "k", "delay": "1h", "mode": "trailing"}
    async with a_box(tmp_path) as box:
        first = await box.dev.post(TRIGGER, json={"payload": 1, "options": {"debounce": last}})
        again = await box.dev.post(TRIGGER, json={"payload": 2, "options": {"debounce": last}})
        run = await box.dev.get(f"/api/v3/runs/{first.json()['id']}")

    assert again.json() == {"id": first.json()["id"], "isCached": False}
    assert (run.json()["status"], run.json()["payload"]) == ("DELAYED", 2)


async def test_a_repeated_call_whose_answer_was_lost_makes_no_second_run(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        same = {"x-trigger-request-idempotency-key": "0b1b3f1e-0000-4000-8000-000000000001"}
        first = await box.dev.post(TRIGGER, json={}, headers=same)
        again = await box.dev.post(TRIGGER, json={}, headers=same)
        other = await box.prod.post(TRIGGER, json={}, headers=same)

    assert again.json() == {"id": first.json()["id"], "isCached": False}
    assert other.json()["id"] != first.json()["id"]


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 400, "Request body is empty"),
        (b"null", 400, "Invalid JSON"),
        (b"false", 400, "Invalid JSON"),
        (b"not json", 400, "Invalid JSON"),
        (b'{"payload": NaN}', 400, "Invalid JSON"),
        (b'{"payload": [Infinity]}', 400, "Invalid JSON"),
        (b'{"payload": {"a": [1e999]}}', 400, "Invalid JSON"),
        (b'{"options": {"metadata": {"a": -1e999}}}', 400, "Invalid JSON"),
        (b'{"options": {"delay": 1e300}}', 422, "Invalid delay: 1e+300"),
        (b'{"options": {"delay": 99999999999999999999}}', 422, "Invalid delay"),
        (b'{"payload": "\\ud800"}', 400, "Invalid JSON"),
        (b'{"payload": {"a": "\xff"}}', 400, "Invalid JSON"),
        (b'{"options": {"tags": [7]}}', 400, "options.tags[0]: Expected `str`, got `int`"),
        (b'{"options": {"tags": ["' + b"x" * 129 + b'"]}}', 400, "128"),
        (b'{"options": {"delay": "9999999d"}}', 422, "Invalid delay: '9999999d'"),
        (b'{"options": {"delay": 253402300800000}}', 422, "Invalid delay"),
        (b'{"options": {"debounce": {"key": "k", "delay": "9999999d"}}}', 422, "debounce.delay"),
        (b'{"options": {"delay": "never"}}', 422, "Invalid delay: 'never'"),
        (b'{"options": {"debounce": {"key": "k", "delay": "2030-01-01"}}}', 422, "debounce.delay"),
        (b'{"options": {"debounce": {"key": "k", "delay": "5s", "maxDelay": "5s"}}}',
         422, "maxDelay"),
        (b'{"options": {"debounce": {"key": "", "delay": "5s"}}}', 422, "debounce.key"),
        (b'{"options": {"ttl": "never"}}', 422, "Invalid ttl: 'never'"),
        (b'{"options": {"lockToVersion": "20990101.1"}}', 422, "20990101.1"),
        (b'{"options": {"tags": ' + json.dumps([str(n) for n in range(11)]).encode() + b"}}",
         422, "10"),
        (b'{"options": {"metadata": {"a": "' + b"x" * 262_144 + b'"}}}', 413, "262144 bytes"),
    ],
)  # fmt: skip
async def test_bad_input_gets_a_clear_answer_and_no_run(
    tmp_path: Path, body: bytes, status: int, error: str
) -> None:
    async with a_box(tmp_path) as box:
        answer = await box.dev.post(TRIGGER, content=body)
        runs = await box.dev.get("/api/v1/runs")

    assert answer.status_code == status
    assert error in answer.json()["error"]
    assert runs.json()["data"] == []


async def test_who_calls_is_looked_at_before_what_is_said(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        too_long = b"x" * (limits.TRIGGER_BODY_BYTES_MAX + 1)
        nobody = await box.nobody.post(TRIGGER, content=too_long)
        long_and_bad = await box.dev.post(TRIGGER, content=too_long)
        token = box.rooms.access.public_token(box.environments["dev"], ["trigger:tasks:other"])
        bad_and_denied = await box.client(token).post(TRIGGER, content=b"not json")
        denied = await box.client(token).post(TRIGGER, content=b"{}")

    assert nobody.status_code == 401
    assert long_and_bad.status_code == 413
    assert long_and_bad.json()["error"] == "Request body too large"
    assert bad_and_denied.status_code == 400
    assert denied.status_code == 403


async def test_a_public_token_for_the_task_may_trigger_it(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        token = box.rooms.access.public_token(
            box.environments["dev"], ["trigger:tasks:hello"], realtime={"skipColumns": ["payload"]}
        )

        answer = await box.client(token).post(TRIGGER, json={})

    claims = json.loads(answer.headers["x-trigger-jwt-claims"])
    assert answer.status_code == 200
    assert claims["realtime"] == {"skipColumns": ["payload"]}


async def test_a_token_that_may_only_trigger_can_not_name_a_parent(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        parent = await triggered(box.dev)
        body = {"options": {"parentRunId": parent}}
        make = box.rooms.access.public_token
        only_trigger = box.client(make(box.environments["dev"], ["trigger:tasks:hello"]))
        also_write = box.client(
            make(box.environments["dev"], ["trigger:tasks:hello", f"write:runs:{parent}"])
        )

        refused = await only_trigger.post(TRIGGER, json=body)
        allowed = await also_write.post(TRIGGER, json=body)

    assert refused.status_code == 403
    assert allowed.status_code == 200


async def test_a_token_for_one_use_triggers_once(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        token = box.rooms.access.public_token(
            box.environments["dev"], ["trigger:tasks:hello"], otu=True
        )
        client = box.client(token)

        first = await client.post(TRIGGER, json={})
        second = await client.post(TRIGGER, json={})
        runs = await box.dev.get("/api/v1/runs")

    assert first.status_code == 200
    assert second.status_code == 422
    assert second.json()["error"] == (
        "Cannot trigger hello with a one-time use token as it has already been used."
    )
    assert len(runs.json()["data"]) == 1


async def test_a_payload_keeps_the_text_it_came_in(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        payload = b'{"z":1.0,"a":12345678901234567890,"t":"\\u00e9","n":1e2}'
        answer = await box.dev.post(TRIGGER, content=b'{"payload":' + payload + b"}")

        shown = await box.dev.get(f"/api/v3/runs/{answer.json()['id']}")

    assert b'"payload":' + payload in shown.content


async def test_a_payload_above_the_inline_limit_comes_back_whole(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        await a_version(box)
        big = {"text": "é" * 600_000}
        run_id = await triggered(box.dev, payload=big)

        shown = await box.dev.get(f"/api/v3/runs/{run_id}")

    assert shown.json()["payload"] == big
