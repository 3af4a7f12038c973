"""Equal calls give one run (rest-api 10, run-engine 4.1)."""

import asyncio

import pytest

from tests.support.builders import an_environment
from tests.support.engine import Engine
from trigger_box.domain import limits
from trigger_box.domain.failures import ErrorCode, InternalError


async def test_p12_concurrent_equal_triggers_give_one_run(prod: Engine) -> None:
    found = await asyncio.gather(*(prod.triggered(idempotency_key="k") for _ in range(20)))

    assert len({one.run_id for one in found}) == 1
    assert sorted(one.is_cached for one in found) == [False] + [True] * 19


async def test_a_key_belongs_to_its_task_and_environment(prod: Engine) -> None:
    other = Engine(prod.core, await an_environment(prod.core))

    runs = {
        await prod.trigger(idempotency_key="k"),
        await prod.trigger("other-task", idempotency_key="k"),
        await other.trigger(idempotency_key="k"),
        await prod.trigger(idempotency_key="k2"),
    }

    assert len(runs) == 4


async def test_a_key_is_kept_by_success(prod: Engine) -> None:
    run_id = await prod.trigger(idempotency_key="k")
    await prod.complete(await prod.begin())

    again = await prod.triggered(idempotency_key="k")

    assert (again.run_id, again.is_cached) == (run_id, True)


async def test_a_key_is_kept_by_a_cancelled_run(prod: Engine) -> None:
    run_id = await prod.trigger(idempotency_key="k")
    await prod.cancel(run_id)

    assert (await prod.triggered(idempotency_key="k")).run_id == run_id


@pytest.mark.parametrize(
    "code",
    [ErrorCode.TASK_RUN_CRASHED, ErrorCode.MAX_DURATION_EXCEEDED, ErrorCode.COULD_NOT_FIND_TASK],
)
async def test_p12_a_key_is_given_back_by_a_failed_run(prod: Engine, code: ErrorCode) -> None:
    run_id = await prod.trigger(idempotency_key="k")
    await prod.fail(await prod.begin(), InternalError(code=code))

    again = await prod.triggered(idempotency_key="k")

    assert again.run_id != run_id
    assert not again.is_cached
    assert (await prod.run(run_id)).idempotency_key is None


async def test_p12_a_key_is_given_back_by_an_expired_run(prod: Engine) -> None:
    run_id = await prod.trigger(idempotency_key="k", ttl="1s")
    await prod.pass_time(1_000)
    assert await prod.status(run_id) == "EXPIRED"

    assert (await prod.triggered(idempotency_key="k")).run_id != run_id


async def test_p12_an_expired_key_makes_a_new_run_and_leaves_the_old_one_alone(
    prod: Engine,
) -> None:
    run_id = await prod.trigger(idempotency_key="k", idempotency_ttl_ms=1_000)
    prod.clock.advance(999)
    assert (await prod.triggered(idempotency_key="k")).is_cached
    prod.clock.advance(1)

    assert (await prod.triggered(idempotency_key="k")).run_id != run_id
    assert await prod.status(run_id) == "PENDING"


async def test_a_key_lives_thirty_days_by_itself(prod: Engine) -> None:
    run_id = await prod.trigger(idempotency_key="k")

    expires_at_ms = (await prod.run(run_id)).idempotency_expires_at_ms
    assert expires_at_ms == prod.clock.now_ms() + 30 * 86_400_000


async def test_a_repeated_call_gets_its_run_and_is_not_cached(prod: Engine) -> None:
    first = await prod.triggered(request_key="r")
    again = await prod.triggered(request_key="r")

    assert again.run_id == first.run_id
    assert not again.is_cached


async def test_concurrent_tries_of_one_call_give_one_run(prod: Engine) -> None:
    found = await asyncio.gather(*(prod.triggered(request_key="r") for _ in range(10)))

    assert len({one.run_id for one in found}) == 1


async def test_a_request_key_is_per_task(prod: Engine) -> None:
    assert await prod.trigger(request_key="r") != await prod.trigger("other", request_key="r")


async def test_a_request_key_is_forgotten_after_a_day(prod: Engine) -> None:
    first = await prod.trigger(request_key="r")
    prod.clock.advance(limits.REQUEST_IDEMPOTENCY_TTL_MS - 1)
    assert await prod.trigger(request_key="r") == first
    prod.clock.advance(1)

    assert await prod.trigger(request_key="r") != first


async def test_old_request_keys_and_changes_are_swept_away(prod: Engine) -> None:
    await prod.trigger(request_key="r")
    prod.clock.advance(limits.CHANGES_KEPT_MS + 1)
    await prod.trigger(request_key="fresh")

    await prod.sweep("retention")

    keys = await prod.core.store.readers.all("SELECT run_id FROM request_keys")
    assert len(keys) == 1
    changes = await prod.core.store.changes_after(0, limit=100)
    assert [one.kind for one in changes] == ["run.created"]
