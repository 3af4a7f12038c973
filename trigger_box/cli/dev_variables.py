"""Which environment the processes of a project get under ``dev``, and from where.

Source: cli-protocol 11. Lowest to highest: this process's own variables, the box's, the ``.env``
files, and those that ``dev`` forces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ENV_FILES: Final = (
    ".env",
    ".env.development",
    ".env.local",
    ".env.development.local",
    "dev.vars",
)
"""Read in this order: a later file wins."""

_NOT_FROM_FILES: Final = frozenset(
    {"TRIGGER_API_URL", "TRIGGER_SECRET_KEY", "OTEL_EXPORTER_OTLP_ENDPOINT"}
)
_RENAMED: Final = {"OTEL_RESOURCE_ATTRIBUTES": "CUSTOM_OTEL_RESOURCE_ATTRIBUTES"}
# A person's own token opens every project of theirs: tasks get their environment's key instead.
_NOT_FOR_TASKS: Final = frozenset({"TRIGGER_ACCESS_TOKEN"})


class EnvFileError(Exception):
    """A file of environment variables cannot be read; the message says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskVariables:
    """The environment of a project's processes.

    Attributes:
        values: complete; holds secrets.
        pinned: names whose local value wins over what the box sends with a run.
        files: the files that were read.
    """

    values: Mapping[str, str]
    pinned: frozenset[str]
    files: tuple[Path, ...]

    def __repr__(self) -> str:
        return f"TaskVariables({len(self.values)} values, files={self.files!r})"


def task_variables(
    *,
    own: Mapping[str, str],
    from_box: Mapping[str, str],
    folder: Path,
    env_file: Path | None,
    forced: Mapping[str, str],
) -> TaskVariables:
    """Return the environment of a project's processes.

    Args:
        own: this process's environment.
        env_file: read instead of the usual files.
        forced: what ``dev`` insists on: addresses and keys.

    Raises:
        EnvFileError: a file cannot be read, or the one that was asked for does not exist.
    """
    files = _files(folder, env_file)
    local: dict[str, str] = {}
    for file in files:
        local.update(_read(file))
    for name in _NOT_FROM_FILES:
        local.pop(name, None)
    for name, new_name in _RENAMED.items():
        if name in local:
            local[new_name] = local.pop(name)
    values = {**own, **from_box, **local, **forced}
    for name in _NOT_FOR_TASKS:
        values.pop(name, None)
    return TaskVariables(values=values, pinned=frozenset({*local, *forced}), files=tuple(files))


def _files(folder: Path, env_file: Path | None) -> list[Path]:
    if env_file is None:
        return [file for file in (folder / name for name in ENV_FILES) if file.is_file()]
    if not env_file.is_file():
        raise EnvFileError(f"{env_file} does not exist: name another file with --env-file.")
    return [env_file]


def _read(file: Path) -> dict[str, str]:
    from dotenv import dotenv_values  # noqa: PLC0415 - `--help` does without

    try:
        found = dotenv_values(file, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EnvFileError(f"{file} cannot be read: {error}") from error
    return {name: value for name, value in found.items() if value is not None}
