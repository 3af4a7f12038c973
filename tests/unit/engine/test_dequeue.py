import asyncio

import pytest

from tests.support.builders import a_task
from tests.support.engine import Engine
from trigger_box.domain import limits
from trigger_box.engine import environments, queues
from trigger_box.engine.dequeue import dequeue
from trigger_box.engine.gone import Gone
from trigger_box.engine.workers import QueueDeclaration
from trigger_box.ids import WorkerId


async def waiting(
    engine: Engine,
    *,
    wait_ms: int = 10_000,
    gone: Gone | None = None,
    worker_ids: frozenset[WorkerId] | None = None,
):
    return await dequeue(
        engine.core,
        environment=engine.environment,
        runner_id="w1",
        runs_max=1,
        wait_ms=wait_ms,
        gone=gone,
        worker_ids=worker_ids,
    )


async def until_in_line(engine: Engine, count: int = 1) -> None:
    """Wait until so many dequeuers stand in line."""
    async with asyncio.timeout(5):
        while engine.core.bus.waiting(engine.environment.id) < count:  # noqa: ASYNC110 - loop turns
            await asyncio.sleep(0)


async def test_nothing_is_there_and_nobody_waits(dev: Engine) -> None:
    assert await dev.take() == []


async def test_a_waiting_dequeuer_is_woken_by_a_trigger(dev: Engine) -> None:
    async with asyncio.TaskGroup() as group:
        taken = group.create_task(waiting(dev))
        await until_in_line(dev)
        run_id = await dev.trigger()

    assert [one.run.id for one in taken.result()] == [run_id]


async def test_each_trigger_wakes_one_dequeuer(dev: Engine) -> None:
    async with asyncio.TaskGroup() as group:
        waiters = [group.create_task(waiting(dev)) for _ in range(3)]
        await until_in_line(dev, 3)
        await dev.trigger()
        async with asyncio.timeout(5):
            await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
        assert sum(one.done() for one in waiters) == 1
        assert dev.core.bus.waiting(dev.environment.id) == 2
        await dev.trigger()
        await dev.trigger()

    assert len({one.result()[0].run.id for one in waiters}) == 3


async def test_a_freed_slot_wakes_who_waits(dev: Engine) -> None:
    await environments.set_limits(dev.core, dev.environment.id, limit=1)
    started = [await dev.trigger(), await dev.trigger()] and await dev.begin()

    async with asyncio.TaskGroup() as group:
        taken = group.create_task(waiting(dev))
        await until_in_line(dev)
        await dev.complete(started)

    assert len(taken.result()) == 1


@pytest.mark.parametrize("what", ["environment", "queue"])
async def test_resuming_wakes_who_waits(dev: Engine, what: str) -> None:
    (queue,) = (await queues.list_queues(dev.core, dev.environment.id, offset=0, limit=9)).queues

    async def pause(*, is_paused: bool) -> None:
        if what == "environment":
            await environments.set_paused(dev.core, dev.environment.id, is_paused=is_paused)
        else:
            await queues.set_paused(dev.core, dev.environment.id, queue.id, is_paused=is_paused)

    await pause(is_paused=True)
    await dev.trigger()
    async with asyncio.TaskGroup() as group:
        taken = group.create_task(waiting(dev))
        await until_in_line(dev)
        assert await dev.take() == []
        await pause(is_paused=False)

    assert len(taken.result()) == 1


async def test_a_later_retry_wakes_who_waits_when_it_is_due(prod: Engine) -> None:
    await prod.trigger()
    await prod.fail(await prod.begin(), delay_ms=60_000)
    async with asyncio.TaskGroup() as group:
        taken = group.create_task(waiting(prod))
        await until_in_line(prod)
        prod.clock.advance(60_000)
        await prod.sweep("delays")

    assert len(taken.result()) == 1


async def test_waiting_ends_empty_when_the_time_is_over(dev: Engine) -> None:
    assert await waiting(dev, wait_ms=1) == []
    assert dev.core.bus.waiting(dev.environment.id) == 0


async def test_who_hangs_up_leaves_the_line(dev: Engine) -> None:
    gone = Gone()
    async with asyncio.TaskGroup() as group:
        taken = group.create_task(waiting(dev, gone=gone))
        await until_in_line(dev)
        gone.set()

    assert taken.result() == []
    assert dev.core.bus.waiting(dev.environment.id) == 0


async def test_nothing_is_taken_for_who_has_hung_up(dev: Engine) -> None:
    run_id = await dev.trigger()
    gone = Gone()
    gone.set()

    assert await waiting(dev, gone=gone) == []
    assert (await dev.run(run_id)).snapshot_number == 1


@pytest.mark.parametrize("start", [False, True])
async def test_a_caller_cancelled_while_it_is_served_loses_no_run(dev: Engine, start: bool) -> None:
    run_id = await dev.trigger()
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    held = dev.core.store.submit(
        lambda _: asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()
    )
    asked = asyncio.ensure_future(dev.take(start=start))
    await asyncio.sleep(0)
    asked.cancel()
    gate.set()
    await held
    with pytest.raises(asyncio.CancelledError):
        await asked
    await dev.core.store.write(lambda _: None)
    await dev.core.store.write(lambda _: None)

    again = await dev.take_one()
    assert again.run.id == run_id
    run = await dev.run(run_id)
    assert run.attempt_number == (1 if start else 0)


async def test_a_forgiven_attempt_does_not_cost_a_retry(prod: Engine) -> None:
    run_id = await prod.trigger(max_attempts=2)
    await prod.take_one(start=True)  # handed to nobody
    await prod.pass_time(61_000)
    run = await prod.run(run_id)
    assert str(run.status) == "PENDING"
    await prod.pass_time(10_000)

    started = await prod.begin()
    assert started.run.attempt_number == 2
    completed = await prod.fail(started, delay_ms=0)
    assert str(completed.attempt_status) == "RETRY_IMMEDIATELY"


async def test_a_call_never_takes_more_than_it_may(dev: Engine) -> None:
    await environments.set_limits(dev.core, dev.environment.id, limit=1_000)
    for _ in range(limits.DEQUEUE_RUNS_MAX + 5):
        await dev.trigger()

    assert len(await dev.take(10_000)) == limits.DEQUEUE_RUNS_MAX
    assert len(await dev.take(0)) == 1


async def test_p15_within_a_queue_runs_start_by_rank(dev: Engine) -> None:
    late = await dev.trigger()
    dev.clock.advance(1_000)
    urgent = await dev.trigger(priority_ms=5_000)
    negative = await dev.trigger(priority_ms=-60_000)
    dev.clock.advance(1)
    last = await dev.trigger()

    order = [one.run.id for one in await dev.take(4)]

    assert order == [urgent, late, negative, last]


async def test_p2_limits_of_queue_and_key_hold(dev: Engine) -> None:
    await dev.register(
        a_task("a", queue_name="shared"),
        content_hash="h2",
        queues=(QueueDeclaration(name="shared", limit=1),),
    )
    for key in ("x", "x", "y", None):
        await dev.trigger("a", concurrency_key=key)

    assert len(await dev.take(9)) == 3
    assert await dev.take(9) == []


async def test_a_limit_of_zero_stops_a_queue(dev: Engine) -> None:
    await dev.register(a_task("a", queue_limit=0), content_hash="h2")
    await dev.trigger("a")

    assert await dev.take() == []


async def test_p16_queues_and_keys_take_turns(dev: Engine) -> None:
    await dev.register(a_task("a"), a_task("b"), content_hash="h2")
    for task, key in [("a", "x")] * 3 + [("a", "y")] * 2 + [("b", None)] * 2:
        await dev.trigger(task, concurrency_key=key)
        dev.clock.advance(1)

    taken = await dev.take(7)

    assert [one.task for one in taken] == ["a", "b", "a", "b", "a", "a", "a"]


async def test_a_run_bound_to_a_version_waits_for_a_worker_that_has_it(prod: Engine) -> None:
    locked = await prod.trigger(lock_to_version="20260101.1")
    prod.clock.advance(1)
    second = await prod.register(content_hash="h2")
    free = await prod.trigger()

    others = frozenset({second.worker_id})
    assert await prod.take(9, worker_ids=others) == []  # the current version is the first one
    taken = await prod.take(9)
    assert [one.run.id for one in taken] == [locked, free]


async def test_a_worker_passes_over_what_it_can_not_run(dev: Engine) -> None:
    pinned = await dev.trigger(lock_to_version="20260101.1")
    dev.clock.advance(1)
    newest = await dev.register(content_hash="h2")
    free = await dev.trigger()

    taken = await dev.take(9, worker_ids=frozenset({newest.worker_id}))

    assert [one.run.id for one in taken] == [free]
    assert await dev.take(9, worker_ids=frozenset({newest.worker_id})) == []
    assert [one.run.id for one in await dev.take(9)] == [pinned]


async def test_in_development_a_run_whose_version_is_gone_goes_on_with_the_newest(
    dev: Engine,
) -> None:
    await dev.register(a_task(retry='{"maxAttempts":3}'), content_hash="h2")
    run_id = await dev.trigger()
    first = await dev.begin()
    newest = await dev.register(a_task(retry='{"maxAttempts":5}'), content_hash="h3")
    await dev.fail(first, delay_ms=30_000)
    await dev.pass_time(30_000)

    again = await dev.take_one(worker_ids=frozenset({newest.worker_id}))

    assert again.run.id == run_id
    assert again.version == newest.version
    assert (await dev.run(run_id)).max_attempts == 5


async def test_who_waits_with_an_outdated_version_is_sent_to_ask_with_the_newest(
    dev: Engine,
) -> None:
    first = await dev.register(content_hash="h2")

    async with asyncio.TaskGroup() as group:
        outdated = group.create_task(waiting(dev, worker_ids=frozenset({first.worker_id})))
        await until_in_line(dev)
        newest = await dev.register(content_hash="h3")
        run_id = await dev.trigger()
        async with asyncio.timeout(2):
            assert await outdated == []

    (taken,) = await waiting(dev, worker_ids=frozenset({first.worker_id, newest.worker_id}))
    assert taken.run.id == run_id


async def test_elsewhere_a_run_stays_with_its_version(prod: Engine) -> None:
    await prod.trigger()
    first = await prod.begin()
    await prod.fail(first, delay_ms=30_000)
    await prod.pass_time(30_000)

    assert await prod.take(worker_ids=frozenset({WorkerId("worker_other")})) == []
    assert (await prod.take_one()).version == first.execution.version


async def test_a_paused_queue_has_no_run_for_anybody(dev: Engine) -> None:
    run_id = await dev.trigger()
    (queue,) = (await queues.list_queues(dev.core, dev.environment.id, offset=0, limit=9)).queues
    await queues.set_paused(dev.core, dev.environment.id, queue.id, is_paused=True)

    assert await dev.take() == []
    assert (await dev.run(run_id)).snapshot_number == 1
