"""Trigger, dequeue, start, complete: the way most runs go."""

from dataclasses import replace

import pytest

from tests.support.builders import a_task, an_environment
from tests.support.engine import Engine
from trigger_box.domain.errors import InvalidError, RefusedError, RunNotFoundError, TooLargeError
from trigger_box.domain.packets import Packet
from trigger_box.domain.runs import RunState, RunStatus
from trigger_box.engine.executions import AttemptStatus
from trigger_box.engine.reading import get_run
from trigger_box.engine.trigger import IdempotencyOptions, Trace
from trigger_box.store.writer import Change


async def test_a_run_goes_from_trigger_to_output(dev: Engine) -> None:
    run_id = await dev.trigger(tags=("a",), is_test=True)
    assert await dev.status(run_id) == "PENDING"

    dequeued = await dev.take_one()
    assert dequeued.run.id == run_id
    assert dequeued.attempt_number == 1
    assert await dev.status(run_id) == "DEQUEUED"

    started = await dev.start(dequeued)
    assert started.execution.payload == Packet('{"to":"a@b.c"}', "application/json")
    assert started.execution.tags == ("a",)
    assert started.execution.attempt_number == started.run.attempt_number == 1
    assert started.execution.file_path == "tasks/send-email.py"
    assert await dev.status(run_id) == "EXECUTING"

    completed = await dev.complete(started)
    assert completed.attempt_status is AttemptStatus.RUN_FINISHED
    assert completed.run.status is RunStatus.COMPLETED_SUCCESSFULLY
    run = await dev.run(run_id)
    assert run.is_final
    assert run.output == Packet('"ok"')
    assert run.usage_ms == 5
    assert run.number == 1
    assert await dev.snapshots(run_id) == ["QUEUED", "PENDING_EXECUTING", "EXECUTING", "FINISHED"]


async def test_p10_snapshot_ids_sort_as_strings(dev: Engine) -> None:
    await dev.trigger()
    dequeued = await dev.take_one()
    started = await dev.start(dequeued)
    completed = await dev.complete(started)

    ids = [dequeued.snapshot.id, started.snapshot.id, completed.snapshot.id]

    assert ids == sorted(ids)
    assert len({len(one) for one in ids}) == 1


async def test_handed_out_and_begun_in_one_step_is_the_same_road(dev: Engine) -> None:
    run_id = await dev.trigger()

    dequeued = await dev.take_one(start=True)

    assert dequeued.started is not None
    assert dequeued.attempt_number == dequeued.started.run.attempt_number == 1
    assert await dev.status(run_id) == "EXECUTING"
    await dev.complete(dequeued.started)
    assert await dev.status(run_id) == "COMPLETED_SUCCESSFULLY"
    assert await dev.snapshots(run_id) == ["QUEUED", "EXECUTING", "FINISHED"]


async def test_a_completion_can_take_the_next_run_along(dev: Engine) -> None:
    await dev.trigger()
    second = await dev.trigger()
    first = await dev.take_one(start=True)
    assert first.started is not None

    completed = await dev.complete(first.started, take=True)

    assert completed.next is not None
    assert completed.next.run.id == second
    assert completed.next.started is not None
    assert (await dev.complete(completed.next.started, take=True)).next is None


async def test_every_change_is_told_once(dev: Engine) -> None:
    with dev.core.store.feed.subscribe() as news:
        run_id = await dev.trigger()
        await dev.complete(await dev.begin())

        changes: list[Change] = await news.next()

    kinds = [(one.kind, one.subject) for one in changes if one.kind.startswith("run.")]
    assert kinds == [("run.created", run_id)] + [("run.changed", run_id)] * 3
    assert changes[-1].body == (
        f'{{"id":"{run_id}","task":"send-email","state":"FINISHED",'
        '"status":"COMPLETED_SUCCESSFULLY","attempt":1,"snapshot":4,'
        f'"updatedAtMs":{dev.clock.now_ms()}}}'
    )


async def test_runs_of_another_environment_do_not_exist_here(dev: Engine) -> None:
    run_id = await dev.trigger()
    other = Engine(dev.core, await an_environment(dev.core))
    dequeued = await dev.take_one()

    for attempt in (
        get_run(dev.core, other.environment.id, run_id),
        other.start(dequeued),
        other.complete(dequeued),
        other.cancel(run_id),
    ):
        with pytest.raises(RunNotFoundError):
            await attempt


async def test_a_big_payload_leaves_the_database_and_comes_back_verbatim(dev: Engine) -> None:
    text = '{"a": "' + "ü" * 300_000 + '"}'
    run_id = await dev.trigger(payload=Packet(text))
    assert list(dev.core.store.blobs.digests())

    started = await dev.begin()

    assert started.execution.payload == Packet(text)
    assert (await dev.run(run_id)).payload == Packet(text)


async def test_a_big_output_does_too(dev: Engine) -> None:
    run_id = await dev.trigger()
    started = await dev.begin()
    from trigger_box.engine.executions import SucceededAttempt  # noqa: PLC0415 - used once

    await dev.complete(started, SucceededAttempt(output=Packet("x" * 600_000, "text/plain")))

    output = (await dev.run(run_id)).output
    assert output is not None
    assert output.type == "text/plain"
    assert output.data == "x" * 600_000


async def test_half_a_surrogate_pair_is_refused_and_nothing_is_stored(dev: Engine) -> None:
    with pytest.raises(InvalidError, match="half a surrogate pair at character 1"):
        await dev.trigger(payload=Packet('"\ud800"', "text/plain"))

    assert await dev.take() == []


async def test_an_absent_payload_stays_absent(dev: Engine) -> None:
    await dev.trigger(payload=Packet(None))

    assert (await dev.begin()).execution.payload == Packet(None)


async def test_metadata_over_its_limit_is_refused(dev: Engine) -> None:
    with pytest.raises(TooLargeError, match="maximum size of 262144 bytes"):
        await dev.trigger(metadata=Packet('"' + "x" * 262_144 + '"'))


async def test_seed_metadata_is_kept_beside_what_becomes_of_it(dev: Engine) -> None:
    run_id = await dev.trigger(metadata=Packet('{"a":1}'))

    assert (await dev.begin()).execution.metadata == Packet('{"a":1}')
    assert (await dev.run(run_id)).seed_metadata == Packet('{"a":1}')


async def test_eleven_tags_are_refused(dev: Engine) -> None:
    with pytest.raises(RefusedError, match="10 tags, you're trying to set 11"):
        await dev.trigger(tags=tuple(f"t{n}" for n in range(11)))


async def test_a_child_knows_its_line(dev: Engine) -> None:
    root = await dev.trigger(source="cli")
    child = await dev.trigger(parent_run_id=root, source="sdk")
    grandchild = await dev.trigger(parent_run_id=child)

    run = await dev.run(grandchild)

    assert (run.parent_run_id, run.root_run_id, run.depth) == (child, root, 2)
    assert run.annotations["rootTriggerSource"] == "cli"
    assert run.annotations["triggerSource"] == "api"


async def test_an_unknown_parent_is_ignored(dev: Engine) -> None:
    other = Engine(dev.core, await an_environment(dev.core))
    foreign = await other.trigger()

    for parent in ("run_unknown", foreign):
        assert (await dev.run(await dev.trigger(parent_run_id=parent))).parent_run_id is None


async def test_a_childs_spans_belong_to_its_parents_trace(dev: Engine) -> None:
    traceparent = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    inside = Trace(traceparent=traceparent, is_external=False)

    run = await dev.run(await dev.trigger(trace=inside))
    linked = await dev.run(await dev.trigger(trace=replace(inside, is_link=True)))
    external = await dev.run(
        await dev.trigger(trace=Trace(traceparent=traceparent, tracestate="x=1"))
    )

    assert (run.trace_id, run.parent_span_id) == ("a" * 32, "b" * 16)
    assert linked.trace_id != "a" * 32
    assert linked.parent_span_id is None
    assert external.trace_id != "a" * 32
    assert external.external_trace == {"traceparent": traceparent, "tracestate": "x=1"}


async def test_a_broken_traceparent_is_no_reason_to_refuse(dev: Engine) -> None:
    run = await dev.run(await dev.trigger(trace=Trace(traceparent="00-zz-1")))

    assert len(run.trace_id) == 32


async def test_the_users_own_key_is_what_is_shown(dev: Engine) -> None:
    await dev.trigger(
        idempotency_key="f" * 64, idempotency_options=IdempotencyOptions(key="mine", scope="run")
    )

    execution = (await dev.begin()).execution

    assert (execution.idempotency_key, execution.idempotency_scope) == ("mine", "run")


async def test_a_run_is_bound_to_the_tasks_policies(prod: Engine) -> None:
    run_id = await prod.trigger()
    execution = (await prod.begin()).execution

    run = await prod.run(run_id)
    assert run.max_attempts == 3
    assert execution.max_attempts is None  # the task's own limit is the worker's business
    assert run.version == execution.version


async def test_what_the_trigger_asks_for_wins(dev: Engine) -> None:
    await dev.register(
        a_task(machine='{"preset":"micro"}', max_duration_s=60, retry='{"maxAttempts":2}'),
        content_hash="h2",
    )
    await dev.trigger(machine="large-1x", max_duration_s=7.6, max_attempts=9)

    execution = (await dev.begin()).execution

    assert execution.machine.name == "large-1x"
    assert execution.max_duration_s == 8
    assert execution.max_attempts == 9


async def test_what_the_trigger_leaves_open_is_the_tasks(dev: Engine) -> None:
    await dev.register(
        a_task(machine='{"cpu":1.5,"memory":3}', max_duration_s=60), content_hash="h2"
    )
    await dev.trigger()

    execution = (await dev.begin()).execution

    assert execution.machine.name == "medium-2x"
    assert execution.max_duration_s == 60


async def test_the_largest_max_duration_means_no_limit_and_not_the_tasks(dev: Engine) -> None:
    await dev.register(a_task(max_duration_s=60), content_hash="h2")
    await dev.trigger(max_duration_s=2_147_483_647)
    await dev.trigger(max_duration_s=0.5)

    first, second = await dev.take(2, start=True)

    assert first.started is not None
    assert first.started.execution.max_duration_s is None
    assert second.started is not None
    assert second.started.execution.max_duration_s == 5


async def test_run_numbers_count_up_within_an_environment_across_restarts(dev: Engine) -> None:
    await dev.trigger()
    await dev.trigger()
    dev.core.lanes._environments.clear()

    assert (await dev.run(await dev.trigger())).number == 3


async def test_states_are_typed_when_read(dev: Engine) -> None:
    run = await dev.run(await dev.trigger())

    assert run.state is RunState.QUEUED
    assert not run.has_outcome
    assert not run.is_successful
