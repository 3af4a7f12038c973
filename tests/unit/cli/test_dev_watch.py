from __future__ import annotations

from pathlib import Path

import pytest

from trigger_box.cli.dev_watch import folders_of, matters


@pytest.mark.parametrize(
    ("name", "is_code"),
    [
        ("tasks/a.py", True),
        ("trigger.config.py", True),
        ("pyproject.toml", True),
        (".env.local", True),
        ("dev.vars", True),
        ("mine.env", True),
        ("README.md", False),
        ("data.json", False),
        (".env.production", False),
    ],
)
def test_which_files_make_a_new_version(name: str, *, is_code: bool) -> None:
    assert matters(Path(name), frozenset({Path("mine.env")})) is is_code


def test_folders_without_code_are_not_watched(tmp_path: Path) -> None:
    for name in ("tasks", "lib", ".venv", "node_modules", "__pycache__", ".git", "venv"):
        (tmp_path / name).mkdir()
    (tmp_path / "file.py").touch()

    assert [folder.name for folder in folders_of(tmp_path)] == ["lib", "tasks"]
