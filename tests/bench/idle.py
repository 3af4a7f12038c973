"""What a box costs that nobody uses: memory (proportional share) and processor time.

``python -m tests.bench.idle``. Measured after one run has gone through it, so that whatever is
opened late for work is open.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from tests.bench.figures import Figure, at_most, table
from tests.bench.http_trigger import TASK, call
from tests.bench.load import Repeat, Target, Worker, in_a_process, talk
from tests.support.running import RunningBox, prepare

SETTLE_S = 3.0
SECONDS = 20.0


def one_run(target: Target) -> None:
    """Trigger and execute a few runs."""
    talk(target, [Worker(target, folded=True), Repeat(call(target), times=5)], seconds=1)


def pss_mb(pid: int) -> float:
    """Return a process's share of memory, in MB: shared pages count in parts."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in text.splitlines() if line[:4] == "Pss:") / 1_024


def cpu_s(pid: int) -> float:
    """Return the processor seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def figures() -> list[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix="trigger-box-bench-") as folder:
        prepared = await prepare(Path(folder) / "data", tasks=(TASK,))
        box = await RunningBox.start(prepared.folder)
        try:
            pid = box.process.pid
            target = Target(box.host, box.port, prepared.keys["dev"])
            await asyncio.to_thread(in_a_process, one_run, target)
            await asyncio.sleep(SETTLE_S)
            before_s = cpu_s(pid)
            await asyncio.sleep(SECONDS)
            used = (cpu_s(pid) - before_s) / SECONDS * 100
            memory_mb = pss_mb(pid)
        finally:
            await box.stop()
    return [
        at_most("idle box: memory (PSS)", memory_mb, 130, "MB"),
        at_most("idle box: processor", used, 0.5, "% of a core"),
    ]


if __name__ == "__main__":
    sys.stdout.write(table(asyncio.run(figures())) + "\n")
