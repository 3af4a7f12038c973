"""What ``trigger.config.py`` says about running tasks, and what ``dev`` makes of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.integration.worker.a_dev import a_dev
from tests.integration.worker.a_worker import a_project
from tests.integration.worker.dev_box import FakeBox, a_fake_box
from trigger_box.worker.pool import WARM_EXECUTORS

CONFIG = """
from trigger_box.config import Config
config = Config(project="proj_example", {settings})
"""


def a_configured_project(folder: Path, code: str, settings: str) -> Path:
    a_project(folder, example=code)
    (folder / "trigger.config.py").write_text(CONFIG.format(settings=settings))
    return folder


async def output(box: FakeBox, task: str) -> str:
    run = box.trigger(task)
    async with asyncio.timeout(15):
        await run.finished.wait()
    return str(run.completion["output"])


async def test_without_keep_alive_each_run_has_a_process_of_its_own(tmp_path: Path) -> None:
    code = '@task("who")\ndef who(): return os.getpid()'
    runs = WARM_EXECUTORS + 2
    shared = a_configured_project(tmp_path / "shared", code, "process_keep_alive=True")
    alone = a_configured_project(tmp_path / "alone", code, "process_keep_alive=False")
    processes: dict[Path, set[str]] = {}
    for project in (shared, alone):
        async with a_fake_box() as box:
            variables = {"TRIGGER_API_URL": box.url, "TRIGGER_ACCESS_TOKEN": "tr_pat_someone"}
            async with a_dev(
                project, "--max-concurrent-runs", "1", variables=variables, state=tmp_path
            ) as dev:
                await dev.wait_for("version.ready")
                processes[project] = {await output(box, "who") for _ in range(runs)}

    # A run that comes while the last one's process still tidies up gets another warm one.
    assert len(processes[shared]) <= WARM_EXECUTORS
    assert len(processes[alone]) == runs


async def test_the_lowest_level_filters_logger_and_nothing_else(tmp_path: Path) -> None:
    project = a_configured_project(
        tmp_path / "project",
        """
        @task("talks")
        def talks():
            logger.info("of no importance")
            logger.warning("of importance")
            print("printed")
            return "said"
        """,
        'log_level="warn"',
    )
    async with a_fake_box() as box:
        variables = {"TRIGGER_API_URL": box.url, "TRIGGER_ACCESS_TOKEN": "tr_pat_someone"}
        async with a_dev(project, variables=variables, state=tmp_path) as dev:
            await dev.wait_for("version.ready")
            await output(box, "talks")
            await box.wait_for_telemetry(lambda: "printed" in box.texts())

    assert "of importance" in box.texts()
    assert "of no importance" not in box.texts()
