"""Spans and log records in OTLP's JSON form, with the attribute names of cli-protocol 10.

Records are made as text at once: what all records of an attempt share is encoded a single time.
When and where they are sent is in ``telemetry.py``.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any, Final

from trigger_box.version import __version__
from trigger_box.worker.attributes import Scalar

_SEVERITY_NUMBERS: Final[Mapping[str, int]] = {
    "debug": 5,
    "log": 9,
    "info": 9,
    "warn": 13,
    "error": 17,
}
# `print` is to Python what console.log is to JavaScript; the capital tells it from `logger`.
_SEVERITY_TEXTS: Final[Mapping[str, str]] = {"log": "Log"}
_RESOURCES_MAX: Final = 64
_text = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def attribute_list(attributes: Mapping[str, Scalar]) -> str:
    """Return attributes as OTLP's list, without its brackets."""
    return ",".join(
        f'{{"key":{_text(key)},"value":{_value(value)}}}' for key, value in attributes.items()
    )


def _value(value: Scalar) -> str:
    if isinstance(value, str):
        return f'{{"stringValue":{_text(value)}}}'
    if isinstance(value, bool):
        return '{"boolValue":true}' if value else '{"boolValue":false}'
    if isinstance(value, int):
        return f'{{"intValue":"{value}"}}'
    return f'{{"doubleValue":{value!r}}}'


def resource_attributes(execution: Mapping[str, Any]) -> str:
    """Return the resource of an attempt: where it ran, not what."""
    environment, organization = execution["environment"], execution["organization"]
    project = execution["project"]
    machine: Mapping[str, Any] = execution.get("machine") or {}
    key = (environment["id"], project["name"], organization["name"], machine.get("name"))
    known = _resources.get(key)
    if known is None:
        if len(_resources) >= _RESOURCES_MAX:
            _resources.clear()
        known = _resource_attributes(environment, organization, project, machine)
        _resources[key] = known
    return known


# One worker serves one environment and a handful of machines: nearly every attempt finds its own.
_resources: dict[tuple[object, ...], str] = {}


def _resource_attributes(
    environment: Mapping[str, Any],
    organization: Mapping[str, Any],
    project: Mapping[str, Any],
    machine: Mapping[str, Any],
) -> str:
    return attribute_list(
        {
            "$trigger": True,
            "service.name": "trigger-box",
            "sdk.language": "python",
            "sdk.version": __version__,
            "cli.version": __version__,
            "ctx.environment.id": str(environment["id"]),
            "ctx.environment.type": str(environment["type"]),
            "ctx.organization.id": str(organization["id"]),
            "ctx.organization.slug": str(organization["slug"]),
            "ctx.organization.name": str(organization["name"]),
            "ctx.project.id": str(project["id"]),
            "ctx.project.ref": str(project["ref"]),
            "ctx.project.title": str(project["name"]),
            "ctx.machine.name": str(machine.get("name") or ""),
            "ctx.machine.cpu": float(machine.get("cpu") or 0),
            "ctx.machine.memory": float(machine.get("memory") or 0),
        }
    )


def new_span_id() -> str:
    """Return a new span id: 16 hex digits."""
    return secrets.token_hex(8)


def new_trace_id() -> str:
    """Return a new trace id, for a run whose box sent none: 32 hex digits."""
    return secrets.token_hex(16)


def parse_traceparent(execution: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return trace id and span id of the run's own span, or a new trace without a parent."""
    context: Mapping[str, Any] = execution["run"].get("traceContext") or {}
    parts = str(context.get("traceparent") or "").split("-")
    if len(parts) >= 3 and len(parts[1]) == 32 and len(parts[2]) == 16:  # noqa: PLR2004 - W3C's shape
        return parts[1], parts[2]
    return new_trace_id(), None


class RecordMaker:
    """Makes the records of one attempt."""

    def __init__(
        self,
        execution: Mapping[str, Any],
        *,
        worker_id: str,
        worker_version: str,
        is_warm: bool,
    ) -> None:
        self.trace_id, self.run_span_id = parse_traceparent(execution)
        self.attempt_span_id = new_span_id()
        self.attempt_number = int(execution["attempt"]["number"])
        run, task, queue = execution["run"], execution["task"], execution["queue"]
        self.resource = resource_attributes(execution)
        self._shared = attribute_list(
            {
                "$metadata.ctx.run.id": str(run["id"]),
                "$metadata.ctx.attempt.number": self.attempt_number,
                "$metadata.ctx.task.id": str(task["id"]),
                "$metadata.ctx.task.filePath": str(task.get("filePath") or ""),
                "$metadata.ctx.queue.name": str(queue["name"]),
                "$metadata.ctx.queue.id": str(queue["id"]),
                "$metadata.ctx.run.isTest": bool(run.get("isTest")),
                "$metadata.ctx.run.isReplay": bool(run.get("isReplay")),
                "$metadata.worker.id": worker_id,
                "$metadata.worker.version": worker_version,
                "$metadata.warm_start": is_warm,
            }
        )

    def span(  # noqa: PLR0913 - what a span is made of
        self,
        *,
        name: str,
        span_id: str,
        parent_id: str | None,
        started_ns: int,
        ended_ns: int,
        attributes: Mapping[str, Scalar],
        error: Mapping[str, str] | None = None,
    ) -> str:
        """Return a finished span. ``error`` has ``type``, ``message`` and perhaps ``stack``."""
        status, events = '{"code":0}', ""
        if error is not None:
            status = f'{{"code":2,"message":{_text(error["message"])}}}'
            exception: dict[str, Scalar] = {
                "exception.type": error["type"],
                "exception.message": error["message"],
            }
            if error.get("stack"):
                exception["exception.stacktrace"] = error["stack"]
            events = (
                f'{{"name":"exception","timeUnixNano":"{ended_ns}",'
                f'"attributes":[{attribute_list(exception)}]}}'
            )
        parent = f'"parentSpanId":"{parent_id}",' if parent_id else ""
        own = attribute_list(attributes)
        return (
            f'{{"traceId":"{self.trace_id}","spanId":"{span_id}",{parent}"name":{_text(name)},'
            f'"kind":1,"startTimeUnixNano":"{started_ns}","endTimeUnixNano":"{ended_ns}",'
            f'"attributes":[{self._shared}{"," if own else ""}{own}],'
            f'"status":{status},"events":[{events}]}}'
        )

    def partial_span(
        self,
        *,
        name: str,
        span_id: str,
        parent_id: str | None,
        started_ns: int,
        attributes: Mapping[str, Scalar],
    ) -> str:
        """Return the announcement of a span that has begun and not ended."""
        return self.span(
            name=name,
            span_id=new_span_id(),
            parent_id=parent_id,
            started_ns=started_ns,
            ended_ns=started_ns,
            attributes={**attributes, "$span.partial": True, "$span.span_id": span_id},
        )

    def log(
        self,
        *,
        level: str,
        text: str,
        at_ns: int,
        span_id: str,
        attributes: Mapping[str, Scalar],
    ) -> str:
        """Return a log record."""
        own = attribute_list(attributes)
        severity = _SEVERITY_TEXTS.get(level, level)
        return (
            f'{{"timeUnixNano":"{at_ns}","observedTimeUnixNano":"{at_ns}",'
            f'"severityNumber":{_SEVERITY_NUMBERS.get(level, 9)},"severityText":{_text(severity)},'
            f'"body":{{"stringValue":{_text(text)}}},'
            f'"attributes":[{self._shared}{"," if own else ""}{own}],'
            f'"traceId":"{self.trace_id}","spanId":"{span_id}"}}'
        )
