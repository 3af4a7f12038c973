import asyncio

import pytest

from trigger_box.domain import limits
from trigger_box.engine.bus import Bus
from trigger_box.ids import RunId


async def test_tickets_are_called_in_line() -> None:
    bus = Bus()
    with bus.ticket("e") as first, bus.ticket("e") as second, bus.ticket("other") as other:
        bus.wake("e")
        assert (first.is_called, second.is_called, other.is_called) == (True, False, False)
        bus.wake("e")
        assert second.is_called
        bus.wake("e")  # nobody is left: nothing happens


async def test_everybody_can_be_called() -> None:
    bus = Bus()
    with bus.ticket("e") as first, bus.ticket("e") as second:
        bus.wake_all("e")
        assert first.is_called
        assert second.is_called


async def test_a_call_to_somebody_who_fails_goes_to_the_next() -> None:
    bus = Bus()

    async def fail(called: asyncio.Event) -> None:
        with bus.ticket("e"):
            await called.wait()
            raise RuntimeError("no use for it")

    called = asyncio.Event()
    failing = asyncio.ensure_future(fail(called))
    await asyncio.sleep(0)
    with bus.ticket("e") as heir:
        bus.wake("e")
        assert not heir.is_called
        called.set()
        with pytest.raises(RuntimeError, match="no use for it"):
            await failing
        assert heir.is_called
    assert bus.waiting("e") == 0


async def test_somebody_who_leaves_uncalled_leaves_the_line() -> None:
    bus = Bus()
    with bus.ticket("e"):
        assert bus.waiting("e") == 1

    assert bus.waiting("e") == 0
    bus.wake("e")


async def test_a_ticket_can_be_waited_for_and_given_up() -> None:
    bus = Bus()
    with bus.ticket("e") as ticket:
        waiting = asyncio.ensure_future(ticket.called())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        bus.wake("e")
        await ticket.called()


async def test_listeners_hear_of_their_environments_runs_once_each() -> None:
    bus = Bus()
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
    bus = Bus()
    with bus.notifications("e") as mine:
        for number in range(3):
            bus.notify("e", RunId(f"run_{number}"))

        assert await mine.next() == ["run_1", "run_2"]
