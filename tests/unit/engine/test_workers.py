"""Versions: registered, current, waited for (cli-protocol 7 and 12, run-engine 4.2 and 15)."""

import pytest

from tests.support.builders import a_task, an_environment
from tests.support.engine import Engine, make_current
from trigger_box.domain import limits
from trigger_box.domain.errors import InvalidError, RefusedError
from trigger_box.engine import queues
from trigger_box.engine.queues import QueueView
from trigger_box.engine.workers import QueueDeclaration


async def queue(engine: Engine, name: str) -> QueueView:
    return await queues.get_queue(engine.core, engine.environment.id, name=name)


async def test_versions_are_named_by_day_and_number(bare: Engine) -> None:
    names = [(await bare.register(content_hash=f"h{n}")).version for n in range(3)]
    bare.clock.advance(86_400_000)
    names.append((await bare.register(content_hash="h9")).version)

    assert names == ["20260101.1", "20260101.2", "20260101.3", "20260102.1"]


async def test_p23_the_same_content_is_the_same_version(bare: Engine) -> None:
    first = await bare.register()
    again = await bare.register()

    assert first.is_new
    assert not again.is_new
    assert (again.worker_id, again.version) == (first.worker_id, first.version)


async def test_content_that_comes_back_after_other_content_is_a_new_version(bare: Engine) -> None:
    first = await bare.register(content_hash="a")
    await bare.register(content_hash="b")

    assert (await bare.register(content_hash="a")).worker_id != first.worker_id


async def test_two_tasks_with_one_id_are_refused_and_named(bare: Engine) -> None:
    with pytest.raises(InvalidError) as caught:
        await bare.register(a_task("x"), a_task("y"), a_task("x"))

    assert "Two tasks have the id 'x' (in tasks/x.py" in caught.value.message
    assert (await bare.register(a_task("x"))).version == "20260101.1"


async def test_a_task_without_a_name_is_refused(bare: Engine) -> None:
    with pytest.raises(InvalidError, match="empty id"):
        await bare.register(a_task(""))


async def test_too_many_tasks_are_refused(bare: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TASKS_PER_VERSION_MAX", 1)

    with pytest.raises(InvalidError, match="can have 1 tasks, this one has 2"):
        await bare.register(a_task("x"), a_task("y"))


async def test_declared_queues_are_made_changed_and_clamped(bare: Engine) -> None:
    await bare.register(
        a_task("a", queue_limit=3),
        a_task("b", queue_name="shared"),
        a_task("c", queue_name="own", queue_limit=2, has_queue_limit=True),
        queues=(QueueDeclaration(name="shared", limit=5_000),),
    )
    assert (await queue(bare, "task/a")).limit == 3
    assert (await queue(bare, "shared")).limit == 100
    assert (await queue(bare, "own")).limit == 2

    await bare.register(a_task("a"), content_hash="h2")

    assert (await queue(bare, "task/a")).limit is None
    assert (await queue(bare, "shared")).limit == 100  # gone from the code, kept as it was


async def test_a_failing_registration_leaves_no_queue_in_memory(bare: Engine) -> None:
    def boom(*_: object) -> None:
        raise RuntimeError("boom")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trigger_box.engine.workers.make_current", boom)
        with pytest.raises(RuntimeError):
            await bare.register(a_task("a", queue_limit=1))

    assert bare.core.lanes._environments[bare.environment.id].queues == {}
    await bare.register(a_task("a", queue_limit=1))
    assert (await queue(bare, "task/a")).limit == 1


async def test_an_unlocked_run_goes_to_the_version_current_when_it_is_taken(dev: Engine) -> None:
    await dev.trigger()
    newest = await dev.register(content_hash="h2")

    assert (await dev.take_one()).worker_id == newest.worker_id


async def test_a_locked_run_goes_to_its_version(dev: Engine) -> None:
    await dev.register(content_hash="h2")
    await dev.trigger(lock_to_version="20260101.1")

    assert (await dev.take_one()).version == "20260101.1"


async def test_locking_to_what_is_not_there_is_refused_in_the_wires_words(dev: Engine) -> None:
    for fields, message in (
        (
            {"lock_to_version": "20200101.1"},
            "Task locked to version '20200101.1', but no worker found",
        ),
        (
            {"task": "other", "lock_to_version": "20260101.1"},
            "Task 'other' not found on locked version",
        ),
        (
            {"queue_name": "nope", "lock_to_version": "20260101.1"},
            "Specified queue 'nope' not found or not associated with locked version '20260101.1'.",
        ),
    ):
        with pytest.raises(RefusedError) as caught:
            await dev.trigger(**fields)
        assert caught.value.message.startswith(message)


async def test_a_version_of_another_environment_is_not_there(dev: Engine) -> None:
    other = Engine(dev.core, await an_environment(dev.core))

    with pytest.raises(RefusedError, match="no worker found with that version"):
        await other.trigger(lock_to_version="20260101.1")


# ---- queues by name


async def test_in_development_an_undeclared_queue_is_made(dev: Engine) -> None:
    await dev.trigger(queue_name="new one!")

    assert (await dev.take_one()).queue_name == "newone"
    assert (await queue(dev, "newone")).limit is None


async def test_elsewhere_an_undeclared_queue_is_refused_with_the_known_names(
    prod: Engine,
) -> None:
    with pytest.raises(RefusedError) as caught:
        await prod.trigger(queue_name="emails")

    assert caught.value.message == (
        "Queue 'emails' is not declared by version 20260101.1. Declared queues: task/send-email."
    )


async def test_long_lists_of_queues_are_cut(prod: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NAMES_SHOWN_MAX", 1)
    registered = await prod.register(a_task("a"), a_task("b"), content_hash="h2")
    await make_current(prod, registered.worker_id)

    with pytest.raises(RefusedError, match=r"Declared queues: task/a and 1 more\."):
        await prod.trigger(queue_name="emails")


async def test_without_any_version_every_queue_is_taken_on_trust(bare: Engine) -> None:
    run_id = await bare.trigger(queue_name="emails")
    await bare.register(a_task(queue_name="emails"))

    assert (await bare.take_one()).run.id == run_id


async def test_a_run_from_before_its_task_was_known_goes_to_the_tasks_queue(
    bare: Engine,
) -> None:
    run_id = await bare.trigger()
    assert (await bare.run(run_id)).queue_name == "task/send-email"
    await bare.register(
        a_task(queue_name="emails"), queues=(QueueDeclaration(name="emails", limit=1),)
    )
    await bare.trigger()

    taken = await bare.take(9)

    assert [one.queue_name for one in taken] == ["emails"]
    await bare.check()


# ---- runs that wait for a version


async def test_a_task_nobody_knows_waits_and_says_so(prod: Engine) -> None:
    run_id = await prod.trigger("later")

    assert await prod.take() == []

    run = await prod.run(run_id)
    assert (str(run.status), run.status_reason) == ("PENDING_VERSION", "TASK_NEVER_REGISTERED")
    assert prod.core.lanes.lines.environments[prod.environment.id].running == 0


async def test_a_task_that_is_gone_from_the_code_waits_and_says_so(dev: Engine) -> None:
    await dev.register(a_task("other"), content_hash="h2")
    run_id = await dev.trigger()
    await dev.take()

    assert (await dev.run(run_id)).status_reason == "TASK_NOT_IN_LATEST"


async def test_without_a_version_a_run_waits_and_says_so(bare: Engine) -> None:
    run_id = await bare.trigger()
    await bare.take()

    assert (await bare.run(run_id)).status_reason == "NO_WORKER"


async def test_a_queue_that_the_version_has_not_waits_and_says_so(prod: Engine) -> None:
    registered = await prod.register(a_task(queue_name="emails"), content_hash="h2")
    await make_current(prod, registered.worker_id)
    run_id = await prod.trigger()
    third = await prod.register(a_task(queue_name="letters"), content_hash="h3")
    await make_current(prod, third.worker_id)
    await prod.take()

    assert (await prod.run(run_id)).status_reason == "QUEUE_NOT_FOUND"


async def test_a_waiting_run_is_queued_when_a_version_that_can_run_it_comes(dev: Engine) -> None:
    run_id = await dev.trigger("later", ttl="1m")
    await dev.take()
    await dev.pass_time(120_000)  # nothing could run it: its ttl stands still
    assert await dev.status(run_id) == "PENDING_VERSION"

    await dev.register(a_task("later"), content_hash="h2")

    run = await dev.run(run_id)
    assert (str(run.status), run.status_reason) == ("PENDING", None)
    assert run.ttl_at_ms == dev.clock.now_ms() + 60_000
    assert (await dev.take_one()).run.id == run_id


async def test_a_version_without_the_task_leaves_the_run_waiting(dev: Engine) -> None:
    run_id = await dev.trigger("later")
    await dev.take()

    await dev.register(a_task("another"), content_hash="h2")

    assert await dev.status(run_id) == "PENDING_VERSION"


async def test_more_waiting_runs_than_fit_a_registration_are_taken_in_slices(
    dev: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SWEEP_ROWS_MAX", 2)
    waiting = [await dev.trigger("later") for _ in range(5)]
    await dev.take(9)

    await dev.register(a_task("later"), content_hash="h2")
    assert [await dev.status(one) for one in waiting] == ["PENDING"] * 2 + ["PENDING_VERSION"] * 3
    assert dev.core.alarms.versions.wake.is_set()

    await dev.sweep("versions")
    assert {await dev.status(one) for one in waiting} == {"PENDING"}


async def test_a_run_waiting_for_a_version_can_be_cancelled(dev: Engine) -> None:
    run_id = await dev.trigger("later")
    await dev.take()
    await dev.cancel(run_id)

    await dev.register(a_task("later"), content_hash="h2")

    assert await dev.status(run_id) == "CANCELED"
    assert await dev.take() == []


async def test_the_cache_of_versions_is_bounded(
    dev: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "VERSIONS_CACHED_MAX", 1)
    await dev.register(content_hash="h2")
    await dev.trigger(lock_to_version="20260101.1")
    await dev.trigger(lock_to_version="20260101.2")

    assert [one.version for one in await dev.take(2)] == ["20260101.1", "20260101.2"]
    assert len(dev.core.versions._cached) == 1
