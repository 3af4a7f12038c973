from __future__ import annotations

import asyncio

import pytest

from tests.support.sdk import ScriptedServer, a_run, ok
from trigger_box import SyncInAsyncError, runs, task, tasks, using


@task("tests.blocking")
def a_task() -> None: ...


async def test_a_blocking_call_inside_a_running_loop_is_refused_with_the_async_form() -> None:
    with using(ScriptedServer(ok(a_run())).client()):
        with pytest.raises(SyncInAsyncError, match=r"`await runs\.retrieve\(\.\.\.\)`"):
            runs.sync.retrieve("run_1")
        with pytest.raises(SyncInAsyncError, match=r"await tasks\.trigger"):
            tasks.sync.trigger("a")
        with pytest.raises(SyncInAsyncError, match=r"await a_task\.trigger"):
            a_task.sync.trigger()
        with pytest.raises(SyncInAsyncError, match=r"await runs\.list"):
            list(runs.sync.list())


async def test_a_notebook_may_turn_the_refusal_into_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRIGGER_BOX_ALLOW_SYNC_IN_ASYNC", "1")

    with using(ScriptedServer(ok(a_run())).client()) as client:
        with pytest.warns(RuntimeWarning, match="would block the event loop") as caught:
            run = runs.sync.retrieve("run_1")
        client.close()

    assert run.id == "run_1"
    assert caught[0].filename == __file__


async def test_a_blocking_call_on_another_thread_is_fine() -> None:
    with ScriptedServer(ok(a_run())).client() as client:
        run = await asyncio.to_thread(client.runs.sync.retrieve, "run_1")

    assert run.id == "run_1"


def test_a_blocking_call_without_a_loop_is_fine() -> None:
    with ScriptedServer(ok(a_run())).client() as client:
        assert client.runs.sync.retrieve("run_1").status == "COMPLETED"
