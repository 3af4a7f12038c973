"""A run's trace for the timeline: telemetry's tree with the words and icons of the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from litestar import Response, get
from litestar.openapi import ResponseSpec
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Raw

from trigger_box.api.authentication import SESSION
from trigger_box.api.dashboard.reach import environment_of
from trigger_box.api.dashboard.rows import TaskMark, marks_of, status_word
from trigger_box.api.dashboard.shapes import SpanDetail, SpanEvent, Trace, TracedRun, TraceNode
from trigger_box.api.rooms import Rooms, TheRooms, TheUser
from trigger_box.domain import limits
from trigger_box.domain.runs import FAILED_STATUSES, RunStatus
from trigger_box.engine.reading import Run, run_of_row
from trigger_box.ids import EnvironmentId, RunId
from trigger_box.store.queries import dashboard as sql
from trigger_box.telemetry import nodes
from trigger_box.telemetry.details import properties_of
from trigger_box.telemetry.nodes import Node, NodeKind
from trigger_box.telemetry.rows import Attributes, Level

_RUN: Final = "/dashboard/api/environments/{environment_id:str}/runs/{run_id:str}"
_NS_PER_MS: Final = 1_000_000
_DAY_MS: Final = 86_400_000

_encode: Final = msgspec.json.Encoder().encode

_LEVELS: Final[Mapping[Level, Any]] = {
    Level.TRACE: "trace",
    Level.DEBUG: "debug",
    Level.LOG: "info",
    Level.INFO: "info",
    Level.WARN: "warn",
    Level.ERROR: "error",
}
_KINDS: Final[Mapping[NodeKind, Any]] = {
    NodeKind.RUN: "run",
    NodeKind.ATTEMPT: "attempt",
    NodeKind.RETRY_DELAY: "retry",
    NodeKind.LOG: "log",
    NodeKind.ERROR: "error",
}
_ICON_KINDS: Final[Mapping[str, Any]] = {
    "wait": "wait",
    "wait-token": "wait",
    "hourglass": "wait",
    "pause": "wait",
    "metadata": "tag",
    "tag": "tag",
    "sparkles": "ai",
    "tabler-sparkles": "ai",
    "ai": "ai",
    "database": "db",
    "globe": "http",
    "api": "http",
}
_HTTP: Final = ("http.request.method", "http.method", "url.full", "http.url")
_DATABASE: Final = ("db.system", "db.system.name", "db.statement", "db.query.text")
_AI: Final = ("gen_ai.system", "gen_ai.request.model", "ai.model.id")
_NOTED_MAX: Final = 4
_NOTED_CHARACTERS_MAX: Final = 40
_CANCELED: Final = "TASK_RUN_CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grove:
    """A tree, and the runs that were triggered in it but have trees of their own.

    Attributes:
        runs: the runs of the tree by id.
        apart: the other runs, by id.
        canceled: the attempts that were canceled, as (run, number).
    """

    tree: nodes.Trace
    runs: Mapping[str, Run]
    apart: Mapping[str, Run]
    marks: Mapping[str, TaskMark]
    canceled: frozenset[tuple[str, int]]
    is_cut: bool


@get(
    _RUN + "/trace",
    opt={"auth": SESSION},
    summary="The trace of a run",
    responses={200: ResponseSpec(Trace, description="The tree, flat", generate_examples=False)},
)
async def get_trace(
    rooms: TheRooms, user: TheUser, environment_id: FromPath[str], run_id: FromPath[str]
) -> Response[bytes]:
    """Return the tree of a run and the runs below it, flat, each row before its children."""
    environment = await environment_of(rooms, user, environment_id)
    # Icons and notes come from attributes; what does not fit stays without.
    tree = await rooms.telemetry.trace(environment.id, RunId(run_id), with_attributes=True)
    grove = await _grove_of(rooms, environment.id, tree)
    kept_from_ms = rooms.clock.now_ms() - rooms.settings.telemetry_days * _DAY_MS
    body = await rooms.telemetry.apart(_encoded, grove, kept_from_ms)
    return Response(body, media_type="application/json")


@get(_RUN + "/spans/{span_id:str}", opt={"auth": SESSION}, summary="A row of a trace")
async def get_span(
    rooms: TheRooms,
    user: TheUser,
    environment_id: FromPath[str],
    run_id: FromPath[str],
    span_id: FromPath[str],
) -> SpanDetail:
    """Return the attributes and events of a row."""
    environment = await environment_of(rooms, user, environment_id)
    detail = await rooms.telemetry.span(environment.id, RunId(run_id), span_id)
    attributes: dict[str, Any] = {}
    properties = cast("Any", detail.properties)
    if isinstance(properties, dict):
        attributes.update(cast("dict[str, Any]", properties))
    for name, value in (
        ("output", detail.output),
        ("payload", detail.payload),
        ("statusMessage", detail.status_message),
        ("entityId", detail.entity_id),
    ):
        if value is not None:
            attributes.setdefault(name, value)
    return SpanDetail(
        id=detail.node.id,
        attributes=Raw(_encode(attributes)),
        events=[
            SpanEvent(
                name=event.name,
                at_ms=event.at_ns / _NS_PER_MS,
                attributes=Raw(_encode(properties_of(event.attributes) or {})),
            )
            for event in detail.node.events
        ],
    )


async def _grove_of(rooms: Rooms, environment_id: EnvironmentId, tree: nodes.Trace) -> _Grove:
    ids = _encode([run.id for run in tree.runs]).decode()
    own = await rooms.store.readers.all(
        sql.runs_by_id,
        {"environment_id": environment_id, "ids": ids, "limit": len(tree.runs)},
    )
    others = await rooms.store.readers.all(
        sql.children_apart,
        {
            "environment_id": environment_id,
            "run_ids": ids,
            "trace_id": tree.trace_id,
            "limit": limits.TRACE_RUNS_MAX + 1,
        },
    )
    runs = {row["id"]: run_of_row(row) for row in own}
    apart = {row["id"]: run_of_row(row) for row in others[: limits.TRACE_RUNS_MAX]}
    return _Grove(
        tree=tree,
        runs=runs,
        apart=apart,
        marks=await marks_of(rooms.core, environment_id, [*runs.values(), *apart.values()]),
        canceled=frozenset(
            (run.id, attempt.number)
            for run in tree.runs
            for attempt in run.attempts
            if attempt.result == "CANCELED"
        ),
        is_cut=len(others) > limits.TRACE_RUNS_MAX,
    )


def _encoded(grove: _Grove, kept_from_ms: int) -> bytes:
    tree = grove.tree
    rows = [_row(node, grove) for node in tree.nodes]
    rows += _rows_apart(grove)
    created_at_ms = tree.run.created_at_ms
    is_removed = created_at_ms < kept_from_ms and not any(node.row for node in tree.nodes)
    return _encode(
        Trace(
            nodes=rows,
            total=len(rows),
            is_partial=tree.is_truncated or grove.is_cut,
            is_loading=not tree.is_complete,
            removed_at_ms=created_at_ms + (kept_from_ms - created_at_ms) if is_removed else None,
        )
    )


def _row(node: Node, grove: _Grove) -> TraceNode:
    start_ms = node.start_ns / _NS_PER_MS
    is_instant = node.kind in {NodeKind.LOG, NodeKind.ERROR}
    end_ms = None if node.is_partial else start_ms + node.duration_ns / _NS_PER_MS
    run = grove.runs.get(node.run_id) if node.kind is NodeKind.RUN else None
    is_canceled = _is_canceled(node, grove)
    title = node.message or node.task
    return TraceNode(
        id=node.id,
        parent_id=node.parent_id,
        run_id=node.run_id,
        kind=_kind(node),
        title="Canceled" if is_canceled and title == _CANCELED else title,
        note=_note(node),
        start_ms=start_ms,
        end_ms=start_ms if is_instant else end_ms,
        level=_LEVELS[node.level] if node.kind is NodeKind.LOG else None,
        is_error=node.is_error and not is_canceled,
        is_canceled=is_canceled,
        run=None if run is None else _traced(run, grove.marks),
    )


def _is_canceled(node: Node, grove: _Grove) -> bool:
    """Tell whether a row ended because somebody canceled, which workers report as an error."""
    if node.is_cancelled:
        return True
    if (node.run_id, node.attempt) not in grove.canceled:
        return False
    return node.kind is NodeKind.ATTEMPT or node.message == _CANCELED


def _rows_apart(grove: _Grove) -> Iterable[TraceNode]:
    """Return a row for each run that was triggered here and not waited for.

    Where exactly is not told on the wire: it hangs below the attempt that was going on.
    """
    attempts: dict[str, list[Node]] = {}
    for node in grove.tree.nodes:
        if node.kind is NodeKind.ATTEMPT:
            attempts.setdefault(node.run_id, []).append(node)
    roots = {run.id: run.span_id for run in grove.tree.runs}
    for run in grove.apart.values():
        assert run.parent_run_id is not None, "it was found by its parent"
        begun = [
            node
            for node in attempts.get(run.parent_run_id, ())
            if node.start_ns <= run.created_at_ms * _NS_PER_MS
        ]
        yield TraceNode(
            id=run.span_id,
            parent_id=(
                max(begun, key=lambda node: node.start_ns).id if begun else roots[run.parent_run_id]
            ),
            run_id=run.id,
            kind="run",
            title=run.task,
            note=None,
            start_ms=run.created_at_ms,
            end_ms=run.completed_at_ms,
            level=None,
            is_error=run.status in FAILED_STATUSES,
            is_canceled=run.status is RunStatus.CANCELED,
            run=_traced(run, grove.marks),
        )


def _traced(run: Run, marks: Mapping[str, TaskMark]) -> TracedRun:
    return TracedRun(
        status=status_word(run.status),
        language=marks[run.id][1],
        queued_at_ms=run.queued_at_ms,
        dequeued_at_ms=run.started_at_ms,
        started_at_ms=run.executed_at_ms,
        finished_at_ms=run.completed_at_ms,
    )


def _kind(node: Node) -> Any:  # noqa: ANN401 - one of the literals of TraceNode.kind
    if node.kind in _KINDS:
        return _KINDS[node.kind]
    if node.entity == "waitpoint":
        return "wait"
    icon = _styled(node, "icon")
    if icon in _ICON_KINDS:
        return _ICON_KINDS[icon]
    attributes = {} if node.row is None else node.row.attributes
    if any(key in attributes for key in _AI):
        return "ai"
    if any(key in attributes for key in _DATABASE):
        return "db"
    if any(key in attributes for key in _HTTP):
        return "http"
    return "span"


def _note(node: Node) -> str | None:
    if node.kind is NodeKind.ATTEMPT:
        variant = _styled(node, "variant")
        return variant if variant in {"warm", "cold"} else None
    if node.kind is NodeKind.LOG and node.row is not None:
        return _noted(node.row.attributes)
    return None


def _noted(attributes: Attributes) -> str | None:
    """Return what a log line says beside its words: `frame=5 of=400`."""
    own = [(key, value) for key, value in attributes.items() if not key.startswith("$")]
    words = [
        f"{key}={_short(value)}"
        for key, value in own[:_NOTED_MAX]
        if isinstance(value, str | int | float)
    ]
    return " ".join(words) or None


def _short(value: str | float) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = " ".join(text.split())
    if len(text) <= _NOTED_CHARACTERS_MAX:
        return text
    return text[: _NOTED_CHARACTERS_MAX - 1] + "…"


def _styled(node: Node, name: str) -> str | None:
    style = node.style
    if not isinstance(style, dict):
        return None
    value = cast("dict[str, Any]", style).get(name)
    return value if isinstance(value, str) else None


routes: list[ControllerRouterHandler] = [get_trace, get_span]
