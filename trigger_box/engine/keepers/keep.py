"""The loop that all keepers share: look, sleep until the next is due or something comes up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from trigger_box.clock import Clock
from trigger_box.domain import limits
from trigger_box.domain.errors import UnavailableError
from trigger_box.engine.alarms import Alarm

Sweep = Callable[[], Awaitable[int | None]]
"""Do what is due; return the instant (ms) the next is due, None if nothing is."""

_AGAIN_S = 1.0


async def keep(sweep: Sweep, *, alarm: Alarm, clock: Clock) -> None:
    """Run ``sweep`` until cancelled.

    It never sleeps longer than ``limits.KEEPER_PAUSE_S_MAX``: the wall clock may be set forward
    while we sleep on the monotonic one. A sweep that meets a full disk or a busy writer comes
    again a moment later; any other error is a bug and stops the box.
    """
    while True:
        alarm.wake.clear()  # before the sweep: a wake-up that comes during it must not be lost
        alarm.set(None)
        try:
            next_at_ms = await sweep()
        except UnavailableError:
            pause_s = _AGAIN_S
        else:
            now_ms = clock.now_ms()
            pause_s = _pause_s(next_at_ms, now_ms=now_ms)
            alarm.set(now_ms + round(pause_s * 1_000))
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await alarm.wake.wait()


def _pause_s(next_at_ms: int | None, *, now_ms: int) -> float:
    if next_at_ms is None:
        return limits.KEEPER_PAUSE_S_MAX
    return min(max(0.0, (next_at_ms - now_ms) / 1_000), limits.KEEPER_PAUSE_S_MAX)
