"""What ``init`` writes into a folder, and which tool keeps its packages.

A file that is there already is never overwritten.
"""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from trigger_box.cli.dev_python import environment_python
from trigger_box.cli.exits import CliError
from trigger_box.cli.installing import install_command, new_environment_commands, sdk_source

CONFIG_FILE: Final = "trigger.config.py"
_FILES: Final = {
    CONFIG_FILE: "trigger.config.py.txt",
    "tasks/example.py": "example.py.txt",
    "tests/test_example.py": "test_example.py.txt",
    "conftest.py": "conftest.py.txt",
}
_LOOK_S_MAX: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageTool:
    """A tool that keeps a project's packages.

    Attributes:
        add: how it is told to add one; None: it keeps no list, so packages are installed.
    """

    name: str
    add: str | None


UV: Final = PackageTool(name="uv", add="uv add")
POETRY: Final = PackageTool(name="poetry", add="poetry add")
PDM: Final = PackageTool(name="pdm", add="pdm add")
PIP: Final = PackageTool(name="pip", add=None)


def tool_of(folder: Path) -> PackageTool:
    """Return the tool that keeps the packages of the project in ``folder``: lock files first."""
    for name, tool in (("uv.lock", UV), ("poetry.lock", POETRY), ("pdm.lock", PDM)):
        if (folder / name).is_file():
            return tool
    tables = _tool_tables(folder / "pyproject.toml")
    return next((tool for tool in (UV, POETRY, PDM) if tool.name in tables), PIP)


def write_files(folder: Path, *, project_ref: str, project_name: str) -> dict[str, bool]:
    """Write what a project begins with; return each file and whether it was written.

    Raises:
        CliError: the folder can't be written to.
    """
    written: dict[str, bool] = {}
    for name, template in _FILES.items():
        text = (
            resources.files("trigger_box.cli.templates")
            .joinpath(template)
            .read_text(encoding="utf-8")
            .replace("{{project_ref}}", project_ref)
            .replace("{{project_name}}", " ".join(project_name.split()))
        )
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            written[name] = False
        except OSError as error:
            raise CliError(f"{path} can't be written: {error.strerror or error}.") from error
        else:
            written[name] = True
    return written


def install_steps(folder: Path, environment: Mapping[str, str], *, is_frozen: bool) -> list[str]:
    """Return the commands by which a project gets the SDK; none if ``dev`` finds it already."""
    tool = tool_of(folder)
    own = environment_python(folder, environment)
    if own is not None and has_sdk(own):
        return []
    if tool.add is not None:
        return [f"{tool.add} {sdk_source()}"]
    if own is not None:
        return [install_command(own, environment)]
    # The command line's own interpreter has the SDK; the packed program is none.
    return new_environment_commands(environment) if is_frozen else []


def has_sdk(python: str) -> bool:
    """Return whether an interpreter finds the ``trigger_box`` package."""
    try:
        looked = subprocess.run(  # noqa: S603 - the project's own interpreter, as `dev` runs it
            [python, "-c", "import trigger_box"],
            check=False,
            capture_output=True,
            timeout=_LOOK_S_MAX,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return looked.returncode == 0


def _tool_tables(pyproject: Path) -> set[str]:
    try:
        content: dict[str, Any] = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    return set(content.get("tool", {}))
