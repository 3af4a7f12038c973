"""The rows of a tree as pages and routes get them. How they are put together is ``trees.py``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from trigger_box.telemetry.attributes import nest
from trigger_box.telemetry.families import TracedRun
from trigger_box.telemetry.rows import Attributes, JsonValue, Level, Row, RowEvent, RowStatus


class NodeKind(StrEnum):
    """What a row of the tree is."""

    RUN = "RUN"
    ATTEMPT = "ATTEMPT"
    RETRY_DELAY = "RETRY_DELAY"
    SPAN = "SPAN"
    LOG = "LOG"
    ERROR = "ERROR"


class Node(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of the tree.

    Attributes:
        parent_id: None for the root of this tree only.
        depth: 0 for the root.
        duration_ns: of what still runs: until the tree was made.
        entity: what kind of thing a span stands for (``attempt``, ``waitpoint`` …), may be empty.
        style: how the sender wants it shown: ``icon``, ``variant``, ``accessory``.
        row: the stored row, None for what was made here.
    """

    id: str
    parent_id: str | None
    depth: int
    kind: NodeKind
    run_id: str
    task: str
    attempt: int
    message: str
    start_ns: int
    duration_ns: int
    level: Level
    status: RowStatus
    entity: str
    style: JsonValue
    events: list[RowEvent]
    row: Row | None

    @property
    def is_partial(self) -> bool:
        """Return whether it still runs."""
        return self.status is RowStatus.PARTIAL

    @property
    def is_error(self) -> bool:
        """Return whether it failed."""
        return self.status is RowStatus.ERROR

    @property
    def is_cancelled(self) -> bool:
        """Return whether it was cancelled."""
        return self.status is RowStatus.CANCELLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A run's tree, flat, in the order it is shown: each node before its children.

    Attributes:
        is_truncated: there are more rows than one answer may hold; logs are left out first.
        is_complete: False while older rows are still being loaded: ask again in a moment.
    """

    trace_id: str
    run: TracedRun
    nodes: tuple[Node, ...]
    runs: tuple[TracedRun, ...]
    is_truncated: bool
    is_complete: bool


@dataclass(slots=True, kw_only=True)
class Draft:
    """A node that is still being put together. ``parent_id`` is what its sender said."""

    id: str
    parent_id: str
    kind: NodeKind
    run_id: str
    task: str
    attempt: int
    message: str
    start_ns: int
    duration_ns: int = 0
    level: Level = Level.TRACE
    status: RowStatus = RowStatus.UNSET
    entity: str = ""
    style: JsonValue = None
    events: list[RowEvent] = field(default_factory=list[RowEvent])
    row: Row | None = None
    order: int = 0


def node_of(draft: Draft, parent_id: str | None, depth: int) -> Node:
    """Return the finished node of a draft."""
    return Node(
        id=draft.id,
        parent_id=parent_id,
        depth=depth,
        kind=draft.kind,
        run_id=draft.run_id,
        task=draft.task,
        attempt=draft.attempt,
        message=draft.message,
        start_ns=draft.start_ns,
        duration_ns=draft.duration_ns,
        level=draft.level,
        status=draft.status,
        entity=draft.entity,
        style=draft.style,
        events=draft.events,
        row=draft.row,
    )


def draft_of_span(row: Row, span_id: str) -> Draft:
    """Return the draft of a span or partial span, under the id it is shown with."""
    return Draft(
        id=span_id,
        parent_id=row.parent_id,
        kind=NodeKind.ATTEMPT if row.entity == "attempt" else NodeKind.SPAN,
        run_id=row.run_id,
        task=row.task,
        attempt=row.attempt,
        message=row.message,
        start_ns=row.start_ns,
        duration_ns=row.duration_ns,
        level=row.level,
        status=row.status,
        entity=row.entity,
        style=_style(row.style),
        events=row.events,
        row=row,
        order=row.seq,
    )


def draft_of_log(row: Row) -> Draft:
    """Return the draft of a log line."""
    return Draft(
        id=id_of_log(row),
        parent_id=row.parent_id,
        kind=NodeKind.LOG,
        run_id=row.run_id,
        task=row.task,
        attempt=row.attempt,
        message=row.message,
        start_ns=row.start_ns,
        level=row.level,
        status=row.status,
        style=_style(row.style),
        row=row,
        order=row.seq,
    )


def id_of_log(row: Row) -> str:
    """Return the span id a log line is shown under: OTLP gives it none, its number is unique."""
    return f"{row.seq:016x}"


def _style(flat: Attributes) -> JsonValue:
    if not flat:
        return None
    return nest(flat) if any("." in key for key in flat) else flat
