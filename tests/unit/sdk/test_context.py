from __future__ import annotations

import dataclasses
import threading
from datetime import UTC, datetime

import pytest

from tests.support.sdk import RecordingRuntime, an_execution
from trigger_box import CancelSignal, Context, NotInTaskError, RunCancelled, ctx
from trigger_box.sdk.runtime import current_runtime, running


def test_the_context_is_read_from_the_workers_execution() -> None:
    execution = an_execution(
        isTest=True,
        isReplay=True,
        idempotencyKey="k",
        maxAttempts=4,
        maxDuration=600,
        priority=2.5,
        version="20260131.1",
        metadata={"step": 1},
        parentTaskRunId="run_parent",
        rootTaskRunId="run_root",
    )
    execution["batch"] = {"id": "batch_1"}
    execution["deployment"] = {
        "id": "deployment_1",
        "shortCode": "abc",
        "version": "20260131.1",
        "runtime": "python",
        "runtimeVersion": "3.12",
    }

    context = Context.from_execution(execution)

    assert context.task.id == "send-welcome"
    assert context.attempt.number == 2
    assert context.attempt.started_at == datetime(2026, 1, 31, 10, 0, 1, 500_000, tzinfo=UTC)
    assert context.run.tags == ("user_1",)
    assert context.run.max_duration == 600
    assert context.run.priority == 2.5
    assert (context.run.parent_id, context.run.root_id) == ("run_parent", "run_root")
    assert context.run.metadata == {"step": 1}
    assert context.environment.is_development
    assert context.machine.cpu == 0.5
    assert context.batch is not None
    assert context.batch.id == "batch_1"
    assert context.deployment is not None
    assert context.deployment.short_code == "abc"
    assert context.version == "20260131.1"


def test_what_is_optional_on_the_wire_may_be_missing() -> None:
    context = Context.from_execution(an_execution())

    assert context.batch is None
    assert context.deployment is None
    assert context.version is None
    assert context.run.max_attempts is None
    assert not context.run.is_replay


@pytest.mark.parametrize("key", ["run", "task", "attempt", "queue", "environment", "project"])
def test_an_execution_that_lacks_a_part_is_refused_by_name(key: str) -> None:
    execution = an_execution()
    del execution[key]

    with pytest.raises(ValueError, match=f"no '{key}'"):
        Context.from_execution(execution)


def test_an_execution_that_lacks_an_id_is_refused_by_name() -> None:
    execution = an_execution()
    del execution["queue"]["id"]

    with pytest.raises(ValueError, match="no 'id'"):
        Context.from_execution(execution)


def test_the_context_can_not_be_changed() -> None:
    context = Context.from_execution(an_execution())

    with pytest.raises(dataclasses.FrozenInstanceError):
        context.run.id = "run_x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        context.run.metadata["x"] = 1  # type: ignore[index]


def test_the_imported_context_is_that_of_the_run_that_executes() -> None:
    runtime = RecordingRuntime()

    assert not ctx.active
    with running(runtime):
        assert ctx.active
        for part in dataclasses.fields(Context):
            assert getattr(ctx, part.name) == getattr(runtime.context, part.name)
        assert ctx.version == runtime.context.version
    with pytest.raises(NotInTaskError, match="ctx works only while a task runs"):
        _ = ctx.run


def test_threads_of_user_code_belong_to_the_run() -> None:
    seen: list[object] = []
    runtime = RecordingRuntime()

    with running(runtime):
        thread = threading.Thread(target=lambda: seen.append(current_runtime()))
        thread.start()
        thread.join()
    with running(runtime, whole_process=False):
        thread = threading.Thread(target=lambda: seen.append(current_runtime()))
        thread.start()
        thread.join()

    assert seen == [runtime, None]
    assert current_runtime() is None


def test_a_run_inside_a_run_is_the_inner_one() -> None:
    outer, inner = RecordingRuntime(), RecordingRuntime()

    with running(outer):
        with running(inner):
            assert current_runtime() is inner
        assert current_runtime() is outer


def test_a_cancel_signal_is_set_once_and_wakes_who_waits() -> None:
    signal = CancelSignal()
    assert not signal.wait(0)
    signal.raise_if_cancelled()

    signal.cancel("by Ada")
    signal.cancel("by Bob")

    assert signal.cancelled
    assert signal.reason == "by Ada"
    assert signal.wait(60)
    with pytest.raises(RunCancelled, match="by Ada"):
        signal.raise_if_cancelled()


def test_except_exception_does_not_swallow_a_cancellation() -> None:
    assert not issubclass(RunCancelled, Exception)
