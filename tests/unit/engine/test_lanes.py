"""Counts in memory follow the store through everything, also what is undone (P3)."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.builders import a_registration, a_request, a_task
from tests.support.engine import Engine
from trigger_box.domain.queues import EnvironmentLimits
from trigger_box.engine import claims, settlements, workers
from trigger_box.engine.claims import Claim
from trigger_box.engine.core import Core
from trigger_box.engine.heads import head_of
from trigger_box.engine.lanes import Lanes
from trigger_box.engine.making import Prepared, make_run
from trigger_box.engine.packets import StoredPacket
from trigger_box.engine.settlements import Report
from trigger_box.store.writer import Transaction

PAYLOAD = StoredPacket("application/json", "1", None, 1)


async def undone(engine: Engine, change: Callable[[Core, Transaction], Any]) -> None:
    """Run a change, then let its transaction fail."""

    def fail(tx: Transaction) -> None:
        change(engine.core, tx)
        raise RuntimeError("undo this")

    before = list(engine.core.lanes.lines.counts())
    with pytest.raises(RuntimeError, match="undo this"):
        await engine.core.store.write(fail)
    assert list(engine.core.lanes.lines.counts()) == before
    await engine.check()


async def test_p3_a_trigger_that_is_undone_counts_nothing(dev: Engine) -> None:
    prepared = Prepared(a_request(dev.environment), (), None, PAYLOAD)

    await undone(dev, lambda core, tx: make_run(core, tx, prepared, now_ms=1))

    assert await dev.take() == []


async def test_p3_a_claim_that_is_undone_holds_no_slot(dev: Engine) -> None:
    run_id = await dev.trigger()
    wanted = Claim(environment_id=dev.environment.id, runner_id="w", runs_max=5, starts=True)

    await undone(dev, lambda core, tx: claims.claim(core, tx, wanted))

    assert (await dev.take_one()).run.id == run_id


async def test_p3_an_end_that_is_undone_keeps_its_slot(dev: Engine) -> None:
    started = await dev.begin() if await dev.trigger() else None
    assert started is not None

    def end(core: Core, tx: Transaction) -> None:
        head = head_of(tx, started.run.id, dev.environment.id)
        settlements.succeed(core, tx, head, PAYLOAD, Report(named=3))

    await undone(dev, end)

    await dev.complete(started)


async def test_a_registration_that_is_undone_leaves_the_old_version_current(dev: Engine) -> None:
    await dev.trigger()
    registration = a_registration(
        a_task(queue_name="emails"), a_task("more", queue_limit=1), content_hash="h2"
    )

    await undone(
        dev,
        lambda core, tx: workers._register(core, dev.environment, registration, tx),
    )

    assert (await dev.take_one()).version == "20260101.1"
    assert set(dev.core.lanes._environments[dev.environment.id].queues) == {"task/send-email"}


async def test_limits_that_are_undone_are_the_old_ones(dev: Engine) -> None:
    def limit(core: Core, tx: Transaction) -> None:
        state = core.lanes.environment(tx, dev.environment.id)
        core.lanes.set_limits(tx, state, EnvironmentLimits(limit=0, is_paused=True))

    await undone(dev, limit)
    await dev.trigger()

    assert len(await dev.take()) == 1


async def test_p3_counts_are_rebuilt_from_the_store(dev: Engine) -> None:
    for key in ("x", "x", "y"):
        await dev.trigger(concurrency_key=key)
    await dev.trigger(delay_until_ms=dev.clock.now_ms() + 10_000)
    await dev.begin()
    before = sorted(dev.core.lanes.lines.counts())

    lanes = Lanes()
    await lanes.load(dev.core.store)

    assert sorted(lanes.lines.counts()) == before
