"""Runs that waited longer than their ttl for a first start: they expire (run-engine 12.2)."""

from __future__ import annotations

from functools import partial

from trigger_box.domain import limits
from trigger_box.domain.failures import StringError
from trigger_box.domain.runs import RunEvent, RunStatus
from trigger_box.engine.core import Core
from trigger_box.engine.endings import Ending, finish
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
        head = RunHead._make(row)
        assert head.started_at_ms is None, "a claim drops the ttl"
        text = f"Run expired because the TTL ({head.ttl}) was reached"
        finish(
            core,
            tx,
            head,
            Ending(
                event=RunEvent.EXPIRED,
                status=RunStatus.EXPIRED,
                description=text,
                error=StringError(raw=text),
            ),
            now_ms=now_ms,
        )
    return len(rows)
