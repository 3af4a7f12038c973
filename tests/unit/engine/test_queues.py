import pytest

from tests.support.builders import a_task
from tests.support.engine import Engine
from trigger_box.domain.errors import InvalidError, NotFoundError
from trigger_box.engine import environments, queues
from trigger_box.engine.queues import NotOverriddenError, QueueNotKnownError, QueueView
from trigger_box.ids import EnvironmentId


async def the_queue(engine: Engine) -> QueueView:
    return await queues.get_queue(engine.core, engine.environment.id, name="task/send-email")


async def test_a_queue_is_found_by_name_and_by_id(dev: Engine) -> None:
    found = await the_queue(dev)

    assert found.is_virtual
    assert await queues.get_queue(dev.core, dev.environment.id, queue_id=found.id) == found
    with pytest.raises(QueueNotKnownError):
        await queues.get_queue(dev.core, dev.environment.id, name="nope")
    with pytest.raises(QueueNotKnownError):
        await queues.get_queue(dev.core, dev.environment.id, queue_id="queue_nope")


async def test_queues_are_listed_by_name_in_pages(dev: Engine) -> None:
    await dev.register(*(a_task(f"t{n}") for n in range(5)), content_hash="h2")

    page = await queues.list_queues(dev.core, dev.environment.id, offset=1, limit=2)

    assert [one.name for one in page.queues] == ["task/t0", "task/t1"]
    assert page.total == 6


async def test_a_queue_shows_who_runs_and_who_waits(dev: Engine) -> None:
    for _ in range(3):
        await dev.trigger()
    await dev.take_one()

    found = await the_queue(dev)

    assert (found.running, found.queued) == (1, 2)


async def test_a_paused_queue_lets_running_runs_go_on(dev: Engine) -> None:
    await dev.trigger()
    await dev.trigger()
    started = await dev.begin()
    queue = await the_queue(dev)

    paused = await queues.set_paused(dev.core, dev.environment.id, queue.id, is_paused=True)

    assert paused.is_paused
    await dev.complete(started)
    assert await dev.take() == []
    await queues.set_paused(dev.core, dev.environment.id, queue.id, is_paused=False)
    assert len(await dev.take()) == 1


async def test_an_override_wins_survives_deploys_and_can_be_taken_back(dev: Engine) -> None:
    queue = await the_queue(dev)
    await queues.override_limit(dev.core, dev.environment.id, queue.id, limit=1, by="ada")

    await dev.register(a_task(queue_limit=7), content_hash="h2")

    found = await the_queue(dev)
    assert (found.limit, found.base_limit, found.override_limit) == (1, 7, 1)
    assert (found.overridden_by, found.overridden_at_ms) == ("ada", dev.clock.now_ms())
    await dev.trigger()
    await dev.trigger()
    assert len(await dev.take(9)) == 1
    reset = await queues.reset_limit(dev.core, dev.environment.id, queue.id)
    assert (reset.limit, reset.override_limit, reset.overridden_by) == (7, None, None)
    assert len(await dev.take(9)) == 1
    with pytest.raises(NotOverriddenError):
        await queues.reset_limit(dev.core, dev.environment.id, queue.id)


async def test_a_percentage_follows_the_environments_limit(dev: Engine) -> None:
    queue = await the_queue(dev)
    await queues.override_limit(dev.core, dev.environment.id, queue.id, percent=50)
    assert (await the_queue(dev)).limit == 50

    await environments.set_limits(dev.core, dev.environment.id, limit=4)

    assert (await the_queue(dev)).limit == 2
    for _ in range(5):
        await dev.trigger()
    assert len(await dev.take(9)) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"limit": 1, "percent": 5},
        {"limit": -1},
        {"limit": 101},
        {"percent": 0},
        {"percent": 101},
    ],
)
async def test_a_limit_out_of_range_is_refused(dev: Engine, fields: dict[str, int]) -> None:
    queue = await the_queue(dev)

    with pytest.raises(InvalidError):
        await queues.override_limit(dev.core, dev.environment.id, queue.id, **fields)

    assert not (await the_queue(dev)).override_limit


async def test_p2_lowering_an_environments_limit_evicts_nobody(dev: Engine) -> None:
    for _ in range(4):
        await dev.trigger()
    await dev.take(3)

    await environments.set_limits(dev.core, dev.environment.id, limit=1)

    assert await dev.take() == []
    assert dev.core.lanes.lines.environments[dev.environment.id].running == 3


async def test_burst_lets_two_queues_share_more(dev: Engine) -> None:
    await dev.register(a_task("a"), a_task("b"), content_hash="h2")
    await environments.set_limits(dev.core, dev.environment.id, limit=2, burst_factor=1.5)
    for task in ("a", "a", "a", "b", "b"):
        await dev.trigger(task)

    assert len(await dev.take(9)) == 3


@pytest.mark.parametrize(
    "fields", [{"limit": -1}, {"limit": 100_001}, {"limit": 1, "burst_factor": 0.5}]
)
async def test_an_environments_limits_have_bounds(dev: Engine, fields: dict[str, float]) -> None:
    with pytest.raises(InvalidError):
        await environments.set_limits(dev.core, dev.environment.id, **fields)


async def test_an_unknown_environment_is_not_found(dev: Engine) -> None:
    with pytest.raises(NotFoundError, match="Environment not found"):
        await environments.set_paused(dev.core, EnvironmentId("env_x"), is_paused=True)


async def test_what_was_set_is_there_after_a_restart(dev: Engine) -> None:
    queue = await the_queue(dev)
    await queues.override_limit(dev.core, dev.environment.id, queue.id, percent=10)
    await queues.set_paused(dev.core, dev.environment.id, queue.id, is_paused=True)
    await environments.set_limits(dev.core, dev.environment.id, limit=50)
    before = await the_queue(dev)

    dev.core.lanes = type(dev.core.lanes)()
    await dev.core.lanes.load(dev.core.store)

    assert await the_queue(dev) == before


async def test_changes_are_told(dev: Engine) -> None:
    queue = await the_queue(dev)
    with dev.core.store.feed.subscribe() as news:
        await queues.set_paused(dev.core, dev.environment.id, queue.id, is_paused=True)
        await environments.set_paused(dev.core, dev.environment.id, is_paused=True)

        kinds = [one.kind for one in await news.next()]

    assert kinds == ["queue.changed", "environment.changed"]
