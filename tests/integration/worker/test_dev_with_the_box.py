"""``trigger-box dev`` and the real box, over HTTP: what a person sees of runs, from both ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.worker.a_dev import Dev, RealBox, a_dev, a_real_box
from tests.integration.worker.a_worker import a_project, until
from tests.integration.worker.test_processes import gone
from trigger_box import AsyncTriggerBox

TASKS = """
@task("double")
async def double(payload: int, *, ctx: Context) -> int:
    logger.info("doubling", value=payload)
    return 2 * payload

@task("flaky", retry=retry.policy(max_attempts=3, min_delay=0.05, max_delay=0.1))
def flaky(payload=None, *, ctx: Context):
    if ctx.attempt.number < 3:
        raise ValueError(f"attempt {ctx.attempt.number}")
    return ctx.attempt.number

@task("later", retry=retry.policy(max_attempts=2, min_delay="31s", max_delay="31s"))
def later(payload=None): raise ValueError("not now")

@task("reports")
async def reports(payload=None):
    metadata.set("step", "one")
    tags.add("seen")
    return "ok"

@task("parent")
async def parent(payload=None):
    handle = await double.trigger(4)
    return handle.id

@task("long")
async def long(payload=None):
    with open("note", "w") as file: file.write(str(os.getpid()))
    await asyncio.sleep(60)

@task("brief", max_duration="5s")
def brief(payload=None):
    while True:
        time.sleep(0.01)

@task("count")
def count(payload: str): return len(payload)

@task("behind")
def behind(payload=None):
    try:
        {}["key"]
    except KeyError as error:
        raise AbortTaskRunError("no such row") from error

@task("crash")
def crash(payload=None): os._exit(7)
"""
CONFIG = """
from trigger_box.config import Config, retry
config = Config(project="{ref}", dirs=["tasks"], retries=retry.defaults(dev=True, max_attempts=1))
"""


class Both:
    def __init__(self, box: RealBox, dev: Dev, folder: Path) -> None:
        self.box = box
        self.dev = dev
        self.folder = folder


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    folder = tmp_path / "project"
    a_project(folder, example=TASKS)
    async with a_real_box(tmp_path) as box:
        (folder / "trigger.config.py").write_text(CONFIG.format(ref=box.ref))
        async with a_dev(folder, variables=box.variables, state=tmp_path) as dev:
            await dev.wait_for("version.ready")
            yield Both(box, dev, folder)


async def test_runs_of_each_kind_end_as_they_should(both: Both) -> None:
    box = both.box
    ids = {
        name: await box.trigger(name, payload)
        for name, payload in {
            "double": 21,
            "flaky": None,
            "reports": None,
            "parent": None,
            "crash": None,
        }.items()
    }

    runs = {name: await box.ended(id_) for name, id_ in ids.items()}
    child = await box.ended(runs["parent"]["output"])
    unfit = await box.ended(await box.trigger("double", "many"))

    assert (runs["double"]["status"], runs["double"]["output"]) == ("COMPLETED", 42)
    assert (runs["flaky"]["status"], runs["flaky"]["output"]) == ("COMPLETED", 3)
    assert runs["flaky"]["attemptCount"] == 3
    assert runs["reports"]["metadata"] == {"step": "one"}
    assert runs["reports"]["tags"] == ["seen"]
    assert child["output"] == 8
    assert runs["crash"]["status"] == "CRASHED"
    assert "code 7" in runs["crash"]["error"]["message"]
    assert unfit["status"] == "FAILED"
    assert unfit["error"]["name"] == "TaskPayloadParsedError"


async def test_what_lies_behind_an_exception_is_told(both: Both) -> None:
    run = await both.box.ended(await both.box.trigger("behind"))

    (cause,) = run["error"]["causes"]
    assert run["error"]["message"] == "no such row"
    assert (cause["name"], cause["message"]) == ("KeyError", "'key'")
    assert "tasks/example.py" in cause["stackTrace"]


async def test_a_payload_that_was_uploaded_apart_reaches_the_task(both: Both) -> None:
    box = both.box
    async with AsyncTriggerBox(base_url=box.running.origin, secret_key=box.key) as client:
        uploaded = await client.tasks.trigger("count", "x" * 200_000)
    run = await box.ended(uploaded.id)

    assert (run["status"], run["output"]) == ("COMPLETED", 200_000)


async def test_who_takes_a_mistake_back_hears_that_all_is_well_again(both: Both) -> None:
    first = await both.dev.wait_for("version.ready")
    file = both.folder / "tasks" / "example.py"
    good = file.read_text()
    file.write_text(good + "x = (\n")
    await both.dev.wait_for("project.broken")
    seen = len(both.dev.events)

    file.write_text(good)
    again = await both.dev.wait_for("version.ready", after=seen)

    assert again["version"] == first["version"]


async def test_a_run_cancelled_at_the_box_stops_here_at_once(both: Both) -> None:
    run = await both.box.trigger("long")
    note = both.folder / "note"
    await until(note.exists)

    (await both.box.api.post(f"/api/v2/runs/{run}/cancel")).raise_for_status()
    ended = await both.box.ended(run, within_s=3)
    stopped = await both.dev.wait_for("run.stopped")

    assert ended["status"] == "CANCELED"
    assert stopped["reason"] == "cancelled"


async def test_a_run_over_its_max_duration_times_out(both: Both) -> None:
    run = await both.box.ended(await both.box.trigger("brief"))

    assert run["status"] == "TIMED_OUT"


async def test_a_retry_far_ahead_goes_back_to_the_queue(both: Both) -> None:
    run = await both.box.trigger("later")
    failed = await both.dev.wait_for("attempt.failed")

    assert failed["retryDelayMs"] == 31_000
    assert (await both.box.run(run))["isCompleted"] is False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_leaving_cancels_the_runs_in_flight(both: Both, number: signal.Signals) -> None:
    run = await both.box.trigger("long")
    note = both.folder / "note"
    await until(lambda: note.exists() and bool(note.read_text()))

    both.dev.process.send_signal(number)
    ended = await both.box.ended(run, within_s=5)

    assert ended["status"] == "CANCELED"
    await gone(int(note.read_text()))


async def test_a_box_that_restarts_does_not_lose_a_result(both: Both, tmp_path: Path) -> None:
    from tests.support.running import RunningBox  # noqa: PLC0415 - only here

    slow = '@task("slow")\ndef slow(payload=None):\n    time.sleep(1.5)\n    return "kept"'
    seen = len(both.dev.events)
    a_project(both.folder, slow=slow)
    await both.dev.wait_for("version.ready", after=seen)
    run = await both.box.trigger("slow")
    await both.dev.wait_for("run.started", lambda event: event["runId"] == run)

    both.box.running.kill()
    await both.box.running.process.wait()
    await asyncio.sleep(2)
    again = await RunningBox.start(tmp_path / "data", "--port", str(both.box.running.port))
    try:
        ended = await both.box.ended(run)
    finally:
        await both.dev.stop()
        await again.stop()

    assert (ended["status"], ended["output"]) == ("COMPLETED", "kept")
    assert ended["attemptCount"] == 1
