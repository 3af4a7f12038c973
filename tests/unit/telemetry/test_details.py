from __future__ import annotations

from tests.support.otlp import START_NS
from trigger_box.telemetry.details import TimelineEvent, properties_of, timeline_of
from trigger_box.telemetry.rows import RowEvent

MS = START_NS // 1_000_000

# As the npm SDK 4.8.3 sends them with a first attempt: each event, and a roll-up by group.
METRIC_EVENTS = {
    "$metrics.events.dequeue.name": "trigger.dev/start",
    "$metrics.events.dequeue.timestamp": MS,
    "$metrics.events.dequeue.event": "dequeue",
    "$metrics.events.import.name": "trigger.dev/start",
    "$metrics.events.import.timestamp": MS + 40,
    "$metrics.events.import.event": "import",
    "$metrics.events.import.attributes.duration": 67,
    "$metrics.events.import.attributes.file": "src/tasks.ts",
    "$metrics.events.trigger.dev/start.name": "trigger.dev/start",
    "$metrics.events.trigger.dev/start.duration": 107,
    "$metrics.events.trigger.dev/start.timestamp": MS,
}
EXPECTED = (
    TimelineEvent(name="dequeue", at_ns=START_NS, duration_ms=None),
    TimelineEvent(name="import", at_ns=START_NS + 40_000_000, duration_ms=67),
)


def test_the_steps_before_user_code_come_from_the_spans_events() -> None:
    events = [
        RowEvent(
            name="trigger.dev/start",
            at_ns=START_NS + 40_000_000,
            attributes={"duration": 67, "file": "src/tasks.ts", "event": "import"},
        ),
        RowEvent(name="trigger.dev/start", at_ns=START_NS, attributes={"event": "dequeue"}),
        RowEvent(name="exception", at_ns=START_NS),
    ]

    assert timeline_of(events, METRIC_EVENTS) == EXPECTED


def test_without_events_the_steps_come_from_attributes() -> None:
    assert timeline_of([], METRIC_EVENTS) == EXPECTED


def test_properties_are_what_the_author_wrote_not_what_the_sdk_added() -> None:
    flat = {"user.name": "ada", "user.tags.[0]": "x", **METRIC_EVENTS, "$output.ok": True}

    assert properties_of(flat) == {"user": {"name": "ada", "tags": ["x"]}}
    assert properties_of({"$output": 1}) is None
