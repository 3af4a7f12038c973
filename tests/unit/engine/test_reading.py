"""What people read: runs, lists, snapshots, and why a run is not running."""

import pytest

from tests.support.builders import a_task, an_environment
from tests.support.engine import Engine
from trigger_box.domain.errors import RunNotFoundError
from trigger_box.domain.runs import RunStatus
from trigger_box.engine import environments, queues, reading
from trigger_box.engine.listing import Page, RunFilter, RunPage, list_runs
from trigger_box.engine.reading import RunNotFinishedError, SnapshotNotFoundError
from trigger_box.engine.reasons import why_waiting
from trigger_box.ids import RunId


async def listed(engine: Engine, page: Page | None = None, **fields: object) -> RunPage:
    return await list_runs(
        engine.core, [engine.environment.id], RunFilter(**fields), page or Page()
    )


def ids(page: RunPage) -> list[RunId]:
    return [run.id for run in page.runs]


async def some_runs(engine: Engine) -> dict[str, RunId]:
    """Make a run of each kind; return them by a word."""
    await engine.register(a_task("send-email"), a_task("other"), content_hash="h2")
    runs: dict[str, RunId] = {}
    for word, fields in {
        "done": {},
        "failed": {},
        "cancelled": {},
        "executing": {"tags": ("a", "b")},
        "dequeued": {"machine": "large-1x"},
    }.items():
        runs[word] = await engine.trigger(**fields)
        engine.clock.advance(1)
    done, failed, cancelled, executing, _ = await engine.take(5)
    await engine.complete(await engine.start(done))
    await engine.fail(await engine.start(failed))
    await engine.start(executing)
    await engine.start(cancelled)
    await engine.cancel(runs["cancelled"])
    for word, fields in {
        "pending": {"tags": ("a",), "is_test": True},
        "delayed": {"delay_until_ms": engine.clock.now_ms() + 10**6},
        "other": {"task": "other"},
        "child": {"parent_run_id": runs["done"]},
    }.items():
        runs[word] = await engine.trigger(**fields)
        engine.clock.advance(1)
    return runs


async def test_runs_are_listed_newest_first_in_pages_both_ways(dev: Engine) -> None:
    runs = list((await some_runs(dev)).values())[::-1]

    first = await listed(dev, Page(size=4))
    assert (ids(first), first.previous) == (runs[:4], None)
    second = await listed(dev, Page(size=4, after=first.next))
    assert ids(second) == runs[4:8]
    third = await listed(dev, Page(size=4, after=second.next))
    assert (ids(third), third.next) == (runs[8:], None)
    back = await listed(dev, Page(size=4, before=third.previous))
    assert ids(back) == runs[4:8]
    start = await listed(dev, Page(size=4, before=back.previous))
    assert (ids(start), start.previous) == (runs[:4], None)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"statuses": (RunStatus.COMPLETED_SUCCESSFULLY,)}, {"done"}),
        (
            {"statuses": (RunStatus.COMPLETED_WITH_ERRORS, RunStatus.CANCELED)},
            {"failed", "cancelled"},
        ),
        ({"statuses": (RunStatus.EXECUTING,)}, {"executing"}),
        ({"statuses": (RunStatus.EXECUTING, RunStatus.DEQUEUED)}, {"executing", "dequeued"}),
        ({"statuses": (RunStatus.DELAYED, RunStatus.EXECUTING)}, {"delayed", "executing"}),
        ({"statuses": (RunStatus.PENDING,), "tasks": ("other",)}, {"other"}),
        ({"statuses": (RunStatus.COMPLETED_SUCCESSFULLY,), "tasks": ("other",)}, set()),
        ({"tasks": ("other",)}, {"other"}),
        ({"tags": ("a",)}, {"executing", "pending"}),
        ({"tags": ("a", "b")}, {"executing", "pending"}),
        ({"tags": ("b",), "statuses": (RunStatus.PENDING,)}, set()),
        ({"is_test": True}, {"pending"}),
        ({"machines": ("large-1x",)}, {"dequeued"}),
        ({"queues": ("task/other",)}, {"other"}),
        ({"statuses": (RunStatus.EXPIRED,)}, set()),
    ],
)
async def test_each_filter_finds_what_it_says(
    dev: Engine, fields: dict[str, object], words: set[str]
) -> None:
    runs = await some_runs(dev)

    found = ids(await listed(dev, **fields))

    assert {word for word, run_id in runs.items() if run_id in found} == words
    assert found == sorted(found, reverse=True)
    assert len(found) == len(words)


async def test_a_window_of_time_and_a_version_are_filters(dev: Engine) -> None:
    runs = await some_runs(dev)
    created_ms = (await dev.run(runs["pending"])).created_at_ms

    window = await listed(dev, created_from_ms=created_ms, created_to_ms=created_ms)

    assert ids(window) == [runs["pending"]]
    assert len(ids(await listed(dev, versions=("20260101.2",)))) == 5


async def test_the_runs_of_a_tree_are_found_by_their_root(dev: Engine) -> None:
    runs = await some_runs(dev)

    assert ids(await listed(dev, root_run_id=runs["done"])) == [runs["child"]]


async def test_environments_are_merged_and_nobody_elses_runs_are_shown(dev: Engine) -> None:
    await some_runs(dev)
    other = Engine(dev.core, await an_environment(dev.core))
    foreign = await other.trigger()

    assert foreign not in ids(await listed(dev))
    assert ids(await listed(other)) == [foreign]
    both = await list_runs(dev.core, [dev.environment.id, other.environment.id])
    assert len(both.runs) == 10


async def test_a_list_is_never_longer_than_it_may_be(dev: Engine) -> None:
    for _ in range(103):
        await dev.trigger()

    assert len((await listed(dev, Page(size=10_000))).runs) == 100
    assert len((await listed(dev, Page(size=0))).runs) == 1


async def test_an_empty_list_is_empty(dev: Engine) -> None:
    page = await listed(dev)

    assert page == RunPage(runs=(), next=None, previous=None)


async def test_the_runs_around_a_run(dev: Engine) -> None:
    root = await dev.trigger()
    parent = await dev.trigger(parent_run_id=root)
    children = [await dev.trigger(parent_run_id=parent) for _ in range(2)]

    around = await reading.related_runs(dev.core, await dev.run(parent))

    assert around.root is not None
    assert around.parent is not None
    assert (around.root.id, around.parent.id) == (root, root)
    assert [one.id for one in around.children] == children[::-1]


async def test_workers_read_the_newest_snapshot_and_those_since(dev: Engine) -> None:
    run_id = await dev.trigger()
    dequeued = await dev.take_one()
    started = await dev.start(dequeued)
    await dev.cancel(run_id)

    newest = await reading.latest_execution(dev.core, dev.environment.id, run_id)
    since = await reading.snapshots_since(
        dev.core, dev.environment.id, run_id, dequeued.snapshot.id
    )

    assert str(newest.snapshot.state) == "PENDING_CANCEL"
    assert newest.run.attempt_number == 1
    assert [one.snapshot.id for one in since] == [started.snapshot.id, newest.snapshot.id]
    assert not await reading.snapshots_since(
        dev.core, dev.environment.id, run_id, newest.snapshot.id
    )


async def test_a_snapshot_nobody_made_is_not_found(dev: Engine) -> None:
    run_id = await dev.trigger()
    snapshot_id = (await reading.latest_execution(dev.core, dev.environment.id, run_id)).snapshot.id

    for wrong in ("nonsense", snapshot_id[:-1] + "9", snapshot_id[:-1] + "0"):
        with pytest.raises(SnapshotNotFoundError):
            await reading.snapshots_since(dev.core, dev.environment.id, run_id, wrong)


async def test_a_run_of_another_environment_is_not_found_by_any_reader(dev: Engine) -> None:
    run_id = await dev.trigger()
    other = (await an_environment(dev.core)).id

    for attempt in (
        reading.get_run(dev.core, other, run_id),
        reading.latest_execution(dev.core, other, run_id),
        reading.snapshots_of(dev.core, other, run_id),
        reading.snapshots_since(dev.core, other, run_id, "s"),
    ):
        with pytest.raises(RunNotFoundError):
            await attempt
    assert await reading.attempts_of(dev.core, other, run_id) == ()


async def test_a_result_is_there_when_the_run_has_ended(dev: Engine) -> None:
    run_id = await dev.trigger()
    for wrong in (run_id, "run_x"):
        with pytest.raises(RunNotFinishedError):
            await reading.finished_run(dev.core, dev.environment.id, wrong)
    await dev.complete(await dev.begin())

    assert (await reading.finished_run(dev.core, dev.environment.id, run_id)).is_successful


async def why(engine: Engine, run_id: str) -> str | None:
    return await why_waiting(engine.core, await engine.run(run_id))


async def test_p5_a_waiting_run_says_why(dev: Engine) -> None:
    first = await dev.trigger()
    assert await why(dev, first) == "No worker is connected. Start one with 'trigger-box dev'."
    with dev.core.presence.connected(dev.environment.id):
        assert await why(dev, first) == "It is next, once a worker asks for a run."
        second = await dev.trigger()
        assert await why(dev, second) == "1 run is ahead of it in its queue."
        await environments.set_limits(dev.core, dev.environment.id, limit=1)
        started = await dev.begin()
        assert started.run.id == first
        assert await why(dev, first) is None
        assert await why(dev, second) == (f"All 1 slots of its environment are taken by {first}.")
        await environments.set_paused(dev.core, dev.environment.id, is_paused=True)
        assert "paused" in str(await why(dev, second))


async def test_p5_a_run_at_its_queues_limit_names_the_holder(dev: Engine) -> None:
    queue = await queues.get_queue(dev.core, dev.environment.id, name="task/send-email")
    await queues.override_limit(dev.core, dev.environment.id, queue.id, limit=1)
    first = await dev.trigger(concurrency_key="u1")
    second = await dev.trigger(concurrency_key="u1")
    await dev.take_one()

    assert await why(dev, second) == (
        f"The limit of 1 of its queue 'task/send-email' (key 'u1') is reached by {first}."
    )
    await queues.set_paused(dev.core, dev.environment.id, queue.id, is_paused=True)
    assert "queue 'task/send-email' is paused" in str(await why(dev, second))


async def test_p5_a_run_without_a_version_says_what_is_missing(bare: Engine) -> None:
    run_id = await bare.trigger()
    assert "No version is registered" in str(await why(bare, run_id))
    await bare.register(a_task("other"))
    await bare.take()

    assert "no version has ever had the task 'send-email'" in str(await why(bare, run_id))


async def test_p5_a_queued_run_whose_task_was_taken_away_says_so(dev: Engine) -> None:
    run_id = await dev.trigger()
    await dev.register(a_task("other"), content_hash="hash-2")

    assert await why(dev, run_id) == (
        "The current version has no task 'send-email'. "
        "It starts by itself once one that has it is registered."
    )
