"""All figures, with what this machine's disk and processor give beside them.

``python -m tests.bench [name …]`` (``make bench``): without names everything that is here. The load
comes from ``load.py``, a lean client in a process of its own on the same cores, and where it fits
from wrk.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.figures import Figure, table

NAMES = ("http_trigger", "http_runs", "engine_core", "worker", "idle", "startup", "crashes")
"""Modules with ``async def figures()``; one without it is a program that prints its own."""

_SYNCS = 200
_LOOPS = 3_000_000


def fsync_ms(folder: Path) -> float:
    """Return the median time of a small append with fsync: what a durable answer waits for."""
    times: list[float] = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            begun_s = time.perf_counter()
            file.write(b"x" * 4_096)
            os.fsync(file.fileno())
            times.append(time.perf_counter() - begun_s)
    return statistics.median(times) * 1_000


def loop_ns() -> float:
    """Return what one turn of a plain Python loop takes: how fast this processor is right now."""
    begun_s = time.perf_counter()
    for _ in range(_LOOPS):
        pass
    return (time.perf_counter() - begun_s) / _LOOPS * 1e9


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(names: list[str]) -> int:
    """Measure and print; return 1 if a wanted figure was missed."""
    with tempfile.TemporaryDirectory(prefix="trigger-box-bench-") as folder:
        sync_ms = fsync_ms(Path(folder))
    say(
        f"{os.cpu_count()} cores, Python {platform.python_version()}, fsync of 4 KiB "
        f"{sync_ms:.2f} ms (median), a loop turn {loop_ns():.0f} ns, "
        f"load of this machine {os.getloadavg()[0]:.1f} before we began"
    )
    found: list[Figure] = []
    for name in names or NAMES:
        if importlib.util.find_spec(f"tests.bench.{name}") is None:
            continue
        module = importlib.import_module(f"tests.bench.{name}")
        say(f"… {name}")
        if hasattr(module, "figures"):
            found += asyncio.run(module.figures())
        else:
            subprocess.run([sys.executable, "-m", module.__name__], check=True)
    say(table(found))
    return int(any(figure.is_met is False for figure in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
