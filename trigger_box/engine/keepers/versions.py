"""Runs that wait for a version that is here now: those that did not fit into its registration."""

from __future__ import annotations

from functools import partial

from trigger_box.domain import limits
from trigger_box.engine.core import Core
from trigger_box.engine.waiting import release_pending
from trigger_box.ids import EnvironmentId
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction


async def sweep(core: Core) -> int | None:
    """Look at the waiting runs of every environment again, in slices."""
    rows = await core.store.readers.all(
        sql.environments_with_pending, {"limit": limits.SWEEP_ROWS_MAX}
    )
    for row in rows:
        release = partial(_slice, core, EnvironmentId(row["environment_id"]))
        while await core.store.write(release) == limits.SWEEP_ROWS_MAX:
            pass
    return None


def _slice(core: Core, environment_id: EnvironmentId, tx: Transaction) -> int:
    state = core.lanes.environment(tx, environment_id)
    if state.current_worker_id is None:
        return 0
    version = core.versions.of(tx, state.current_worker_id)
    assert version is not None, "the current version exists"
    return release_pending(core, tx, state, version)
