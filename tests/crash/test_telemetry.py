"""Spans and logs when the box is killed while they come in."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.builders import a_core, a_request, an_environment
from trigger_box.clock import SystemClock
from trigger_box.engine.trigger import trigger
from trigger_box.ids import EnvironmentId, RunId
from trigger_box.store.folder import DataFolder
from trigger_box.store.store import Store
from trigger_box.telemetry.telemetry import open_telemetry

pytestmark = pytest.mark.crash

ROUNDS = 3


async def lines_of(folder: Path, environment_id: EnvironmentId, run_id: RunId) -> list[str]:
    """Return all log lines of a run, as a box that starts again shows them."""
    store = await Store.open(DataFolder(folder))
    telemetry = await open_telemetry(store, clock=SystemClock(), kept_days=30)
    lines: list[str] = []
    try:
        cursor, has_more = 0, True
        while has_more:
            page = await telemetry.logs(environment_id, run_id, after=cursor)
            if not page.is_complete:
                continue
            lines += [row.message for row in page.rows]
            cursor, has_more = page.next, page.has_more
    finally:
        await telemetry.close()
        await store.close()
    return lines


def killed(folder: Path, environment_id: EnvironmentId, run_id: RunId, *, after: int) -> int:
    """Let a box take lines in, kill it after so many; return how many it had in a file by then."""
    command = [sys.executable, "-m", "tests.crash.telemetry_victim"]
    with subprocess.Popen(
        [*command, str(folder), run_id, environment_id], stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None
        safe = next(count for said in victim.stdout if (count := int(said)) >= after)
        victim.kill()
        return max([safe, *(int(said) for said in victim.stdout if said.endswith("\n"))])


async def test_what_has_reached_a_file_survives_a_kill(tmp_path: Path) -> None:
    chance = random.Random(20_260_101)  # noqa: S311 - repeatable on purpose
    async with a_core(tmp_path, clock=SystemClock()) as core:
        environment = await an_environment(core)
        run_ids = [(await trigger(core, a_request(environment))).run_id for _ in range(ROUNDS)]
    safe = {
        run_id: killed(tmp_path, environment.id, run_id, after=chance.randrange(100, 4_000))
        for run_id in run_ids
    }

    for run_id in run_ids:
        lines = await lines_of(tmp_path, environment.id, run_id)

        assert len(lines) >= safe[run_id]
        assert lines == [f"line {number}" for number in range(len(lines))]
