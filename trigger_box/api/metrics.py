"""The box's counters in the Prometheus text format, gathered when somebody asks."""

from __future__ import annotations

from typing import Final

from trigger_box.api.rooms import Rooms
from trigger_box.version import VERSION

CONTENT_TYPE: Final = "text/plain; version=0.0.4"


def render(rooms: Rooms) -> bytes:
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
    return generate_latest(registry)
