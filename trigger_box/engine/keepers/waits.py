"""Waits that are over: an instant has come, a token's time is up, or many are still to be told."""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from trigger_box.domain import limits
from trigger_box.domain.instants import iso
from trigger_box.engine.core import Core
from trigger_box.engine.packets import StoredPacket
from trigger_box.engine.waitpoints import Waitpoint, WaitpointKind, complete, spread
from trigger_box.ids import WaitpointId
from trigger_box.store.queries import waits as sql
from trigger_box.store.writer import Transaction

TIMEOUT_CODE: Final = "TRIGGER_WAITPOINT_TIMEOUT"
"""The code of the error that a token ends with whose time is up (rest-api 13.9)."""

_encode: Final = msgspec.json.Encoder().encode


async def sweep(core: Core) -> int | None:
    """Complete what is due, in slices, and tell those who wait; return when the next is due."""
    while await core.store.write(partial(_slice, core)) == limits.SWEEP_ROWS_MAX:
        pass
    while await core.store.write(partial(_spread, core)):
        pass
    row = await core.store.readers.one(sql.next_due)
    return None if row is None else row["at_ms"]


def _slice(core: Core, tx: Transaction) -> int:
    rows = tx.all(sql.due, {"now_ms": core.clock.now_ms(), "limit": limits.SWEEP_ROWS_MAX})
    for row in rows:
        waitpoint = Waitpoint._make(row)
        if waitpoint.kind == WaitpointKind.MANUAL:
            assert waitpoint.due_at_ms is not None, "it is due"
            timed_out = _timeout(waitpoint.due_at_ms)
            complete(core, tx, waitpoint.id, output=timed_out, is_error=True)
        else:
            complete(core, tx, waitpoint.id)
    return len(rows)


def _timeout(at_ms: int) -> StoredPacket:
    error = {"code": TIMEOUT_CODE, "message": f"Waitpoint timed out at {iso(at_ms)}"}
    text = _encode(error).decode()
    return StoredPacket("application/json", text, None, len(text))


def _spread(core: Core, tx: Transaction) -> bool:
    """Tell a slice of those who wait for one waitpoint; return whether there may be more."""
    row = tx.one(sql.spreading)
    if row is None:
        return False
    waitpoint_id = WaitpointId(row["id"])
    if spread(core, tx, waitpoint_id):
        tx.execute(sql.set_spreading, {"id": waitpoint_id, "is_spreading": 0})
    return True
