"""The npm CLI as a person starts it: a profile folder of its own, nothing else from this shell."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tests.compat.installs import Install
from tests.compat.node import find_node
from tests.compat.talker import Talker

_OFFLINE = Path(__file__).with_name("offline.cjs")


class Cli:
    """One version of the CLI with its own home folder."""

    def __init__(self, install: Install, home: Path) -> None:
        self._install = install
        self.home = home
        home.mkdir(parents=True, exist_ok=True)

    @property
    def config_file(self) -> Path:
        return self.home / ".config" / "trigger" / "config.json"

    def environ(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment of the CLI: what every shell has, and ``extra``."""
        return {
            "PATH": find_node().path,
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            "NODE_OPTIONS": f'--require "{_OFFLINE}"',
            **(extra or {}),
        }

    def start(
        self, *arguments: str, cwd: Path, extra: Mapping[str, str] | None = None, name: str
    ) -> Talker:
        """Start a command of the CLI."""
        command = [str(find_node().node), str(self._install.cli), *arguments, "--skip-telemetry"]
        return Talker(command, cwd=cwd, environ=self.environ(extra), name=name)

    def run(
        self, *arguments: str, cwd: Path, extra: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Run a command to its end; return its exit code and what it said."""
        with self.start(*arguments, cwd=cwd, extra=extra, name=f"trigger {arguments[0]}") as talker:
            code = talker.ended(within_s=60)
            return code, talker.words
