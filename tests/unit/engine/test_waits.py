"""Runs that wait: for a child, an instant, a token (run-engine 10, 11.2; P2, P3, P4, P8, P18)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders import a_core, a_task
from tests.support.clock import ManualClock
from tests.support.engine import Engine, an_engine, make_current
from trigger_box.access.actors import EnvironmentType
from trigger_box.domain import limits
from trigger_box.domain.errors import NotFoundError, RefusedError
from trigger_box.domain.instants import iso
from trigger_box.domain.packets import NOTHING, Packet
from trigger_box.engine import environments, keepers, queues, reading
from trigger_box.engine.executions import CompletedWait, LatestExecution, Started
from trigger_box.engine.listing import Page
from trigger_box.engine.reasons import why_waiting
from trigger_box.engine.tokens import (
    NewToken,
    TokenFilter,
    complete_token,
    create_token,
    get_token,
    list_tokens,
)
from trigger_box.engine.waits import TokenNotFoundError, WaitUntil, wait_for_token, wait_until

FOUR = Packet("4", "application/json")


@pytest.fixture
async def narrow(tmp_path: Path) -> AsyncIterator[Engine]:
    """A development environment in which one run executes at once."""
    async with an_engine(tmp_path, EnvironmentType.DEVELOPMENT, concurrency_limit=1) as engine:
        await engine.register()
        yield engine


async def parent_and_child(engine: Engine, **options: Any) -> tuple[Started, str]:
    """Begin a parent and let it wait for a child that is queued."""
    await engine.trigger(max_attempts=3)
    parent = await engine.begin()
    child = await engine.trigger(parent_run_id=parent.run.id, resume_parent=True, **options)
    return parent, child


async def latest(engine: Engine, run_id: str) -> LatestExecution:
    return await reading.latest_for_worker(engine.core, engine.environment.id, run_id)


async def told(engine: Engine, run_id: str) -> tuple[CompletedWait, ...]:
    return (await latest(engine, run_id)).waits


async def a_token(engine: Engine, **fields: Any) -> str:
    return (await create_token(engine.core, NewToken(engine.environment.id, **fields))).id


async def say(engine: Engine, token: str, output: Packet = FOUR) -> bool:
    return await complete_token(engine.core, engine.environment.id, token, output)


async def wait_for(engine: Engine, run_id: str, token: str) -> None:
    await wait_for_token(engine.core, engine.environment.id, run_id, token)


async def sleep_until(engine: Engine, run_id: str, at_ms: int, **key: Any) -> Any:
    wish = WaitUntil(run_id, at_ms, **key)
    return await wait_until(engine.core, engine.environment.id, wish)


# ---- children


async def test_a_parent_waits_and_goes_on_with_its_childs_output(dev: Engine) -> None:
    parent, child = await parent_and_child(dev)
    waiting = await latest(dev, parent.run.id)
    begun = await dev.begin()
    await dev.complete(begun)

    assert (begun.run.id, str(waiting.snapshot.state)) == (child, "EXECUTING_WITH_WAITPOINTS")
    assert (await dev.status(parent.run.id)) == "EXECUTING"
    (wait,) = await told(dev, parent.run.id)
    assert (wait.kind, wait.run_id, wait.is_error) == ("RUN", child, False)
    assert wait.output == (await dev.run(child)).output
    await dev.complete(parent)
    assert await dev.status(parent.run.id) == "COMPLETED_SUCCESSFULLY"


async def test_a_waiting_run_is_shown_as_waiting(dev: Engine) -> None:
    parent, _ = await parent_and_child(dev)

    assert await dev.status(parent.run.id) == "WAITING_TO_RESUME"


async def test_a_child_that_fails_is_told_as_an_error(dev: Engine) -> None:
    parent, _ = await parent_and_child(dev, max_attempts=1)
    await dev.fail(await dev.begin())

    (wait,) = await told(dev, parent.run.id)
    assert wait.is_error
    assert wait.output is not None
    assert "boom" in str(wait.output.data)


@pytest.mark.parametrize("ending", ["cancel", "expire"])
async def test_a_parent_goes_on_whatever_its_childs_end_is(dev: Engine, ending: str) -> None:
    parent, child = await parent_and_child(dev, ttl="30s")
    if ending == "cancel":
        await dev.cancel(child)
    else:
        await dev.pass_time(30_000)

    (wait,) = await told(dev, parent.run.id)
    assert (wait.run_id, wait.is_error) == (child, True)


async def test_a_child_that_is_retried_is_waited_for_until_it_ends(dev: Engine) -> None:
    parent, child = await parent_and_child(dev, max_attempts=3)
    await dev.fail(await dev.begin(), delay_ms=60_000)
    assert await told(dev, parent.run.id) == ()
    await dev.pass_time(60_000)
    await dev.complete(await dev.begin())

    (wait,) = await told(dev, parent.run.id)
    assert (wait.run_id, wait.is_error) == (child, False)


async def test_a_child_that_has_ended_already_lets_its_parent_go_on_at_once(dev: Engine) -> None:
    done = await dev.trigger(idempotency_key="once")
    await dev.complete(await dev.begin())
    await dev.trigger()
    parent = await dev.begin()

    found = await dev.triggered(
        idempotency_key="once", parent_run_id=parent.run.id, resume_parent=True
    )

    assert (found.run_id, found.is_cached) == (done, True)
    newest = await latest(dev, parent.run.id)
    assert (str(newest.snapshot.state), newest.waits[0].run_id) == ("EXECUTING", done)


async def test_two_parents_wait_for_one_child(dev: Engine) -> None:
    for _ in range(2):
        await dev.trigger()
    parents = [await dev.begin(), await dev.begin()]
    children = {
        await dev.trigger(idempotency_key="k", parent_run_id=one.run.id, resume_parent=True)
        for one in parents
    }
    await dev.complete(await dev.begin())

    (child,) = children
    for parent in parents:
        assert [wait.run_id for wait in await told(dev, parent.run.id)] == [child]


async def test_a_call_that_comes_twice_waits_once(dev: Engine) -> None:
    await dev.trigger()
    parent = await dev.begin()
    call = {"request_key": "r", "parent_run_id": parent.run.id, "resume_parent": True}
    child = await dev.trigger(**call)
    await dev.complete(await dev.begin())
    before = await latest(dev, parent.run.id)

    assert await dev.trigger(**call) == child
    assert await latest(dev, parent.run.id) == before


@pytest.mark.parametrize("which", ["none", "unknown", "ended"])
async def test_only_a_run_that_executes_can_wait(dev: Engine, which: str) -> None:
    ended = await dev.trigger()
    await dev.complete(await dev.begin())
    parent = {"none": None, "unknown": "run_x", "ended": ended}[which]

    with pytest.raises(RefusedError):
        await dev.trigger(parent_run_id=parent, resume_parent=True)
    assert await dev.take() == []


async def test_an_awaited_child_runs_its_parents_version(prod: Engine) -> None:
    await prod.trigger()
    parent = await prod.begin()
    newer = await prod.register(a_task(), content_hash="h2")
    await make_current(prod, newer.worker_id)
    child = await prod.trigger(parent_run_id=parent.run.id, resume_parent=True)

    assert (await prod.run(child)).version == parent.execution.version


# ---- slots


async def test_p4_a_tree_of_waiting_parents_runs_at_limit_1(narrow: Engine) -> None:
    await narrow.trigger()
    line = [await narrow.begin()]
    for _ in range(4):
        await narrow.trigger(parent_run_id=line[-1].run.id, resume_parent=True)
        line.append(await narrow.begin())
    for started in reversed(line):
        await narrow.complete(started)

    for started in line:
        assert await narrow.status(started.run.id) == "COMPLETED_SUCCESSFULLY"


async def test_p2_who_goes_on_waits_for_a_slot(narrow: Engine) -> None:
    await narrow.trigger()
    parent = await narrow.begin()
    token = await a_token(narrow)
    await wait_for(narrow, parent.run.id, token)
    await narrow.trigger()
    other = await narrow.begin()
    await say(narrow, token)

    queued = await latest(narrow, parent.run.id)
    assert (str(queued.snapshot.state), queued.waits) == ("QUEUED_EXECUTING", ())
    assert await narrow.status(parent.run.id) == "WAITING_TO_RESUME"
    await narrow.complete(other)

    assert [wait.id for wait in await told(narrow, parent.run.id)] == [token]


async def test_p15_who_goes_on_comes_before_new_runs_and_in_old_order(narrow: Engine) -> None:
    tokens, runs = [await a_token(narrow) for _ in range(2)], []
    for token in tokens:
        await narrow.trigger()
        runs.append(await narrow.begin())
        await wait_for(narrow, runs[-1].run.id, token)
    await narrow.trigger()
    busy = await narrow.begin()
    fresh = await narrow.trigger()
    for token in reversed(tokens):
        await say(narrow, token)
    await narrow.complete(busy)

    states = [str((await latest(narrow, one.run.id)).snapshot.state) for one in runs]
    assert states == ["EXECUTING", "QUEUED_EXECUTING"]
    await narrow.complete(runs[0])
    await narrow.complete(runs[1])
    assert (await narrow.take_one()).run.id == fresh


async def test_a_limit_that_is_raised_lets_a_run_go_on(narrow: Engine) -> None:
    await narrow.trigger()
    parent = await narrow.begin()
    token = await a_token(narrow)
    await wait_for(narrow, parent.run.id, token)
    await narrow.trigger()
    await narrow.begin()
    await say(narrow, token)

    await environments.set_limits(narrow.core, narrow.environment.id, limit=2)

    assert [wait.id for wait in await told(narrow, parent.run.id)] == [token]


async def test_a_paused_queue_holds_who_wants_to_go_on_back(dev: Engine) -> None:
    await dev.trigger()
    parent = await dev.begin()
    token = await a_token(dev)
    await wait_for(dev, parent.run.id, token)
    queue = await queues.get_queue(dev.core, dev.environment.id, name="task/send-email")
    await queues.set_paused(dev.core, dev.environment.id, queue.id, is_paused=True)
    await say(dev, token)
    assert str((await latest(dev, parent.run.id)).snapshot.state) == "QUEUED_EXECUTING"

    await queues.set_paused(dev.core, dev.environment.id, queue.id, is_paused=False)

    assert [wait.id for wait in await told(dev, parent.run.id)] == [token]


async def test_elsewhere_a_slot_is_kept_until_the_process_is_idle(prod: Engine) -> None:
    parent, _ = await parent_and_child(prod)

    assert await prod.status(parent.run.id) == "EXECUTING"
    await prod.complete(await prod.begin())
    assert len(await told(prod, parent.run.id)) == 1


# ---- instants


async def test_a_run_waits_for_an_instant(dev: Engine) -> None:
    await dev.trigger()
    run_id = (await dev.begin()).run.id
    at_ms = dev.clock.now_ms() + 60_000
    waiting = await sleep_until(dev, run_id, at_ms)
    await dev.pass_time(59_999)
    assert await dev.status(run_id) == "WAITING_TO_RESUME"
    await dev.pass_time(1)

    (wait,) = await told(dev, run_id)
    assert (wait.id, wait.kind, wait.due_at_ms) == (waiting.waitpoint_id, "DATETIME", at_ms)
    assert (wait.output, wait.is_error, wait.completed_at_ms) == (None, False, at_ms)


async def test_an_instant_that_has_passed_is_no_wait(dev: Engine) -> None:
    await dev.trigger()
    run_id = (await dev.begin()).run.id
    await sleep_until(dev, run_id, dev.clock.now_ms() - 1)

    assert await dev.status(run_id) == "EXECUTING"
    assert len(await told(dev, run_id)) == 1


async def test_a_known_key_is_the_same_instant(dev: Engine) -> None:
    await dev.trigger()
    run_id = (await dev.begin()).run.id
    now_ms = dev.clock.now_ms()
    key = {"idempotency_key": "nap", "idempotency_ttl_ms": 3_600_000}
    first = await sleep_until(dev, run_id, now_ms + 60_000, **key)
    again = await sleep_until(dev, run_id, now_ms + 120_000, **key)
    await dev.pass_time(60_000)
    over = await sleep_until(dev, run_id, now_ms + 999_999, **key)

    assert first == again == over
    assert await dev.status(run_id) == "EXECUTING"
    assert [wait.id for wait in await told(dev, run_id)] == [first.waitpoint_id]


async def test_an_instant_that_passed_while_the_box_was_down_counts_at_its_start(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    async with an_engine(tmp_path, EnvironmentType.DEVELOPMENT, clock=clock) as engine:
        await engine.register()
        await engine.trigger()
        run_id = (await engine.begin()).run.id
        await sleep_until(engine, run_id, clock.now_ms() + 60_000)
        environment = engine.environment
    clock.advance(3_600_000)

    async with a_core(tmp_path, clock=clock, seed=2) as core:
        engine = Engine(core, environment)
        await keepers.catch_up(core)

        assert await engine.status(run_id) == "EXECUTING"
        assert len(await told(engine, run_id)) == 1
        await engine.check()


async def test_who_stood_in_line_for_a_slot_still_does_after_a_restart(tmp_path: Path) -> None:
    clock = ManualClock()
    dev = EnvironmentType.DEVELOPMENT
    async with an_engine(tmp_path, dev, clock=clock, concurrency_limit=1) as engine:
        await engine.register()
        await engine.trigger()
        parent = await engine.begin()
        token = await a_token(engine)
        await wait_for(engine, parent.run.id, token)
        await engine.trigger()
        other = await engine.begin()
        await say(engine, token)
        environment = engine.environment

    async with a_core(tmp_path, clock=clock, seed=2) as core:
        engine = Engine(core, environment)
        await keepers.catch_up(core)
        await engine.complete(other)

        assert [wait.id for wait in await told(engine, parent.run.id)] == [token]
        await engine.check()


# ---- tokens


async def test_p8_the_first_word_counts_and_a_run_goes_on_once(dev: Engine) -> None:
    await dev.trigger()
    run_id = (await dev.begin()).run.id
    token = await a_token(dev, timeout_at_ms=dev.clock.now_ms() + 60_000)
    await wait_for(dev, run_id, token)

    said = await asyncio.gather(*(say(dev, token, Packet(str(n))) for n in range(5)))
    snapshots = await dev.snapshots(run_id)
    await dev.pass_time(60_000)

    assert said.count(True) == 1
    (wait,) = await told(dev, run_id)
    assert wait.output == Packet(str(said.index(True)))
    assert await dev.snapshots(run_id) == snapshots
    assert snapshots.count("EXECUTING") == 2


async def test_a_word_that_came_before_the_wait_is_kept(dev: Engine) -> None:
    await dev.trigger()
    run_id = (await dev.begin()).run.id
    token = await a_token(dev)
    await say(dev, token)
    await wait_for(dev, run_id, token)

    (wait,) = await told(dev, run_id)
    assert (wait.id, wait.output) == (token, FOUR)


async def test_a_run_can_wait_for_the_same_token_twice(dev: Engine) -> None:
    await dev.trigger()
    run_id = (await dev.begin()).run.id
    token = await a_token(dev)
    await say(dev, token)
    await wait_for(dev, run_id, token)
    await wait_for(dev, run_id, token)

    assert [wait.id for wait in await told(dev, run_id)] == [token]
    assert (await dev.snapshots(run_id)).count("EXECUTING") == 3


async def test_a_token_whose_time_is_up_is_told_as_an_error(dev: Engine) -> None:
    await dev.trigger()
    run_id = (await dev.begin()).run.id
    token = await a_token(dev, timeout_at_ms=dev.clock.now_ms() + 60_000)
    await wait_for(dev, run_id, token)
    await dev.pass_time(60_000)

    (wait,) = await told(dev, run_id)
    assert wait.is_error
    assert wait.output is not None
    assert "TRIGGER_WAITPOINT_TIMEOUT" in str(wait.output.data)
    assert await say(dev, token) is False
    seen = await get_token(dev.core, dev.environment.id, token)
    assert (seen.has_timed_out, seen.output) == (True, wait.output)


async def test_a_key_is_the_same_token_until_its_time_is_over(dev: Engine) -> None:
    first = await a_token(dev, idempotency_key="k", idempotency_ttl_ms=60_000)
    again = await create_token(
        dev.core, NewToken(dev.environment.id, idempotency_key="k", idempotency_ttl_ms=60_000)
    )
    dev.clock.advance(60_000)
    later = await a_token(dev, idempotency_key="k", idempotency_ttl_ms=60_000)

    assert (again.id, again.is_cached) == (first, True)
    assert later != first


async def test_another_environments_token_is_not_there(dev: Engine, tmp_path: Path) -> None:
    async with an_engine(tmp_path / "other", seed=9) as other:
        token = await a_token(other)
        elsewhere = dev.environment.id

        with pytest.raises(TokenNotFoundError):
            await complete_token(other.core, elsewhere, token, NOTHING)
        with pytest.raises(NotFoundError):
            await get_token(other.core, elsewhere, token)
        assert (await list_tokens(other.core, elsewhere, TokenFilter(), Page())).tokens == ()


async def test_a_childs_waitpoint_is_no_token(dev: Engine) -> None:
    parent, _ = await parent_and_child(dev)
    (row,) = await dev.core.store.readers.all("SELECT id FROM waitpoints", {})

    with pytest.raises(TokenNotFoundError):
        await say(dev, row["id"])
    assert await dev.status(parent.run.id) == "WAITING_TO_RESUME"


async def test_tokens_are_listed_newest_first_by_page_status_tag_and_key(dev: Engine) -> None:
    made: list[str] = []
    for number in range(5):
        made.insert(0, await a_token(dev, tags=(f"t{number % 2}", "all")))
        dev.clock.advance(1_000)
    await say(dev, made[0])
    keyed = await a_token(dev, idempotency_key="k", idempotency_ttl_ms=1)

    async def ids(wanted: TokenFilter) -> list[str]:
        found = await list_tokens(dev.core, dev.environment.id, wanted, Page())
        return [token.id for token in found.tokens]

    first = await list_tokens(dev.core, dev.environment.id, TokenFilter(), Page(size=2))
    assert [token.id for token in first.tokens] == [keyed, made[0]]
    assert first.previous is None
    second = await list_tokens(
        dev.core, dev.environment.id, TokenFilter(), Page(size=2, after=first.next)
    )
    assert [token.id for token in second.tokens] == made[1:3]
    back = await list_tokens(
        dev.core, dev.environment.id, TokenFilter(), Page(size=2, before=second.previous)
    )
    assert (back.tokens, back.previous) == (first.tokens, None)
    assert await ids(TokenFilter(statuses=("COMPLETED",))) == [made[0]]
    assert await ids(TokenFilter(tags=("t1",))) == [made[1], made[3]]
    assert await ids(TokenFilter(idempotency_key="k")) == [keyed]


async def test_very_many_who_wait_for_one_token_are_told_in_slices(
    dev: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SWEEP_ROWS_MAX", 2)
    token = await a_token(dev)
    runs: list[str] = []
    for _ in range(5):
        await dev.trigger()
        runs.append((await dev.begin()).run.id)
        await wait_for(dev, runs[-1], token)
    await say(dev, token)

    assert [await dev.status(one) for one in runs].count("EXECUTING") == 2
    await dev.sweep("waits")
    for one in runs:
        assert [wait.id for wait in await told(dev, one)] == [token]


# ---- several waits, and ends while waiting


async def test_a_run_with_several_waits_goes_on_at_the_first_and_hears_of_all(
    dev: Engine,
) -> None:
    await dev.trigger()
    run_id = (await dev.begin()).run.id
    tokens = [await a_token(dev) for _ in range(3)]
    for token in tokens:
        await wait_for(dev, run_id, token)
    seen = (await latest(dev, run_id)).snapshot.id
    await say(dev, tokens[1])
    assert await dev.status(run_id) == "EXECUTING"
    await say(dev, tokens[0])
    await say(dev, tokens[2])

    since = await reading.snapshots_since(dev.core, dev.environment.id, run_id, seen)
    assert [wait.id for wait in since[-1].waits] == [tokens[1], tokens[0], tokens[2]]


async def test_p18_a_waiting_run_that_is_cancelled_ends(dev: Engine) -> None:
    parent, child = await parent_and_child(dev)
    await dev.cancel(parent.run.id)
    assert await dev.status(parent.run.id) == "CANCELED"
    await dev.complete(parent)
    await dev.sweep()

    assert await dev.status(child) == "CANCELED"
    assert await told(dev, parent.run.id) == ()


async def test_p3_a_run_that_stands_in_line_for_a_slot_and_is_cancelled_takes_none(
    narrow: Engine,
) -> None:
    await narrow.trigger()
    parent = await narrow.begin()
    token = await a_token(narrow)
    await wait_for(narrow, parent.run.id, token)
    await narrow.trigger()
    other = await narrow.begin()
    await say(narrow, token)
    await narrow.cancel(parent.run.id)
    await narrow.complete(other)
    fresh = await narrow.trigger()

    assert (await narrow.take_one()).run.id == fresh
    await narrow.complete(parent)
    assert await narrow.status(parent.run.id) == "CANCELED"


async def test_a_run_that_ends_while_it_waits_is_waited_for_no_more(dev: Engine) -> None:
    parent, child = await parent_and_child(dev)
    await dev.complete(parent)
    await dev.complete(await dev.begin())

    assert await dev.status(parent.run.id) == "COMPLETED_SUCCESSFULLY"
    assert await dev.status(child) == "COMPLETED_SUCCESSFULLY"


async def test_an_attempt_that_fails_while_it_waits_begins_anew_without_its_waits(
    dev: Engine,
) -> None:
    parent, _ = await parent_and_child(dev)
    await dev.fail(parent, delay_ms=100)
    await dev.complete(await dev.begin())  # the child

    assert await told(dev, parent.run.id) == ()
    assert await dev.status(parent.run.id) == "EXECUTING"


async def test_p2_a_retry_in_place_of_a_parked_run_takes_a_slot_or_waits_for_one(
    narrow: Engine,
) -> None:
    parent, child = await parent_and_child(narrow)
    begun = await narrow.begin()
    await narrow.fail(parent, delay_ms=100)

    assert await narrow.status(parent.run.id) == "PENDING"
    await narrow.complete(begun)
    await narrow.pass_time(1_000)
    assert (await narrow.take_one()).run.id == parent.run.id
    assert await narrow.status(child) == "COMPLETED_SUCCESSFULLY"


async def test_a_waiting_run_whose_worker_falls_silent_is_judged(dev: Engine) -> None:
    parent, _ = await parent_and_child(dev)
    await dev.pass_time(301_000)

    assert await dev.status(parent.run.id) == "CANCELED"


# ---- what people are told


async def test_a_waiting_run_says_what_it_waits_for(dev: Engine) -> None:
    parent, child = await parent_and_child(dev)
    await dev.trigger()
    await dev.take_one()  # the child
    asleep = (await dev.begin()).run.id
    at_ms = dev.clock.now_ms() + 60_000
    await sleep_until(dev, asleep, at_ms)

    async def why(run_id: str) -> str | None:
        return await why_waiting(dev.core, await dev.run(run_id))

    assert await why(parent.run.id) == f"It waits for the run {child}."
    assert await why(asleep) == f"It waits until {iso(at_ms)[:19]}Z."
