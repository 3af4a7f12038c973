from __future__ import annotations

import asyncio

import pytest

from trigger_box.cli import dev_patience
from trigger_box.cli.dev_patience import Patience, SupersededError


class Work:
    """Something that ends when it is told to, and knows whether it was cancelled."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.was_cancelled = False

    async def do(self) -> str:
        self.begun.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return "done"


async def give_up(patience: Patience) -> Work:
    saved, work = asyncio.Event(), Work()
    trying = asyncio.ensure_future(patience.unless(saved, work.do()))
    await work.begun.wait()
    saved.set()
    with pytest.raises(SupersededError):
        await trying
    return work


async def test_work_that_nothing_disturbs_returns_its_value() -> None:
    work = Work()
    work.may_end.set()

    assert await Patience().unless(asyncio.Event(), work.do()) == "done"


async def test_an_error_of_the_work_is_raised() -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await Patience().unless(asyncio.Event(), fail())


async def test_a_save_cancels_the_work_at_once() -> None:
    assert (await give_up(Patience())).was_cancelled


async def test_whoever_cancels_the_wait_cancels_the_work() -> None:
    work = Work()
    trying = asyncio.ensure_future(Patience().unless(asyncio.Event(), work.do()))
    await work.begun.wait()
    trying.cancel()
    await asyncio.wait({trying})

    assert trying.cancelled()
    assert work.was_cancelled


async def test_a_project_that_saves_itself_all_the_time_gets_through_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: asyncio.Queue[float] = asyncio.Queue()

    async def sleep(seconds: float) -> None:
        slept.put_nowait(seconds)
        await asyncio.Event().wait()

    patience = Patience()
    for _ in range(3):
        await give_up(patience)
    monkeypatch.setattr(dev_patience.asyncio, "sleep", sleep)
    saved, work = asyncio.Event(), Work()
    saved.set()
    trying = asyncio.ensure_future(patience.unless(saved, work.do()))
    assert await slept.get() == 5
    work.may_end.set()

    assert await trying == "done"
