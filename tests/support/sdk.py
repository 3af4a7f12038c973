"""What tests of the SDK talk to: a scripted server behind httpx, and a run that records.

server = ScriptedServer(ok({"id": "run_1", "isCached": False}))
client = server.client()
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from trigger_box.sdk.cancellation import CancelSignal
from trigger_box.sdk.client import AsyncTriggerBox, Client, TriggerBox
from trigger_box.sdk.context import Context
from trigger_box.sdk.metadata_document import MetadataDocument, MetadataOperation
from trigger_box.sdk.retry import policy
from trigger_box.sdk.runtime import LogLevel, MetadataTarget, SpanHandle

ORIGIN = "http://box.test"
KEY = "tr_dev_ABCDEFGHIJKLMNOPQRSTUVWX"

Reply = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def ok(body: object, headers: Mapping[str, str] | None = None) -> httpx.Response:
    return httpx.Response(200, json=body, headers=headers)


def refused(status: int, message: str = "no", **headers: str) -> httpx.Response:
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"error": message}, headers=spelled)


class ScriptedServer:
    """Answers requests with what it was given, in order, and remembers them.

    It is also an ``HttpFactory``. Without answers left, it repeats the last one.
    """

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, httpx.Response):
            return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)
        return reply(request)

    def blocking(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self))

    def asynchronous(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self))

    def client(self, **options: Any) -> AsyncTriggerBox:
        return AsyncTriggerBox(**self._given(options))

    def blocking_client(self, **options: Any) -> TriggerBox:
        return TriggerBox(**self._given(options))

    def _given(self, options: dict[str, Any]) -> dict[str, Any]:
        # The pauses of the real policy are tested without a clock; here they are as good as none.
        fast = policy(5, min_delay=0.001, max_delay=0.001, jitter=False)
        return {"secret_key": KEY, "base_url": ORIGIN, "retry": fast, "http": self, **options}

    @property
    def request(self) -> httpx.Request:
        assert len(self.requests) == 1, self.requests
        return self.requests[0]

    def body(self, index: int = -1) -> Any:
        return json.loads(self.requests[index].content)


@dataclass
class RecordedSpan:
    name: str
    attributes: dict[str, object]
    is_ended: bool = False
    error: BaseException | None = None
    trace_id: str = "1" * 32
    span_id: str = "2" * 16

    def set_attribute(self, name: str, value: object) -> None:
        self.attributes[name] = value


def an_execution(**run: object) -> dict[str, Any]:
    """Return the ``execution`` of attempts/start, with changes to its run."""
    return {
        "task": {"id": "send-welcome", "filePath": "tasks/email.py", "exportName": "send_welcome"},
        "attempt": {"number": 2, "startedAt": "2026-01-31T10:00:01.500Z"},
        "run": {
            "id": "run_abc",
            "payload": "{}",
            "payloadType": "application/json",
            "tags": ["user_1"],
            "isTest": False,
            "createdAt": "2026-01-31T10:00:00.000Z",
            "startedAt": "2026-01-31T10:00:01.000Z",
            **run,
        },
        "queue": {"id": "queue_1", "name": "task/send-welcome"},
        "environment": {"id": "env_1", "slug": "dev", "type": "DEVELOPMENT"},
        "organization": {"id": "org_1", "slug": "acme", "name": "Acme"},
        "project": {"id": "project_1", "ref": "proj_x", "slug": "shop", "name": "Shop"},
        "machine": {"name": "small-1x", "cpu": 0.5, "memory": 0.5, "centsPerMs": 0},
    }


@dataclass
class RecordingRuntime:
    """A run that executes here and keeps what the SDK tells it."""

    context: Context = field(default_factory=lambda: Context.from_execution(an_execution()))
    cancel_signal: CancelSignal = field(default_factory=CancelSignal)
    metadata: MetadataDocument = field(default_factory=MetadataDocument)
    own_client: Client | None = None
    logs: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)
    spans: list[RecordedSpan] = field(default_factory=list)
    operations: list[tuple[str, MetadataOperation]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)

    def emit_log(self, level: LogLevel, message: str, attributes: Mapping[str, object]) -> None:
        self.logs.append((level, message, dict(attributes)))

    def start_span(self, name: str, attributes: Mapping[str, object]) -> SpanHandle:
        span = RecordedSpan(name, dict(attributes))
        self.spans.append(span)
        return span

    def end_span(self, span: SpanHandle, error: BaseException | None = None) -> None:
        assert isinstance(span, RecordedSpan)
        span.is_ended, span.error = True, error

    def metadata_operation(self, operation: MetadataOperation, target: MetadataTarget) -> None:
        self.operations.append((target, operation))

    def add_tags(self, tags: Sequence[str]) -> None:
        self.tags.extend(tags)

    def traceparent(self) -> str | None:
        return "00-" + "1" * 32 + "-" + "2" * 16 + "-01"

    def client(self) -> Client | None:
        return self.own_client


def a_run(**changes: object) -> dict[str, Any]:
    """Return a run as ``GET /api/v3/runs/{id}`` answers it."""
    return {
        "id": "run_1",
        "status": "COMPLETED",
        "taskIdentifier": "send-welcome",
        "createdAt": "2026-01-31T10:00:00.000Z",
        "updatedAt": "2026-01-31T10:00:02.000Z",
        "isTest": False,
        "tags": ["a"],
        "depth": 0,
        "costInCents": 0,
        "baseCostInCents": 0,
        "durationMs": 12,
        "triggerFunction": "trigger",
        "attemptCount": 1,
        "attempts": [],
        "relatedRuns": {},
        "aKeyOfTheFuture": True,
        **changes,
    }


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
