from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from trigger_box.cli.dev_python import PythonNotFoundError, find_python


def an_interpreter(home: Path) -> str:
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python").touch(mode=0o755)
    return str(home / "bin" / "python")


def find(folder: Path, *, asked: str | None = None, is_frozen: bool = False, **env: str) -> str:
    return find_python(folder, asked=asked, environment=env, is_frozen=is_frozen)


def test_an_activated_environment_comes_first(tmp_path: Path) -> None:
    active = an_interpreter(tmp_path / "active")
    an_interpreter(tmp_path / "project" / ".venv")

    assert find(tmp_path / "project", VIRTUAL_ENV=str(tmp_path / "active")) == active


def test_then_the_projects_own_up_to_its_repositorys_root(tmp_path: Path) -> None:
    outside = an_interpreter(tmp_path / ".venv")
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    (tmp_path / "repo" / "app").mkdir()

    assert find(tmp_path / "repo" / "app") == sys.executable
    inside = an_interpreter(tmp_path / "repo" / "venv")
    assert find(tmp_path / "repo" / "app") == inside
    # What is found is executed: anybody may have made a folder above one outside a repository.
    assert find(tmp_path / "elsewhere") != outside


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_above_the_project_only_its_owners_environment_is_taken(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "app").mkdir()
    an_interpreter(tmp_path / ".venv")
    os.chown(tmp_path / ".venv", 65534, 65534)

    assert find(tmp_path / "app") == sys.executable
    os.chown(tmp_path / "app", 65534, 65534)
    assert find(tmp_path / "app") == str(tmp_path / ".venv" / "bin" / "python")


def test_the_packed_program_takes_the_systems_python(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "python3"
    program.parent.mkdir()
    program.touch(mode=0o755)

    assert find(tmp_path / "x", is_frozen=True, PATH=str(program.parent)) == str(program)
    with pytest.raises(PythonNotFoundError, match="--python"):
        find(tmp_path / "x", is_frozen=True, PATH=str(tmp_path))


def test_an_interpreter_can_be_named(tmp_path: Path) -> None:
    program = an_interpreter(tmp_path / "mine")

    assert find(tmp_path, asked=program) == program
    with pytest.raises(PythonNotFoundError, match="no such program"):
        find(tmp_path, asked="python9.99", PATH="")
