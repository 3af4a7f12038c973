"""What a person may set, and where each value came from. The only reader of ``os.environ``.

Order: built-in default < settings file < ``TRIGGER_BOX_*`` variables < command line. Fixed bounds
live in ``domain/limits.py``; what a user of the box sets in the dashboard lives in the database.
"""

from __future__ import annotations

import errno
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

PREFIX: Final = "TRIGGER_BOX_"
FILE_VARIABLE: Final = PREFIX + "CONFIG"
FILE_NAME: Final = "box.toml"
_NOT_THERE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP})
_FILE_BYTES_MAX: Final = 1024 * 1024


class SettingsError(Exception):
    """The settings can't be used. The message names the field, where it came from, and a fix."""


class LogFormat(StrEnum):
    """How log lines look."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least important line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Return where the box keeps its data when nobody says: the XDG data folder."""
    if data_home := environ.get("XDG_DATA_HOME"):
        return Path(data_home) / "trigger-box"
    return Path(environ.get("HOME", ".")) / ".local" / "share" / "trigger-box"


class Settings(BaseModel):
    """Everything that can be set. Each field has a unit and a sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Annotated[Path, Field(description="Folder that holds everything the box keeps.")]
    host: Annotated[
        str,
        Field(description="Address to listen on. Only this machine can reach 127.0.0.1."),
    ] = "127.0.0.1"
    port: Annotated[
        int, Field(ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")
    ] = 3030
    public_url: Annotated[
        str | None,
        Field(
            description="How browsers, CLIs and workers reach the box, such as "
            "https://tasks.example.com. Not set: taken from each request."
        ),
    ] = None
    metrics_token: Annotated[
        SecretStr | None,
        Field(description="Bearer token that may read /metrics from another machine."),
    ] = None
    log_format: Annotated[
        LogFormat, Field(description="Log lines for people (console), machines (json), or auto.")
    ] = LogFormat.AUTO
    log_level: Annotated[LogLevel, Field(description="The least important line to write.")] = (
        LogLevel.INFO
    )
    telemetry_days: Annotated[
        int, Field(ge=1, le=3650, description="Days that spans and logs are kept.")
    ] = 30
    stop_seconds: Annotated[
        float,
        Field(gt=0, le=600, description="Seconds that requests in flight may take at a stop."),
    ] = 10.0

    @field_validator("public_url")
    @classmethod
    def _origin_only(cls, value: str | None) -> str | None:
        if value is None or not value.strip():
            return None
        value = value.strip().rstrip("/")
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise ValueError("write it as https://HOST or http://HOST:PORT")
        if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("it is an origin: no path, query or user name")
        return value

    @field_validator("host")
    @classmethod
    def _not_empty(cls, value: str) -> str:
        value = value.strip()
        if not value:
            raise ValueError("write an address such as 127.0.0.1 or 0.0.0.0")
        return value

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        if "\0" in str(value):
            raise ValueError("a folder's name holds no NUL character")
        return value.expanduser().absolute()

    @classmethod
    def load(
        cls, flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
    ) -> Self:
        """Return the settings that apply; see ``load_with_origins``."""
        loaded = load_with_origins(flags, environ)
        return cls.model_validate(loaded.settings.model_dump())


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Settings, and for each field where its value came from: words for ``config show``."""

    settings: Settings
    origins: Mapping[str, str]


def load_with_origins(
    flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
) -> Loaded:
    """Put the settings together.

    Args:
        flags: values from the command line by field name; None means "not given". ``config`` names
            the settings file.
        environ: the environment; the process's own by default.

    Raises:
        SettingsError: a value can't be used, or the settings file can't be read.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {"data_dir": default_data_dir(environ)}
    origins: dict[str, str] = dict.fromkeys(Settings.model_fields, "default")

    file = given.pop("config", None) or environ.get(FILE_VARIABLE)
    from_environ = {
        name: environ[variable]
        for name in Settings.model_fields
        if (variable := PREFIX + name.upper()) in environ
    }
    for origin, source in (
        ("flag --data-dir", given),
        (f"variable {PREFIX}DATA_DIR", from_environ),
    ):
        if source.get("data_dir") == "":
            raise SettingsError(f"The setting data_dir ({origin}) is empty: write a folder.")
    folder = given.get("data_dir") or from_environ.get("data_dir") or values["data_dir"]
    path = Path(str(file)) if file else Path(str(folder)).expanduser() / FILE_NAME
    from_file = _read_file(path, must_exist=file is not None)

    values |= from_file | from_environ | given
    origins |= dict.fromkeys(from_file, f"file {path}")
    origins |= {name: f"variable {PREFIX}{name.upper()}" for name in from_environ}
    origins |= {name: f"flag --{name.replace('_', '-')}" for name in given}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_readable(error, origins)) from error
    return Loaded(settings=settings, origins=origins)


def _read_file(path: Path, *, must_exist: bool) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(_FILE_BYTES_MAX)
    except ValueError as error:
        if not must_exist:
            return {}  # the folder's name is no good, which is said of the folder
        raise SettingsError(f"The settings file {str(path)!r} can't be read: {error}.") from error
    except OSError as error:
        if not must_exist and error.errno in _NOT_THERE:
            return {}
        raise SettingsError(
            f"The settings file {path} can't be read: {error.strerror or error}."
        ) from error
    try:
        return tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {path} is not valid TOML: {error}.") from error


def _readable(error: ValidationError, origins: Mapping[str, str]) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    origin = origins.get(name, "settings")
    if first["type"] == "extra_forbidden":
        known = ", ".join(sorted(Settings.model_fields))
        return f"There is no setting {name!r} ({origin}). Settings are: {known}."
    said = first["msg"].removeprefix("Value error, ")
    return f"The setting {name} ({origin}) can't be used: {said}."
