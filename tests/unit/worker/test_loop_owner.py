from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from trigger_box.worker import loop_owner
from trigger_box.worker.loop_owner import LoopOwner


@pytest.fixture
def owner() -> Iterator[LoopOwner]:
    made = LoopOwner()
    yield made
    made.tidy()
    if made._loop is not None:
        made._loop.close()
    asyncio.set_event_loop(None)


async def which() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_all_tasks_of_a_process_share_one_loop(owner: LoopOwner) -> None:
    assert owner.run(which(), is_cancelled=False) is owner.run(which(), is_cancelled=False)


def test_a_loop_that_user_code_closed_is_replaced(owner: LoopOwner) -> None:
    loop = owner.run(which(), is_cancelled=False)
    loop.close()

    assert owner.tidy() is None
    assert owner.run(which(), is_cancelled=False) is not loop


def test_a_task_can_be_cancelled_from_another_thread(owner: LoopOwner) -> None:
    async def waits() -> None:
        threading.Thread(target=owner.cancel, args=("enough",)).start()
        await asyncio.sleep(60)

    with pytest.raises(asyncio.CancelledError, match="enough"):
        owner.run(waits(), is_cancelled=False)
    assert owner.was_cancel_delivered


def test_a_run_cancelled_before_its_code_began_does_not_begin(owner: LoopOwner) -> None:
    begun: list[int] = []

    async def begins() -> None:
        begun.append(1)

    with pytest.raises(asyncio.CancelledError):
        owner.run(begins(), is_cancelled=True)
    assert begun == []


def test_cancelling_when_nothing_runs_does_nothing(owner: LoopOwner) -> None:
    owner.cancel("too late")

    assert owner.run(which(), is_cancelled=False) is not None


def test_tasks_left_behind_are_ended(owner: LoopOwner) -> None:
    left: list[asyncio.Task[None]] = []

    async def leaves() -> None:
        left.append(asyncio.ensure_future(asyncio.sleep(60)))

    owner.run(leaves(), is_cancelled=False)

    assert owner.tidy() is None
    assert left[0].cancelled()


def test_a_task_that_does_not_end_makes_the_process_unfit(
    owner: LoopOwner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_owner, "LEFTOVER_TASKS_S_MAX", 0.02)
    is_free = False

    async def stubborn() -> None:
        while not is_free:
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue

    async def leaves() -> None:
        asyncio.ensure_future(stubborn())  # noqa: RUF006 - left behind on purpose
        await asyncio.sleep(0)

    owner.run(leaves(), is_cancelled=False)
    reason = owner.tidy()
    is_free = True

    assert reason is not None
    assert "does not end" in reason


def test_threads_of_to_thread_end_and_a_busy_one_makes_the_process_unfit(
    owner: LoopOwner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_owner, "THREADS_JOIN_S", 0.02)
    free = threading.Event()

    async def quick() -> None:
        await asyncio.to_thread(lambda: None)

    async def leaves() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(free.wait), 0.01)

    owner.run(quick(), is_cancelled=False)
    assert owner.tidy() is None
    owner.run(quick(), is_cancelled=False)
    assert owner.tidy() is None

    owner.run(leaves(), is_cancelled=False)
    reason = owner.tidy()
    free.set()
    assert reason is not None
    assert "to_thread" in reason
