"""Starts the process that outlives ``dev`` and cancels its runs (``worker/watchdog.py``)."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from trigger_box.worker.roster import Roster


class Watchdog:
    """The watchdog of this process. When this process ends, in whatever way, it acts."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        theirs, self._pipe = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this very program
                [*_program(), str(theirs), str(roster.file)],
                pass_fds=[theirs, roster.file],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        finally:
            os.close(theirs)

    def tell(self, *, engine_url: str, environment_key: str) -> None:
        """Say where to disconnect. Goes through the pipe: no process list shows it."""
        line = json.dumps({"url": engine_url, "key": environment_key}) + "\n"
        os.write(self._pipe, line.encode())

    def dismiss(self) -> None:
        """End it; runs that are still in the roster are disconnected first."""
        os.close(self._pipe)
        # It ends by itself; waiting here only keeps a zombie from showing for a moment.
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            # Still talking to the box: it goes on alone, and init buries it.
            self._process.returncode = 0


def _program() -> list[str]:
    if getattr(sys, "frozen", False):
        # The packed program is no interpreter: the command itself has a hidden door.
        return [sys.executable, "dev", "--watchdog"]
    return [sys.executable, "-m", "trigger_box.worker.watchdog"]
