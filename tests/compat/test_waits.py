"""TypeScript tasks that wait under the unmodified npm CLI: for children, instants, tokens."""

from __future__ import annotations

from typing import Any

import httpx

from tests.compat.conftest import Sdk
from tests.compat.dev import DevSession


def asked(dev: DevSession, run_id: str, name: str) -> Any:
    """Wait until a run has said something in its metadata; return it."""
    return dev.api.run_when(run_id, lambda run: name in run.get("metadata", {}))["metadata"][name]


def test_p4_a_parent_waits_for_its_children_in_a_queue_of_one(dev: DevSession):
    run = dev.api.finished(dev.api.trigger("sums", {"ns": [1, 2, 3]}))

    assert run["output"] == {"sum": 12}
    children = run["relatedRuns"]["children"]
    assert [child["status"] for child in children] == ["COMPLETED"] * 3
    assert {child["version"] for child in children} == {run["version"]}


def test_a_parent_is_told_that_its_child_failed(dev: DevSession):
    run = dev.api.finished(dev.api.trigger("forgiving"))

    assert run["output"]["ok"] is False
    assert "-1 is below zero" in run["output"]["error"]


def test_a_run_waits_for_an_instant_and_costs_nothing_meanwhile(dev: DevSession):
    run_id = dev.api.trigger("napping")
    dev.api.run_when(run_id, lambda run: run["status"] == "WAITING")
    run = dev.api.finished(run_id)

    assert run["output"] == {"rested": True}
    assert run["durationMs"] < 3_000


def test_a_token_is_completed_with_the_sdk(dev: DevSession, sdk: Sdk):
    run_id = dev.api.trigger("asking", {"timeout": "1h"})
    token = asked(dev, run_id, "token")
    before = sdk("wait.retrieveToken", token)
    sdk("wait.completeToken", token, {"yes": True})
    run = dev.api.finished(run_id)
    after = sdk("wait.retrieveToken", token)

    assert run["output"] == {"ok": True, "output": {"yes": True}}
    assert (before["status"], after["status"]) == ("WAITING", "COMPLETED")
    assert after["output"] == {"yes": True}
    assert after["tags"] == ["question"]


def test_a_token_is_completed_by_its_callback_address(dev: DevSession):
    run_id = dev.api.trigger("asking", {"timeout": "1h"})
    url = asked(dev, run_id, "url")
    answer = httpx.post(url, json={"yes": False})
    run = dev.api.finished(run_id)

    assert answer.json() == {"success": True}
    assert run["output"] == {"ok": True, "output": {"yes": False}}


def test_a_token_whose_time_is_up_is_an_error(dev: DevSession):
    run = dev.api.finished(dev.api.trigger("asking", {"timeout": "2s"}))

    assert run["output"] == {"ok": False, "error": "WaitpointTimeoutError"}


def test_a_waiting_run_is_cancelled_with_its_child(dev: DevSession):
    run_id = dev.api.trigger("asking", {"timeout": "1h"})
    dev.api.run_when(run_id, lambda run: run["status"] == "WAITING")
    dev.api.post(f"/api/v2/runs/{run_id}/cancel")

    assert dev.api.finished(run_id)["status"] == "CANCELED"
