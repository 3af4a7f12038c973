"""Finds and reads a project's configuration: ``trigger.config.py``, else ``pyproject.toml``.

Reading ``trigger.config.py`` runs it, so this is called in the project's own process only.
"""

from __future__ import annotations

import importlib.util
import sys
import tomllib
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, cast

from trigger_box.sdk import ext
from trigger_box.sdk.build import Build, Extension
from trigger_box.sdk.configuration import Config
from trigger_box.sdk.errors import ConfigError, OptionError
from trigger_box.sdk.retry import defaults

CONFIG_FILE: Final = "trigger.config.py"
PYPROJECT_FILE: Final = "pyproject.toml"
_TABLE: Final = "tool.trigger-box"
_MODULE: Final = "trigger_config"
_PLAIN_KEYS: Final = frozenset(field.name for field in fields(Config)) - {"retries", "build"}
_BUILD_KEYS: Final = frozenset(field.name for field in fields(Build)) - {"extensions"}
_RETRY_KEYS: Final = frozenset(
    ("dev", "max_attempts", "factor", "min_delay", "max_delay", "jitter")
)
_KEYS: Final = _PLAIN_KEYS | {"retries", "build", "extensions"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfig:
    """A configuration and the file it came from; paths in it are relative to ``folder``."""

    config: Config
    file: Path

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self.file.parent


def find_config(start: Path) -> Path | None:
    """Return the nearest configuration file in ``start`` or above it, or None."""
    for folder in (start, *start.parents):
        if (folder / CONFIG_FILE).is_file():
            return folder / CONFIG_FILE
        if _table(folder / PYPROJECT_FILE) is not None:
            return folder / PYPROJECT_FILE
    return None


def load_config(start: Path) -> LoadedConfig:
    """Return the configuration of the project around ``start``.

    Raises:
        ConfigError: there is none, it can't be read, or a key is set in both files; the message
            names the file, the line where one is known, and what to do.
    """
    start = start.resolve()
    file = find_config(start)
    if file is None:
        raise ConfigError(
            f"There is no {CONFIG_FILE} and no [{_TABLE}] in {PYPROJECT_FILE} in {start} or"
            " above it. `trigger-box init` writes one."
        )
    if file.name == PYPROJECT_FILE:
        return LoadedConfig(config=_from_table(_table(file) or {}, file), file=file)
    config = _from_module(file)
    _refuse_doubles(config, file)
    return LoadedConfig(config=config, file=file)


def _from_module(file: Path) -> Config:
    spec = importlib.util.spec_from_file_location(_MODULE, file)
    assert spec is not None, "a .py file has a loader"
    assert spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(_MODULE, None)
        line = _line_of(error, file)
        where = f"{file}:{line}" if line else str(file)
        raise ConfigError(f"{where}: {type(error).__name__}: {error}") from error
    config = getattr(module, "config", None)
    if not isinstance(config, Config):
        raise ConfigError(
            f"{file}: the module must have a variable `config` that is a trigger_box.config.Config."
        )
    return config


def _from_table(table: Mapping[str, Any], file: Path) -> Config:
    unknown = set(table) - _KEYS
    if unknown:
        raise ConfigError(
            f"{file}: [{_TABLE}] has unknown keys: {', '.join(sorted(unknown))}."
            f" Known are {', '.join(sorted(_KEYS))}."
        )
    given = {key: value for key, value in table.items() if key in _PLAIN_KEYS}
    try:
        if "retries" in table:
            retries = _subtable(table["retries"], "retries", _RETRY_KEYS)
            given["retries"] = defaults(**retries)
        build = _subtable(table.get("build", {}), "build", _BUILD_KEYS)
        extensions = [_extension(entry) for entry in table.get("extensions", [])]
        given["build"] = Build(**build, extensions=extensions)
        return Config(**given)
    except (ConfigError, OptionError, TypeError) as error:
        raise ConfigError(f"{file}: [{_TABLE}]: {error}") from None


def _subtable(value: object, name: str, known: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{name} must be a table.")
    table = cast("dict[str, Any]", value)
    if unknown := set(table) - known:
        raise ConfigError(f"{name} has unknown keys: {', '.join(sorted(unknown))}.")
    return table


def _extension(entry: object) -> Extension:
    """Return the extension of ``"ffmpeg"`` or ``{name = "apt", packages = ["libmagic1"]}``."""
    given = {"name": entry} if isinstance(entry, str) else entry
    if not isinstance(given, dict):
        raise ConfigError(f"extensions must hold names and tables, not {entry!r}.")
    table = cast("dict[str, Any]", given)
    name, make = table.get("name"), _EXTENSIONS.get(str(table.get("name")))
    if make is None:
        raise ConfigError(f"The extension {name!r} is unknown: {', '.join(sorted(_EXTENSIONS))}.")
    key, build = make
    if unknown := set(table) - {"name", key}:
        raise ConfigError(f"The extension {name!r} has unknown keys: {', '.join(sorted(unknown))}.")
    return build(table.get(key, []))


_EXTENSIONS: Final[Mapping[str, tuple[str, Callable[[list[str]], Extension]]]] = {
    "apt": ("packages", lambda packages: ext.apt(*packages)),
    "command": ("commands", lambda commands: ext.command(*commands)),
    "ffmpeg": ("name", lambda _: ext.ffmpeg()),
    "files": ("patterns", lambda patterns: ext.files(*patterns)),
    "pip": ("requirements", lambda requirements: ext.pip(*requirements)),
    "playwright": ("browsers", lambda browsers: ext.playwright(browsers or ("chromium",))),
}


def _table(file: Path) -> dict[str, Any] | None:
    """Return ``[tool.trigger-box]`` of a pyproject.toml, or None without one."""
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} can't be read: {error}") from None
    try:
        tool: dict[str, Any] = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}") from None
    table = tool.get("trigger-box")
    if table is not None and not isinstance(table, dict):
        raise ConfigError(f"{file}: [{_TABLE}] must be a table.")
    return cast("dict[str, Any] | None", table)


def _refuse_doubles(config: Config, file: Path) -> None:
    """Refuse a key that both files set: nobody could say which one holds."""
    table = _table(file.parent / PYPROJECT_FILE) or {}
    untouched = Config()
    doubles = [
        key for key in sorted(table) if getattr(config, key, None) != getattr(untouched, key, None)
    ]
    if table.get("extensions") and config.build.extensions:
        doubles.append("extensions")
    if doubles:
        raise ConfigError(
            f"{', '.join(doubles)}: set in {file} and in [{_TABLE}] of {PYPROJECT_FILE}."
            f" Remove it from one of them; {CONFIG_FILE} is the one that is read."
        )


def _line_of(error: BaseException, file: Path) -> int | None:
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(file)]
    return lines[-1] if lines else None
