"""One row of a tree with all it has, taken apart by what its attributes mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from trigger_box.telemetry.attributes import nest, under
from trigger_box.telemetry.families import Family, TracedRun
from trigger_box.telemetry.intake import STATUS_MESSAGE
from trigger_box.telemetry.nodes import Node
from trigger_box.telemetry.rows import Attributes, JsonValue, RowEvent

_NS_PER_MS: Final = 1_000_000
_TIMELINE_NAME: Final = "trigger.dev/"
_TIMELINE_ATTRIBUTE: Final = re.compile(
    r"\$metrics\.events\.(?P<event>[^.]+)\.(?P<field>timestamp|event|attributes\.duration|duration)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEvent:
    """A step on the way to user code, such as dequeue, create_attempt, fork, import.

    ``duration_ms`` is None for an instant.
    """

    name: str
    at_ns: int
    duration_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanDetail:
    """A row of the tree as the inspector shows it.

    Attributes:
        properties: the author's own attributes, nested as they were written.
        output, payload: what the SDK recorded of an attempt or trigger, None if nothing.
        entity_id: what the span stands for, such as a waitpoint's id.
        status_message: what a failed span said of its failure.
        timeline: steps before user code ran (attempts only).
        triggered: runs that were triggered inside this span.
    """

    node: Node
    parent_id: str | None
    properties: JsonValue
    output: JsonValue
    payload: JsonValue
    entity_id: str | None
    status_message: str | None
    timeline: tuple[TimelineEvent, ...]
    triggered: tuple[TracedRun, ...]


def detail_of(node: Node, family: Family) -> SpanDetail:
    """Return the detail of a node whose row has its attributes."""
    flat = {} if node.row is None else node.row.attributes
    entity_id = flat.get("$entity.id")
    message = flat.get(STATUS_MESSAGE)
    return SpanDetail(
        node=node,
        parent_id=(None if node.row is None else node.row.parent_id) or node.parent_id,
        properties=properties_of(flat),
        output=under(flat, "$output"),
        payload=under(flat, "$payload"),
        entity_id=entity_id if isinstance(entity_id, str) else None,
        status_message=message if isinstance(message, str) else None,
        timeline=timeline_of(node.events, flat),
        triggered=tuple(run for run in family.below if run.parent_span_id == node.id),
    )


def properties_of(flat: Attributes) -> JsonValue:
    """Return the author's own attributes, nested; None if there are none."""
    own = {key: value for key, value in flat.items() if not key.startswith("$")}
    return nest(own) if own else None


def timeline_of(events: Sequence[RowEvent], flat: Attributes) -> tuple[TimelineEvent, ...]:
    """Return the steps before user code ran, in order.

    They come twice, as events and as ``$metrics.events.`` attributes; a first attempt has both.
    """
    found = [_of_event(event) for event in events if event.name.startswith(_TIMELINE_NAME)]
    if not found:
        found = _of_attributes(flat)
    return tuple(sorted(found, key=lambda step: step.at_ns))


def _of_event(event: RowEvent) -> TimelineEvent:
    name = event.attributes.get("event")
    return TimelineEvent(
        name=name if isinstance(name, str) else event.name.removeprefix(_TIMELINE_NAME),
        at_ns=event.at_ns,
        duration_ms=_number(event.attributes.get("duration")),
    )


def _of_attributes(flat: Attributes) -> list[TimelineEvent]:
    steps: dict[str, Attributes] = {}
    for key, value in flat.items():
        match = _TIMELINE_ATTRIBUTE.fullmatch(key)
        if match is not None:
            steps.setdefault(match["event"], {})[match["field"]] = value
    return [
        TimelineEvent(
            name=name,
            at_ns=int(cast("float", step["timestamp"]) * _NS_PER_MS),
            duration_ms=_number(step.get("attributes.duration", step.get("duration"))),
        )
        for name, step in steps.items()
        if _number(step.get("timestamp")) is not None
    ]


def _number(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value
