"""What is old enough to be forgotten: request keys after a day, the change feed after its days.

Runs and their packets are kept; what removes them comes with the disk budget.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from trigger_box.domain import limits
from trigger_box.engine.core import Core
from trigger_box.store.queries import runs as sql
from trigger_box.store.queries import store as store_sql
from trigger_box.store.writer import Transaction

_PAUSE_MS: Final = 3_600_000


async def sweep(core: Core) -> int | None:
    """Forget in small bites; come again in an hour."""
    for query, kept_ms in (
        (sql.forget_requests, limits.REQUEST_IDEMPOTENCY_TTL_MS),
        (store_sql.delete_old_changes, limits.CHANGES_KEPT_MS),
    ):
        bite = partial(_bite, core, query, kept_ms)
        while await core.store.write(bite) == limits.SWEEP_ROWS_MAX:
            pass
    return core.clock.now_ms() + _PAUSE_MS


def _bite(core: Core, query: str, kept_ms: int, tx: Transaction) -> int:
    return tx.execute(
        query, {"before_ms": core.clock.now_ms() - kept_ms, "limit": limits.SWEEP_ROWS_MAX}
    )
