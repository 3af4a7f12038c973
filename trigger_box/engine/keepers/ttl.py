"""Looks for runs whose ttl has passed: they expire (run-engine 12.2)."""

from __future__ import annotations

from functools import partial

from trigger_box.domain import limits
from trigger_box.engine.core import Core
from trigger_box.engine.expiry import expire
from trigger_box.engine.rows import RunHead
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction


async def sweep(core: Core) -> int | None:
    """Expire what is due, in slices; return when the next is due."""
    while await core.store.write(partial(_slice, core)) == limits.SWEEP_ROWS_MAX:
        pass
    row = await core.store.readers.one(sql.next_ttl)
    return None if row is None else row["at_ms"]


def _slice(core: Core, tx: Transaction) -> int:
    now_ms = core.clock.now_ms()
    rows = tx.all(sql.past_ttl, {"now_ms": now_ms, "limit": limits.SWEEP_ROWS_MAX})
    for row in rows:
        expire(core, tx, RunHead._make(row), now_ms=now_ms)
    return len(rows)
