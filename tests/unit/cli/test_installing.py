from __future__ import annotations

import sys
from pathlib import Path

import pytest

from trigger_box import cli
from trigger_box.cli import installing
from trigger_box.cli.installing import (
    install_command,
    new_environment_commands,
    program_elsewhere,
    sdk_source,
)


class Noted:
    """An installation and what its installer noted about where it came from."""

    def __init__(self, note: str | None) -> None:
        self._note = note

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self._note


def a_program(folder: Path, name: str = "trigger-box") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).touch(mode=0o755)
    return str(folder / name)


def test_a_checkout_installs_itself() -> None:
    assert sdk_source() == str(Path.cwd())
    assert sdk_source("cli") == f"'{Path.cwd()}[cli]'"


@pytest.mark.parametrize(
    ("note", "source"),
    [
        ('{"url": "file:///home/ada/trigger%20box", "dir_info": {}}', "'/home/ada/trigger box'"),
        ('{"url": "https://box.test/trigger_box.whl"}', "https://box.test/trigger_box.whl"),
        (None, "trigger-box"),
        ("[", "trigger-box"),
    ],
)
def test_an_installation_names_where_it_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, note: str | None, source: str
) -> None:
    monkeypatch.setattr(installing, "_ROOT", tmp_path)
    monkeypatch.setattr(installing.metadata, "distribution", lambda _name: Noted(note))

    assert sdk_source() == source


def test_the_packed_program_brings_its_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert sdk_source() == "trigger-box"

    (tmp_path / "trigger_box_wheel").mkdir()
    wheel = tmp_path / "trigger_box_wheel" / "trigger_box-1.2.3-py3-none-any.whl"
    wheel.touch()

    assert sdk_source() == str(wheel)


def test_the_commands_use_uv_where_it_is(tmp_path: Path) -> None:
    uv = {"PATH": str(Path(a_program(tmp_path, "uv")).parent)}
    here = Path.cwd()

    python = a_program(tmp_path / ".venv" / "bin", "python")
    (tmp_path / ".venv" / "pyvenv.cfg").touch()

    assert install_command(python, uv) == f"uv pip install --python {python} {here}"
    assert install_command(python, {}) == f"{python} -m pip install {here}"
    assert install_command("/usr/bin/python3", uv) == f"uv venv && uv pip install {here}"
    assert new_environment_commands(uv) == ["uv venv", f"uv pip install {here}"]
    assert new_environment_commands({}) == [
        "python3 -m venv .venv",
        f".venv/bin/pip install {here}",
    ]


def test_the_next_program_on_the_path_is_found_and_never_the_same(tmp_path: Path) -> None:
    first, second = a_program(tmp_path / "a"), a_program(tmp_path / "b")
    path = f"{tmp_path / 'a'}:{tmp_path / 'nothing'}:{tmp_path / 'b'}:{tmp_path / 'a'}"

    assert program_elsewhere(first, f"{tmp_path / 'a'}:{tmp_path / 'b'}") == second
    assert program_elsewhere(second, f"{tmp_path / 'a'}:{tmp_path / 'b'}") is None
    assert program_elsewhere(first, path) is None
    assert program_elsewhere(str(tmp_path / "c" / "trigger-box"), path) == first
    assert program_elsewhere(first, "") is None


def test_an_installation_for_tasks_only_gives_way_to_a_command_line_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = a_program(tmp_path / "a"), a_program(tmp_path / "b")
    became: list[tuple[str, list[str]]] = []
    monkeypatch.setattr("os.execv", lambda program, words: became.append((program, words)))
    monkeypatch.setattr(sys, "argv", [here, "dev", "--json"])
    monkeypatch.setenv("PATH", f"{tmp_path / 'a'}:{tmp_path / 'b'}")

    with pytest.raises(SystemExit, match="click is missing"):
        cli._give_way("click")

    assert became == [(there, [there, "dev", "--json"])]


def test_an_installation_for_tasks_only_says_how_to_get_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(SystemExit) as ended:
        cli._give_way("click")

    assert f"pip install '{Path.cwd()}[cli]', or with [server]" in str(ended.value)
