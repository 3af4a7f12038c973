"""The life of a run over HTTP, in steps, with the calls of a worker that holds no process."""

from __future__ import annotations

from typing import Any

import httpx

from tests.support.box import TestBox
from tests.support.builders import a_registration, a_task
from trigger_box.engine.workers import register


async def a_version(box: TestBox, *tasks: str, environment: str = "dev") -> str:
    """Register a version with these tasks; return its worker id."""
    declared = (a_task(task) for task in tasks or ("hello",))
    known = await register(box.rooms.core, box.environments[environment], a_registration(*declared))
    return known.worker_id


async def triggered(client: httpx.AsyncClient, task: str = "hello", **body: Any) -> str:
    """Trigger a task; return the run's id."""
    answer = await client.post(f"/api/v1/tasks/{task}/trigger", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def taken(client: httpx.AsyncClient, **body: Any) -> list[dict[str, Any]]:
    """Ask for runs; return the messages."""
    answer = await client.post("/engine/v1/dev/dequeue", json={"waitMs": 0, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()["dequeuedMessages"]


async def started(client: httpx.AsyncClient, message: dict[str, Any]) -> dict[str, Any]:
    """Begin the attempt of a run that was handed out; return the answer."""
    answer = await client.post(_path(message, "start"), content=b"{}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def completed(
    client: httpx.AsyncClient,
    begun: dict[str, Any],
    completion: dict[str, Any] | None = None,
    **headers: str,
) -> dict[str, Any]:
    """Report the end of an attempt: well, unless told otherwise; return the answer."""
    said = completion or {
        "ok": True,
        "output": '{"json":{"done":true}}',
        "outputType": "application/super+json",
        "usage": {"durationMs": 12},
    }
    answer = await client.post(
        _path(begun, "complete"),
        json={"completion": {"id": begun["run"]["friendlyId"], **said}},
        headers=headers,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def finished(
    client: httpx.AsyncClient, run_id: str, completion: dict[str, Any] | None = None
) -> None:
    """Take the run that waits, which must be this one, and bring it to its end."""
    [message] = await taken(client)
    assert message["run"]["friendlyId"] == run_id
    await completed(client, await started(client, message), completion)


def _path(told: dict[str, Any], verb: str) -> str:
    run, snapshot = told["run"]["friendlyId"], told["snapshot"]["friendlyId"]
    return f"/engine/v1/dev/runs/{run}/snapshots/{snapshot}/attempts/{verb}"
