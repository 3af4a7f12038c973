"""The verbs on an environment's own flow: pause, resume, limits (run-engine 5.3, 5.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from trigger_box.domain import limits
from trigger_box.domain.errors import InvalidError
from trigger_box.domain.queues import EnvironmentLimits
from trigger_box.engine.blocking import give_slots_back
from trigger_box.engine.core import Core
from trigger_box.ids import EnvironmentId
from trigger_box.store.queries import queues as sql
from trigger_box.store.writer import Transaction


async def set_paused(core: Core, environment_id: EnvironmentId, *, is_paused: bool) -> None:
    """Pause or resume an environment. Runs that run go on; queued ones keep their place.

    Raises:
        NotFoundError: there is no such environment.
    """
    change = partial(replace, is_paused=is_paused)
    await core.store.write(partial(_set, core, environment_id, change))


async def set_limits(
    core: Core, environment_id: EnvironmentId, *, limit: int, burst_factor: float = 1.0
) -> None:
    """Set how many runs may go at once. Lowering it evicts nobody.

    Raises:
        NotFoundError: there is no such environment.
        InvalidError: out of range.
    """
    if not 0 <= limit <= limits.ENVIRONMENT_CONCURRENCY_MAX:
        raise InvalidError(
            f"The concurrency limit must be between 0 and {limits.ENVIRONMENT_CONCURRENCY_MAX}."
        )
    if not 1.0 <= burst_factor <= limits.BURST_FACTOR_MAX:
        raise InvalidError(f"The burst factor must be between 1 and {limits.BURST_FACTOR_MAX}.")
    change = partial(replace, limit=limit, burst_factor=burst_factor)
    await core.store.write(partial(_set, core, environment_id, change))


def _set(
    core: Core,
    environment_id: EnvironmentId,
    change: Callable[[EnvironmentLimits], EnvironmentLimits],
    tx: Transaction,
) -> None:
    state = core.lanes.environment(tx, environment_id)
    changed = change(state.limits)
    tx.execute(
        sql.set_environment_limits,
        {
            "environment_id": environment_id,
            "paused": int(changed.is_paused),
            "concurrency_limit": changed.limit,
            "burst_factor": changed.burst_factor,
        },
    )
    core.lanes.set_limits(tx, state, changed)
    give_slots_back(core, tx, environment_id)
    tx.feed(
        at_ms=core.clock.now_ms(),
        environment_id=environment_id,
        subject=environment_id,
        kind="environment.changed",
        body=f'{{"id":"{environment_id}"}}',
    )
    tx.after_commit(partial(core.bus.wake_all, environment_id))
