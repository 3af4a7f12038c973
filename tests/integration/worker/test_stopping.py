"""Cancelling, running out of time, and runs that go on without this worker."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.integration.worker.a_worker import POLICY, a_project, a_worker, until
from tests.integration.worker.dev_box import FakeRun, a_fake_box
from tests.integration.worker.test_processes import finish, gone, started
from trigger_box.worker import attempt, controller, executor
from trigger_box.worker.reports import AttemptFailed, RunStopped

TASKS = """
def note(path, text):
    with open(path, "a") as file: file.write(text)

@task("sleeps")
async def sleeps(payload: str):
    note(payload, "begun ")
    try:
        await asyncio.sleep(60)
    finally:
        note(payload, "tidied ")

@task("spins")
def spins(payload: str):
    note(payload, "begun ")
    try:
        # Not first in the block: CPython 3.11 leaves a loop at a block's begin past its `finally`.
        done = False
        while True: pass
    finally:
        note(payload, "tidied ")

@task("asks")
def asks(payload: str, *, signal: CancelSignal):
    note(payload, "begun ")
    signal.wait(60)
    note(payload, "asked " + str(signal.reason))

@task("stubborn")
async def stubborn(payload: str):
    child = subprocess.Popen(["sleep", "60"])
    note(payload, f"{child.pid}")
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

@task("noop")
def noop(): pass
"""


def words(path: Path) -> str:
    return path.read_text() if path.exists() else ""


async def begun(path: Path) -> None:
    """Wait until user code has written its first words."""
    await until(lambda: bool(words(path)))


@pytest.fixture
def note(tmp_path: Path) -> Path:
    a_project(tmp_path, example=TASKS)
    return tmp_path / "note"


async def ended(run: FakeRun) -> None:
    async with asyncio.timeout(10):
        await run.finished.wait()


@pytest.mark.parametrize(
    ("task", "left"),
    [("sleeps", "tidied"), ("spins", "tidied"), ("asks", "asked Canceled by user")],
)
async def test_a_cancelled_run_stops_at_once_and_cleans_up(
    tmp_path: Path, note: Path, task: str, left: str
) -> None:
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()
        await box.news_open.wait()
        run = box.trigger(task, str(note))
        await begun(note)

        box.cancel(run)
        await ended(run)

    assert run.error["code"] == "TASK_RUN_CANCELLED"
    assert left in words(note)


async def test_a_run_that_ignores_its_cancel_is_killed_with_its_children(
    tmp_path: Path, note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "CANCEL_GRACE_S", 0.1)
    monkeypatch.setattr(attempt, "TERMINATE_GRACE_S", 0.1)
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()
        await box.news_open.wait()
        run = box.trigger("stubborn", str(note))
        await begun(note)

        box.cancel(run)
        await ended(run)
        await gone(int(words(note)))

    assert run.error["code"] == "TASK_RUN_CANCELLED"


async def test_a_cancel_is_noticed_without_the_news_stream(
    tmp_path: Path, note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controller, "POLL_WITH_NEWS_S", 0.05)
    monkeypatch.setattr(controller, "WATCH_TICK_S", 0.02)
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()
        run = box.trigger("sleeps", str(note))
        await begun(note)

        box.cancel(run, tell=False)
        await ended(run)

    assert run.error["code"] == "TASK_RUN_CANCELLED"


async def test_a_run_can_be_cancelled_while_it_waits_for_its_next_attempt(tmp_path: Path) -> None:
    a_project(tmp_path, example='@task("fails")\ndef fails(): raise ValueError("no")')
    slow = {**POLICY, "minTimeoutInMs": 20_000, "maxTimeoutInMs": 20_000}
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version(retries={"fails": slow})
        await box.news_open.wait()
        run = box.trigger("fails")
        await worker.reports.wait_for(lambda event: isinstance(event, AttemptFailed))

        box.cancel(run)
        await ended(run)

    assert run.error["code"] == "TASK_RUN_CANCELLED"
    assert run.attempt == 1


@pytest.mark.parametrize("task", ["sleeps", "spins"])
async def test_a_run_over_its_max_duration_ends_and_may_clean_up(
    tmp_path: Path, note: Path, task: str
) -> None:
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version(retries={task: POLICY})

        run = await finish(box, task, str(note), maxDuration=1)
        after = await finish(box, "noop")

    assert run.error["code"] == "MAX_DURATION_EXCEEDED"
    assert "1 s" in run.error["message"]
    assert "retry" not in run.completion
    assert "tidied" in words(note)
    assert after.completion["ok"] is True


async def test_a_run_that_ended_at_the_box_is_killed_and_not_reported(
    tmp_path: Path, note: Path
) -> None:
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()
        await box.news_open.wait()
        run = box.trigger("stubborn", str(note))
        await begun(note)

        run.move("FINISHED")
        box.tell(run)
        await worker.reports.wait_for(lambda event: isinstance(event, RunStopped))
        await gone(int(words(note)))

    assert run.completions == []


async def test_a_run_that_was_started_again_elsewhere_is_killed_and_not_reported(
    tmp_path: Path, note: Path
) -> None:
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()
        await box.news_open.wait()
        run = box.trigger("stubborn", str(note))
        await begun(note)

        run.attempt += 1
        run.move("EXECUTING")
        box.tell(run)
        await worker.reports.wait_for(lambda event: isinstance(event, RunStopped))
        await gone(int(words(note)))

    assert run.completions == []


async def test_a_loop_that_never_awaits_is_interrupted_when_it_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "BLOCKED_LOOP_S_MAX", 0.2)
    a_project(
        tmp_path,
        conf="from trigger_box.worker import executor\nexecutor.BLOCKED_LOOP_S_MAX = 0.2",
        example="""
        @task("spins")
        async def spins(payload: str):
            open(payload, "w").write("begun")
            while True: pass
        """,
    )
    note = tmp_path / "note"
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()
        await box.news_open.wait()
        run = box.trigger("spins", str(note))
        await begun(note)

        box.cancel(run)
        await ended(run)

    assert run.error["code"] == "TASK_RUN_CANCELLED"


async def test_heartbeats_go_on_while_user_code_keeps_the_processor(
    tmp_path: Path, note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controller, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(controller, "WATCH_TICK_S", 0.02)
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()
        run = box.trigger("spins", str(note))
        await started(worker, run)

        for _ in range(3):
            async with asyncio.timeout(10):
                await run.beaten.wait()
            run.beaten.clear()

        assert run.heartbeats >= 3


async def test_when_the_worker_ends_its_runs_are_cancelled_at_the_box_and_killed(
    tmp_path: Path, note: Path
) -> None:
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()
        run = box.trigger("stubborn", str(note))
        await begun(note)

        assert await worker.controller.stop() == 1
        await gone(int(words(note)))

    assert box.disconnected == [[run.id]]
    assert run.completions == []
