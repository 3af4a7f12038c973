"""Tokens and keys that the unmodified npm SDK makes by itself, shown to a real box."""

from __future__ import annotations

from typing import Any

import httpx

from tests.compat.box import RealBox
from tests.compat.conftest import Sdk


def called(box: RealBox, method: str, path: str, token: str, body: object = None) -> httpx.Response:
    """Call the API as a browser of another site would, with nothing but a public token."""
    headers = {"authorization": f"Bearer {token}", "origin": "https://shop.example"}
    return httpx.request(method, box.origin + path, headers=headers, json=body, timeout=30)


def test_a_public_token_reads_what_it_was_made_for(sdk: Sdk, box: RealBox):
    mine = sdk("tasks.trigger", "greet", {"name": "Ada"}, {"delay": "1h"})["id"]
    other = sdk("tasks.trigger", "greet", {"name": "Ada"}, {"delay": "1h"})["id"]

    token = sdk("auth.createPublicToken", {"scopes": {"read": {"runs": [mine]}}})

    seen = called(box, "GET", f"/api/v3/runs/{mine}", token)
    assert seen.status_code == httpx.codes.OK
    assert seen.json()["id"] == mine
    assert seen.headers["access-control-allow-origin"] == "*"
    assert called(box, "GET", f"/api/v3/runs/{other}", token).status_code == httpx.codes.FORBIDDEN


def test_a_trigger_token_triggers_its_task_once(sdk: Sdk, box: RealBox):
    token = sdk("auth.createTriggerPublicToken", "greet")
    body = {"payload": {"name": "Ada"}, "options": {"delay": "1h"}}

    elsewhere = called(box, "POST", "/api/v1/tasks/flaky/trigger", token, body)
    first = called(box, "POST", "/api/v1/tasks/greet/trigger", token, body)
    again = called(box, "POST", "/api/v1/tasks/greet/trigger", token, body)

    assert elsewhere.status_code == httpx.codes.FORBIDDEN
    assert first.status_code == httpx.codes.OK
    assert again.status_code == httpx.codes.UNPROCESSABLE_ENTITY


def test_a_trigger_token_for_several_uses_is_good_for_them(sdk: Sdk, box: RealBox):
    token = sdk("auth.createTriggerPublicToken", "greet", {"multipleUse": True})
    body = {"payload": {"name": "Ada"}, "options": {"delay": "1h"}}

    answers = [called(box, "POST", "/api/v1/tasks/greet/trigger", token, body) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [httpx.codes.OK] * 3


def test_an_idempotency_key_is_forgotten_when_it_is_reset(sdk: Sdk):
    def trigger() -> str:
        options: dict[str, Any] = {"idempotencyKey": key, "delay": "1h"}
        return sdk("tasks.trigger", "greet", {"name": "Ada"}, options)["id"]

    key = sdk("idempotencyKeys.create", "invoice-9", {"scope": "global"})
    first = trigger()

    sdk("idempotencyKeys.reset", "greet", "invoice-9", {"scope": "global"})

    assert trigger() != first
