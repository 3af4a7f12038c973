"""Delays, ttl, rescheduling, and the loop that all keepers share (run-engine 12)."""

import asyncio

import pytest

from tests.support.builders import a_task
from tests.support.clock import ManualClock
from tests.support.engine import Engine
from trigger_box.clock import SystemClock
from trigger_box.domain import limits
from trigger_box.domain.errors import RunNotFoundError, StoreFullError
from trigger_box.domain.failures import StringError
from trigger_box.engine import keepers
from trigger_box.engine.alarms import Alarm
from trigger_box.engine.dequeue import dequeue
from trigger_box.engine.keepers.keep import keep
from trigger_box.engine.reschedule import NotDelayedError, PastDelayError, reschedule


async def test_a_delayed_run_waits_until_it_is_due(dev: Engine) -> None:
    due_ms = dev.clock.now_ms() + 5_000
    run_id = await dev.trigger(delay_until_ms=due_ms)
    assert await dev.status(run_id) == "DELAYED"

    await dev.pass_time(4_999)
    assert await dev.take() == []
    await dev.pass_time(1)

    run = await dev.run(run_id)
    assert (str(run.status), run.queued_at_ms) == ("PENDING", due_ms)
    assert (await dev.take_one()).run.id == run_id


async def test_a_date_in_the_past_means_now(dev: Engine) -> None:
    run_id = await dev.trigger(delay_until_ms=dev.clock.now_ms())

    run = await dev.run(run_id)
    assert (str(run.status), run.delay_until_ms) == ("PENDING", None)


async def test_p15_a_delayed_run_stands_where_its_delay_put_it(dev: Engine) -> None:
    delayed = await dev.trigger(delay_until_ms=dev.clock.now_ms() + 1_000)
    dev.clock.advance(2_000)
    later = await dev.trigger()
    await dev.sweep("delays")

    assert [one.run.id for one in await dev.take(2)] == [delayed, later]


async def test_p19_a_keeper_that_looks_twice_or_early_changes_nothing_more(dev: Engine) -> None:
    run_id = await dev.trigger(delay_until_ms=dev.clock.now_ms() + 1_000)
    await dev.sweep()
    await dev.pass_time(1_000)
    before = await dev.run(run_id)

    await dev.sweep()
    await dev.sweep()

    assert await dev.run(run_id) == before


async def test_many_due_runs_are_taken_in_slices(
    dev: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SWEEP_ROWS_MAX", 2)
    for _ in range(5):
        await dev.trigger(delay_until_ms=dev.clock.now_ms() + 1_000)

    await dev.pass_time(1_000)

    assert len(await dev.take(9)) == 5


async def test_rescheduling_moves_a_run_both_ways(dev: Engine) -> None:
    run_id = await dev.trigger(delay_until_ms=dev.clock.now_ms() + 10_000)
    sooner = dev.clock.now_ms() + 2_000
    await reschedule(dev.core, dev.environment.id, run_id, delay_until_ms=sooner + 60_000)
    await dev.pass_time(10_000)
    assert await dev.status(run_id) == "DELAYED"

    await reschedule(dev.core, dev.environment.id, run_id, delay_until_ms=sooner + 10_000)
    await dev.pass_time(2_000)

    assert await dev.status(run_id) == "PENDING"
    assert await dev.snapshots(run_id) == ["DELAYED", "DELAYED", "DELAYED", "QUEUED"]


async def test_only_delayed_runs_can_be_rescheduled_and_only_ahead(dev: Engine) -> None:
    queued = await dev.trigger()
    delayed = await dev.trigger(delay_until_ms=dev.clock.now_ms() + 10_000)

    with pytest.raises(NotDelayedError) as caught:
        await reschedule(dev.core, dev.environment.id, queued, delay_until_ms=10**15)
    assert caught.value.message == "Cannot reschedule a run that is not delayed"
    with pytest.raises(PastDelayError):
        await reschedule(dev.core, dev.environment.id, delayed, delay_until_ms=dev.clock.now_ms())
    with pytest.raises(RunNotFoundError):
        await reschedule(dev.core, dev.environment.id, "run_x", delay_until_ms=10**15)


# ---- ttl


async def test_p14_a_run_that_waited_too_long_expires(dev: Engine) -> None:
    run_id = await dev.trigger(ttl="30s")
    await dev.pass_time(29_999)
    assert await dev.status(run_id) == "PENDING"
    await dev.pass_time(1)

    run = await dev.run(run_id)
    assert str(run.status) == "EXPIRED"
    assert run.expired_at_ms == run.completed_at_ms == dev.clock.now_ms()
    assert run.error == StringError(raw="Run expired because the TTL (30s) was reached")
    assert await dev.take() == []


async def test_p14_a_claim_starts_no_run_whose_ttl_has_passed_before_the_keeper_comes(
    dev: Engine,
) -> None:
    late = await dev.trigger(ttl="30s")
    fresh = await dev.trigger(ttl="1h")
    dev.clock.advance(30_000)

    assert [taken.run.id for taken in await dev.take(2)] == [fresh]

    run = await dev.run(late)
    assert (str(run.status), run.started_at_ms) == ("EXPIRED", None)
    assert run.error == StringError(raw="Run expired because the TTL (30s) was reached")
    await dev.check()


async def test_p14_a_completion_that_asks_for_the_next_run_gets_none_whose_ttl_has_passed(
    dev: Engine,
) -> None:
    await dev.trigger()
    started = await dev.begin()
    late = await dev.trigger(ttl="30s")
    dev.clock.advance(30_000)

    completed = await dev.complete(started, take=True)

    assert completed.next is None
    assert await dev.status(late) == "EXPIRED"


async def test_a_claim_ends_a_bounded_number_of_late_runs_and_somebody_looks_again(
    dev: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SWEEP_ROWS_MAX", 2)
    late = [await dev.trigger(ttl="30s") for _ in range(5)]
    fresh = await dev.trigger(ttl="1h")
    dev.clock.advance(30_000)

    # The first look ends two of them; the caller who waits is called again for the rest.
    taken = await dequeue(
        dev.core, environment=dev.environment, runner_id="w1", runs_max=1, wait_ms=1_000
    )

    assert [one.run.id for one in taken] == [fresh]
    assert {await dev.status(run_id) for run_id in late} == {"EXPIRED"}


async def test_p14_a_run_that_was_ever_locked_never_expires(prod: Engine) -> None:
    run_id = await prod.trigger(ttl="10s")
    await prod.take_one()
    await prod.pass_time(61_000)  # nobody started it: it is queued again
    await prod.pass_time(3_600_000)
    assert await prod.status(run_id) == "PENDING"

    await prod.fail(await prod.begin(), delay_ms=60_000)
    await prod.pass_time(3_600_000)

    assert await prod.status(run_id) == "PENDING"


async def test_in_development_ten_minutes_is_the_default(dev: Engine) -> None:
    run_id = await dev.trigger()

    run = await dev.run(run_id)
    assert run.ttl == "10m"
    await dev.pass_time(600_000)
    assert await dev.status(run_id) == "EXPIRED"


async def test_elsewhere_there_is_none(prod: Engine) -> None:
    assert (await prod.run(await prod.trigger())).ttl is None


async def test_the_triggers_ttl_wins_over_the_tasks(dev: Engine) -> None:
    await dev.register(a_task(ttl="1h"), content_hash="h2")

    assert (await dev.run(await dev.trigger())).ttl == "1h"
    assert (await dev.run(await dev.trigger(ttl="5s"))).ttl == "5s"


async def test_a_trigger_may_say_that_its_run_never_expires(dev: Engine) -> None:
    await dev.register(a_task(ttl="1h"), content_hash="h2")
    run_id = await dev.trigger(ttl="")

    await dev.pass_time(24 * 3_600_000)

    assert (await dev.run(run_id)).ttl is None
    assert await dev.status(run_id) == "PENDING"


async def test_a_ttl_counts_from_the_end_of_the_delay(dev: Engine) -> None:
    run_id = await dev.trigger(ttl="10s", delay_until_ms=dev.clock.now_ms() + 60_000)
    await dev.pass_time(60_000)
    assert await dev.status(run_id) == "PENDING"
    await dev.pass_time(9_999)
    assert await dev.status(run_id) == "PENDING"
    await dev.pass_time(1)

    assert await dev.status(run_id) == "EXPIRED"


# ---- the loop


async def test_a_keeper_sleeps_until_something_is_due_sooner(dev: Engine) -> None:
    looked: list[int] = []
    alarm = Alarm()
    seen = asyncio.Event()

    async def sweep() -> int | None:
        looked.append(dev.clock.now_ms())
        seen.set()
        return dev.clock.now_ms() + 20_000

    async with asyncio.TaskGroup() as group:
        task = group.create_task(keep(sweep, alarm=alarm, clock=dev.clock))
        await seen.wait()
        seen.clear()
        await asyncio.sleep(0)
        alarm.ring_at(dev.clock.now_ms() + 30_000)  # later than it would look by itself
        alarm.ring_at(None)
        assert not alarm.wake.is_set()
        alarm.ring_at(dev.clock.now_ms() + 10_000)
        await seen.wait()
        task.cancel()

    assert len(looked) == 2


async def test_a_keeper_comes_again_after_a_full_disk() -> None:
    calls: list[int] = []
    failed, done = asyncio.Event(), asyncio.Event()

    async def sweep() -> int | None:
        calls.append(1)
        if len(calls) == 1:
            failed.set()
            raise StoreFullError
        done.set()
        return None

    alarm = Alarm()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(keep(sweep, alarm=alarm, clock=ManualClock()))
        await failed.wait()
        alarm.ring()
        await done.wait()
        task.cancel()

    assert len(calls) == 2


async def test_a_keeper_with_a_bug_stops_the_box() -> None:
    async def sweep() -> int | None:
        raise RuntimeError("a bug")

    with pytest.raises(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(keep(sweep, alarm=Alarm(), clock=ManualClock()))


async def test_the_keepers_at_work_queue_a_delayed_run_in_time(dev: Engine) -> None:
    clock = SystemClock()
    dev.core.clock = clock
    with dev.core.store.feed.subscribe() as news:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(_run_keepers(dev))
            run_id = await dev.trigger(delay_until_ms=clock.now_ms() + 30)
            async with asyncio.timeout(5):
                while not any('"QUEUED"' in one.body for one in await news.next()):
                    pass
            running.cancel()

    assert await dev.status(run_id) == "PENDING"


@pytest.mark.parametrize("delay_ms", [0, 30])
async def test_the_keepers_at_work_expire_a_run_in_time(dev: Engine, delay_ms: int) -> None:
    clock = SystemClock()
    dev.core.clock = clock
    with dev.core.store.feed.subscribe() as news:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(_run_keepers(dev))
            delay_until_ms = clock.now_ms() + delay_ms if delay_ms else None
            await dev.trigger(ttl="1s", delay_until_ms=delay_until_ms)
            async with asyncio.timeout(10):  # by itself it looks every half minute
                while not any('"EXPIRED"' in one.body for one in await news.next()):
                    pass
            running.cancel()


async def _run_keepers(engine: Engine) -> None:
    async with asyncio.TaskGroup() as group:
        keepers.keep(engine.core, group)
