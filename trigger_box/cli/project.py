"""Which project this folder is: from a flag, a variable, or the nearest configuration file.

Reading only the ref does not run ``trigger.config.py``; loading the whole configuration does.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trigger_box.cli.environment import Variables
from trigger_box.cli.exits import CliError, Exit

if TYPE_CHECKING:
    from trigger_box.sdk.config_files import LoadedConfig

_TYPESCRIPT_FILES: Final = (
    "trigger.config.ts",
    "trigger.config.mts",
    "trigger.config.js",
    "trigger.config.mjs",
)
_TYPESCRIPT_PROJECT: Final = re.compile(r"""\bproject\s*:\s*["'`](proj_\w+)["'`]""")
_REF: Final = re.compile(r"^proj_[a-z0-9]{1,64}$")
_FILE_BYTES_MAX: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRef:
    """A project's ref, and what it was taken from."""

    ref: str
    origin: str


def find_ref(flag: str | None, variables: Variables, start: Path) -> FoundRef | None:
    """Return the ref of the project meant, or None.

    The flag counts most, then the variable, then the nearest configuration file.

    Raises:
        CliError: it is no ref, or the file that should say it can't be read.
    """
    if flag:
        return _checked(flag, "--project-ref")
    if variables.project_ref:
        return _checked(variables.project_ref, "TRIGGER_PROJECT_REF")
    return _from_files(start.resolve())


def require_ref(flag: str | None, variables: Variables, start: Path) -> FoundRef:
    """Return the ref of the project meant.

    Raises:
        CliError: nothing names a project.
    """
    found = find_ref(flag, variables, start)
    if found is None:
        raise CliError(
            f"Which project? No trigger.config.py names one in {start} or above it.",
            hint="Pass --project-ref proj_…, or run `trigger-box init` here.",
            code=Exit.USAGE,
        )
    return found


def load_project(start: Path) -> LoadedConfig:
    """Return the whole configuration around ``start``; this runs ``trigger.config.py``.

    Raises:
        CliError: there is none, or it can't be read: file, line, and what to do.
    """
    from trigger_box.sdk.config_files import load_config  # noqa: PLC0415 - only here it is needed
    from trigger_box.sdk.errors import ConfigError  # noqa: PLC0415 - as above

    try:
        return load_config(start)
    except ConfigError as error:
        raise CliError(str(error)) from error


def _checked(ref: str, origin: str) -> FoundRef:
    if not _REF.match(ref):
        raise CliError(
            f"{ref!r} ({origin}) is not a project ref: they look like proj_ and 20 letters.",
            hint="`trigger-box projects list` shows yours.",
            code=Exit.USAGE,
        )
    return FoundRef(ref=ref, origin=origin)


def _from_files(start: Path) -> FoundRef | None:
    from trigger_box.sdk.config_files import (  # noqa: PLC0415 - only here it is needed
        CONFIG_FILE,
        PYPROJECT_FILE,
    )

    for folder in (start, *start.parents):
        file = folder / CONFIG_FILE
        if file.is_file():
            return _from_python(file)
        for name in _TYPESCRIPT_FILES:
            match = _TYPESCRIPT_PROJECT.search(_text_of(folder / name))
            if match is not None:
                return _checked(match[1], str(folder / name))
        if "[tool.trigger-box" in _text_of(folder / PYPROJECT_FILE):
            return _from_config(folder / PYPROJECT_FILE)
    return None


def _from_python(file: Path) -> FoundRef | None:
    """Return the ref that the file spells out; only if it computes it, run the file."""
    try:
        tree = ast.parse(_text_of(file), filename=str(file))
    except SyntaxError as error:
        raise CliError(f"{file}:{error.lineno}: {error.msg}.") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called_name(node) == "Config":
            for argument in node.keywords:
                if argument.arg == "project" and isinstance(argument.value, ast.Constant):
                    return _checked(str(argument.value.value), str(file))
    return _from_config(file)


def _called_name(call: ast.Call) -> str | None:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else None


def _from_config(file: Path) -> FoundRef | None:
    loaded = load_project(file.parent)
    return None if loaded.config.project is None else _checked(loaded.config.project, str(file))


def _text_of(file: Path) -> str:
    """Return a file's text, "" if it is not there."""
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.read(_FILE_BYTES_MAX)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"{file} can't be read: {error}.") from error
