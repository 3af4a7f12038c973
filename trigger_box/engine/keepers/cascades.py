"""Descendants of cancelled runs: cancelled after them, level by level, in slices (run-engine 8)."""

from __future__ import annotations

from functools import partial

from trigger_box.domain import limits
from trigger_box.engine.cancel import BY_PARENT, cancel_one
from trigger_box.engine.core import Core
from trigger_box.engine.rows import RunHead
from trigger_box.ids import RunId
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction


async def sweep(core: Core) -> int | None:
    """Cancel what lies below cancelled runs. What is left after a crash is found again here."""
    while await core.store.write(partial(_slice, core)):
        pass
    return None


def _slice(core: Core, tx: Transaction) -> bool:
    """Do one slice; return whether there may be more."""
    row = tx.one(sql.cascading, {"limit": 1})
    if row is None:
        return False
    run_id = RunId(row["id"])
    rows = tx.all(sql.live_descendants, {"id": run_id, "limit": limits.SWEEP_ROWS_MAX})
    for found in rows:
        cancel_one(core, tx, RunHead._make(found), BY_PARENT)
    if len(rows) < limits.SWEEP_ROWS_MAX:
        tx.execute(sql.end_cascade, {"id": run_id})
    return True
