"""The verb "dequeue": wait for runs, take them fairly. Nobody polls: dequeuers wait on the bus.

The taking itself happens in the writer's thread (``claims.py``).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from trigger_box.access.actors import Environment
from trigger_box.domain import limits
from trigger_box.engine.bus import Ticket
from trigger_box.engine.claims import Claim, Claimed, claim, handed_over
from trigger_box.engine.core import Core
from trigger_box.engine.executions import Dequeued
from trigger_box.engine.gone import Gone
from trigger_box.engine.handbacks import hand_back, hand_back_later
from trigger_box.ids import WorkerId
from trigger_box.store.writer import Transaction

# A development worker has the version it registered a moment later, but asks with those it had.
_OUTDATED_WAIT_S: Final = 0.2


async def dequeue(  # noqa: PLR0913 - a worker's call has these parts
    core: Core,
    *,
    environment: Environment,
    runner_id: str,
    runs_max: int,
    wait_ms: int = 0,
    gone: Gone | None = None,
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
    asking = _Asking(core, wanted, gone)
    if wait_ms > 0:
        claimed = await asking.wait(min(wait_ms, limits.DEQUEUE_WAIT_MS_MAX) / 1_000)
    elif core.lanes.may_go(environment.id):
        with core.bus.claiming(environment.id):
            claimed = await asking.take()
    else:
        claimed = []
    if claimed and asking.is_gone:
        await core.store.write(partial(hand_back, core, claimed))
        return []
    return [await handed_over(core, one) for one in claimed]


class _Asking:
    """One call that asks for runs."""

    def __init__(self, core: Core, wanted: Claim, gone: Gone | None) -> None:
        self._core = core
        self._wanted = wanted
        self._gone = gone

    @property
    def is_gone(self) -> bool:
        """Return whether the caller has hung up."""
        return self._gone is not None and self._gone.is_set()

    async def take(self) -> list[Claimed]:
        """Claim; if the caller is cancelled meanwhile, what was taken goes back."""
        taking = self._core.store.submit(self._claim)
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            hand_back_later(self._core, taking)
            raise

    def _claim(self, tx: Transaction) -> list[Claimed]:
        return [] if self.is_gone else claim(self._core, tx, self._wanted)

    async def wait(self, wait_s: float) -> list[Claimed]:
        """Claim as soon as something is there; nothing if the time is over or the caller gone."""
        bus, environment_id = self._core.bus, self._wanted.environment_id
        ends_s = asyncio.get_running_loop().time() + wait_s
        tried = -1
        while not self.is_gone:
            ends_s = self._patience_ends_s(ends_s)
            with bus.ticket(environment_id, tried=tried) as ticket:
                if not ticket.is_called and not await self._called(ticket, ends_s):
                    break
                tried = bus.news(environment_id)
                claimed = await self.take()
                if claimed:
                    return claimed
        return []

    async def _called(self, ticket: Ticket, ends_s: float) -> bool:
        """Wait for the ticket's turn; False if the time is over before, or the caller gone."""
        timer = asyncio.get_running_loop().call_at(ends_s, ticket.give_up)
        if self._gone is not None:
            self._gone.listen(ticket.give_up)
        try:
            return await ticket.called()
        finally:
            timer.cancel()
            if self._gone is not None:
                self._gone.ignore(ticket.give_up)

    def _patience_ends_s(self, ends_s: float) -> float:
        """Return when to wait no longer.

        Who can't run the newest version is to ask anew soon: new runs are not for this call.
        """
        wanted = self._wanted
        if wanted.worker_ids is not None and self._core.lanes.is_outdated(
            wanted.environment_id, wanted.worker_ids
        ):
            return min(ends_s, asyncio.get_running_loop().time() + _OUTDATED_WAIT_S)
        return ends_s
