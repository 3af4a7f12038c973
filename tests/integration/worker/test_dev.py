"""``trigger-box dev`` as people use it, against a small box: start, save, mistakes, leaving."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.worker.a_dev import a_dev
from tests.integration.worker.a_worker import HEAD, a_project, until
from tests.integration.worker.dev_box import FakeBox, FakeRun, a_fake_box
from tests.integration.worker.test_processes import gone

CONFIG = """
from trigger_box.config import Config, retry
config = Config(project="proj_example", dirs=["tasks"], retries=retry.defaults(dev=True))
"""
HELLO = '@task("hello")\ndef hello(payload=None): return {}\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    a_project(folder, example=HELLO.format('"one"'))
    (folder / "trigger.config.py").write_text(CONFIG)
    return folder


def variables(box: FakeBox) -> Mapping[str, str]:
    return {"TRIGGER_API_URL": box.url, "TRIGGER_ACCESS_TOKEN": "tr_pat_someone"}


def save(project: Path, code: str, name: str = "example") -> None:
    (project / "tasks" / f"{name}.py").write_text(HEAD + code)


async def output(box: FakeBox, task: str = "hello") -> str:
    run = box.trigger(task)
    async with asyncio.timeout(15):
        await run.finished.wait()
    return str(run.completion["output"])


async def test_tasks_are_registered_and_their_runs_told_line_by_line(
    tmp_path: Path, project: Path
) -> None:
    async with (
        a_fake_box() as box,
        a_dev(project, variables=variables(box), state=tmp_path) as dev,
    ):
        ready = await dev.wait_for("version.ready")
        run = box.trigger("hello")
        started = await dev.wait_for("run.started")
        ended = await dev.wait_for("run.succeeded")

        assert await dev.stop() == 0

    metadata = box.registered[0]["metadata"]
    assert ready["tasks"] == ["hello"]
    assert metadata["tasks"][0]["id"] == "hello"
    assert metadata["tasks"][0]["filePath"] == "tasks/example.py"
    assert metadata["tasks"][0]["retry"]["maxAttempts"] == 3
    assert {file["filePath"] for file in metadata["sourceFiles"]} >= {"tasks/example.py"}
    assert started["runId"] == ended["runId"] == run.id
    assert ended["url"] == f"{box.url}/projects/v3/proj_example/runs/{run.id}"
    assert ended["durationMs"] > 0


async def test_saving_a_file_makes_a_new_version_for_new_runs(
    tmp_path: Path, project: Path
) -> None:
    async with (
        a_fake_box() as box,
        a_dev(project, variables=variables(box), state=tmp_path) as dev,
    ):
        await dev.wait_for("version.ready")
        before = await output(box)

        seen = len(dev.events)
        save(project, HELLO.format('"two"'))
        await dev.wait_for("version.ready", after=seen)

        assert (before, await output(box)) == ('"one"', '"two"')


async def test_saving_a_module_outside_of_the_task_folders_counts_too(
    tmp_path: Path, project: Path
) -> None:
    (project / "texts").mkdir()
    (project / "texts" / "greeting.py").write_text('WORD = "one"')
    save(project, "from texts.greeting import WORD\n" + HELLO.format("WORD"))
    async with (
        a_fake_box() as box,
        a_dev(project, variables=variables(box), state=tmp_path) as dev,
    ):
        await dev.wait_for("version.ready")
        seen = len(dev.events)
        (project / "texts" / "greeting.py").write_text('WORD = "two"')
        await dev.wait_for("version.ready", after=seen)

        assert await output(box) == '"two"'


async def test_saving_without_a_change_makes_no_new_version(tmp_path: Path, project: Path) -> None:
    async with (
        a_fake_box() as box,
        a_dev(project, variables=variables(box), state=tmp_path) as dev,
    ):
        await dev.wait_for("version.ready")
        save(project, HELLO.format('"one"'))
        async with asyncio.timeout(15):
            await box.registrations.get()
            # The same content: the box answers with the version it has.
            box.same_version = True
            save(project, HELLO.format('"one"'))
            await box.registrations.get()
        save(project, HELLO.format('"two"'))
        box.same_version = False
        await dev.wait_for("version.ready", lambda e: e["version"] != "20260131.1")

        assert len([e for e in dev.events if e["event"] == "version.ready"]) == 2


async def test_a_module_that_does_not_import_is_named_and_the_others_run(
    tmp_path: Path, project: Path
) -> None:
    save(project, 'import nothing_like_this\n@task("bad")\ndef bad(): pass', name="bad")
    async with (
        a_fake_box() as box,
        a_dev(project, variables=variables(box), state=tmp_path) as dev,
    ):
        broken = await dev.wait_for("project.broken")
        ready = await dev.wait_for("version.ready")
        assert await output(box) == '"one"'
        seen = len(dev.events)
        save(project, '@task("bad")\ndef bad(): return "good"', name="bad")
        repaired = await dev.wait_for("version.ready", after=seen)

    problem = broken["problems"][0]
    assert (problem["file"], problem["line"]) == ("tasks/bad.py", 4)
    assert "nothing_like_this" in problem["message"]
    assert "pip install" in problem["advice"]
    assert problem["advice"].endswith("nothing_like_this")
    assert ready["tasks"] == ["hello"]
    assert repaired["tasks"] == ["bad", "hello"]


async def test_two_tasks_with_one_id_keep_the_version_before_until_one_is_renamed(
    tmp_path: Path, project: Path
) -> None:
    async with (
        a_fake_box() as box,
        a_dev(project, variables=variables(box), state=tmp_path) as dev,
    ):
        await dev.wait_for("version.ready")
        save(project, "\n" + HELLO.format("2"), name="other")
        broken = await dev.wait_for("project.broken")
        assert await output(box) == '"one"'
        registered = len(box.registered)

        save(project, HELLO.format("2").replace("hello", "other"), name="other")
        ready = await dev.wait_for("version.ready", lambda e: "other" in e["tasks"])

    (problem,) = broken["problems"]
    assert (problem["file"], problem["line"]) == ("tasks/other.py", 5)
    assert problem["message"] == (
        "two tasks have the id 'hello': tasks/example.py:4 and tasks/other.py:5"
    )
    assert "another id" in problem["advice"]
    assert "version before" in broken["consequence"]
    assert registered == 1
    assert ready["tasks"] == ["hello", "other"]


async def test_a_project_that_begins_with_two_tasks_of_one_id_registers_nothing(
    tmp_path: Path, project: Path
) -> None:
    save(project, HELLO.format("2"), name="other")
    save(project, HELLO.format("3").replace("hello", "third"), name="third")
    async with (
        a_fake_box() as box,
        a_dev(project, variables=variables(box), state=tmp_path) as dev,
    ):
        broken = await dev.wait_for("project.broken")
        assert "No task runs here" in broken["consequence"]
        assert box.registered == []

        (project / "tasks" / "other.py").unlink()
        await dev.wait_for("version.ready")


HANGS = """
with open(f"hangs-{os.getpid()}", "w"): pass
while True: time.sleep(1)
"""


async def hanging(project: Path) -> list[int]:
    """Save a module that hangs when it is imported; return the processes that do."""

    def pids() -> list[int]:
        return [int(file.name.removeprefix("hangs-")) for file in project.glob("hangs-*")]

    save(project, HANGS, name="slow")
    await until(lambda: len(pids()) == 2)
    return pids()


async def test_a_save_ends_an_import_that_hangs_and_starts_anew(
    tmp_path: Path, project: Path
) -> None:
    async with (
        a_fake_box() as box,
        a_dev(project, variables=variables(box), state=tmp_path) as dev,
    ):
        await dev.wait_for("version.ready")
        pids = await hanging(project)
        assert await output(box) == '"one"'

        save(project, '@task("slow")\ndef slow(): return 1', name="slow")
        ready = await dev.wait_for("version.ready", lambda e: "slow" in e["tasks"])
        for pid in pids:
            await gone(pid)

    assert ready["tasks"] == ["hello", "slow"]
    assert not [e for e in dev.events if e["event"] == "trouble"]


async def test_ctrl_c_ends_a_dev_whose_import_hangs(tmp_path: Path, project: Path) -> None:
    async with (
        a_fake_box() as box,
        a_dev(project, variables=variables(box), state=tmp_path) as dev,
    ):
        pids = await hanging(project)

        assert await dev.stop() == 0
        for pid in pids:
            await gone(pid)


async def test_a_save_ends_a_configuration_that_hangs(tmp_path: Path, project: Path) -> None:
    (project / "trigger.config.py").write_text(
        "import time\nopen('hangs', 'w').close()\ntime.sleep(600)\n"
    )
    async with (
        a_fake_box() as box,
        a_dev(project, variables=variables(box), state=tmp_path) as dev,
    ):
        await until((project / "hangs").exists)
        (project / "trigger.config.py").write_text(CONFIG)
        await dev.wait_for("version.ready")


async def test_a_change_that_breaks_everything_leaves_the_old_version_running(
    tmp_path: Path, project: Path
) -> None:
    async with (
        a_fake_box() as box,
        a_dev(project, variables=variables(box), state=tmp_path) as dev,
    ):
        await dev.wait_for("version.ready")
        save(project, "def (")
        broken = await dev.wait_for("project.broken")

        assert broken["problems"][0]["line"] == 4
        assert "version before" in broken["consequence"]
        assert await output(box) == '"one"'


async def test_a_configuration_that_cannot_be_read_is_waited_for(
    tmp_path: Path, project: Path
) -> None:
    (project / "trigger.config.py").write_text("config = Confg()")
    async with (
        a_fake_box() as box,
        a_dev(project, variables=variables(box), state=tmp_path) as dev,
    ):
        broken = await dev.wait_for("project.broken")
        problem = broken["problems"][0]
        assert (problem["file"], problem["line"]) == ("trigger.config.py", 1)
        assert "Confg" in problem["message"]

        (project / "trigger.config.py").write_text(CONFIG)
        await dev.wait_for("version.ready")


async def test_a_version_that_the_box_refuses_is_told_and_tried_again(
    tmp_path: Path, project: Path
) -> None:
    async with a_fake_box() as box:
        box.register_error = "Task hello: cron '61 * * * *' is not valid."
        async with a_dev(project, variables=variables(box), state=tmp_path) as dev:
            trouble = await dev.wait_for("trouble")
            assert "61 * * * *" in trouble["message"]

            box.register_error = None
            save(project, HELLO.format('"two"'))
            await dev.wait_for("version.ready")


async def test_an_empty_project_says_what_to_write(tmp_path: Path, project: Path) -> None:
    (project / "tasks" / "example.py").unlink()
    async with (
        a_fake_box() as box,
        a_dev(project, variables=variables(box), state=tmp_path) as dev,
    ):
        broken = await dev.wait_for("project.broken")

        assert "@task" in broken["problems"][0]["advice"]
        assert box.registered == []


async def test_variables_come_from_the_box_and_from_files_in_the_npm_order(
    tmp_path: Path, project: Path
) -> None:
    save(
        project,
        "AT_IMPORT = os.environ['A']\n"
        '@task("look")\ndef look():\n'
        "    names = 'A B C TRIGGER_SECRET_KEY TRIGGER_ACCESS_TOKEN'.split()\n"
        "    return [AT_IMPORT, *[os.environ.get(name) for name in names]]",
    )
    (project / ".env").write_text("A=env\nB=env\nTRIGGER_SECRET_KEY=stolen")
    (project / ".env.local").write_text("A=local")
    async with a_fake_box() as box:
        box.variables = {"A": "box", "B": "box", "C": "box"}
        box.run_variables = {"A": "run", "C": "run"}
        async with a_dev(project, variables=variables(box), state=tmp_path) as dev:
            await dev.wait_for("version.ready")
            first = await output(box, "look")
            seen = len(dev.events)
            (project / ".env.local").write_text("A=changed")
            await dev.wait_for("version.ready", after=seen)
            second = await output(box, "look")

    assert first == '["local","local","env","run","tr_dev_secret",null]'
    assert second == '["changed","changed","env","run","tr_dev_secret",null]'


async def test_env_file_replaces_the_usual_files(tmp_path: Path, project: Path) -> None:
    save(project, '@task("look")\ndef look(): return [os.environ.get("A"), os.environ.get("B")]')
    (project / ".env").write_text("A=env")
    (project / "other.env").write_text("B=other")
    async with (
        a_fake_box() as box,
        a_dev(project, "--env-file", "other.env", variables=variables(box), state=tmp_path) as dev,
    ):
        await dev.wait_for("version.ready")

        assert await output(box, "look") == '[null,"other"]'


LONG = """
@task("long")
def long(payload=None):
    child = subprocess.Popen(["sleep", "60"])
    with open("note", "w") as file: file.write(f"{os.getpid()} {child.pid}")
    time.sleep(60)
"""


async def in_flight(box: FakeBox, project: Path) -> tuple[FakeRun, list[int]]:
    """Trigger a long run; return it and the processes it consists of."""
    run = box.trigger("long")
    note = project / "note"

    def pids() -> list[int]:
        return [int(pid) for pid in note.read_text().split()] if note.exists() else []

    await until(lambda: len(pids()) == 2)
    return run, pids()


async def test_ctrl_c_cancels_the_runs_in_flight_at_once(tmp_path: Path, project: Path) -> None:
    save(project, LONG)
    async with (
        a_fake_box() as box,
        a_dev(project, variables=variables(box), state=tmp_path) as dev,
    ):
        await dev.wait_for("version.ready")
        run, pids = await in_flight(box, project)

        assert await dev.stop(signal.SIGINT) == 0

        assert box.disconnected == [[run.id]]
        assert dev.events[-1]["runsCancelled"] == 1
        for pid in pids:
            await gone(pid)
    assert len(box.disconnected) == 1


async def test_a_dev_that_is_killed_has_its_runs_cancelled_by_its_watchdog(
    tmp_path: Path, project: Path
) -> None:
    save(project, LONG)
    async with (
        a_fake_box() as box,
        a_dev(project, variables=variables(box), state=tmp_path) as dev,
    ):
        await dev.wait_for("version.ready")
        run, pids = await in_flight(box, project)

        dev.process.kill()
        async with asyncio.timeout(10):
            await box.disconnect_seen.wait()

        assert box.disconnected == [[run.id]]
        for pid in pids:
            await gone(pid)


async def test_a_second_dev_for_the_folder_ends_the_first(tmp_path: Path, project: Path) -> None:
    async with (
        a_fake_box() as box,
        a_dev(project, variables=variables(box), state=tmp_path) as first,
    ):
        await first.wait_for("version.ready")
        async with a_dev(project, variables=variables(box), state=tmp_path) as second:
            await second.wait_for("version.ready")

            assert await first.process.wait() == 0
            assert await output(box) == '"one"'


async def test_a_branch_is_made_and_named_in_every_call(tmp_path: Path, project: Path) -> None:
    async with (
        a_fake_box() as box,
        a_dev(project, "--branch", "feature", variables=variables(box), state=tmp_path) as dev,
    ):
        await dev.wait_for("version.ready")

    branched = [
        headers.get("x-trigger-branch")
        for call, headers in zip(box.calls, box.headers, strict=True)
        if "/engine/" in call or "background-workers" in call or "envvars" in call
    ]
    assert "POST /api/v1/projects/proj_example/branches" in box.calls
    assert set(branched) == {"feature"}


async def refusal(project: Path, *flags: str, tmp_path: Path, **given: str) -> tuple[int, str]:
    async with a_dev(project, *flags, variables=given, state=tmp_path) as dev:
        async with asyncio.timeout(15):
            code = await dev.process.wait()
        await dev.stop()
    return code, dev.errors.decode()


async def test_dev_ends_with_a_sentence_when_it_cannot_begin(tmp_path: Path, project: Path) -> None:
    async with a_fake_box() as box:
        ours = dict(variables(box))
        nobody, said = await refusal(project, tmp_path=tmp_path, TRIGGER_API_URL=box.url)
        assert (nobody, "login" in said) == (3, True)

        unknown, said = await refusal(project, "-p", "proj_unknown", tmp_path=tmp_path, **ours)
        assert (unknown, "proj_unknown" in said) == (4, True)

        inspect, said = await refusal(project, "--inspect", tmp_path=tmp_path, **ours)
        assert (inspect, "debugpy" in said) == (1, True)

    away, said = await refusal(project, tmp_path=tmp_path, **ours)
    assert (away, "No box answers" in said) == (6, True)


FAKE_DEBUGGER = """
import os, time
def listen(place): open("listening", "w").write(f"{os.getpid()} {place[1]}")
def wait_for_client():
    while not os.path.exists("attached"): time.sleep(0.01)
"""


async def test_inspect_holds_runs_until_a_debugger_is_attached(
    tmp_path: Path, project: Path
) -> None:
    # Stands in for debugpy, which is the user's to install.
    (project / "debugpy.py").write_text(FAKE_DEBUGGER)
    async with (
        a_fake_box() as box,
        a_dev(
            project,
            "--inspect",
            "--inspect-port",
            "5699",
            variables={**variables(box), "PYTHONPATH": f"{Path.cwd()}:{project}"},
            state=tmp_path,
        ) as dev,
    ):
        await dev.wait_for("version.ready")
        run = box.trigger("hello", maxDuration=1)
        listening = project / "listening"
        await until(lambda: listening.exists() and "5699" in listening.read_text())
        await dev.wait_for("run.started")
        await asyncio.sleep(1.2)
        assert not run.finished.is_set()

        (project / "attached").touch()
        async with asyncio.timeout(10):
            await run.finished.wait()

    assert run.completion["ok"] is True
