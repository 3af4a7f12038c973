"""The box's counters in the Prometheus text format, gathered when somebody asks."""

from __future__ import annotations

from typing import Final

from trigger_box.api.rooms import Rooms
from trigger_box.ids import EnvironmentId
from trigger_box.version import VERSION

CONTENT_TYPE: Final = "text/plain; version=0.0.4"


async def render(rooms: Rooms) -> bytes:
    """Return all counters. The client library is imported late: few boxes are asked."""
    from prometheus_client import (  # noqa: PLC0415 - late, see above
        CollectorRegistry,
        Counter,
        Gauge,
        Info,
        PlatformCollector,
        ProcessCollector,
        generate_latest,
    )

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    Info("trigger_box", "What this box is", registry=registry).info({"version": VERSION})
    for name, help_text, value in (
        ("store_backlog", "Changes that wait for the disk", rooms.store.backlog),
        ("streams_open", "Open event streams and long polls", rooms.streams.open_count),
    ):
        Gauge(f"trigger_box_{name}", help_text, registry=registry).set(value)
    for name, value in rooms.telemetry.figures().items():
        help_text = f"Spans and logs: {name.removesuffix('_total').replace('_', ' ')}"
        full_name = f"trigger_box_telemetry_{name.removesuffix('_total')}"
        if name.endswith("_total"):
            Counter(full_name, help_text, registry=registry).inc(value)
        else:
            Gauge(full_name, help_text, registry=registry).set(value)
    labels = ("project", "environment")
    ready = Gauge("trigger_box_runs_ready", "Runs in line", labels, registry=registry)
    running = Gauge("trigger_box_runs_running", "Runs that hold a slot", labels, registry=registry)
    slots = Gauge("trigger_box_runs_slots", "Slots there are", labels, registry=registry)
    # The writer's thread keeps these counts; copies, because it goes on meanwhile.
    for lines in list(rooms.core.lanes.lines.environments.values()):
        environment = await rooms.access.environment(EnvironmentId(lines.id))
        names = (environment.project_ref, environment.branch_name or environment.slug)
        waiting = (
            lane for queue in list(lines.queues.values()) for lane in list(queue.lanes.values())
        )
        ready.labels(*names).set(sum(lane.ready for lane in waiting))
        running.labels(*names).set(lines.running)
        slots.labels(*names).set(lines.slots)
    return generate_latest(registry)
