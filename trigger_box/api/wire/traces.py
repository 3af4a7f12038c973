"""A run's trace as the public API tells it. Source: rest-api 13.3, "Trace, spans, events"."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from trigger_box.domain.instants import iso
from trigger_box.telemetry.details import SpanDetail, properties_of
from trigger_box.telemetry.families import TracedRun
from trigger_box.telemetry.nodes import Node, NodeKind, Trace
from trigger_box.telemetry.rows import RowEvent, RowStatus
from trigger_box.telemetry.telemetry import RowPage

_NS_PER_MS: Final = 1_000_000

Json = dict[str, Any]


def trace_body(trace: Trace) -> bytes:
    """Return the nested form, encoded. It may be large: call it in a thread."""
    runs: dict[str, TracedRun] = {run.id: run for run in trace.runs}
    spans: dict[str, Json] = {}
    for node in _shown(trace):
        run = runs.get(node.run_id, trace.run)
        details = {
            "message": node.message,
            "taskSlug": node.task or run.task,
            "startTime": iso(node.start_ns // _NS_PER_MS),
            "duration": node.duration_ns,
            "isError": node.is_error,
            "isPartial": node.is_partial,
            "isCancelled": node.is_cancelled,
            "level": str(node.level),
            "queueName": run.queue_name,
            "workerVersion": run.version,
            "machinePreset": run.machine,
            "events": [_event(event) for event in node.events] or None,
            "properties": properties_of(node.row.attributes) if node.row else None,
        }
        span: Json = {
            "id": node.id,
            "runId": node.run_id or trace.run.id,
            "data": _present(details),
            "children": [],
        }
        if node.parent_id is not None:
            span["parentId"] = node.parent_id
            spans[node.parent_id]["children"].append(span)
        spans[node.id] = span
    body = {"trace": {"traceId": trace.trace_id, "rootSpan": spans[trace.nodes[0].id]}}
    return msgspec.json.encode(body)


def trace_page_body(trace: Trace, *, after: str | None, size: int) -> bytes:
    """Return one flat page by start time, encoded.

    Args:
        after: the cursor of the page before.
        size: how many spans a page holds.

    Raises:
        ValueError: ``after`` is no cursor.
    """
    start = _position(after) if after else (-1, "")
    ordered = sorted(_shown(trace), key=lambda node: (node.start_ns, node.id))
    following = [node for node in ordered if (node.start_ns, node.id) > start]
    page = following[:size]
    pagination: Json = {}
    if len(following) > size:
        pagination["next"] = f"{page[-1].start_ns}.{page[-1].id}"
    if trace.is_truncated or not trace.is_complete:
        pagination["truncated"] = True
    return msgspec.json.encode(
        {
            "data": [_flat(node, trace) for node in page],
            "attemptFailures": [
                {"spanId": node.id, "attemptNumber": node.attempt, "runId": node.run_id}
                for node in page
                if node.kind is NodeKind.ATTEMPT and node.is_error
            ],
            "pagination": pagination,
        }
    )


def span_body(detail: SpanDetail, run_id: str) -> Json:
    """Return one span. ``output``, ``payload``, ``statusMessage`` are ours: clients skip them."""
    node = detail.node
    return {
        "spanId": node.id,
        "parentId": detail.parent_id,
        "runId": node.run_id or run_id,
        "message": node.message,
        "isError": node.is_error,
        "isPartial": node.is_partial,
        "isCancelled": node.is_cancelled,
        "level": str(node.level),
        "startTime": iso(node.start_ns // _NS_PER_MS),
        "durationMs": node.duration_ns / _NS_PER_MS,
        **_present(
            {
                "attemptNumber": node.attempt or None,
                "entityType": node.entity or None,
                "statusMessage": detail.status_message,
                "properties": detail.properties,
                "output": detail.output,
                "payload": detail.payload,
                "events": [_event(event) for event in node.events] or None,
                "triggeredRuns": [
                    {
                        "runId": run.id,
                        "taskIdentifier": run.task,
                        "status": str(run.status),
                        "createdAt": iso(run.created_at_ms),
                    }
                    for run in detail.triggered
                ]
                or None,
            }
        ),
    }


def events_body(page: RowPage) -> bytes:
    """Return rows as they came, encoded. The shape is ours: clients do not look into it."""
    return msgspec.json.encode(
        {
            "events": [
                _present(
                    {
                        "id": str(row.seq),
                        "kind": str(row.kind),
                        "runId": row.run_id or None,
                        "traceId": row.trace_id or None,
                        "spanId": row.span_id or None,
                        "parentId": row.parent_id or None,
                        "partialOf": row.replaces or None,
                        "taskSlug": row.task or None,
                        "attemptNumber": row.attempt or None,
                        "level": str(row.level),
                        "message": row.message,
                        "startTime": iso(row.start_ns // _NS_PER_MS),
                        "startTimeNs": str(row.start_ns),
                        "duration": row.duration_ns,
                        "isPartial": row.status is RowStatus.PARTIAL,
                        "isError": row.status is RowStatus.ERROR,
                        "properties": properties_of(row.attributes),
                        "events": [_event(event) for event in row.events] or None,
                    }
                )
                for row in page.rows
            ],
            "pagination": {
                "next": str(page.next),
                "hasMore": page.has_more,
                "truncated": not page.is_complete,
            },
        }
    )


def _shown(trace: Trace) -> list[Node]:
    """Return what the API calls spans: an exception is an event of its span, no row of its own."""
    return [node for node in trace.nodes if node.kind is not NodeKind.ERROR]


def _flat(node: Node, trace: Trace) -> Json:
    flat = {
        "id": node.id,
        "parentId": node.parent_id,
        "runId": node.run_id or trace.run.id,
        "message": node.message,
        "startTime": iso(node.start_ns // _NS_PER_MS),
        "duration": node.duration_ns,
        "isError": node.is_error,
        "isPartial": node.is_partial,
        "isCancelled": node.is_cancelled,
        "level": str(node.level),
        "attemptNumber": node.attempt or None,
    }
    return _present(flat)


def _event(event: RowEvent) -> Json:
    return {
        "name": event.name,
        "time": iso(event.at_ns // _NS_PER_MS),
        "properties": properties_of(event.attributes) or {},
    }


def _present(values: Json) -> Json:
    # null is not absent for the npm client (rest-api 15.3).
    return {name: value for name, value in values.items() if value is not None}


def _position(cursor: str) -> tuple[int, str]:
    start, _, span_id = cursor.partition(".")
    return int(start), span_id
