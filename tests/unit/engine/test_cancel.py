import asyncio
from pathlib import Path

import pytest

from tests.support.builders import a_core
from tests.support.clock import ManualClock
from tests.support.engine import Engine, an_engine, make_current
from trigger_box.domain import limits
from trigger_box.domain.errors import (
    DeniedError,
    InvalidError,
    RunNotFoundError,
    StaleTransitionError,
)
from trigger_box.domain.failures import ErrorCode, InternalError, StringError
from trigger_box.engine.cancel import disconnect
from trigger_box.engine.executions import AttemptStatus

CANCELLED = InternalError(code=ErrorCode.TASK_RUN_CANCELLED)


async def test_a_queued_run_is_cancelled_at_once(prod: Engine) -> None:
    run_id = await prod.trigger()

    cancelled = await prod.cancel(run_id)

    assert not cancelled.is_already_finished
    run = await prod.run(run_id)
    assert (str(run.status), run.is_final) == ("CANCELED", True)
    assert run.error == StringError(raw="Canceled by user")
    assert await prod.take() == []


async def test_a_delayed_run_is_cancelled_and_its_timer_does_nothing(prod: Engine) -> None:
    run_id = await prod.trigger(delay_until_ms=prod.clock.now_ms() + 1_000)
    await prod.cancel(run_id, reason="changed my mind")
    await prod.pass_time(2_000)

    run = await prod.run(run_id)
    assert (str(run.status), run.error) == ("CANCELED", StringError(raw="changed my mind"))


async def test_a_running_run_is_shown_cancelled_at_once_and_ends_when_confirmed(
    prod: Engine,
) -> None:
    run_id = await prod.trigger()
    started = await prod.begin()
    with prod.core.bus.notifications(prod.environment.id) as notifications:
        await prod.cancel(run_id)
        assert await notifications.next() == [run_id]
    run = await prod.run(run_id)
    assert (str(run.status), str(run.state), run.completed_at_ms) == (
        "CANCELED", "PENDING_CANCEL", None,
    )  # fmt: skip

    completed = await prod.complete(started, prod.failure(CANCELLED))

    assert completed.attempt_status is AttemptStatus.RUN_FINISHED
    assert (await prod.run(run_id)).is_final


async def test_a_cancelled_run_has_used_what_it_executed(prod: Engine) -> None:
    run_id = await prod.trigger()
    started = await prod.begin()
    prod.clock.advance(4_000)
    await prod.cancel(run_id)
    prod.clock.advance(500)
    await prod.complete(started, prod.failure(CANCELLED))

    assert (await prod.run(run_id)).usage_ms == 4_500


async def test_a_cancelled_retry_that_never_began_has_used_only_what_went_before(
    prod: Engine,
) -> None:
    run_id = await prod.trigger()
    started = await prod.begin()
    prod.clock.advance(1_000)
    completed = await prod.fail(started, delay_ms=500)
    prod.clock.advance(400)
    await prod.cancel(run_id)
    await prod.complete(completed, prod.failure(CANCELLED))

    assert (await prod.run(run_id)).usage_ms == 1_000


async def test_the_slot_stays_taken_until_the_worker_has_stopped(prod: Engine) -> None:
    run_id = await prod.trigger()
    started = await prod.begin()
    await prod.cancel(run_id)
    lines = prod.core.lanes.lines.environments[prod.environment.id]
    assert lines.running == 1

    await prod.fail(started, CANCELLED)

    assert lines.running == 0


async def test_p18_a_cancelled_run_never_reports_success_afterwards(prod: Engine) -> None:
    run_id = await prod.trigger()
    started = await prod.begin()
    await prod.cancel(run_id)

    await prod.complete(started)

    run = await prod.run(run_id)
    assert (str(run.status), run.output) == ("CANCELED", None)


async def test_p18_cancelling_again_changes_nothing_and_knocks_again(prod: Engine) -> None:
    run_id = await prod.trigger()
    await prod.begin()
    await prod.cancel(run_id)
    before = await prod.run(run_id)

    with prod.core.bus.notifications(prod.environment.id) as notifications:
        await prod.cancel(run_id)
        assert await notifications.next() == [run_id]

    assert await prod.run(run_id) == before


async def test_cancelling_a_finished_run_says_so(prod: Engine) -> None:
    run_id = await prod.trigger()
    await prod.complete(await prod.begin())

    cancelled = await prod.cancel(run_id)

    assert cancelled.is_already_finished
    assert str(cancelled.status) == "COMPLETED_SUCCESSFULLY"


async def test_a_worker_that_does_not_confirm_is_given_a_minute(prod: Engine) -> None:
    run_id = await prod.trigger()
    await prod.begin()
    await prod.cancel(run_id)
    await prod.pass_time(59_999)
    assert not (await prod.run(run_id)).is_final

    await prod.pass_time(1)

    assert (await prod.run(run_id)).is_final


async def test_a_run_cancelled_before_its_start_is_confirmed_by_whoever_took_it(
    prod: Engine,
) -> None:
    run_id = await prod.trigger()
    dequeued = await prod.take_one()
    await prod.cancel(run_id)

    completed = await prod.complete(dequeued, prod.failure(CANCELLED))

    assert completed.attempt_status is AttemptStatus.RUN_FINISHED
    assert (await prod.run(run_id)).is_final
    assert await prod.complete(dequeued, prod.failure(CANCELLED)) == completed


async def test_a_worker_may_say_cancelled_before_anybody_asked(prod: Engine) -> None:
    run_id = await prod.trigger()

    await prod.fail(await prod.begin(), CANCELLED, delay_ms=0)

    assert await prod.status(run_id) == "CANCELED"


async def test_an_unknown_run_can_not_be_cancelled(prod: Engine) -> None:
    with pytest.raises(RunNotFoundError):
        await prod.cancel("run_unknown")


# ---- what lies below


async def test_p18_children_follow_their_parent_at_every_depth(prod: Engine) -> None:
    root = await prod.trigger()
    child = await prod.trigger(parent_run_id=root)
    grandchild = await prod.trigger(parent_run_id=child)
    other = await prod.trigger()

    await prod.cancel(root)
    await prod.sweep("cascades")

    assert [await prod.status(one) for one in (root, child, grandchild, other)] == [
        "CANCELED", "CANCELED", "CANCELED", "PENDING",
    ]  # fmt: skip


async def test_children_wait_until_their_parent_has_ended(prod: Engine) -> None:
    root = await prod.trigger()
    started = await prod.begin()
    child = await prod.trigger(parent_run_id=root)
    await prod.cancel(root)
    await prod.sweep("cascades")
    assert await prod.status(child) == "PENDING"

    await prod.fail(started, CANCELLED)
    await prod.sweep("cascades")

    assert await prod.status(child) == "CANCELED"


async def test_a_live_run_below_one_that_is_done_is_reached(prod: Engine) -> None:
    root = await prod.trigger()
    child = await prod.trigger(parent_run_id=root)
    grandchild = await prod.trigger(parent_run_id=child)
    taken = {one.run.id: one.started for one in await prod.take(2, start=True)}
    started = taken[child]
    assert started is not None
    await prod.complete(started)
    await prod.cancel(root)  # it runs: it has to confirm
    await prod.pass_time(60_000)

    assert (await prod.run(root)).is_final
    assert await prod.status(child) == "COMPLETED_SUCCESSFULLY"
    assert await prod.status(grandchild) == "CANCELED"


async def test_a_parent_that_fails_does_not_cancel_its_children(prod: Engine) -> None:
    root = await prod.trigger()
    started = await prod.begin()
    child = await prod.trigger(parent_run_id=root)
    await prod.fail(started)
    await prod.sweep("cascades")

    assert await prod.status(child) == "PENDING"


async def test_many_children_are_cancelled_in_slices(
    prod: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SWEEP_ROWS_MAX", 3)
    root = await prod.trigger()
    children = [await prod.trigger(parent_run_id=root) for _ in range(10)]
    await prod.cancel(root)

    await prod.sweep("cascades")

    assert {await prod.status(one) for one in children} == {"CANCELED"}


async def test_p6_a_crash_before_the_children_does_not_spare_them(tmp_path: Path) -> None:
    clock = ManualClock()
    async with an_engine(tmp_path, clock=clock) as engine:
        await make_current(engine, (await engine.register()).worker_id)
        root = await engine.trigger()
        child = await engine.trigger(parent_run_id=root)
        await engine.cancel(root)  # and nobody sweeps any more
        environment = engine.environment

    async with a_core(tmp_path, clock=clock, seed=2) as core:
        engine = Engine(core, environment)
        await engine.sweep()
        assert await engine.status(child) == "CANCELED"


async def test_the_cascade_keeper_is_woken(prod: Engine) -> None:
    root = await prod.trigger()
    await prod.trigger(parent_run_id=root)
    await prod.cancel(root)

    async with asyncio.timeout(5):
        await prod.core.alarms.cascades.wake.wait()


# ---- disconnect


async def test_a_dev_session_that_ends_takes_its_runs_along(dev: Engine) -> None:
    dequeued_id, started_id, queued_id = [await dev.trigger() for _ in range(3)]
    dequeued, to_start = await dev.take(2)
    assert (dequeued.run.id, to_start.run.id) == (dequeued_id, started_id)
    started = await dev.start(to_start)

    count = await disconnect(
        dev.core, dev.environment, [dequeued_id, started_id, queued_id, "run_unknown"]
    )

    assert count == 2
    for run_id in (dequeued_id, started_id):
        run = await dev.run(run_id)
        assert (str(run.status), run.is_final) == ("CANCELED", True)
        assert run.error == StringError(raw="Dev session ended")
    assert await dev.status(queued_id) == "PENDING"
    assert dev.core.lanes.lines.environments[dev.environment.id].running == 0
    with pytest.raises(StaleTransitionError):
        await dev.complete(started)


async def test_only_development_environments_can_be_disconnected(prod: Engine) -> None:
    with pytest.raises(DeniedError):
        await disconnect(prod.core, prod.environment, [])


async def test_a_disconnect_names_at_most_500_runs(dev: Engine) -> None:
    with pytest.raises(InvalidError, match="At most 500 runs"):
        await disconnect(dev.core, dev.environment, ["run_x"] * 501)
