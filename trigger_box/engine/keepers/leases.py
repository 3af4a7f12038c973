"""Leases that lapsed: nobody heard from the worker for too long, so the core decides.

Clocks jump: after a big step forward (a suspended host, a stopped process) everybody gets one
grace period first (run-engine 26.3).
"""

from __future__ import annotations

from functools import partial

from trigger_box.domain import limits
from trigger_box.engine.core import Core
from trigger_box.engine.leases import judge, store_beats
from trigger_box.engine.rows import RunHead
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction


class LeaseKeeper:
    """Remembers when it last looked, to notice that time has jumped."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._looked_at_ms = core.clock.now_ms()
        self._looked_at_s = core.clock.monotonic_s()
        self._planned_ms: int | None = None

    async def sweep(self) -> int | None:
        """Store the beats, judge what has lapsed, in slices; return when the next may lapse."""
        core = self._core
        has_jumped = self._has_jumped()
        await core.store.write(partial(self._prepare, has_jumped=has_jumped))
        while await core.store.write(self._slice) == limits.SWEEP_ROWS_MAX:
            pass
        row = await core.store.readers.one(sql.next_lease)
        next_at_ms: int | None = None if row is None else row["at_ms"]
        self._planned_ms = next_at_ms
        return next_at_ms

    def _has_jumped(self) -> bool:
        now_ms, now_s = self._core.clock.now_ms(), self._core.clock.monotonic_s()
        passed_ms = (now_s - self._looked_at_s) * 1_000
        jumped_ms = now_ms - self._looked_at_ms - passed_ms
        # Both clocks go on while a process is stopped: then we are just very late.
        latest_ms = self._looked_at_ms + limits.KEEPER_PAUSE_S_MAX * 1_000
        late_ms = now_ms - max(latest_ms, self._looked_at_ms)
        self._looked_at_ms, self._looked_at_s = now_ms, now_s
        return jumped_ms > limits.CLOCK_JUMP_MS or late_ms > limits.CLOCK_JUMP_MS

    def _prepare(self, tx: Transaction, *, has_jumped: bool) -> None:
        store_beats(tx, self._core.heartbeats.take())
        if has_jumped:
            grant_grace(self._core, tx)

    def _slice(self, tx: Transaction) -> int:
        core = self._core
        rows = tx.all(
            sql.lapsed_leases, {"now_ms": core.clock.now_ms(), "limit": limits.SWEEP_ROWS_MAX}
        )
        for row in rows:
            head = RunHead._make(row)
            state = core.lanes.environment(tx, head.environment_id)
            judge(core, tx, head, is_development=state.is_development)
        return len(rows)


def grant_grace(core: Core, tx: Transaction) -> None:
    """Judge nobody for a while: it was the box that was away."""
    tx.execute(sql.grant_grace, {"until_ms": core.clock.now_ms() + limits.LEASE_GRACE_MS})
