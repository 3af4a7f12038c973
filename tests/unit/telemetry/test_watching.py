from __future__ import annotations

import asyncio

from trigger_box.telemetry.watching import Watches


async def test_a_watcher_is_woken_by_rows_of_its_run_only() -> None:
    watches = Watches()
    with watches.watch(["run_a", "trace_1"]) as watch:
        waiting = asyncio.ensure_future(watch.changed())
        await asyncio.sleep(0)

        watches.wake({"run_b"})
        await asyncio.sleep(0)
        assert not waiting.done()

        watches.wake({"trace_1", "run_b"})
        async with asyncio.timeout(1):
            await waiting


async def test_rows_that_came_before_the_watcher_waited_are_not_missed() -> None:
    watches = Watches()
    with watches.watch(["run_a"]) as watch:
        watches.wake({"run_a"})
        watches.wake({"run_a"})

        async with asyncio.timeout(1):
            await watch.changed()


async def test_a_closed_watch_leaves_nothing_behind() -> None:
    watches = Watches()
    with watches.watch(["run_a"]), watches.watch(["run_a"]):
        assert watches.count == 1

    assert watches.count == 0
    watches.wake({"run_a"})
