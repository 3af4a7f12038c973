"""Triggers that share one delayed run (run-engine 12.3, P13)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.builders import a_core
from tests.support.clock import ManualClock
from tests.support.engine import Engine, an_engine
from trigger_box.access.actors import EnvironmentType
from trigger_box.domain.debounce import Debounce, DebounceMode
from trigger_box.domain.packets import Packet
from trigger_box.engine import keepers
from trigger_box.engine.reschedule import reschedule


def shared(
    key: str = "k", *, delay_s: int = 5, max_delay_s: int | None = None, trailing: bool = False
) -> Debounce:
    return Debounce(
        key=key,
        delay_ms=delay_s * 1_000,
        mode=DebounceMode.TRAILING if trailing else DebounceMode.LEADING,
        max_delay_ms=None if max_delay_s is None else max_delay_s * 1_000,
    )


def number(value: int) -> Packet:
    return Packet(str(value), "application/json")


async def payload(engine: Engine, run_id: str) -> str | None:
    packet = (await engine.run(run_id)).payload
    return None if packet is None else packet.data


async def test_p13_triggers_with_one_key_share_a_run_that_each_of_them_pushes(
    dev: Engine,
) -> None:
    first = await dev.trigger(debounce=shared())
    await dev.pass_time(3_000)
    again = await dev.triggered(debounce=shared())

    assert (again.run_id, again.is_cached) == (first, False)
    await dev.pass_time(4_999)
    assert await dev.status(first) == "DELAYED"
    await dev.pass_time(1)
    assert (await dev.take_one()).run.id == first
    assert await dev.take() == []


async def test_a_debounced_run_is_delayed_by_what_its_key_says(dev: Engine) -> None:
    now_ms = dev.clock.now_ms()

    alone = await dev.run(await dev.trigger(debounce=shared(delay_s=30)))
    longer = await dev.run(await dev.trigger(debounce=shared("l"), delay_until_ms=now_ms + 60_000))

    assert (alone.delay_until_ms, longer.delay_until_ms) == (now_ms + 30_000, now_ms + 60_000)


async def test_keys_are_apart_by_task_and_environment(dev: Engine) -> None:
    made = {
        await dev.trigger(debounce=shared("a")),
        await dev.trigger(debounce=shared("b")),
        await dev.trigger("another", debounce=shared("a")),
    }

    assert len(made) == 3


async def test_p13_a_push_never_makes_it_earlier(dev: Engine) -> None:
    run_id = await dev.trigger(debounce=shared(delay_s=60))
    before = await dev.run(run_id)

    assert await dev.trigger(debounce=shared(delay_s=1)) == run_id

    after = await dev.run(run_id)
    assert after.delay_until_ms == before.delay_until_ms
    assert len(await dev.snapshots(run_id)) == 1


async def test_the_first_payload_stays_unless_the_last_one_is_asked_for(dev: Engine) -> None:
    leading = await dev.trigger(debounce=shared("l"), payload=number(1))
    await dev.trigger(debounce=shared("l"), payload=number(2))
    trailing = await dev.trigger(debounce=shared("t", trailing=True), payload=number(1))
    await dev.trigger(debounce=shared("t", trailing=True), payload=number(2))

    assert await payload(dev, leading) == "1"
    assert await payload(dev, trailing) == "2"


async def test_p13_the_last_trigger_also_gives_what_else_it_says(dev: Engine) -> None:
    last = shared(trailing=True)
    seed = Packet('{"step":2}', "application/json")
    run_id = await dev.trigger(debounce=last, tags=("old", "both"), machine="micro")
    await dev.trigger(debounce=last, tags=("both", "new"), metadata=seed, max_attempts=7)
    await dev.trigger(debounce=last, max_duration_s=60)

    run = await dev.run(run_id)
    assert run.tags == ("both", "new")
    assert (run.machine, run.max_attempts, run.max_duration_s) == ("micro", 7, 60)
    assert run.metadata == seed


async def test_a_run_as_old_as_its_longest_delay_is_left_to_run_and_another_takes_the_key(
    dev: Engine,
) -> None:
    bounded = shared(delay_s=5, max_delay_s=10)
    first = await dev.trigger(debounce=bounded)
    await dev.pass_time(4_000)
    assert await dev.trigger(debounce=bounded) == first
    await dev.pass_time(4_000)

    second = await dev.trigger(debounce=bounded)
    third = await dev.trigger(debounce=bounded)

    assert second == third != first
    await dev.pass_time(1_000)
    assert (await dev.take_one()).run.id == first
    assert await dev.status(second) == "DELAYED"


async def test_the_key_is_free_once_its_run_is_due(dev: Engine) -> None:
    first = await dev.trigger(debounce=shared())
    await dev.pass_time(5_000)

    assert await dev.trigger(debounce=shared()) != first
    assert await windows(dev) == 1


async def test_the_key_is_free_once_its_run_is_cancelled(dev: Engine) -> None:
    first = await dev.trigger(debounce=shared())
    await dev.cancel(first)

    assert await windows(dev) == 0
    assert await dev.trigger(debounce=shared()) != first


async def test_a_run_that_was_rescheduled_by_hand_keeps_its_key(dev: Engine) -> None:
    run_id = await dev.trigger(debounce=shared())
    far_ms = dev.clock.now_ms() + 3_600_000
    await reschedule(dev.core, dev.environment.id, run_id, delay_until_ms=far_ms)

    assert await dev.trigger(debounce=shared()) == run_id
    assert (await dev.run(run_id)).delay_until_ms == far_ms


async def test_a_delay_that_has_passed_shares_nothing(dev: Engine) -> None:
    past_ms = dev.clock.now_ms() - 1
    first = await dev.trigger(debounce=shared(), delay_until_ms=past_ms)

    assert await dev.trigger(debounce=shared(), delay_until_ms=past_ms) != first
    assert await windows(dev) == 0


async def test_p13_triggers_at_once_make_one_run(dev: Engine) -> None:
    calls = [dev.trigger(debounce=shared()) for _ in range(20)]

    assert len(set(await asyncio.gather(*calls))) == 1


async def test_one_call_that_comes_twice_pushes_once(dev: Engine) -> None:
    run_id = await dev.trigger(debounce=shared())
    await dev.pass_time(3_000)
    await dev.trigger(debounce=shared(), request_key="one call")
    pushed = await dev.run(run_id)
    await dev.pass_time(1_000)

    assert await dev.trigger(debounce=shared(), request_key="one call") == run_id
    assert (await dev.run(run_id)).delay_until_ms == pushed.delay_until_ms


async def test_an_idempotency_key_wins_over_a_debounce_key(dev: Engine) -> None:
    run_id = await dev.trigger(debounce=shared(), idempotency_key="once")
    await dev.pass_time(3_000)
    again = await dev.triggered(debounce=shared(), idempotency_key="once")

    assert (again.run_id, again.is_cached) == (run_id, True)
    await dev.pass_time(2_000)
    assert (await dev.take_one()).run.id == run_id


async def test_a_key_is_shared_across_a_restart(tmp_path: Path) -> None:
    clock = ManualClock()
    async with an_engine(tmp_path, EnvironmentType.DEVELOPMENT, clock=clock) as engine:
        await engine.register()
        run_id = await engine.trigger(debounce=shared())
        environment = engine.environment
    clock.advance(3_000)

    async with a_core(tmp_path, clock=clock, seed=2) as core:
        engine = Engine(core, environment)
        await keepers.catch_up(core)

        assert await engine.trigger(debounce=shared()) == run_id
        await engine.pass_time(5_000)
        assert (await engine.take_one()).run.id == run_id


@pytest.mark.parametrize("trailing", [False, True])
async def test_each_push_is_told(dev: Engine, trailing: bool) -> None:
    await dev.trigger(debounce=shared(trailing=trailing))
    await dev.pass_time(2_000)
    with dev.core.store.feed.subscribe() as news:
        await dev.trigger(debounce=shared(trailing=trailing))

        assert [one.kind for one in await news.next()] == ["run.changed"]


async def windows(engine: Engine) -> int:
    (row,) = await engine.core.store.readers.all("SELECT count(*) AS n FROM debounces", {})
    return row["n"]
