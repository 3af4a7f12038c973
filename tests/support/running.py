"""A box in its own process, started by the command that people type. For crashes and figures."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.builders import a_registration, a_task
from trigger_box.app import Box
from trigger_box.domain.errors import UnauthenticatedError
from trigger_box.engine.environments import set_limits
from trigger_box.engine.workers import register
from trigger_box.settings import Settings

PROGRAM = Path(os.environ.get("TRIGGER_BOX_PROGRAM", Path(sys.executable).with_name("trigger-box")))
START_S_MAX = 30.0
STOP_S_MAX = 20.0


@dataclass(frozen=True)
class Prepared:
    """A data folder with an owner, a project, and the secret key of each environment by slug."""

    folder: Path
    keys: Mapping[str, str]


async def prepare(
    folder: Path, *, tasks: tuple[str, ...] = (), concurrency: int | None = None
) -> Prepared:
    """Make a data folder that is ready to be served.

    Args:
        tasks: registered in development.
        concurrency: how many runs may be under way at once; None leaves the limits as they are.
    """
    async with Box(Settings(data_dir=folder)) as box:
        access = box.rooms.access
        owner = await access.create_user("owner@example.com", password=None)
        project = await access.create_project(owner, name="Shop")
        if tasks:
            environment = await access.environment_of_key(project.keys["dev"])
            registration = a_registration(*(a_task(task) for task in tasks))
            await register(box.rooms.core, environment, registration)
        if concurrency is not None:
            for key in project.keys.values():
                with suppress(UnauthenticatedError):  # previews have environments per branch only
                    environment = await access.environment_of_key(key)
                    await set_limits(box.rooms.core, environment.id, limit=concurrency)
        return Prepared(folder, dict(project.keys))


class RunningBox:
    """A process that serves a data folder. Start it with ``start``; it is a child of this one."""

    def __init__(self, process: asyncio.subprocess.Process, origin: str, ready_s: float) -> None:
        self.process = process
        self.origin = origin
        self.ready_s = ready_s
        """Seconds from starting the process to its ``ready`` line."""

    @property
    def host(self) -> str:
        return self.origin.removeprefix("http://").partition(":")[0]

    @property
    def port(self) -> int:
        return int(self.origin.rpartition(":")[2])

    @classmethod
    async def start(cls, folder: Path, *flags: str) -> RunningBox:
        """Serve a data folder on a free port (or the one in ``flags``); return once it is ready."""
        port = () if "--port" in flags else ("--port", "0")
        begun_s = time.monotonic()
        with (folder.parent / f"{folder.name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                PROGRAM,
                "serve",
                "--data-dir",
                str(folder),
                *port,
                *flags,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert process.stdout is not None
        async with asyncio.timeout(START_S_MAX):
            while line := await process.stdout.readline():
                word, _, rest = line.decode().strip().partition(" ")
                if word == "ready":
                    return cls(process, rest, time.monotonic() - begun_s)
        raise AssertionError(f"the box ended with {await process.wait()} before it was ready")

    def kill(self) -> None:
        """End it as a power cut ends a process: at once."""
        self.process.send_signal(signal.SIGKILL)

    async def stop(self) -> int:
        """Ask it to stop and wait; return its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_S_MAX):
            return await self.process.wait()
