"""``ext``: the extensions that come with trigger-box (python-sdk 16)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trigger_box.sdk.build import EnvironmentLoader, Layer, Target
from trigger_box.sdk.errors import ConfigError

__all__ = [
    "EnvironmentVariables",
    "Layered",
    "apt",
    "command",
    "ffmpeg",
    "files",
    "pip",
    "playwright",
    "sync_env_vars",
]

_BROWSERS = ("chromium", "firefox", "webkit")


@dataclass(frozen=True, slots=True)
class Layered:
    """An extension that adds one layer to images, and nothing to ``dev``."""

    name: str
    layer: Layer

    def layers(self, target: Target) -> Sequence[Layer]:
        """Return the layer when an image is made."""
        return (self.layer,) if target == "deploy" else ()


@dataclass(frozen=True, slots=True)
class EnvironmentVariables:
    """An extension that brings variables to the environment that is deployed to."""

    name: str
    load: EnvironmentLoader

    def layers(self, target: Target) -> Sequence[Layer]:  # noqa: ARG002 - the interface's parameter
        """Return nothing: variables don't belong in an image."""
        return ()


def apt(*packages: str) -> Layered:
    """Install Debian packages.

    Raises:
        ConfigError: no package is named.
    """
    return _layered("apt", Layer(id="apt", apt=_named("apt", packages)))


def ffmpeg() -> Layered:
    """Install ffmpeg, and say where it is in ``FFMPEG_PATH`` and ``FFPROBE_PATH``."""
    env = {"FFMPEG_PATH": "/usr/bin/ffmpeg", "FFPROBE_PATH": "/usr/bin/ffprobe"}
    return _layered("ffmpeg", Layer(id="ffmpeg", apt=("ffmpeg",), env=env))


def playwright(browsers: Sequence[str] = ("chromium",)) -> Layered:
    """Install browsers for the project's own playwright package.

    Raises:
        ConfigError: an unknown browser, or none.
    """
    named = _named("playwright", browsers)
    if (unknown := next((each for each in named if each not in _BROWSERS), None)) is not None:
        raise ConfigError(f"ext.playwright: {unknown!r} must be one of {', '.join(_BROWSERS)}.")
    install = f"python -m playwright install --with-deps {' '.join(named)}"
    env = {"PLAYWRIGHT_BROWSERS_PATH": "/ms-playwright"}
    return _layered("playwright", Layer(id="playwright", commands=(install,), env=env))


def files(*patterns: str) -> Layered:
    """Copy project files beside the code.

    Raises:
        ConfigError: no pattern is given.
    """
    return _layered("files", Layer(id="files", files=_named("files", patterns)))


def command(*commands: str) -> Layered:
    """Run shell commands after the dependencies are installed.

    Raises:
        ConfigError: no command is given.
    """
    return _layered("command", Layer(id="command", commands=_named("command", commands)))


def pip(*requirements: str) -> Layered:
    """Install requirements beside the project's own.

    Raises:
        ConfigError: none is given.
    """
    return _layered("pip", Layer(id="pip", pip=_named("pip", requirements)))


def sync_env_vars(load: EnvironmentLoader) -> EnvironmentVariables:
    """Bring the variables that ``load`` returns to the environment at each deployment."""
    return EnvironmentVariables("sync_env_vars", load)


def _layered(name: str, layer: Layer) -> Layered:
    return Layered(name, layer)


def _named(name: str, members: Sequence[str]) -> tuple[str, ...]:
    if not members or not all(isinstance(each, str) and each for each in members):  # pyright: ignore[reportUnnecessaryIsInstance] - values come from TOML, too
        raise ConfigError(f"ext.{name} needs at least one text; it has {list(members)!r}.")
    return tuple(members)
