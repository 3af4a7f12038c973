"""A run's trace for the timeline: telemetry's tree with the words and icons of the page."""

from __future__ import annotations

from collections.abc import Mapping
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
from trigger_box.engine.reading import Run, run_of_row
from trigger_box.ids import EnvironmentId, RunId
from trigger_box.store.queries import dashboard as sql
from trigger_box.telemetry import nodes
from trigger_box.telemetry.details import properties_of
from trigger_box.telemetry.nodes import Node, NodeKind
from trigger_box.telemetry.rows import Level

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
    tree = await rooms.telemetry.trace(environment.id, RunId(run_id))
    runs = await _runs_of(rooms, environment.id, tree)
    marks = await marks_of(rooms.core, environment.id, runs.values())
    kept_from_ms = rooms.clock.now_ms() - rooms.settings.telemetry_days * _DAY_MS
    body = await rooms.telemetry.apart(_encoded, tree, runs, marks, kept_from_ms)
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


async def _runs_of(
    rooms: Rooms, environment_id: EnvironmentId, tree: nodes.Trace
) -> dict[str, Run]:
    ids = [run.id for run in tree.runs]
    rows = await rooms.store.readers.all(
        sql.runs_by_id,
        {
            "environment_id": environment_id,
            "ids": _encode(ids).decode(),
            "limit": len(ids),
        },
    )
    return {row["id"]: run_of_row(row) for row in rows}


def _encoded(
    tree: nodes.Trace,
    runs: Mapping[str, Run],
    marks: Mapping[str, TaskMark],
    kept_from_ms: int,
) -> bytes:
    rows = [_row(node, runs, marks) for node in tree.nodes]
    created_at_ms = tree.run.created_at_ms
    is_removed = created_at_ms < kept_from_ms and not any(node.row for node in tree.nodes)
    return _encode(
        Trace(
            nodes=rows,
            total=len(rows),
            is_partial=tree.is_truncated,
            is_loading=not tree.is_complete,
            removed_at_ms=created_at_ms + (kept_from_ms - created_at_ms) if is_removed else None,
        )
    )


def _row(node: Node, runs: Mapping[str, Run], marks: Mapping[str, TaskMark]) -> TraceNode:
    start_ms = node.start_ns / _NS_PER_MS
    is_instant = node.kind in {NodeKind.LOG, NodeKind.ERROR}
    end_ms = None if node.is_partial else start_ms + node.duration_ns / _NS_PER_MS
    run = runs.get(node.run_id) if node.kind is NodeKind.RUN else None
    return TraceNode(
        id=node.id,
        parent_id=node.parent_id,
        run_id=node.run_id,
        kind=_kind(node),
        title=node.message or node.task,
        note=_note(node),
        start_ms=start_ms,
        end_ms=start_ms if is_instant else end_ms,
        level=_LEVELS[node.level] if node.kind is NodeKind.LOG else None,
        is_error=node.is_error,
        run=None if run is None else _traced(run, marks),
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
    return None


def _styled(node: Node, name: str) -> str | None:
    style = node.style
    if not isinstance(style, dict):
        return None
    value = cast("dict[str, Any]", style).get(name)
    return value if isinstance(value, str) else None


routes: list[ControllerRouterHandler] = [get_trace, get_span]
