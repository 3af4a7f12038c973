"""A real controller with real processes, connected to a ``FakeBox``."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.integration.worker.dev_box import FakeBox
from trigger_box.clock import SystemClock
from trigger_box.worker.attempt import Surroundings
from trigger_box.worker.box import DevBox
from trigger_box.worker.controller import Controller
from trigger_box.worker.discovery import Project
from trigger_box.worker.endings import MemoryKills
from trigger_box.worker.nursery import Soil
from trigger_box.worker.pool import Pool, Version
from trigger_box.worker.reports import Report
from trigger_box.worker.roster import Roster
from trigger_box.worker.telemetry import Telemetry

ROOT = Path(__file__).resolve().parents[3]
POLICY = {
    "maxAttempts": 3,
    "factor": 1.0,
    "minTimeoutInMs": 10,
    "maxTimeoutInMs": 20,
    "randomize": False,
}


class Reports:
    """Keeps what the controller reports; tests await what they expect."""

    def __init__(self) -> None:
        self.events: list[Report] = []
        self._changed = asyncio.Condition()
        self._notifying: set[asyncio.Task[None]] = set()

    def report(self, event: Report) -> None:
        self.events.append(event)
        task = asyncio.ensure_future(self._notify())
        self._notifying.add(task)
        task.add_done_callback(self._notifying.discard)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def wait_for(self, seen: Callable[[Report], bool]) -> Report:
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: any(seen(event) for event in self.events))
        return next(event for event in self.events if seen(event))


@dataclass
class Worker:
    box: FakeBox
    dev_box: DevBox
    controller: Controller
    folder: Path
    reports: Reports
    roster: Roster
    pools: list[Pool] = field(default_factory=list)

    async def add_version(
        self,
        id_: str = "worker_1",
        *,
        retries: Mapping[str, Mapping[str, Any]] | None = None,
        retries_enabled: bool = True,
        runs_max: int = 50,
        variables: Mapping[str, str] | None = None,
        pinned: frozenset[str] = frozenset(),
    ) -> Pool:
        version = Version(
            id=id_,
            version=f"20260131.{id_[7:]}",
            retries=retries or {},
            retries_enabled=retries_enabled,
            pinned=pinned,
        )
        pool = Pool(version, a_soil(self.folder, variables), runs_max=runs_max)
        await pool.open()
        self.pools.append(pool)
        await self.controller.add_version(pool)
        return pool


def a_project(folder: Path, **modules: str) -> Path:
    """Write modules into ``tasks/``; every one begins with the usual imports."""
    tasks = folder / "tasks"
    tasks.mkdir(parents=True, exist_ok=True)
    for name, code in modules.items():
        (tasks / f"{name}.py").write_text(HEAD + dedent(code))
    return folder


HEAD = """\
import asyncio, logging, os, signal, subprocess, sys, threading, time, warnings
from trigger_box import *
from trigger_box import logger, metadata, tags
"""


def a_soil(folder: Path, variables: Mapping[str, str] | None = None) -> Soil:
    return Soil(
        python=sys.executable,
        project=Project(folder=folder, dirs=("tasks",)),
        environment={**os.environ, "PYTHONPATH": str(ROOT), **(variables or {})},
    )


@asynccontextmanager
async def a_worker(
    box: FakeBox, folder: Path, *, runs_max: int = 4, telemetry_url: str | None = None
) -> AsyncIterator[Worker]:
    dev_box = await DevBox.connect(box.url, "tr_dev_secret")
    telemetry = Telemetry(telemetry_url or f"{box.url}/otel", {"x-tb-otlp-token": "otlp"})
    reports = Reports()
    around = Surroundings(
        telemetry=telemetry,
        reporter=reports,
        clock=SystemClock(),
        memory_kills=MemoryKills(),
    )
    roster = Roster()
    controller = Controller(dev_box, around, roster, runs_max=runs_max)
    working = asyncio.ensure_future(controller.run())
    try:
        yield Worker(
            box=box,
            dev_box=dev_box,
            controller=controller,
            folder=folder,
            reports=reports,
            roster=roster,
        )
    finally:
        await controller.stop()
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        await dev_box.close()
        await telemetry.release()
        roster.close()


async def until(happened: Callable[[], bool]) -> None:
    """Wait for something in another process that sends no signal: a file, the end of a process."""
    async with asyncio.timeout(10):
        while not happened():  # noqa: ASYNC110 - as the docstring says
            await asyncio.sleep(0.005)
