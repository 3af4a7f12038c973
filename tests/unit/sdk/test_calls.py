"""What un-awaited calls do, and that asyncio takes calls wherever it takes coroutines."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import Any

import pytest

from trigger_box.sdk.calls import Call
from trigger_box.sdk.errors import UnawaitedCallWarning


def a_call(value: Any = "done") -> Call[Any]:
    async def carry_out() -> Any:
        await asyncio.sleep(0)
        if isinstance(value, Exception):
            raise value
        return value

    return Call("runs.retrieve", carry_out)


def test_a_call_that_is_not_awaited_is_reported_with_its_line() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")

        made = a_call()
        del made
        gc.collect()

    assert len(caught) == 1
    assert caught[0].category is UnawaitedCallWarning
    assert caught[0].filename == __file__
    assert "await runs.retrieve(...)" in str(caught[0].message)


async def test_a_call_that_is_awaited_is_not_reported() -> None:
    assert await a_call() == "done"


async def test_a_call_without_await_has_no_attributes_and_says_why() -> None:
    made = a_call()

    with pytest.raises(AttributeError, match=r"\(await runs.retrieve\(...\)\)\.status"):
        _ = made.status  # type: ignore[attr-defined]

    assert "runs.retrieve" in repr(made)
    await made


async def test_calls_can_be_gathered() -> None:
    assert await asyncio.gather(a_call(1), a_call(2)) == [1, 2]


async def test_calls_can_be_tasks_of_a_group() -> None:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(a_call(1))
        second = group.create_task(a_call(2))

    assert (first.result(), second.result()) == (1, 2)


async def test_calls_can_be_timed_and_cancelled() -> None:
    async def for_ever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(Call("x.y", for_ever), 0.001)


def test_asyncio_run_takes_a_call() -> None:
    assert asyncio.run(a_call(5)) == 5


async def test_what_a_call_raises_comes_out_of_its_await() -> None:
    with pytest.raises(ValueError, match="bad"):
        await a_call(ValueError("bad"))


def test_a_call_that_is_closed_is_not_reported() -> None:
    a_call().close()
