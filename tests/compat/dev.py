"""One ``trigger dev`` at work on a project of its own, and the ways to look at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.compat.box import Api
from tests.compat.cli import Cli
from tests.compat.gate import Gate
from tests.compat.talker import Talker

READY = r"Local worker ready.* -> (\d{8}\.\d+)"


class DevSession:
    """Starts ``trigger dev`` when needed; a test may end it, the next one gets a new one."""

    def __init__(
        self, cli: Cli, *, project: Path, made: dict[str, Any], token: str, gate: Gate
    ) -> None:
        self.project = project
        self.gate = gate
        self.made = made
        self.api = Api(gate.origin, made["keys"]["dev"])
        self.person = Api(gate.origin, token)
        self.environ = {
            "TRIGGER_ACCESS_TOKEN": token,
            "TRIGGER_API_URL": gate.origin,
            "TRIGGER_PROJECT_REF": made["ref"],
        }
        self._cli = cli
        self._talker: Talker | None = None
        self.version = ""

    @property
    def talker(self) -> Talker:
        assert self._talker is not None, "ensure_running comes first"
        return self._talker

    @property
    def is_connected(self) -> bool:
        """Return whether the box says that this session's worker is there."""
        return self.person.get(f"/api/v1/projects/{self.made['ref']}/dev-status")["isConnected"]

    def ensure_running(self) -> None:
        """Start the CLI unless it runs; wait until its worker is ready."""
        if self._talker is not None and self._talker.is_alive:
            return
        self.gone()
        self._talker = self._cli.start(
            "dev", "--skip-update-check", cwd=self.project, extra=self.environ, name="trigger dev"
        )
        self.version = self._talker.heard(READY, within_s=60)[1]

    def rebuilt(self, *, after: int) -> str:
        """Wait for the next worker, one said after line ``after``; return its version."""
        self.version = self.talker.heard(READY, within_s=60, after=after)[1]
        return self.version

    def edit(self, file: str, text: str) -> int:
        """Write a source file; return the line to listen from."""
        heard = self.talker.lines_heard
        (self.project / file).write_text(text)
        return heard

    def gone(self) -> None:
        """Take note that the CLI has been ended by the test."""
        if self._talker is not None:
            self._talker.stop()
            self._talker = None

    def close(self) -> None:
        self.gone()
        self.api.close()
        self.person.close()
