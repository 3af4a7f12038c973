"""Trigger calls over HTTP: one client, and 64 connections at once with the load on the same cores.

``python -m tests.bench.http_trigger``. Each call is durable before its answer.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.figures import Figure, at_least, latency, table
from tests.bench.load import AnswerError, Repeat, Target, in_a_process, talk
from tests.support.running import RunningBox, prepare

TASK = "hello"
CALLS_ALONE = 2_000
CONNECTIONS = 64
SECONDS = 6.0
WARM_UP_S = 1.0
BODY = (
    b'{"payload":"{\\"json\\":{\\"id\\":4711,\\"text\\":\\"a payload of ordinary size, as people'
    b' send them\\"}}","options":{"payloadType":"application/super+json","payloadSize":80,'
    b'"tags":["bench"]}}'
)


def call(target: Target) -> bytes:
    """Return a trigger call."""
    return target.request(f"/api/v1/tasks/{TASK}/trigger", BODY)


def alone(target: Target) -> list[float]:
    """Return how long each call of one client took."""
    talk(target, [Repeat(call(target))], seconds=WARM_UP_S)
    one = Repeat(call(target), times=CALLS_ALONE)
    talk(target, [one], seconds=60)
    return one.times_s


def together(target: Target) -> tuple[float, list[float]]:
    """Return calls a second over all connections, and how long each took."""
    talk(target, [Repeat(call(target)) for _ in range(CONNECTIONS)], seconds=WARM_UP_S)
    callers = [Repeat(call(target)) for _ in range(CONNECTIONS)]
    took_s = talk(target, [*callers], seconds=SECONDS)
    times_s = [time_s for caller in callers for time_s in caller.times_s]
    return len(times_s) / took_s, times_s


def with_wrk(target: Target, folder: Path) -> float:
    """Return calls a second over all connections, made by wrk: it costs less than our client."""
    script = folder / "trigger.lua"
    script.write_text(
        'wrk.method = "POST"\n'
        f'wrk.headers["authorization"] = "Bearer {target.key}"\n'
        'wrk.headers["content-type"] = "application/json"\n'
        f"wrk.body = [==[{BODY.decode()}]==]\n",
        encoding="utf-8",
    )
    url = f"http://{target.host}:{target.port}/api/v1/tasks/{TASK}/trigger"
    for seconds in (WARM_UP_S, SECONDS):
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{round(seconds)}s", "-s", script, url]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in printed:
        raise AnswerError(printed)
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", printed)[0])


async def figures() -> list[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix="trigger-box-bench-") as folder:
        prepared = await prepare(Path(folder) / "data", tasks=(TASK,))
        box = await RunningBox.start(prepared.folder, "--log-level", "warning")
        try:
            target = Target(box.host, box.port, prepared.keys["dev"])
            alone_s = await asyncio.to_thread(in_a_process, alone, target)
            rate, together_s = await asyncio.to_thread(in_a_process, together, target)
            load = "our client"
            if shutil.which("wrk") is not None:
                rate, load = await asyncio.to_thread(with_wrk, target, Path(folder)), "wrk"
        finally:
            await box.stop()
    return [
        latency("trigger call, 1 client", alone_s, p50_ms=2, p99_ms=8),
        at_least(f"trigger calls a second, {CONNECTIONS} connections ({load})", rate, 3_500),
        latency(f"… how long one of them takes, {CONNECTIONS} connections", together_s,
                p50_ms=20, p99_ms=60),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(table(asyncio.run(figures())) + "\n")
