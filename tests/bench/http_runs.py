"""Whole runs over HTTP, with a bare client as worker: no user code, no process.

``python -m tests.bench.http_runs``. "Four calls" is what npm controllers need for a run: trigger,
dequeue, start, complete. "Folded" is what our own worker does: the attempt begins with the handing
over, and the next run comes with the answer to a completion.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.figures import Figure, at_least, latency, table
from tests.bench.http_trigger import TASK, call
from tests.bench.load import Connection, Repeat, Target, Worker, in_a_process, talk
from tests.support.running import RunningBox, prepare

WORKERS = 64
CALLERS = 16
SECONDS = 6.0
WARM_UP_S = 1.0
BACKLOG = 4_000
RUNS_ALONE = 1_000


def steady(target: Target, *, folded: bool) -> float:
    """Return runs a second while callers trigger and workers run what they get."""

    def crowd() -> tuple[list[Worker], list[Repeat]]:
        workers = [Worker(target, folded=folded) for _ in range(WORKERS)]
        return workers, [Repeat(call(target)) for _ in range(CALLERS)]

    workers, callers = crowd()
    talk(target, [*workers, *callers], seconds=WARM_UP_S)
    workers, callers = crowd()
    took_s = talk(target, [*workers, *callers], seconds=SECONDS)
    return sum(worker.finished for worker in workers) / took_s


def four_calls(target: Target) -> float:
    """Return runs a second with the calls of npm controllers."""
    return steady(target, folded=False)


def folded(target: Target) -> float:
    """Return runs a second with the calls of our own worker."""
    return steady(target, folded=True)


def drained(target: Target) -> float:
    """Return runs a second while a backlog is worked off, with the calls of our own worker."""
    callers = [Repeat(call(target), times=BACKLOG // CALLERS) for _ in range(CALLERS)]
    talk(target, [*callers], seconds=120)
    workers = [Worker(target, folded=True) for _ in range(WORKERS)]
    took_s = talk(target, [*workers], seconds=0.8)
    return sum(worker.finished for worker in workers) / took_s


def until_started(target: Target) -> list[float]:
    """Return the seconds from sending a trigger to the attempt's begin, one run at a time."""
    caller, worker = Connection(target), Connection(target)
    asked = json.dumps({"maxRunCount": 1, "waitMs": 5_000, "start": True}).encode()
    dequeue = target.request("/engine/v1/dev/dequeue", asked)
    trigger = call(target)
    times_s: list[float] = []
    for _ in range(RUNS_ALONE):
        worker.socket.settimeout(None)
        worker.socket.sendall(dequeue)
        time.sleep(0.002)  # the long poll is in place: a waiting worker is what is measured
        begun_s = time.perf_counter()
        caller.ask(trigger)
        while (body := worker.take()) is None:
            pass
        times_s.append(time.perf_counter() - begun_s)
        begun = json.loads(body)["dequeuedMessages"][0]["start"]
        run, snapshot = begun["run"]["friendlyId"], begun["snapshot"]["friendlyId"]
        path = f"/engine/v1/dev/runs/{run}/snapshots/{snapshot}/attempts/complete"
        worker.ask(target.request(path, b'{"completion":{"ok":true,"id":"x"}}'))
    return times_s


async def figures() -> list[Figure]:
    """Measure."""
    measured: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="trigger-box-bench-") as folder:
        for work in (four_calls, folded, drained):
            # Each on a folder of its own: what one leaves behind is not the next one's load.
            prepared = await prepare(
                Path(folder) / work.__name__, tasks=(TASK,), concurrency=WORKERS
            )
            box = await RunningBox.start(prepared.folder, "--log-level", "warning")
            try:
                target = Target(box.host, box.port, prepared.keys["dev"])
                measured[work.__name__] = await asyncio.to_thread(in_a_process, work, target)
            finally:
                await box.stop()
        prepared = await prepare(Path(folder) / "alone", tasks=(TASK,), concurrency=WORKERS)
        box = await RunningBox.start(prepared.folder, "--log-level", "warning")
        try:
            target = Target(box.host, box.port, prepared.keys["dev"])
            started_s = await asyncio.to_thread(in_a_process, until_started, target)
        finally:
            await box.stop()
    many = f"whole runs a second, {WORKERS} workers"
    return [
        at_least(f"{many}, four calls a run", measured["four_calls"], 1_000),
        at_least(f"{many}, folded calls", measured["folded"], 1_000),
        at_least("… while a backlog is worked off, folded calls", measured["drained"], 1_000),
        latency("trigger → attempt started, bare worker, idle box", started_s, p50_ms=3, p99_ms=10),
    ]


if __name__ == "__main__":
    sys.stdout.write(table(asyncio.run(figures())) + "\n")
