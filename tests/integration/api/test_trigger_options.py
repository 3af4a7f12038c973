"""Options of a trigger call that are out of range or lead nowhere: taken, as upstream does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.api.life import a_version, completed, started, taken, triggered
from tests.support.box import a_box

BOOM = {"type": "BUILT_IN_ERROR", "name": "Error", "message": "boom", "stackTrace": ""}


async def shown(client: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    answer = await client.get(f"/api/v3/runs/{run_id}")
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize("attempts", [0, -3])
async def test_a_run_with_fewer_attempts_than_one_has_one(tmp_path: Path, attempts: int) -> None:
    async with a_box(tmp_path) as box:
        await a_version(box)
        run_id = await triggered(box.dev, options={"maxAttempts": attempts})
        [message] = await taken(box.dev)
        begun = await started(box.dev, message)
        execution = begun["execution"]
        retry = {"timestamp": 0, "delay": 0}
        await completed(box.dev, begun, {"ok": False, "error": BOOM, "retry": retry})

        run = await shown(box.dev, run_id)

    assert execution["run"]["maxAttempts"] == 1
    assert (run["status"], run["attemptCount"]) == ("FAILED", 1)


async def test_a_priority_below_zero_neither_delays_a_run_nor_helps_others(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        await a_version(box)
        first = await triggered(box.dev, options={"priority": -5})
        second = await triggered(box.dev)

        messages = await taken(box.dev)

    assert [message["run"]["friendlyId"] for message in messages] == [first, second]


async def test_a_parent_that_is_unknown_or_of_another_environment_is_not_linked(
    tmp_path: Path,
) -> None:
    async with a_box(tmp_path) as box:
        await a_version(box)
        foreign = await triggered(box.prod)
        for parent in ("run_madeup", "", "x" * 100, foreign):
            run_id = await triggered(box.dev, options={"parentRunId": parent})
            run = await shown(box.dev, run_id)
            assert run["relatedRuns"] == {}
        seen = await shown(box.prod, foreign)

    assert seen["relatedRuns"] == {}
