from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from trigger_box.cli import dev_index
from trigger_box.cli.dev_index import ImportTimeoutError, Index, IndexingError, Standing, read_index

CONFIG = (
    'from trigger_box.config import Config\nconfig = Config(project="proj_x", dirs=["tasks"])\n'
)
TASK = 'from trigger_box import task\n@task("hello")\ndef hello(): pass\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "tasks").mkdir(parents=True)
    (folder / "trigger.config.py").write_text(CONFIG)
    (folder / "tasks" / "a.py").write_text(TASK)
    return folder


async def index(project: Path, *, is_config_only: bool = False) -> Index:
    return await read_index(
        sys.executable, project, environment=os.environ, is_config_only=is_config_only
    )


async def standing_in(file: str, project: Path) -> Standing:
    """Index a project that hangs in ``file`` until it is said where; then give up."""
    told: asyncio.Queue[Standing] = asyncio.Queue()
    reading = asyncio.ensure_future(
        read_index(sys.executable, project, environment=os.environ, on_slow=told.put_nowait)
    )
    async with asyncio.timeout(20):
        while (standing := await told.get()).file != file:
            pass
        reading.cancel()
        await asyncio.wait({reading})
    return standing


async def test_a_project_is_described(project: Path) -> None:
    found = await index(project)

    assert found.task_ids == ("hello",)
    assert found.problems == ()
    assert found.config is not None
    assert found.config.project == "proj_x"


async def test_what_modules_print_is_passed_on(project: Path) -> None:
    (project / "tasks" / "b.py").write_text("import sys\nprint('one')\nsys.stderr.write('two\\n')")
    lines: list[str] = []

    await read_index(sys.executable, project, environment=os.environ, on_line=lines.append)

    assert sorted(lines) == ["one", "two"]


async def test_what_modules_leave_running_does_not_keep_the_answer(project: Path) -> None:
    (project / "tasks" / "b.py").write_text(
        "import subprocess, threading, time\n"
        "subprocess.Popen(['sleep', '60'])\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
    )
    async with asyncio.timeout(20):
        assert (await index(project)).task_ids == ("hello",)


async def test_a_module_that_hangs_is_named_with_the_line_it_hangs_at(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev_index, "IMPORT_S_MAX", 3.0)
    (project / "tasks" / "slow.py").write_text("import time\nwhile True:\n    time.sleep(1)\n")

    with pytest.raises(ImportTimeoutError) as raised:
        await index(project)

    said = str(raised.value)
    assert said.startswith("tasks/slow.py was not imported within 3 s, it hangs at tasks/slow.py:")
    assert "move what waits there into a task" in said
    assert "?" not in said


async def test_a_slow_import_is_told_while_it_goes_on(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev_index, "SLOW_IMPORT_S", 1.5)
    (project / "helper.py").write_text("import threading\nthreading.Event().wait()\n")
    (project / "tasks" / "slow.py").write_text("\n\nimport helper\n")

    standing = await standing_in("tasks/slow.py", project)

    assert standing == Standing(file="tasks/slow.py", place="helper.py:2")
    assert standing.text == "helper.py:2"


async def test_a_configuration_that_hangs_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev_index, "SLOW_IMPORT_S", 1.0)
    (project / "trigger.config.py").write_text("import time\ntime.sleep(600)\n")

    assert await standing_in("trigger.config.py", project) == Standing(
        file="trigger.config.py", place="trigger.config.py:2"
    )


@pytest.mark.parametrize(
    ("beside", "advice"), [("README.md", "trigger-box init"), ("trigger.config.ts", "npx trigger")]
)
async def test_a_folder_without_a_configuration_is_told_how_to_get_one(
    tmp_path: Path, beside: str, advice: str
) -> None:
    (tmp_path / beside).touch()

    (problem,) = (await index(tmp_path, is_config_only=True)).problems

    assert problem.file == "trigger.config.py"
    assert f"is neither in {tmp_path} nor above it" in problem.message
    assert advice in problem.advice


async def test_an_indexer_that_dies_is_told_with_its_last_words(project: Path) -> None:
    (project / "tasks" / "b.py").write_text("import os\nprint('oh no')\nos._exit(3)")

    with pytest.raises(IndexingError, match=r"ended with code 3: oh no"):
        await index(project)


async def test_a_python_without_the_package_is_named(project: Path, tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    (tmp_path / "pyvenv.cfg").touch()
    python.write_text('#!/bin/sh\necho "No module named trigger_box" >&2; exit 1\n')
    python.chmod(0o755)

    with pytest.raises(IndexingError, match="trigger-box is not installed for") as raised:
        await read_index(str(python), project, environment={"PATH": ""})

    assert raised.value.command == f"{python} -m pip install {Path.cwd()}"


async def test_a_python_that_is_none_is_named(project: Path) -> None:
    with pytest.raises(IndexingError, match="does not start"):
        await read_index(str(project / "nothing"), project, environment=os.environ)
