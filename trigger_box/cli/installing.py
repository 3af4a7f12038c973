"""How people install this very trigger-box elsewhere: from its checkout, its wheel, its address.

Standard library only: an installation without the command line's packages asks, too.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

_NAME = "trigger-box"
_WHEEL_FOLDER = "trigger_box_wheel"
_ROOT = Path(__file__).resolve().parents[2]


def sdk_source(extra: str = "") -> str:
    """Return what installers are told to install, quoted for a shell.

    Args:
        extra: such as ``cli``; without it come the SDK and the worker.
    """
    wanted = _source()
    return shlex.quote(f"{wanted}[{extra}]" if extra else wanted)


def install_command(python: str, environment: Mapping[str, str]) -> str:
    """Return the command that gives an interpreter the SDK and the worker.

    The system's own takes no packages on most systems: then a virtual environment is made.
    """
    if not (Path(python).parent.parent / "pyvenv.cfg").is_file():
        return " && ".join(new_environment_commands(environment))
    if shutil.which("uv", path=environment.get("PATH", "")):
        return f"uv pip install --python {shlex.quote(python)} {sdk_source()}"
    return f"{shlex.quote(python)} -m pip install {sdk_source()}"


def new_environment_commands(environment: Mapping[str, str]) -> list[str]:
    """Return the commands that make a virtual environment in this folder, with the SDK in it."""
    if shutil.which("uv", path=environment.get("PATH", "")):
        return ["uv venv", f"uv pip install {sdk_source()}"]
    return ["python3 -m venv .venv", f".venv/bin/pip install {sdk_source()}"]


def program_elsewhere(program: str, path: str) -> str | None:
    """Return the next program of this name on the path, after this installation's own.

    A project's environment has the SDK without the command line, and comes first on the path while
    it is activated.
    """
    here = Path(program).parent.resolve()
    folders = [Path(folder) for folder in path.split(os.pathsep) if folder]
    places = [folder.resolve() for folder in folders]
    # After the last of them: a folder may be on the path twice, and nothing may start itself.
    after = len(places) - places[::-1].index(here) if here in places else 0
    return shutil.which(Path(program).name, path=os.pathsep.join(map(str, folders[after:])))


def _source() -> str:
    if getattr(sys, "frozen", False):
        bundle = Path(str(getattr(sys, "_MEIPASS", "")))
        return str(next((bundle / _WHEEL_FOLDER).glob("*.whl"), _NAME))
    if (_ROOT / "pyproject.toml").is_file():
        return str(_ROOT)
    return _installed_from() or _NAME


def _installed_from() -> str | None:
    """Return the folder, file or address this was installed from, if the installer noted it."""
    try:
        noted = metadata.distribution(_NAME).read_text("direct_url.json")
        url = str(json.loads(noted or "{}")["url"])
    except (metadata.PackageNotFoundError, ValueError, KeyError):
        return None
    parts = urlsplit(url)
    return url2pathname(parts.path) if parts.scheme == "file" else url
