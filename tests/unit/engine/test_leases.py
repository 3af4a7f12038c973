"""Silence, stalls, jumping clocks, restarts (run-engine 9, 26.3, 26.4)."""

from pathlib import Path

import pytest

from tests.support.builders import a_core
from tests.support.clock import ManualClock
from tests.support.engine import Engine, an_engine, make_current
from trigger_box.access.actors import EnvironmentType
from trigger_box.domain import limits
from trigger_box.engine import keepers, reading


async def test_a_run_nobody_starts_is_queued_again_with_backoff(prod: Engine) -> None:
    run_id = await prod.trigger()
    await prod.take_one()

    await prod.pass_time(59_999)
    assert await prod.status(run_id) == "DEQUEUED"
    await prod.pass_time(1)

    run = await prod.run(run_id)
    assert str(run.status) == "PENDING"
    assert run.due_at_ms is not None
    assert 1_000 <= run.due_at_ms - prod.clock.now_ms() < 2_000
    await prod.pass_time(2_000)
    assert (await prod.take_one()).attempt_number == 1


async def test_p9_twelve_failed_dispatches_end_the_run_and_cost_no_attempt(prod: Engine) -> None:
    run_id = await prod.trigger()
    for _ in range(12):
        assert await prod.status(run_id) == "PENDING"
        await prod.take_one()
        await prod.pass_time(61_000)
        due_at_ms = (await prod.run(run_id)).due_at_ms
        if due_at_ms is not None:
            await prod.pass_time(due_at_ms - prod.clock.now_ms(), "delays", "leases")

    run = await prod.run(run_id)
    assert str(run.status) == "SYSTEM_FAILURE"
    assert run.attempt_number == 0
    assert "TASK_RUN_DEQUEUED_MAX_RETRIES" in str(run.error)
    assert "handed out 12 times" in str(run.error)


async def test_a_silent_worker_has_used_what_lies_before_its_last_sign_of_life(
    prod: Engine,
) -> None:
    run_id = await prod.trigger()
    started = await prod.begin()
    prod.clock.advance(40_000)
    await prod.beat(started)
    await prod.pass_time(320_000)

    assert str((await prod.run(run_id)).status) == "PENDING"
    assert (await prod.run(run_id)).usage_ms == 40_000


async def test_failed_dispatches_are_forgotten_once_an_attempt_starts(prod: Engine) -> None:
    run_id = await prod.trigger()
    await prod.take_one()
    await prod.pass_time(70_000)
    await prod.begin()

    row = await prod.core.store.readers.one(
        "SELECT dispatch_failures FROM runs WHERE id = :id", {"id": run_id}
    )
    assert row is not None
    assert row["dispatch_failures"] == 0


async def test_a_silent_worker_loses_the_run_and_it_is_tried_again(prod: Engine) -> None:
    run_id = await prod.trigger()
    await prod.begin()

    await prod.pass_time(299_999)
    assert await prod.status(run_id) == "EXECUTING"
    await prod.pass_time(1)

    assert await prod.status(run_id) == "PENDING"
    await prod.pass_time(250)
    assert (await prod.take_one()).attempt_number == 2


async def test_a_stall_without_attempts_left_ends_the_run(prod: Engine) -> None:
    run_id = await prod.trigger(max_attempts=1)
    await prod.begin()
    await prod.pass_time(300_000)

    run = await prod.run(run_id)
    assert str(run.status) == "COMPLETED_WITH_ERRORS"
    assert "TASK_RUN_STALLED_EXECUTING" in str(run.error)


async def test_in_development_a_stalled_run_is_cancelled(dev: Engine) -> None:
    run_id = await dev.trigger(max_attempts=5)
    await dev.begin()
    await dev.pass_time(300_000)

    run = await dev.run(run_id)
    assert str(run.status) == "CANCELED"
    assert run.is_final
    (attempt,) = await reading.attempts_of(dev.core, dev.environment.id, run_id)
    assert attempt.result == "CANCELED"


async def test_signs_of_life_keep_the_lease(prod: Engine) -> None:
    run_id = await prod.trigger()
    started = await prod.begin()
    for _ in range(40):
        await prod.pass_time(20_000, "delays")  # leases are looked at only now and then
        await prod.beat(started)
    await prod.pass_time(299_000)
    assert await prod.status(run_id) == "EXECUTING"

    await prod.pass_time(1_000)
    assert await prod.status(run_id) == "PENDING"


async def test_a_beat_for_any_snapshot_of_the_attempt_counts(prod: Engine) -> None:
    run_id = await prod.trigger()
    dequeued = await prod.take_one()
    await prod.pass_time(50_000)
    await prod.beat(dequeued)
    await prod.pass_time(50_000)
    assert await prod.status(run_id) == "DEQUEUED"
    started = await prod.start(dequeued)
    await prod.pass_time(200_000)
    await prod.beat(started)
    await prod.pass_time(200_000)
    assert await prod.status(run_id) == "EXECUTING"


async def test_a_late_heartbeat_does_not_revive_a_finished_run(prod: Engine) -> None:
    run_id = await prod.trigger()
    started = await prod.begin()
    await prod.complete(started)
    before = await prod.run(run_id)

    await prod.beat(started)
    await prod.pass_time(1_000)

    assert await prod.run(run_id) == before


async def test_a_beat_for_an_older_attempt_keeps_nobody_alive(prod: Engine) -> None:
    run_id = await prod.trigger()
    old = await prod.begin()
    await prod.pass_time(301_000)
    new = await prod.begin()
    assert new.run.attempt_number == 2
    await prod.pass_time(200_000)
    await prod.beat(old)
    await prod.pass_time(101_000)

    assert await prod.status(run_id) == "PENDING"


async def test_a_beat_does_not_put_a_cancel_off(prod: Engine) -> None:
    run_id = await prod.trigger()
    started = await prod.begin()
    await prod.cancel(run_id)
    for _ in range(3):
        await prod.pass_time(20_000)
        await prod.beat(started)
    await prod.pass_time(20_000)

    assert (await prod.run(run_id)).is_final


@pytest.mark.parametrize("snapshot_id", ["", "nonsense"])
async def test_a_beat_for_nothing_changes_nothing(prod: Engine, snapshot_id: str) -> None:
    from trigger_box.engine.leases import heartbeat  # noqa: PLC0415 - with an id of its own

    await heartbeat(
        prod.core, environment=prod.environment, run_id="run_x", snapshot_id=snapshot_id
    )
    await prod.sweep("leases")


async def test_many_beats_are_not_hoarded(prod: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEARTBEATS_KEPT_MAX", 1)
    await prod.trigger()

    await prod.beat(await prod.begin())

    assert prod.core.alarms.leases.wake.is_set()


async def test_a_worker_that_goes_before_a_retry_in_place_costs_no_attempt(prod: Engine) -> None:
    run_id = await prod.trigger(max_attempts=2)
    await prod.fail(await prod.begin(), delay_ms=5_000)
    await prod.pass_time(305_000)

    run = await prod.run(run_id)
    assert str(run.status) == "PENDING"
    assert run.attempt_number == 1
    await prod.pass_time(1_000)
    assert (await prod.take_one()).attempt_number == 2


async def test_the_lease_of_a_retry_in_place_begins_when_the_pause_is_over(prod: Engine) -> None:
    run_id = await prod.trigger()
    await prod.fail(await prod.begin(), delay_ms=29_000)
    await prod.pass_time(320_000)

    assert await prod.status(run_id) == "EXECUTING"


async def test_a_run_handed_out_and_begun_in_one_step_shows_life_within_a_minute(
    prod: Engine,
) -> None:
    silent, lively = await prod.trigger(), await prod.trigger()
    first, second = await prod.take(2, start=True)
    assert second.started is not None
    assert (first.run.id, second.run.id) == (silent, lively)
    await prod.pass_time(20_000)
    await prod.beat(second.started)
    await prod.pass_time(41_000)

    assert await prod.status(silent) == "PENDING"
    assert await prod.status(lively) == "EXECUTING"
    await prod.pass_time(250_000)
    assert await prod.status(lively) == "EXECUTING"


async def test_handed_out_again_and_again_to_nobody_it_is_given_up_after_twelve(
    prod: Engine,
) -> None:
    run_id = await prod.trigger()
    for _ in range(12):
        await prod.take_one(start=True)
        await prod.pass_time(61_000)
        due_at_ms = (await prod.run(run_id)).due_at_ms
        if due_at_ms is not None:
            await prod.pass_time(due_at_ms - prod.clock.now_ms(), "delays", "leases")

    assert await prod.status(run_id) == "SYSTEM_FAILURE"


async def test_when_the_clock_jumps_ahead_everybody_gets_one_grace_period(prod: Engine) -> None:
    run_id = await prod.trigger()
    started = await prod.begin()
    await prod.sweep("leases")

    prod.clock.jump(3_600_000)
    await prod.sweep("leases")
    assert await prod.status(run_id) == "EXECUTING"
    await prod.pass_time(80_000)
    await prod.beat(started)
    await prod.pass_time(80_000)
    assert await prod.status(run_id) == "EXECUTING"


async def test_after_the_grace_period_the_silent_are_judged(prod: Engine) -> None:
    run_id = await prod.trigger()
    await prod.begin()
    await prod.sweep("leases")
    prod.clock.jump(3_600_000)
    await prod.sweep("leases")

    await prod.pass_time(limits.LEASE_GRACE_MS)

    assert await prod.status(run_id) == "PENDING"


async def test_a_process_that_was_stopped_judges_nobody_at_once(prod: Engine) -> None:
    run_id = await prod.trigger()
    await prod.begin()
    await prod.sweep("leases")

    prod.clock.advance(3_600_000)  # both clocks went on: only we did not
    await prod.sweep("leases")

    assert await prod.status(run_id) == "EXECUTING"


async def test_when_the_clock_goes_back_nothing_happens_early(prod: Engine) -> None:
    run_id = await prod.trigger()
    delayed = await prod.trigger(delay_until_ms=prod.clock.now_ms() + 1_000)
    await prod.begin()

    prod.clock.jump(-3_600_000)
    await prod.sweep()
    await prod.pass_time(30_000)

    assert await prod.status(run_id) == "EXECUTING"
    assert await prod.status(delayed) == "DELAYED"


async def test_after_a_restart_leases_get_a_grace_period(tmp_path: Path) -> None:
    clock = ManualClock()
    async with an_engine(tmp_path, clock=clock) as engine:
        await make_current(engine, (await engine.register()).worker_id)
        run_id = await engine.trigger(max_attempts=3)
        await engine.begin()
        environment = engine.environment
    clock.advance(86_400_000)

    async with a_core(tmp_path, clock=clock, seed=2) as core:
        engine = Engine(core, environment)
        await keepers.catch_up(core)
        await engine.sweep()
        assert await engine.status(run_id) == "EXECUTING"
        await engine.check()
        await engine.pass_time(limits.LEASE_GRACE_MS)
        assert await engine.status(run_id) == "PENDING"


async def test_what_fell_due_while_the_box_was_down_is_done_before_anybody_is_served(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    async with an_engine(tmp_path, EnvironmentType.DEVELOPMENT, clock=clock) as engine:
        await engine.register()
        expired = await engine.trigger(ttl="1h")
        delayed = await engine.trigger(delay_until_ms=clock.now_ms() + 60_000)
        environment = engine.environment
    clock.advance(7_200_000)

    async with a_core(tmp_path, clock=clock, seed=2) as core:
        engine = Engine(core, environment)
        await keepers.catch_up(core)

        assert await engine.status(expired) == "EXPIRED"
        assert (await engine.take_one()).run.id == delayed


async def test_a_box_starts_whose_only_run_became_due_while_it_was_down(tmp_path: Path) -> None:
    clock = ManualClock()
    async with an_engine(tmp_path, EnvironmentType.DEVELOPMENT, clock=clock) as engine:
        await engine.register()
        delayed = await engine.trigger(delay_until_ms=clock.now_ms() + 60_000)
        environment = engine.environment
    clock.advance(7_200_000)

    async with a_core(tmp_path, clock=clock, seed=2) as core:
        engine = Engine(core, environment)
        await keepers.catch_up(core)

        assert (await engine.take_one()).run.id == delayed
        await engine.check()


async def test_a_retry_that_fell_due_while_the_box_was_down_is_made(tmp_path: Path) -> None:
    clock = ManualClock()
    async with an_engine(tmp_path, clock=clock) as engine:
        await make_current(engine, (await engine.register()).worker_id)
        run_id = await engine.trigger(max_attempts=3)
        await engine.fail(await engine.begin(), delay_ms=60_000)
        environment = engine.environment
    clock.advance(7_200_000)

    async with a_core(tmp_path, clock=clock, seed=2) as core:
        engine = Engine(core, environment)
        await keepers.catch_up(core)

        taken = await engine.take_one()
        assert (taken.run.id, taken.attempt_number) == (run_id, 2)
        await engine.check()
