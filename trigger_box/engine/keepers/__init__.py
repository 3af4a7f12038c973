"""The keepers: each looks after one kind of due work, in the same loop, safe to run twice."""

from __future__ import annotations

import asyncio
from functools import partial

from trigger_box.engine.alarms import Alarm
from trigger_box.engine.core import Core
from trigger_box.engine.keepers import cascades, delays, retention, ttl, versions, waits
from trigger_box.engine.keepers.keep import Sweep
from trigger_box.engine.keepers.keep import keep as _keep
from trigger_box.engine.keepers.leases import LeaseKeeper, grant_grace

__all__ = ["LeaseKeeper", "catch_up", "keep", "sweeps"]


def sweeps(core: Core) -> dict[str, tuple[Sweep, Alarm]]:
    """Return every keeper's sweep and alarm, by name."""
    leases = LeaseKeeper(core)
    return {
        "delays": (partial(delays.sweep, core), core.alarms.delays),
        "ttl": (partial(ttl.sweep, core), core.alarms.ttl),
        "leases": (leases.sweep, core.alarms.leases),
        "cascades": (partial(cascades.sweep, core), core.alarms.cascades),
        "waits": (partial(waits.sweep, core), core.alarms.waits),
        "versions": (partial(versions.sweep, core), core.alarms.versions),
        "retention": (partial(retention.sweep, core), Alarm()),
    }


async def catch_up(core: Core) -> None:
    """Do what fell due while the box was down, before anybody is served (run-engine 26.4).

    Leases get a grace period: it was the box that was away, not the workers.
    """
    await core.store.write(partial(grant_grace, core))
    for sweep in (delays.sweep, ttl.sweep, cascades.sweep, waits.sweep, versions.sweep):
        await sweep(core)


def keep(core: Core, group: asyncio.TaskGroup) -> None:
    """Start all keepers in a task group; they run until it is cancelled."""
    for name, (sweep, alarm) in sweeps(core).items():
        group.create_task(_keep(sweep, alarm=alarm, clock=core.clock), name=f"keeper-{name}")
