"""Executor processes: reuse, replacement, and what their deaths mean."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.worker.a_worker import Worker, a_project, a_worker, until
from tests.integration.worker.dev_box import FakeBox, FakeRun, a_fake_box
from trigger_box.worker import attempt

PIDS = """
@task("pid")
def pid(): return os.getpid()

@task("thread")
def thread():
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    return os.getpid()

@task("child")
def child():
    subprocess.Popen(["sleep", "60"])
    return os.getpid()

@task("patch")
def patch():
    sys.modules[__name__] = object()
    return os.getpid()

@task("leaves-a-task")
async def leaves_a_task():
    asyncio.ensure_future(asyncio.sleep(60))
    await asyncio.to_thread(time.sleep, 0)
    return os.getpid()
"""


async def finish(box: FakeBox, task: str, payload: Any = None, **extra: Any) -> FakeRun:
    run = box.trigger(task, payload, **extra)
    async with asyncio.timeout(20):
        await run.finished.wait()
    return run


async def pid_of(worker: Worker, task: str = "pid") -> int:
    """Return which process executed a run, once it is free for the next one."""
    run = await finish(worker.box, task)
    await until(lambda: not any(pool.busy for pool in worker.pools))
    return int(json.loads(run.completion["output"]))


async def test_a_clean_process_is_used_again_and_a_worn_one_replaced(tmp_path: Path) -> None:
    a_project(tmp_path, example=PIDS)
    async with a_fake_box() as box, a_worker(box, tmp_path, runs_max=1) as worker:
        await worker.add_version(runs_max=3)

        pids = [await pid_of(worker) for _ in range(4)]

    assert pids[0] == pids[1] == pids[2]
    assert pids[3] != pids[0]


@pytest.mark.parametrize("mess", ["thread", "child", "patch"])
async def test_a_run_that_leaves_something_behind_gets_its_process_replaced(
    tmp_path: Path, mess: str
) -> None:
    a_project(tmp_path, example=PIDS)
    async with a_fake_box() as box, a_worker(box, tmp_path, runs_max=1) as worker:
        await worker.add_version()

        messy = await pid_of(worker, mess)
        clean = await pid_of(worker)

    assert clean != messy


async def test_asyncio_leftovers_are_tidied_without_a_new_process(tmp_path: Path) -> None:
    a_project(tmp_path, example=PIDS)
    async with a_fake_box() as box, a_worker(box, tmp_path, runs_max=1) as worker:
        await worker.add_version()

        before = await pid_of(worker, "leaves-a-task")
        after = await pid_of(worker, "leaves-a-task")

    assert before == after


LINGERS = """
async def linger():
    try: await asyncio.sleep(60)
    finally:
        while not os.path.exists("go"): await asyncio.sleep(0.005)
        open("tidied", "w").close()

@task("good")
async def good():
    asyncio.ensure_future(linger())
    await asyncio.sleep(0)
    return os.getpid()

@task("bad")
async def bad():
    await good.fn()
    raise AbortTaskRunError("no")

@task("stuck")
async def stuck():
    async def hang():
        try: await asyncio.sleep(60)
        finally: time.sleep(60)
    asyncio.ensure_future(hang())
    await asyncio.sleep(0)
    return os.getpid()
"""


@pytest.mark.parametrize("task", ["good", "bad"])
async def test_the_box_is_told_at_once_whatever_the_run_left_behind(
    tmp_path: Path, task: str
) -> None:
    a_project(tmp_path, example=LINGERS)
    async with a_fake_box() as box, a_worker(box, tmp_path, runs_max=1) as worker:
        await worker.add_version()

        run = await finish(box, task)
        was_tidied = (tmp_path / "tidied").exists()
        (tmp_path / "go").touch()
        await until((tmp_path / "tidied").exists)

    assert run.completion["ok"] is (task == "good")
    assert not was_tidied


async def test_a_process_that_never_gets_tidy_is_killed_and_the_next_run_has_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "FREE_S_MAX", 0.1)
    a_project(tmp_path, example=LINGERS + PIDS)
    async with a_fake_box() as box, a_worker(box, tmp_path, runs_max=1) as worker:
        await worker.add_version()

        stuck = await pid_of(worker, "stuck")
        assert await pid_of(worker) != stuck
        await gone(stuck)


async def test_an_async_client_of_a_module_lives_through_several_runs(tmp_path: Path) -> None:
    a_project(
        tmp_path,
        example="""
        loops = []

        @task("loop")
        async def loop():
            loops.append(id(asyncio.get_running_loop()))
            return len(set(loops))
        """,
    )
    async with a_fake_box() as box, a_worker(box, tmp_path, runs_max=1) as worker:
        await worker.add_version()
        await finish(box, "loop")

        second = await finish(box, "loop")

    assert second.completion["output"] == "1"


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("os._exit(3)", "code 3", "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE"),
        ("os._exit(137)", "memory", "TASK_PROCESS_OOM_KILLED"),
        ("os.kill(os.getpid(), 11)", "SIGSEGV", "TASK_PROCESS_SIGSEGV"),
        ("os.kill(os.getpid(), 15); time.sleep(9)", "SIGTERM", "TASK_PROCESS_SIGTERM"),
        (
            "os.kill(os.getpid(), 9)",
            "code -1 after signal SIGKILL",
            "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE",
        ),
        ("os.abort()", "after signal SIGABRT", "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE"),
    ],
)
async def test_a_process_that_dies_ends_its_run_with_the_right_code(
    tmp_path: Path, code: str, message: str, expected: str
) -> None:
    dying = f'os.write(2, b"last words\\\\n"); {code}'
    a_project(tmp_path, example=f'@task("dies")\ndef dies():\n    {dying}\n{PIDS}')
    async with a_fake_box() as box, a_worker(box, tmp_path, runs_max=1) as worker:
        await worker.add_version()

        run = await finish(box, "dies")
        after = await finish(box, "pid")

    assert run.error["code"] == expected
    assert message in run.error["message"]
    assert "last words" in run.error["stackTrace"]
    assert "retry" not in run.completion
    assert after.completion["ok"] is True


async def test_a_process_that_dies_takes_its_children_with_it(tmp_path: Path) -> None:
    a_project(
        tmp_path,
        example="""
        @task("dies")
        def dies(payload: str):
            child = subprocess.Popen(["sleep", "60"])
            open(payload, "w").write(str(child.pid))
            os._exit(1)
        """,
    )
    note = tmp_path / "child"
    async with a_fake_box() as box, a_worker(box, tmp_path, runs_max=1) as worker:
        await worker.add_version()

        await finish(box, "dies", str(note))

        await gone(pid_in(note))


async def test_when_the_seed_is_killed_runs_fail_and_a_new_seed_is_planted(tmp_path: Path) -> None:
    a_project(
        tmp_path,
        example="""
        @task("parent")
        def parent(payload: float):
            time.sleep(payload)
            return os.getppid()
        """,
    )
    async with a_fake_box() as box, a_worker(box, tmp_path, runs_max=1) as worker:
        await worker.add_version()
        seed = int((await finish(box, "parent", 0)).completion["output"])
        hanging = box.trigger("parent", 60)
        await started(worker, hanging)

        os.kill(seed, signal.SIGKILL)
        async with asyncio.timeout(10):
            await hanging.finished.wait()
        after = await finish(box, "parent", 0)

    assert hanging.completion["ok"] is False
    assert int(after.completion["output"]) != seed


async def test_a_project_that_starts_threads_when_imported_works_too(tmp_path: Path) -> None:
    a_project(
        tmp_path,
        example="""
        ticks = []
        def tick():
            while True:
                ticks.append(1)
                time.sleep(0.01)
        threading.Thread(target=tick, daemon=True).start()

        @task("ticks")
        def count():
            before = len(ticks)
            time.sleep(0.1)
            return len(ticks) > before
        """,
    )
    async with a_fake_box() as box, a_worker(box, tmp_path, runs_max=1) as worker:
        await worker.add_version()

        run = await finish(box, "ticks")

    assert run.completion["output"] == "true"


async def test_new_runs_go_to_the_new_version_and_old_ones_finish_on_the_old(
    tmp_path: Path,
) -> None:
    code = """
    @task("which")
    async def which(payload: float):
        await asyncio.sleep(payload)
        return "{}"
    """
    a_project(tmp_path, example=code.format("old"))
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version("worker_1")
        old = box.trigger("which", 1.0)
        await started(worker, old)
        a_project(tmp_path, example=code.format("new"))
        await worker.add_version("worker_2")
        box.current = "worker_2"

        new = await finish(box, "which", 0)
        assert not old.finished.is_set()
        async with asyncio.timeout(10):
            await old.finished.wait()

    assert new.completion["output"] == '"new"'
    assert old.completion["output"] == '"old"'


async def test_a_run_of_a_version_that_is_gone_fails_with_what_to_do(tmp_path: Path) -> None:
    a_project(tmp_path, example=PIDS)
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version("worker_1")

        run = await finish(box, "pid", version="worker_0")

    assert run.error["code"] == "COULD_NOT_FIND_EXECUTOR"
    assert "Replay" in run.error["message"]


async def test_at_most_two_idle_older_versions_are_kept(tmp_path: Path) -> None:
    a_project(tmp_path, example=PIDS)
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        for number in range(1, 6):
            await worker.add_version(f"worker_{number}")
        box.current = "worker_5"

        kept = await finish(box, "pid", version="worker_3")
        dropped = await finish(box, "pid", version="worker_2")

    assert kept.completion["ok"] is True
    assert dropped.error["code"] == "COULD_NOT_FIND_EXECUTOR"


async def started(worker: Worker, run: FakeRun) -> None:
    from trigger_box.worker.reports import AttemptStarted  # noqa: PLC0415 - only here

    await worker.reports.wait_for(
        lambda event: isinstance(event, AttemptStarted) and event.run_id == run.id
    )


def pid_in(file: Path) -> int:
    return int(file.read_text())


async def gone(pid: int) -> None:
    """Wait until a process that is not our child does not run any more."""
    await until(lambda: not _runs(pid))


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
