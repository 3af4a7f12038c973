"""A real box, killed while 16 clients trigger over HTTP and workers run what they get."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.http_kill import attack

pytestmark = [pytest.mark.crash, pytest.mark.slow]

ROUNDS = 5
SEED = 20_260_101


async def test_nothing_acknowledged_is_lost_and_nothing_runs_twice(tmp_path: Path) -> None:
    verdict = await attack(tmp_path / "data", rounds=ROUNDS, seed=SEED)

    assert verdict.complaints == []
    assert verdict.lost == []
    assert verdict.doubled == []
    assert verdict.rounds == ROUNDS
    assert verdict.acknowledged > 100
    assert verdict.executed > 20
