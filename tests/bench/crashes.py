"""A hundred kills under load: what was acknowledged is there, nothing ran twice.

``python -m tests.bench.crashes [rounds]``. The attack itself is ``tests/crash/http_kill.py``.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.bench.figures import Figure, at_most, table
from tests.crash.http_kill import CLIENTS, attack

ROUNDS = 100


async def figures(rounds: int = ROUNDS) -> list[Figure]:
    """Measure."""
    seed = random.SystemRandom().randrange(2**32)
    with tempfile.TemporaryDirectory(prefix="trigger-box-bench-") as folder:
        verdict = await attack(Path(folder) / "data", rounds=rounds, seed=seed)
    wrong = [*verdict.lost, *verdict.doubled, *verdict.complaints]
    for line in wrong[:20]:
        sys.stderr.write(f"{line}\n")
    return [
        Figure(
            what=f"kill -9 under {CLIENTS} clients, {verdict.rounds} rounds (seed {seed})",
            measured=f"{len(verdict.lost)} lost, {len(verdict.doubled)} twice of "
            f"{verdict.acknowledged:,} acknowledged, {verdict.executed:,} executed",
            wanted="0 lost, 0 twice",
            is_met=verdict.is_clean,
        ),
        at_most("… ready again after a kill, the slowest", verdict.ready_s_max, 2.0, "s"),
    ]


if __name__ == "__main__":
    wanted_rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    sys.stdout.write(table(asyncio.run(figures(wanted_rounds))) + "\n")
