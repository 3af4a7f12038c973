"""What the engine core does without HTTP: triggers, claims and completions a second, beside the
cost of this disk's fsync. ``python -m tests.bench.engine_core [runs]``.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.support.builders import a_core, a_registration, a_request, a_success, an_environment
from trigger_box.access.actors import Environment
from trigger_box.app import look_for_cycles_less_often
from trigger_box.clock import SystemClock
from trigger_box.engine.attempts import complete, start
from trigger_box.engine.core import Core
from trigger_box.engine.dequeue import dequeue
from trigger_box.engine.trigger import trigger
from trigger_box.engine.workers import register

WORKERS = 64


def fsync_ms(folder: Path) -> float:
    """Return the median time of a small append with fsync, in ms."""
    times: list[float] = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(100):
            begin = time.perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1_000


async def triggers(core: Core, environment: Environment, count: int) -> float:
    """Trigger ``count`` runs from 64 callers; return the seconds it took."""
    left = iter(range(count))

    async def caller() -> None:
        for _ in left:
            await trigger(core, a_request(environment, request_key=None))

    begin = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(WORKERS)))
    return time.perf_counter() - begin


async def one_trigger_ms(core: Core, environment: Environment, count: int = 500) -> list[float]:
    """Return the sorted times of triggers made one after the other, in ms."""
    times: list[float] = []
    for _ in range(count):
        begin = time.perf_counter()
        await trigger(core, a_request(environment))
        times.append((time.perf_counter() - begin) * 1_000)
    return sorted(times)


async def claim_and_complete(core: Core, environment: Environment) -> tuple[int, float]:
    """Drain the queue: dequeue with start, complete. Return the runs and the seconds."""
    done = 0

    async def worker(name: str) -> None:
        nonlocal done
        while True:
            got = await dequeue(
                core, environment=environment, runner_id=name, runs_max=1, start=True
            )
            if not got:
                return
            for one in got:
                assert one.started is not None
                await complete(
                    core,
                    environment=environment,
                    run_id=one.run.id,
                    snapshot_id=one.started.snapshot.id,
                    completion=a_success(),
                    runner_id=name,
                    request_key=None,
                )
                done += 1

    begin = time.perf_counter()
    await asyncio.gather(*(worker(f"w{n}") for n in range(WORKERS)))
    return done, time.perf_counter() - begin


async def take_and_complete(core: Core, environment: Environment) -> tuple[int, float]:
    """Drain the queue: each completion takes the next run. Return the runs and the seconds."""
    done = 0

    async def worker(name: str) -> None:
        nonlocal done
        got = await dequeue(core, environment=environment, runner_id=name, runs_max=1, start=True)
        run = got[0] if got else None
        while run is not None:
            assert run.started is not None
            completed = await complete(
                core,
                environment=environment,
                run_id=run.run.id,
                snapshot_id=run.started.snapshot.id,
                completion=a_success(),
                runner_id=name,
                take=True,
            )
            done += 1
            run = completed.next

    begin = time.perf_counter()
    await asyncio.gather(*(worker(f"w{n}") for n in range(WORKERS)))
    return done, time.perf_counter() - begin


async def four_calls(core: Core, environment: Environment) -> tuple[int, float]:
    """Drain the queue as an npm controller does: dequeue, start, complete."""
    done = 0

    async def worker(name: str) -> None:
        nonlocal done
        while True:
            got = await dequeue(core, environment=environment, runner_id=name, runs_max=1)
            if not got:
                return
            for one in got:
                started = await start(
                    core,
                    environment=environment,
                    run_id=one.run.id,
                    snapshot_id=one.snapshot.id,
                    runner_id=name,
                    request_key=f"s{one.run.id}",
                )
                await complete(
                    core,
                    environment=environment,
                    run_id=one.run.id,
                    snapshot_id=started.snapshot.id,
                    completion=a_success(),
                    runner_id=name,
                    request_key=f"c{one.run.id}",
                )
                done += 1

    begin = time.perf_counter()
    await asyncio.gather(*(worker(f"w{n}") for n in range(WORKERS)))
    return done, time.perf_counter() - begin


async def main(count: int) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        print(f"fsync of 4 KiB: {fsync_ms(folder):.2f} ms (median)")
        async with a_core(folder / "box", clock=SystemClock()) as core:
            environment = await an_environment(core, concurrency_limit=1_000)
            await register(core, environment, a_registration())
            look_for_cycles_less_often()  # as the box does, once it is ready
            times = await one_trigger_ms(core, environment)
            print(f"trigger, 1 caller: p50 {times[len(times) // 2]:.2f} ms, p99 {times[-5]:.2f} ms")
            took = await triggers(core, environment, count)
            print(f"trigger, {WORKERS} callers: {count / took:,.0f}/s")
            done, took = await claim_and_complete(core, environment)
            print(
                f"claim+start, complete: {done / took:,.0f} runs/s, {2 * done / took:,.0f} calls/s"
            )
            await triggers(core, environment, count)
            done, took = await take_and_complete(core, environment)
            print(f"complete and take: {done / took:,.0f} runs/s")
            await triggers(core, environment, count)
            done, took = await four_calls(core, environment)
            print(
                f"claim, start, complete: {done / took:,.0f} runs/s, {3 * done / took:,.0f} calls/s"
            )


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
