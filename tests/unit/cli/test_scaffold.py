from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from trigger_box.cli.exits import CliError
from trigger_box.cli.project import load_project
from trigger_box.cli.scaffold import (
    PDM,
    PIP,
    POETRY,
    UV,
    PackageTool,
    has_sdk,
    install_steps,
    tool_of,
    write_files,
)

REF = "proj_" + "a" * 20


def test_a_new_project_has_configuration_task_and_test(tmp_path: Path) -> None:
    written = write_files(tmp_path, project_ref=REF, project_name="Shop\n# evil")

    assert all(written.values())
    assert load_project(tmp_path).config.project == REF
    assert "# Shop # evil" in (tmp_path / "trigger.config.py").read_text()


def test_the_test_that_is_written_passes_as_it_is(tmp_path: Path) -> None:
    write_files(tmp_path, project_ref=REF, project_name="Shop")

    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert tested.returncode == 0, tested.stdout
    assert "1 passed" in tested.stdout


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "example.py").write_text("mine")

    written = write_files(tmp_path, project_ref=REF, project_name="Shop")

    assert not written["tasks/example.py"]
    assert written["trigger.config.py"]
    assert (tmp_path / "tasks" / "example.py").read_text() == "mine"


def test_a_folder_that_can_not_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(CliError, match="can't be written"):
        write_files(tmp_path / "file", project_ref=REF, project_name="Shop")


@pytest.mark.parametrize(
    ("files", "tool"),
    [
        ({}, PIP),
        ({"requirements.txt": ""}, PIP),
        ({"uv.lock": ""}, UV),
        ({"poetry.lock": "", "pyproject.toml": "[tool.uv]"}, POETRY),
        ({"pdm.lock": ""}, PDM),
        ({"pyproject.toml": "[tool.uv]\ndev-dependencies = []"}, UV),
        ({"pyproject.toml": "[tool.poetry]\nname = 'x'"}, POETRY),
        ({"pyproject.toml": "[project]\nname = 'x'"}, PIP),
        ({"pyproject.toml": "not toml ["}, PIP),
    ],
)
def test_the_tool_that_keeps_the_packages_is_found(
    tmp_path: Path, files: dict[str, str], tool: PackageTool
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    assert tool_of(tmp_path) is tool


def test_an_interpreter_is_asked_whether_it_finds_the_package(tmp_path: Path) -> None:
    assert has_sdk(sys.executable)
    assert not has_sdk(str(tmp_path / "no-python"))
    assert not has_sdk("/bin/false")


def a_program(file: Path, *, ends_with: int = 0) -> Path:
    file.parent.mkdir(parents=True)
    file.write_text(f"#!/bin/sh\nexit {ends_with}\n")
    file.chmod(0o755)
    return file


def steps(folder: Path, *, is_frozen: bool = False, **environment: str) -> list[str]:
    return install_steps(folder, environment, is_frozen=is_frozen)


def test_a_project_with_the_sdk_has_nothing_to_install(tmp_path: Path) -> None:
    a_program(tmp_path / ".venv" / "bin" / "python")
    (tmp_path / "uv.lock").write_text("")

    assert steps(tmp_path) == []


def test_a_project_without_it_is_told_to_install_what_runs_here(tmp_path: Path) -> None:
    here = Path.cwd()
    python = a_program(tmp_path / ".venv" / "bin" / "python", ends_with=1)
    (tmp_path / ".venv" / "pyvenv.cfg").touch()
    assert steps(tmp_path) == [f"{python} -m pip install {here}"]
    uv = a_program(tmp_path / "tools" / "uv")
    assert steps(tmp_path, PATH=str(uv.parent)) == [f"uv pip install --python {python} {here}"]
    (tmp_path / "uv.lock").write_text("")
    assert steps(tmp_path) == [f"uv add {here}"]


def test_a_project_without_an_environment_uses_ours_unless_we_are_packed(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()

    assert steps(tmp_path) == []
    assert steps(tmp_path, is_frozen=True) == [
        "python3 -m venv .venv",
        f".venv/bin/pip install {Path.cwd()}",
    ]
