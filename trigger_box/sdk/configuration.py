"""A project's configuration as a value: what ``trigger.config.py`` says (python-sdk 16).

Finding and reading the file is ``config_files.py``; what images are made of is ``build.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from trigger_box.sdk.build import Build
from trigger_box.sdk.durations import Duration
from trigger_box.sdk.errors import ConfigError, OptionError
from trigger_box.sdk.retry import RetryDefaults
from trigger_box.sdk.task_options import Machine, read_max_duration, read_ttl

LogLevel = Literal["debug", "log", "info", "warn", "error"]

IGNORED: Final = ("**/test_*.py", "**/*_test.py", "**/conftest.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What holds for every task of a project.

    Attributes:
        project: the project's ref, ``proj_…``.
        dirs: folders whose modules hold tasks, relative to the configuration file.
        ignore: patterns of files inside them that are not imported.
        python: the Python version of images, such as ``"3.12"``; None for the one in use.
        machine: for tasks that name none.
        max_duration: compute time of an attempt, for tasks that name none; None for no limit.
        ttl: how long a run may wait in its queue, for tasks that say nothing.
        log_level: the lowest level of ``logger`` that is kept.
        retries: for tasks without a policy; see ``retry.defaults``.
        process_keep_alive: let one process execute several runs, one after the other.
        build: what images are made of.

    Raises:
        ConfigError: a value is out of range; the message names the key.
    """

    project: str | None = None
    dirs: Sequence[str] = ("tasks",)
    ignore: Sequence[str] = IGNORED
    python: str | None = None
    machine: Machine | None = None
    max_duration: Duration | None = None
    ttl: Duration | None = None
    log_level: LogLevel = "info"
    retries: RetryDefaults = field(default_factory=RetryDefaults)
    process_keep_alive: bool = True
    build: Build = field(default_factory=Build)

    def __post_init__(self) -> None:
        """Check every value, so that a mistake is told where it was made."""
        for key in ("project", "python", "machine"):
            value: object = getattr(self, key)
            if value is not None and (not isinstance(value, str) or not value):
                raise ConfigError(f"{key}={value!r} must be text.")
        for key in ("dirs", "ignore"):
            _check_texts(key, getattr(self, key))
        if not self.dirs:
            raise ConfigError("dirs is empty: name at least one folder with tasks.")
        if self.log_level not in get_args(LogLevel):
            levels = ", ".join(get_args(LogLevel))
            raise ConfigError(f"log_level={self.log_level!r} must be one of {levels}.")
        for key, kind in (
            ("retries", RetryDefaults),
            ("build", Build),
            ("process_keep_alive", bool),
        ):
            if not isinstance(getattr(self, key), kind):
                raise ConfigError(f"{key}={getattr(self, key)!r} must be a {kind.__name__}.")
        try:
            _ = self.max_duration_s, self.ttl_wire
        except OptionError as error:
            raise ConfigError(str(error)) from None

    @property
    def max_duration_s(self) -> int | None:
        """``max_duration`` in whole seconds."""
        return None if self.max_duration is None else read_max_duration(self.max_duration)

    @property
    def ttl_wire(self) -> str | int | None:
        """``ttl`` as a worker registers it: a duration text or seconds."""
        return read_ttl(self.ttl)


def _check_texts(key: str, value: object) -> None:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ConfigError(f"{key}={value!r} must be a list of texts.")
    for member in value:  # pyright: ignore[reportUnknownVariableType] - checked right here
        if not isinstance(member, str) or not member:
            raise ConfigError(f"{key} must hold texts, not {member!r}.")
