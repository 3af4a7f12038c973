"""The verb "dequeue": wait for runs, take them fairly. Nobody polls: dequeuers wait on the bus.

The taking itself happens in the writer's thread (``claims.py``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from trigger_box.access.actors import Environment
from trigger_box.domain import limits
from trigger_box.engine.bus import Ticket
from trigger_box.engine.claims import Claim, Claimed, claim, handed_over
from trigger_box.engine.core import Core
from trigger_box.engine.executions import Dequeued
from trigger_box.engine.handbacks import hand_back, hand_back_later
from trigger_box.ids import WorkerId
from trigger_box.store.writer import Transaction


async def dequeue(  # noqa: PLR0913 - a worker's call has these parts
    core: Core,
    *,
    environment: Environment,
    runner_id: str,
    runs_max: int,
    wait_ms: int = 0,
    gone: asyncio.Event | None = None,
    worker_ids: frozenset[WorkerId] | None = None,
    start: bool = False,
) -> list[Dequeued]:
    """Return runs to execute, at most ``runs_max``; wait for the first up to ``wait_ms``.

    Args:
        core: the engine.
        environment: whose runs.
        runner_id: who will hold them.
        runs_max: how many fit into the caller's hands.
        wait_ms: bounded by ``limits.DEQUEUE_WAIT_MS_MAX``; 0 looks once.
        gone: set when the caller has hung up: nothing is taken for it any more.
        worker_ids: the versions the caller can run; None means any.
        start: begin the attempts too, in the same commit (our own worker).
    """
    wanted = Claim(
        environment_id=environment.id,
        runner_id=runner_id,
        runs_max=max(1, min(runs_max, limits.DEQUEUE_RUNS_MAX)),
        worker_ids=worker_ids,
        starts=start,
    )
    take = partial(_claim_unless_gone, core, wanted, gone)
    # The usual case under load: something is there, and nobody needs to stand in line.
    claimed = await _take(core, take) if core.lanes.may_go(environment.id) else []
    if not claimed and wait_ms > 0:
        ends_at_s = core.clock.monotonic_s() + min(wait_ms, limits.DEQUEUE_WAIT_MS_MAX) / 1_000
        claimed = await _wait_for_runs(core, take, environment, gone, ends_at_s)
    if gone is not None and gone.is_set() and claimed:
        await core.store.write(partial(hand_back, core, claimed))
        return []
    return [await handed_over(core, one) for one in claimed]


async def _take(core: Core, take: Callable[[Transaction], list[Claimed]]) -> list[Claimed]:
    """Claim; if the caller is cancelled meanwhile, what was taken goes back."""
    taking = core.store.submit(take)
    try:
        return await asyncio.shield(taking)
    except asyncio.CancelledError:
        hand_back_later(core, taking)
        raise


async def _wait_for_runs(
    core: Core,
    take: Callable[[Transaction], list[Claimed]],
    environment: Environment,
    gone: asyncio.Event | None,
    ends_at_s: float,
) -> list[Claimed]:
    while True:
        # In line before looking: what becomes ready while we look will call this ticket.
        with core.bus.ticket(environment.id) as ticket:
            if core.lanes.may_go(environment.id):
                claimed = await _take(core, take)
                if claimed:
                    return claimed
            left_s = ends_at_s - core.clock.monotonic_s()
            if left_s <= 0 or (gone is not None and gone.is_set()):
                return []
            await _wait(ticket, gone, left_s)


def _claim_unless_gone(
    core: Core, wanted: Claim, gone: asyncio.Event | None, tx: Transaction
) -> list[Claimed]:
    if gone is not None and gone.is_set():
        return []
    return claim(core, tx, wanted)


async def _wait(ticket: Ticket, gone: asyncio.Event | None, left_s: float) -> None:
    """Wait until the ticket is called, the caller is gone, or the time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(left_s):
            if gone is None:
                await ticket.called()
                return
            # Two waits raced by hand: both end inside this function.
            called = asyncio.ensure_future(ticket.called())
            left = asyncio.ensure_future(gone.wait())
            try:
                await asyncio.wait((called, left), return_when=asyncio.FIRST_COMPLETED)
            finally:
                called.cancel()
                left.cancel()
