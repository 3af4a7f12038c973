import asyncio

import pytest

from trigger_box.domain import limits
from trigger_box.engine.bus import Bus
from trigger_box.ids import RunId


class Runs:
    """How many runs could go, as a bus is told."""

    def __init__(self, ready: int) -> None:
        self.ready = ready

    def __call__(self, _environment_id: str) -> int:
        return self.ready


async def test_tickets_are_called_in_line() -> None:
    runs = Runs(0)
    bus = Bus(runs)
    with bus.ticket("e") as first, bus.ticket("e") as second, bus.ticket("other") as other:
        runs.ready = 1
        bus.wake("e")
        assert (first.is_called, second.is_called, other.is_called) == (True, False, False)
        runs.ready = 2
        bus.wake("e")
        assert second.is_called
        runs.ready = 3
        bus.wake("e")  # nobody is left: nothing happens


async def test_one_wake_calls_as_many_as_there_are_runs() -> None:
    runs = Runs(0)
    bus = Bus(runs)
    with bus.ticket("e") as first, bus.ticket("e") as second, bus.ticket("e") as third:
        runs.ready = 2
        bus.wake("e")
        assert [one.is_called for one in (first, second, third)] == [True, True, False]


async def test_who_comes_while_a_run_is_there_is_called_at_once() -> None:
    with Bus(Runs(1)).ticket("e", tried=-1) as ticket:
        assert ticket.is_called


async def test_who_comes_while_somebody_is_on_his_way_to_the_only_run_waits() -> None:
    runs = Runs(1)
    bus = Bus(runs)
    with bus.claiming("e"), bus.ticket("e") as ticket:
        assert not ticket.is_called
        runs.ready = 2
        bus.wake("e")
        assert ticket.is_called


async def test_everybody_can_be_called() -> None:
    bus = Bus(Runs(0))
    with bus.ticket("e") as first, bus.ticket("e") as second:
        bus.wake_all("e")
        assert first.is_called
        assert second.is_called


async def test_a_call_to_somebody_who_fails_goes_to_the_next() -> None:
    runs = Runs(0)
    bus = Bus(runs)

    async def fail(called: asyncio.Event) -> None:
        with bus.ticket("e"):
            await called.wait()
            raise RuntimeError("no use for it")

    called = asyncio.Event()
    failing = asyncio.ensure_future(fail(called))
    await asyncio.sleep(0)
    with bus.ticket("e") as heir:
        runs.ready = 1
        bus.wake("e")
        assert not heir.is_called
        called.set()
        with pytest.raises(RuntimeError, match="no use for it"):
            await failing
        assert heir.is_called
    assert bus.waiting("e") == 0


async def test_who_looked_in_vain_looks_again_only_after_news() -> None:
    bus = Bus(Runs(1))
    seen = bus.news("e")
    with bus.ticket("e", tried=seen) as unsuited:
        assert not unsuited.is_called
        with bus.ticket("e") as suited:
            assert suited.is_called  # not: whoever has stood here longest
        assert not unsuited.is_called
        bus.wake("e")
        assert unsuited.is_called


async def test_somebody_who_leaves_uncalled_leaves_the_line() -> None:
    bus = Bus(Runs(0))
    with bus.ticket("e"):
        assert bus.waiting("e") == 1

    assert bus.waiting("e") == 0
    bus.wake("e")


async def test_a_ticket_that_was_given_up_is_not_called_and_holds_nobody_up() -> None:
    runs = Runs(0)
    bus = Bus(runs)
    with bus.ticket("e") as first, bus.ticket("e") as second:
        first.give_up()
        assert await first.called() is False
        runs.ready = 1
        bus.wake("e")
        assert second.is_called


async def test_a_waiting_holder_who_is_cancelled_passes_his_call_on() -> None:
    runs = Runs(0)
    bus = Bus(runs)

    async def wait() -> bool:
        with bus.ticket("e") as ticket:
            return await ticket.called()

    first = asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    second = asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    runs.ready = 1
    bus.wake("e")
    first.cancel()

    assert await second is True
    assert bus.waiting("e") == 0


async def test_listeners_hear_of_their_environments_runs_once_each() -> None:
    bus = Bus(Runs(0))
    bus.notify("e", RunId("run_nobody"))
    with bus.notifications("e") as mine, bus.notifications("other") as others:
        for run_id in ("run_1", "run_2", "run_1"):
            bus.notify("e", RunId(run_id))
        bus.notify("other", RunId("run_3"))

        assert await mine.next() == ["run_1", "run_2"]
        assert await others.next() == ["run_3"]


async def test_a_listener_that_is_too_slow_loses_the_oldest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "NOTIFICATIONS_WAITING_MAX", 2)
    bus = Bus(Runs(0))
    with bus.notifications("e") as mine:
        for number in range(3):
            bus.notify("e", RunId(f"run_{number}"))

        assert await mine.next() == ["run_1", "run_2"]
