"""The engine's shared parts, opened once. Verbs take it first: ``trigger(core, request)``."""

from __future__ import annotations

from dataclasses import dataclass, field

from trigger_box.clock import Clock
from trigger_box.engine.alarms import Alarms
from trigger_box.engine.bus import Bus
from trigger_box.engine.heartbeats import Heartbeats
from trigger_box.engine.lanes import Lanes
from trigger_box.engine.presence import Presence
from trigger_box.engine.versions import Versions
from trigger_box.ids import IdSource
from trigger_box.store.store import Store


@dataclass(slots=True, kw_only=True)
class Core:
    """What every verb needs. ``lanes`` and ``versions`` belong to the writer's thread."""

    store: Store
    clock: Clock
    ids: IdSource
    presence: Presence
    lanes: Lanes
    bus: Bus
    alarms: Alarms = field(default_factory=Alarms)
    heartbeats: Heartbeats = field(default_factory=Heartbeats)
    versions: Versions = field(default_factory=Versions)


async def open_core(store: Store, *, clock: Clock, ids: IdSource) -> Core:
    """Open the engine on an open store: count ready runs and held slots."""
    lanes = Lanes()
    await lanes.load(store)
    return Core(
        store=store,
        clock=clock,
        ids=ids,
        presence=Presence(clock),
        lanes=lanes,
        bus=Bus(lanes.may_go_count),
    )
