"""The one place of the command line that reads the process's environment.

The names are the npm client's (cli-protocol 3), so that one set of variables serves both.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """What the environment says. An empty variable counts as not set."""

    api_url: str | None
    access_token: str | None = field(repr=False)
    secret_key: str | None = field(repr=False)
    project_ref: str | None
    config_folder: Path
    is_colour_off: bool
    is_colour_forced: bool
    is_ci: bool
    has_display: bool
    wants_traces: bool


def read_variables(environ: Mapping[str, str] | None = None) -> Variables:
    """Return what the environment says right now."""
    env = os.environ if environ is None else environ
    return Variables(
        api_url=env.get("TRIGGER_API_URL") or None,
        access_token=env.get("TRIGGER_ACCESS_TOKEN") or None,
        secret_key=env.get("TRIGGER_SECRET_KEY") or None,
        project_ref=env.get("TRIGGER_PROJECT_REF") or None,
        config_folder=_config_home(env) / "trigger",
        is_colour_off=bool(env.get("NO_COLOR")) or env.get("TERM") == "dumb",
        is_colour_forced=bool(env.get("FORCE_COLOR")),
        is_ci=bool(env.get("CI")),
        has_display=sys.platform == "darwin"
        or bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY")),
        wants_traces=bool(env.get("TRIGGER_BOX_DEBUG")),
    )


def _config_home(env: Mapping[str, str]) -> Path:
    """Return the folder of people's settings, the same as the npm CLI's on each system."""
    if configured := env.get("XDG_CONFIG_HOME"):
        return Path(configured)
    home = Path(env["HOME"]) if env.get("HOME") else Path.home()
    return home / "Library" / "Preferences" if sys.platform == "darwin" else home / ".config"


def process_environment() -> Mapping[str, str]:
    """Return a copy of everything: for the programs that commands start."""
    return dict(os.environ)
