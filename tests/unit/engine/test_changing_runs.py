"""What may be done to a run from outside: metadata, tags, replay (rest-api 13.3)."""

import asyncio

import pytest

from tests.support.builders import an_environment
from tests.support.engine import Engine
from trigger_box.domain import limits
from trigger_box.domain.errors import (
    InvalidError,
    RefusedError,
    RunNotFoundError,
    TooLargeError,
)
from trigger_box.domain.metadata import Append, Increment, MetadataKeyError, Set
from trigger_box.domain.packets import Packet
from trigger_box.engine.metadata import MetadataChange, RunOverError, change_metadata, get_metadata
from trigger_box.engine.operations import WireOperation, operations_of
from trigger_box.engine.replay import ReplayOverrides, replay
from trigger_box.engine.tags import add_tags


async def change(engine: Engine, run_id: str, **fields: object) -> dict[str, object]:
    return await change_metadata(
        engine.core, engine.environment.id, run_id, MetadataChange(**fields)
    )


async def test_metadata_is_changed_and_the_whole_object_comes_back(dev: Engine) -> None:
    run_id = await dev.trigger(metadata=Packet('{"a":1}'))

    assert await change(dev, run_id, operations=(Set("b", 2),)) == {"a": 1, "b": 2}
    assert await change(dev, run_id, replacement={"c": 3}) == {"c": 3}
    assert await get_metadata(dev.core, dev.environment.id, run_id) == {"c": 3}


async def test_operations_win_over_a_replacement(dev: Engine) -> None:
    run_id = await dev.trigger()

    found = await change(dev, run_id, replacement={"lost": 1}, operations=(Set("kept", 1),))

    assert found == {"kept": 1}


async def test_a_run_without_metadata_has_an_empty_object(dev: Engine) -> None:
    run_id = await dev.trigger()

    assert await get_metadata(dev.core, dev.environment.id, run_id) == {}
    assert await change(dev, run_id) == {}


async def test_superjson_metadata_is_read_by_its_value(dev: Engine) -> None:
    run_id = await dev.trigger(metadata=Packet('{"json":{"n":1}}', "application/super+json"))

    assert await change(dev, run_id, operations=(Increment("n", 1),)) == {"n": 2}


async def test_operations_reach_parent_and_root(dev: Engine) -> None:
    root = await dev.trigger()
    parent = await dev.trigger(parent_run_id=root)
    child = await dev.trigger(parent_run_id=parent)

    await change(
        dev,
        child,
        parent_operations=(Increment("done", 1),),
        root_operations=(Append("seen", child),),
    )

    assert await get_metadata(dev.core, dev.environment.id, parent) == {"done": 1}
    assert await get_metadata(dev.core, dev.environment.id, root) == {"seen": [child]}
    assert await get_metadata(dev.core, dev.environment.id, child) == {}


async def test_a_run_without_a_parent_takes_the_operations_itself(dev: Engine) -> None:
    run_id = await dev.trigger()

    found = await change(
        dev, run_id, parent_operations=(Set("p", 1),), root_operations=(Set("r", 1),)
    )

    assert found == {"p": 1, "r": 1}


async def test_many_children_count_up_one_parent_without_losing_any(dev: Engine) -> None:
    parent = await dev.trigger()
    children = [await dev.trigger(parent_run_id=parent) for _ in range(20)]

    await asyncio.gather(
        *(change(dev, child, parent_operations=(Increment("n", 1),)) for child in children)
    )

    assert await get_metadata(dev.core, dev.environment.id, parent) == {"n": 20}


async def test_a_bad_key_changes_nothing_at_all(dev: Engine) -> None:
    run_id = await dev.trigger()

    with pytest.raises(MetadataKeyError):
        await change(dev, run_id, operations=(Set("fine", 1), Set("$.", 1)))

    assert await get_metadata(dev.core, dev.environment.id, run_id) == {}


async def test_metadata_has_a_size_limit_and_the_old_value_stays(dev: Engine) -> None:
    run_id = await dev.trigger(metadata=Packet('{"a":1}'))

    with pytest.raises(TooLargeError):
        await change(dev, run_id, operations=(Set("b", "x" * limits.METADATA_BYTES_MAX),))

    assert await get_metadata(dev.core, dev.environment.id, run_id) == {"a": 1}


async def test_ten_minutes_after_its_end_a_run_is_closed(dev: Engine) -> None:
    run_id = await dev.trigger()
    await dev.complete(await dev.begin())
    dev.clock.advance(600_000)
    await change(dev, run_id, operations=(Set("late", 1),))
    dev.clock.advance(1)

    with pytest.raises(RunOverError):
        await change(dev, run_id, operations=(Set("later", 1),))


async def test_metadata_nested_too_deeply_is_refused_and_the_old_value_stays(dev: Engine) -> None:
    run_id = await dev.trigger(metadata=Packet('{"a":1}'))

    with pytest.raises(InvalidError, match="nested too deeply"):
        await change(dev, run_id, operations=(Set("$." + "a." * 3_000 + "b", 1),))

    assert await get_metadata(dev.core, dev.environment.id, run_id) == {"a": 1}


async def test_metadata_of_an_unknown_run_is_not_found(dev: Engine) -> None:
    for attempt in (
        change(dev, "run_x", operations=(Set("a", 1),)),
        get_metadata(dev.core, dev.environment.id, "run_x"),
    ):
        with pytest.raises(RunNotFoundError):
            await attempt


async def test_each_change_of_metadata_is_told_and_one_without_effect_is_not(dev: Engine) -> None:
    run_id = await dev.trigger()
    with dev.core.store.feed.subscribe() as news:
        await change(dev, run_id, operations=(Set("a", 1),))
        await change(dev, run_id, operations=())
        changes = await news.next()

    assert [(one.kind, one.subject) for one in changes] == [("run.changed", run_id)]


@pytest.mark.parametrize(
    "wire",
    [
        WireOperation("explode", "k"),
        WireOperation("set"),
        WireOperation("increment", "k", "1"),
        WireOperation("increment", "k", value=True),
        WireOperation("update", value=[1]),
        WireOperation("set", "__proto__", 1),
        WireOperation("append", "$.", 1),
    ],
)
def test_wire_operations_are_checked_before_anything_is_done(wire: WireOperation) -> None:
    with pytest.raises(InvalidError):
        operations_of([wire])


async def test_tags_are_added_once_and_counted(dev: Engine) -> None:
    run_id = await dev.trigger(tags=("a",))

    assert await add_tags(dev.core, dev.environment.id, run_id, ("b", "a", " ", "b")) == 1
    assert await add_tags(dev.core, dev.environment.id, run_id, ("a",)) == 0
    assert (await dev.run(run_id)).tags == ("a", "b")


async def test_an_eleventh_tag_is_refused_and_none_is_added(dev: Engine) -> None:
    run_id = await dev.trigger(tags=tuple(f"t{n}" for n in range(9)))

    with pytest.raises(RefusedError):
        await add_tags(dev.core, dev.environment.id, run_id, ("x", "y"))

    assert len((await dev.run(run_id)).tags) == 9


# ---- replay


async def test_a_replay_has_the_old_runs_input_and_nothing_else(dev: Engine) -> None:
    old = await dev.trigger(
        payload=Packet('{"x":1}'),
        metadata=Packet('{"seed":1}'),
        tags=("a",),
        concurrency_key="u1",
        machine="large-1x",
        is_test=True,
        idempotency_key="k",
        ttl="5s",
        max_attempts=7,
        priority_ms=5_000,
        parent_run_id=await dev.trigger(),
    )
    await change(dev, old, operations=(Set("seed", 2),))

    new = await replay(dev.core, dev.environment, old)

    run = await dev.run(new.run_id)
    assert run.payload == Packet('{"x":1}')
    assert run.metadata == Packet('{"seed":1}')
    assert (run.tags, run.concurrency_key, run.machine) == (("a",), "u1", "large-1x")
    assert run.is_test
    assert run.replay_of_run_id == old
    assert run.annotations["triggerAction"] == "replay"
    assert (run.idempotency_key, run.max_attempts, run.priority_ms) == (None, None, 0)
    assert (run.parent_run_id, run.ttl) == (None, "10m")


async def test_any_run_can_be_replayed(dev: Engine) -> None:
    run_id = await dev.trigger()
    await dev.complete(await dev.begin())

    assert not (await replay(dev.core, dev.environment, run_id)).is_cached


async def test_a_replay_takes_what_it_is_told(dev: Engine) -> None:
    await dev.register(content_hash="h2")
    old = await dev.trigger(tags=("a",))
    overrides = ReplayOverrides(
        payload=Packet("2"), tags=(), machine="micro", lock_to_version="20260101.1", max_attempts=2
    )

    run = await dev.run((await replay(dev.core, dev.environment, old, overrides)).run_id)

    assert (run.payload, run.tags, run.machine) == (Packet("2"), (), "micro")
    assert (run.version, run.max_attempts) == ("20260101.1", 2)


async def test_the_latest_version_is_not_a_lock(dev: Engine) -> None:
    old = await dev.trigger(lock_to_version="20260101.1")
    newest = await dev.register(content_hash="h2")
    await replay(dev.core, dev.environment, old, ReplayOverrides(lock_to_version="latest"))

    versions = {one.version for one in await dev.take(2)}

    assert versions == {"20260101.1", newest.version}


async def test_a_queue_that_is_gone_does_not_stand_in_the_way(prod: Engine) -> None:
    old = await prod.trigger()
    await prod.core.store.write(
        lambda tx: tx.execute("UPDATE runs SET queue_name = 'gone' WHERE id = :id", {"id": old})
    )
    prod.core.lanes = type(prod.core.lanes)()
    await prod.core.lanes.load(prod.core.store)

    new = await replay(prod.core, prod.environment, old)

    assert (await prod.run(new.run_id)).queue_name == "task/send-email"


async def test_a_repeated_replay_call_makes_one_run(dev: Engine) -> None:
    old = await dev.trigger()

    first = await replay(dev.core, dev.environment, old, request_key="r")

    assert (await replay(dev.core, dev.environment, old, request_key="r")).run_id == first.run_id


async def test_a_run_of_another_environment_can_not_be_replayed(dev: Engine) -> None:
    other = await an_environment(dev.core)

    with pytest.raises(RunNotFoundError):
        await replay(dev.core, other, await dev.trigger())
