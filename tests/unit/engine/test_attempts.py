"""Retries, and what repeated, late and foreign worker messages get (run-engine 26.6)."""

import pytest

from tests.support.builders import a_success, a_task
from tests.support.engine import Engine, make_current
from trigger_box.domain import limits
from trigger_box.domain.errors import StaleTransitionError
from trigger_box.domain.failures import ErrorCode, InternalError
from trigger_box.domain.packets import Packet
from trigger_box.engine import reading
from trigger_box.engine.executions import AttemptStatus, FailedAttempt, SucceededAttempt


async def test_a_failure_without_a_retry_ends_the_run_with_its_error(prod: Engine) -> None:
    run_id = await prod.trigger()

    completed = await prod.fail(await prod.begin())

    assert completed.attempt_status is AttemptStatus.RUN_FINISHED
    run = await prod.run(run_id)
    assert str(run.status) == "COMPLETED_WITH_ERRORS"
    assert run.error is not None
    assert run.output is None


async def test_a_short_retry_stays_with_its_worker_and_slot(prod: Engine) -> None:
    run_id = await prod.trigger()
    started = await prod.begin()

    completed = await prod.fail(started, delay_ms=500)

    assert completed.attempt_status is AttemptStatus.RETRY_IMMEDIATELY
    assert completed.run.attempt_number == 1
    assert await prod.status(run_id) == "EXECUTING"
    assert prod.core.lanes.lines.environments[prod.environment.id].running == 1
    again = await prod.start(completed)
    assert again.run.attempt_number == again.execution.attempt_number == 2
    await prod.complete(again)
    assert await prod.snapshots(run_id) == [
        "QUEUED", "PENDING_EXECUTING", "EXECUTING", "EXECUTING", "EXECUTING", "FINISHED",
    ]  # fmt: skip


async def test_a_long_retry_frees_the_slot_and_comes_back_when_due(prod: Engine) -> None:
    run_id = await prod.trigger()

    completed = await prod.fail(await prod.begin(), delay_ms=45_000)

    assert completed.attempt_status is AttemptStatus.RETRY_QUEUED
    assert await prod.take() == []
    assert prod.core.lanes.lines.environments[prod.environment.id].running == 0
    await prod.pass_time(44_999)
    assert await prod.take() == []
    await prod.pass_time(1)
    dequeued = await prod.take_one()
    assert dequeued.run.id == run_id
    assert dequeued.attempt_number == 2


async def test_p15_a_retried_run_keeps_its_place_in_line(prod: Engine) -> None:
    first = await prod.trigger()
    started = await prod.begin()
    prod.clock.advance(1)
    second = await prod.trigger()
    await prod.fail(started, delay_ms=30_000)
    await prod.pass_time(30_000)

    order = [one.run.id for one in await prod.take(2)]

    assert order == [first, second]


async def test_p9_the_last_attempt_is_the_last(prod: Engine) -> None:
    run_id = await prod.trigger(max_attempts=2)
    completed = await prod.fail(await prod.begin(), delay_ms=0)
    started = await prod.start(completed)

    assert (await prod.fail(started, delay_ms=0)).attempt_status is AttemptStatus.RUN_FINISHED
    assert (await prod.run(run_id)).attempt_number == 2


async def test_a_task_without_a_policy_is_not_tried_again(dev: Engine) -> None:
    await dev.trigger()

    completed = await dev.fail(await dev.begin(), delay_ms=10)

    assert completed.attempt_status is AttemptStatus.RUN_FINISHED


async def test_a_dead_process_is_retried_by_the_locked_policy(prod: Engine) -> None:
    run_id = await prod.trigger()
    error = InternalError(code=ErrorCode.TASK_PROCESS_SIGSEGV)

    completed = await prod.fail(await prod.begin(), error)

    assert completed.attempt_status is AttemptStatus.RETRY_QUEUED
    run = await prod.run(run_id)
    assert run.due_at_ms == prod.clock.now_ms() + 1_000


async def test_out_of_memory_moves_the_run_to_the_bigger_machine(prod: Engine) -> None:
    policy = '{"maxAttempts":3,"outOfMemory":{"machine":"large-1x"},"randomize":false}'
    registered = await prod.register(a_task(retry=policy), content_hash="h2")
    await make_current(prod, registered.worker_id)
    await prod.trigger()
    error = InternalError(code=ErrorCode.TASK_PROCESS_OOM_KILLED)

    completed = await prod.fail(await prod.begin(), error)
    assert completed.attempt_status is AttemptStatus.RETRY_QUEUED
    await prod.pass_time(1_000)
    again = await prod.begin()

    assert again.execution.machine.name == "large-1x"
    assert (await prod.fail(again, error)).attempt_status is AttemptStatus.RUN_FINISHED


async def test_usage_adds_up_over_attempts(prod: Engine) -> None:
    run_id = await prod.trigger()
    failure = FailedAttempt(
        error=prod.failure().error, retry=prod.failure(delay_ms=0).retry, usage_ms=7
    )
    completed = await prod.complete(await prod.begin(), failure)
    await prod.complete(await prod.start(completed), a_success(usage_ms=5))

    assert (await prod.run(run_id)).usage_ms == 12


async def test_an_attempt_whose_worker_says_no_usage_counts_from_its_start(prod: Engine) -> None:
    run_id = await prod.trigger()
    crashed = await prod.begin()
    prod.clock.advance(3_000)
    completed = await prod.fail(crashed, delay_ms=0)
    again = await prod.start(completed)
    prod.clock.advance(2_000)
    await prod.fail(again, InternalError(code=ErrorCode.MAX_DURATION_EXCEEDED))

    run = await prod.run(run_id)
    attempts = await reading.attempts_of(prod.core, prod.environment.id, run_id)
    assert (str(run.status), run.usage_ms) == ("TIMED_OUT", 5_000)
    assert [attempt.usage_ms for attempt in attempts] == [3_000, 2_000]


async def test_usage_has_a_ceiling(prod: Engine) -> None:
    run_id = await prod.trigger()
    await prod.complete(await prod.begin(), a_success(usage_ms=10**12))

    assert (await prod.run(run_id)).usage_ms == 2_147_483_647


async def test_each_attempt_is_kept_with_its_error(prod: Engine) -> None:
    run_id = await prod.trigger()
    completed = await prod.fail(await prod.begin(), delay_ms=100)
    await prod.complete(await prod.start(completed, key="k"), worker="w1")

    first, second = await reading.attempts_of(prod.core, prod.environment.id, run_id)

    assert (first.number, first.result, second.number, second.result) == (
        1,
        "FAILED",
        2,
        "SUCCEEDED",
    )
    assert first.error is not None
    assert first.retry_at_ms == prod.clock.now_ms() + 100
    assert second.error is None


# ---- repeated calls


async def test_p20_a_repeated_start_gets_the_same_answer(prod: Engine) -> None:
    await prod.trigger()
    dequeued = await prod.take_one()
    first = await prod.start(dequeued, key="k1")
    prod.clock.advance(5)

    assert await prod.start(dequeued, key="k1") == first
    with pytest.raises(StaleTransitionError):
        await prod.start(dequeued, key="k2")


async def test_p20_without_a_key_the_same_runner_gets_the_same_answer(prod: Engine) -> None:
    await prod.trigger()
    dequeued = await prod.take_one(worker="w1")
    first = await prod.start(dequeued, worker="w1")

    assert await prod.start(dequeued, worker="w1") == first
    with pytest.raises(StaleTransitionError):
        await prod.start(dequeued, worker="w2")


async def test_p1_of_two_runners_with_one_snapshot_one_starts(prod: Engine) -> None:
    await prod.trigger()
    dequeued = await prod.take_one(worker="w1")

    await prod.start(dequeued, worker="w2", key="a")

    with pytest.raises(StaleTransitionError):
        await prod.start(dequeued, worker="w1", key="b")


async def test_p20_a_repeated_start_is_answered_even_while_a_cancel_waits(prod: Engine) -> None:
    run_id = await prod.trigger()
    dequeued = await prod.take_one()
    first = await prod.start(dequeued, key="k1")
    await prod.cancel(run_id)

    assert (await prod.start(dequeued, key="k1")).snapshot == first.snapshot


async def test_p20_a_repeated_completion_gets_the_same_answer_for_ever(prod: Engine) -> None:
    await prod.trigger()
    started = await prod.begin()
    first = await prod.fail(started, delay_ms=0, key="c1")
    again = await prod.start(first)

    # The first completion comes again while the second attempt runs, and after it has ended.
    assert await prod.fail(started, delay_ms=0, key="c1") == first
    await prod.complete(again, key="c2")
    assert await prod.fail(started, delay_ms=0, key="c1") == first
    with pytest.raises(StaleTransitionError):
        await prod.fail(started, delay_ms=0, key="other")


async def test_p20_without_a_key_a_completion_of_the_same_snapshot_is_a_repeat(
    prod: Engine,
) -> None:
    await prod.trigger()
    started = await prod.begin()
    first = await prod.complete(started)

    assert await prod.complete(started) == first
    with pytest.raises(StaleTransitionError):
        await prod.complete(started, worker="w2")


async def test_p7_the_output_is_written_once(prod: Engine) -> None:
    run_id = await prod.trigger()
    started = await prod.begin()
    await prod.complete(started, a_success('"first"'), key="c1")

    await prod.complete(started, a_success('"second"'), key="c1")

    assert (await prod.run(run_id)).output == Packet('"first"')


async def test_p20_a_repeated_completion_hands_out_the_same_next_run(prod: Engine) -> None:
    await prod.trigger()
    following = await prod.trigger()
    third = await prod.trigger()
    started = (await prod.take_one(start=True)).started
    assert started is not None
    first = await prod.complete(started, key="c1", take=True)

    again = await prod.complete(started, key="c1", take=True)

    assert first.next is not None
    assert first.next.run.id == following
    assert again == first
    assert (await prod.take_one()).run.id == third


async def test_p20_a_next_run_that_is_over_is_not_handed_out_again(prod: Engine) -> None:
    await prod.trigger()
    await prod.trigger()
    started = (await prod.take_one(start=True)).started
    assert started is not None
    first = await prod.complete(started, key="c1", take=True)
    assert first.next is not None
    assert first.next.started is not None
    await prod.complete(first.next.started)

    assert (await prod.complete(started, key="c1", take=True)).next is None


# ---- late calls


async def test_a_completion_may_name_an_older_snapshot_of_its_attempt(prod: Engine) -> None:
    run_id = await prod.trigger()
    started = await prod.begin()
    await prod.cancel(run_id)

    completed = await prod.complete(started)

    assert completed.attempt_status is AttemptStatus.RUN_FINISHED
    assert await prod.status(run_id) == "CANCELED"


async def test_an_older_snapshot_is_taken_only_from_the_same_runner(prod: Engine) -> None:
    run_id = await prod.trigger()
    started = await prod.begin(worker="w1")
    await prod.cancel(run_id)

    with pytest.raises(StaleTransitionError):
        await prod.complete(started, worker="w2")


async def test_p1_after_a_new_start_every_call_of_the_older_runner_is_refused(
    prod: Engine,
) -> None:
    run_id = await prod.trigger()
    old = await prod.begin(worker="old")
    await prod.pass_time(301_000)  # nobody beats: the lease lapses, the run is queued again
    new = await prod.begin(worker="new")

    for late in (
        prod.complete(old, worker="old"),
        prod.fail(old, worker="old", delay_ms=0),
    ):
        with pytest.raises(StaleTransitionError):
            await late
    before = (await prod.run(run_id)).snapshot_number
    await prod.beat(old)
    await prod.sweep("leases")
    assert (await prod.run(run_id)).snapshot_number == before
    await prod.complete(new, worker="new")
    assert await prod.status(run_id) == "COMPLETED_SUCCESSFULLY"


@pytest.mark.parametrize("snapshot_id", ["", "snapshot_", "snapshot_x", "nonsense"])
async def test_a_snapshot_of_nothing_is_stale(prod: Engine, snapshot_id: str) -> None:
    await prod.trigger()
    started = await prod.begin()

    with pytest.raises(StaleTransitionError):
        await prod.complete(started, snapshot_id=snapshot_id)


async def test_a_snapshot_from_the_future_is_stale(prod: Engine) -> None:
    await prod.trigger()
    started = await prod.begin()
    future = started.snapshot.id[:-1] + "v"

    with pytest.raises(StaleTransitionError):
        await prod.complete(started, snapshot_id=future)


async def test_a_run_that_is_queued_can_not_be_completed(prod: Engine) -> None:
    run_id = await prod.trigger()
    dequeued = await prod.take_one()
    await prod.pass_time(61_000)
    assert await prod.status(run_id) == "PENDING"

    with pytest.raises(StaleTransitionError):
        await prod.complete(dequeued)


async def test_a_completion_before_the_start_is_refused(prod: Engine) -> None:
    await prod.trigger()
    dequeued = await prod.take_one()

    with pytest.raises(StaleTransitionError):
        await prod.complete(dequeued)


async def test_a_run_between_attempts_can_not_be_completed_twice(prod: Engine) -> None:
    await prod.trigger()
    completed = await prod.fail(await prod.begin(), delay_ms=10, key="c1")

    with pytest.raises(StaleTransitionError):
        await prod.complete(completed, key="c2")


async def test_a_finished_run_can_not_be_started(prod: Engine) -> None:
    run_id = await prod.trigger()
    dequeued = await prod.take_one()
    await prod.complete(await prod.start(dequeued, key="a"))

    with pytest.raises(StaleTransitionError) as caught:
        await prod.start(dequeued, key="a")

    assert caught.value.details == {"state": "FINISHED"}
    assert await prod.status(run_id) == "COMPLETED_SUCCESSFULLY"


async def test_attempt_250_is_the_last(prod: Engine) -> None:
    run_id = await prod.trigger(max_attempts=5_000)
    assert (await prod.run(run_id)).max_attempts == limits.ATTEMPTS_MAX
    started = await prod.begin()
    await prod.core.store.write(
        lambda tx: tx.execute("UPDATE attempts SET number = 250 WHERE run_id = :id", {"id": run_id})
    )
    await prod.core.store.write(
        lambda tx: tx.execute("UPDATE runs SET attempt_number = 250 WHERE id = :id", {"id": run_id})
    )

    assert (await prod.fail(started, delay_ms=0)).attempt_status is AttemptStatus.RUN_FINISHED


async def test_a_completion_carries_the_last_metadata(prod: Engine) -> None:
    run_id = await prod.trigger(metadata=Packet('{"n":1}'))
    flushed = Packet('{"operations":[{"type":"increment","key":"n","value":2}]}')

    await prod.complete(
        await prod.begin(), SucceededAttempt(output=Packet("1"), flushed_metadata=flushed)
    )

    assert (await prod.run(run_id)).metadata == Packet('{"n":3}')


@pytest.mark.parametrize(
    "data",
    ["nonsense", "[]", '{"operations":5}', '{"operations":[{"type":"set","key":"__proto__"}]}'],
)
async def test_unusable_metadata_does_not_lose_the_result(prod: Engine, data: str) -> None:
    run_id = await prod.trigger()

    await prod.complete(
        await prod.begin(),
        SucceededAttempt(output=Packet("1"), flushed_metadata=Packet(data)),
    )

    assert await prod.status(run_id) == "COMPLETED_SUCCESSFULLY"


async def test_warmth_is_noted(prod: Engine) -> None:
    from trigger_box.engine.attempts import start  # noqa: PLC0415 - the one test that says warm

    run_id = await prod.trigger()
    dequeued = await prod.take_one()
    await start(
        prod.core,
        environment=prod.environment,
        run_id=run_id,
        snapshot_id=dequeued.snapshot.id,
        runner_id="w1",
        is_warm=True,
    )

    (attempt,) = await reading.attempts_of(prod.core, prod.environment.id, run_id)
    assert attempt.is_warm
