"""Real Python workers under ``trigger-box dev``: how soon user code runs, how many runs they do.

``python -m tests.bench.worker``. Box, ``dev``, executors and the caller share this machine's cores.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.bench.figures import Figure, at_least, latency, table
from tests.bench.load import Connection, Repeat, Target, in_a_process, talk
from tests.integration.worker.a_dev import Dev, RealBox, a_dev, a_real_box
from trigger_box import AsyncTriggerBox

RUNS_ALONE = 500
WARM_UP_RUNS = 200
IN_FLIGHT = 64
RUNS_TOGETHER = 3_000
BACKLOG = 3_000
CALLERS = 8

TASKS = """
import os, socket, time
from trigger_box import task

there = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

@task("stamp")
def stamp(payload: str) -> None:
    now_ns = time.monotonic_ns()
    there.sendto(b"%d" % now_ns, payload)

@task("stamp-async")
async def stamp_async(payload: str) -> None:
    now_ns = time.monotonic_ns()
    there.sendto(b"%d" % now_ns, payload)

@task("noop")
def noop(payload: int) -> int:
    return payload
"""
CONFIG = """
from trigger_box.config import Config
config = Config(project="{ref}", dirs=["tasks"])
"""


def trigger(target: Target, task: str, payload: object) -> bytes:
    """Return a trigger call."""
    body = json.dumps({"payload": payload}).encode()
    return target.request(f"/api/v1/tasks/{task}/trigger", body)


def until_user_code(target: Target, task: str, mailbox: str) -> list[float]:
    """Return the seconds from sending a trigger to the task's first line, one run at a time."""
    # Both sides read CLOCK_MONOTONIC, which is one for the whole machine.
    inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    inbox.bind(mailbox)
    inbox.settimeout(20)
    caller = Connection(target)
    request = trigger(target, task, mailbox)
    times_s: list[float] = []
    for _ in range(RUNS_ALONE):
        begun_ns = time.monotonic_ns()
        caller.ask(request)
        times_s.append((int(inbox.recv(64)) - begun_ns) / 1e9)
        time.sleep(0.01)  # idle again: completion told, the worker's next long poll in place
    return times_s


def backlog(target: Target) -> None:
    """Queue runs that nobody takes yet."""
    request = trigger(target, "noop", 1)
    talk(target, [Repeat(request, times=BACKLOG // CALLERS) for _ in range(CALLERS)], seconds=60)


async def together(target: Target, dev: Dev, runs: int) -> float:
    """Return whole runs a second with ``IN_FLIGHT`` of them unfinished at any time."""
    request = trigger(target, "noop", 1)
    done = finished(dev)
    sent = 0

    async def call() -> None:
        nonlocal sent
        caller = Connection(target)
        while sent < runs:
            if sent - (finished(dev) - done) < IN_FLIGHT:
                sent += 1
                await asyncio.to_thread(caller.ask, request)
            else:
                await asyncio.sleep(0.001)
        caller.socket.close()

    begun_s = time.perf_counter()
    await asyncio.gather(*(call() for _ in range(CALLERS)))
    while finished(dev) - done < runs:  # noqa: ASYNC110 - the events come from a reader
        await asyncio.sleep(0.001)
    return runs / (time.perf_counter() - begun_s)


async def worked_off(box: RealBox, target: Target, dev: Dev) -> float:
    """Return whole runs a second while nothing is triggered: all are there before one goes."""
    done = finished(dev)
    address = f"http://{box.running.host}:{box.running.port}"
    async with AsyncTriggerBox(secret_key=box.key, base_url=address) as client:
        await client.queues.pause("task/noop")
        await asyncio.to_thread(in_a_process, backlog, target)
        await client.queues.resume("task/noop")
        begun_s = time.perf_counter()
        while finished(dev) < done + BACKLOG:  # noqa: ASYNC110 - the events come from a reader
            await asyncio.sleep(0.005)
    return BACKLOG / (time.perf_counter() - begun_s)


def finished(dev: Dev) -> int:
    """Return how many runs ``dev`` has said to be done."""
    return dev.counts["run.succeeded"]


@asynccontextmanager
async def a_worker(folder: Path) -> AsyncIterator[tuple[RealBox, Target, Dev]]:
    """A box, and ``dev`` on the tasks above."""
    project = folder / "project"
    (project / "tasks").mkdir(parents=True)
    (project / "tasks" / "bench.py").write_text(TASKS)
    async with a_real_box(folder) as box:
        (project / "trigger.config.py").write_text(CONFIG.format(ref=box.ref))
        async with a_dev(project, variables=box.variables, state=folder) as dev:
            await dev.wait_for("version.ready")
            yield box, Target(box.running.host, box.running.port, box.key), dev


async def figures() -> list[Figure]:
    """Measure."""
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="trigger-box-bench-") as name:
        folder = Path(name)
        async with a_worker(folder) as (box, target, dev):
            await together(target, dev, WARM_UP_RUNS)
            for task in ("stamp", "stamp-async"):
                times[task] = await asyncio.to_thread(
                    in_a_process, until_user_code, target, task, str(folder / task)
                )
            rate = await together(target, dev, RUNS_TOGETHER)
            drained = await worked_off(box, target, dev)
    return [
        latency("trigger → user code, warm Python worker", times["stamp"], p50_ms=8, p99_ms=30),
        latency("… an async task", times["stamp-async"], p50_ms=8, p99_ms=30),
        at_least(f"no-op runs a second under dev, {IN_FLIGHT} unfinished", rate, 300),
        at_least("… while a backlog is worked off", drained, 300),
    ]


if __name__ == "__main__":
    sys.stdout.write(table(asyncio.run(figures())) + "\n")
