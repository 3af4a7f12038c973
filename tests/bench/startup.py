"""From the command to answered requests: from source and, if it has been built, from the one file.

``python -m tests.bench.startup``. The one file unpacks itself at its very first start, into a state
folder; each first start here gets a fresh one.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench.figures import Figure, at_most, table
from tests.support import running
from tests.support.running import RunningBox, prepare

STARTS = 5
BINARY = Path(__file__).resolve().parents[2] / "dist" / "trigger-box"


async def ready_s(folder: Path) -> float:
    """Start a box, stop it again; return how long it took until it was ready."""
    box = await RunningBox.start(folder)
    await box.stop()
    return box.ready_s


async def figures() -> list[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix="trigger-box-bench-") as folder:
        prepared = await prepare(Path(folder) / "data")
        await ready_s(prepared.folder)  # whatever is compiled at a first start is now
        from_source = [await ready_s(prepared.folder) for _ in range(STARTS)]
        found = [at_most("start to ready, from source", statistics.median(from_source), 1.0, "s")]
        if not BINARY.exists():
            return found
        os.environ["XDG_STATE_HOME"] = str(Path(folder) / "state")
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        running.PROGRAM = BINARY
        first = await ready_s(prepared.folder)
        later = [await ready_s(prepared.folder) for _ in range(STARTS)]
    return [
        *found,
        at_most("start to ready, from the one file", statistics.median(later), 1.2, "s"),
        at_most("start to ready, the one file's first start ever", first, 3.0, "s"),
    ]


if __name__ == "__main__":
    sys.stdout.write(table(asyncio.run(figures())) + "\n")
