"""``trigger-box dev`` as a real process, with its events; against a real box or a ``FakeBox``."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.running import PROGRAM, RunningBox
from trigger_box.app import Box
from trigger_box.settings import Settings

Event = dict[str, Any]
ROOT = Path(__file__).resolve().parents[3]


class Dev:
    """A running ``dev --json``: what it printed, and waiting for more."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: list[Event] = []
        self.counts: Counter[str] = Counter()
        self.errors = b""
        self._changed = asyncio.Condition()
        self._readers = [
            asyncio.ensure_future(self._read_events()),
            asyncio.ensure_future(self._read_errors()),
        ]

    @property
    def pid(self) -> int:
        return self.process.pid

    async def _read_events(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            async with self._changed:
                event: Event = json.loads(line)
                self.events.append(event)
                self.counts[event["event"]] += 1
                self._changed.notify_all()

    async def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors = await self.process.stderr.read()

    async def wait_for(
        self, name: str, seen: Callable[[Event], bool] = lambda _event: True, *, after: int = 0
    ) -> Event:
        """Return the first event of this name that fits, among those from place ``after`` on."""

        def found() -> list[Event]:
            return [e for e in self.events[after:] if e["event"] == name and seen(e)]

        try:
            async with asyncio.timeout(20), self._changed:
                await self._changed.wait_for(lambda: bool(found()))
        except TimeoutError:
            raise AssertionError(f"no {name}; events: {self.events[after:]}") from None
        return found()[0]

    async def stop(self, number: int = signal.SIGINT) -> int:
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(15):
            code = await self.process.wait()
        await asyncio.gather(*self._readers)
        return code


@asynccontextmanager
async def a_dev(
    folder: Path, *flags: str, variables: Mapping[str, str], state: Path
) -> AsyncIterator[Dev]:
    """Run ``dev`` in ``folder`` until the block ends."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        "dev",
        "--json",
        "--python",
        sys.executable,
        *flags,
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if "TRIGGER" not in name},
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(state / "state"),
            "XDG_CONFIG_HOME": str(state / "config"),
            **variables,
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**22,
    )
    dev = Dev(process)
    try:
        yield dev
    finally:
        await dev.stop()


@dataclass(frozen=True)
class RealBox:
    """A box in its own process, with a project, and clients for it."""

    running: RunningBox
    ref: str
    token: str
    key: str
    api: httpx.AsyncClient

    @property
    def variables(self) -> dict[str, str]:
        return {"TRIGGER_API_URL": self.running.origin, "TRIGGER_ACCESS_TOKEN": self.token}

    async def trigger(self, task: str, payload: Any = None, **options: Any) -> str:
        answer = await self.api.post(
            f"/api/v1/tasks/{task}/trigger", json={"payload": payload, "options": options}
        )
        answer.raise_for_status()
        return str(answer.json()["id"])

    async def run(self, run_id: str) -> dict[str, Any]:
        answer = await self.api.get(f"/api/v3/runs/{run_id}")
        answer.raise_for_status()
        return dict(answer.json())

    async def ended(self, run_id: str, *, within_s: float = 20) -> dict[str, Any]:
        """Return the run once it is final; the public API has nothing to wait on yet."""
        async with asyncio.timeout(within_s):
            while not (run := await self.run(run_id))["isCompleted"]:  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.02)
        return run


@asynccontextmanager
async def a_real_box(folder: Path) -> AsyncIterator[RealBox]:
    data = folder / "data"
    async with Box(Settings(data_dir=data)) as box:
        access = box.rooms.access
        owner = await access.create_user("owner@example.com", password=None)
        project = await access.create_project(owner, name="Example")
        token = await access.create_token(owner, name="tests")
    running = await RunningBox.start(data)
    try:
        async with httpx.AsyncClient(
            base_url=running.origin,
            headers={"authorization": f"Bearer {project.keys['dev']}"},
            trust_env=False,
        ) as api:
            yield RealBox(running, project.project.ref, token.token, project.keys["dev"], api)
    finally:
        await running.stop()
