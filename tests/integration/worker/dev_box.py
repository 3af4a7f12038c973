"""A small box for tests of the worker: speaks the dev protocol over real HTTP, keeps all in memory.

It decides nothing on its own but what the protocol needs; tests read what it was told.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

NOW = "2026-01-31T12:00:00.000Z"
RETRY_IN_PLACE_MS_MAX = 30_000


@dataclass
class FakeRun:
    id: str
    task: str
    payload: Any
    extra: dict[str, Any]
    version: str
    state: str = "QUEUED"
    snapshot: int = 0
    attempt: int = 0
    completions: list[dict[str, Any]] = field(default_factory=list)
    metadata_calls: list[dict[str, Any]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    heartbeats: int = 0
    started: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    beaten: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def snapshot_id(self) -> str:
        return f"snapshot_{self.id[4:]}{self.snapshot:06d}"

    def move(self, state: str) -> None:
        self.state = state
        self.snapshot += 1
        if state == "FINISHED":
            self.finished.set()

    @property
    def completion(self) -> dict[str, Any]:
        return self.completions[-1]

    @property
    def error(self) -> dict[str, Any]:
        return self.completion["error"]


class FakeBox:
    """What a test steers, and what it reads afterwards."""

    def __init__(self) -> None:
        self.url = ""
        self.runs: dict[str, FakeRun] = {}
        self.queue: list[FakeRun] = []
        self.current = "worker_1"
        self.variables: dict[str, str] = {}
        self.run_variables: dict[str, str] = {}
        self.registered: list[dict[str, Any]] = []
        self.register_error: str | None = None
        self.registrations: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.same_version = False
        self.spans: list[dict[str, Any]] = []
        self.logs: list[dict[str, Any]] = []
        self.disconnected: list[list[str]] = []
        self.disconnect_seen = asyncio.Event()
        self.calls: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.presence_open = 0
        self.news_listeners: list[asyncio.Queue[str]] = []
        self.news_open = asyncio.Event()
        self.telemetry_seen = asyncio.Condition()
        self.knows_extras = True
        self.concurrent_runs_max = 10
        self.failing: dict[str, int] = {}
        self._number = 0
        self._queued = asyncio.Condition()
        self._streams: set[asyncio.Task[None]] = set()

    def trigger(self, task: str, payload: Any = None, **extra: Any) -> FakeRun:
        self._number += 1
        run = FakeRun(
            id=f"run_{self._number:026d}",
            task=task,
            payload=payload,
            extra=extra,
            version=extra.pop("version", self.current),
        )
        run.move("QUEUED")
        self.runs[run.id] = run
        self.queue.append(run)
        self._wake()
        return run

    def cancel(self, run: FakeRun, *, tell: bool = True) -> None:
        run.move("PENDING_CANCEL")
        if tell:
            self.tell(run)

    def tell(self, run: FakeRun) -> None:
        for listener in self.news_listeners:
            listener.put_nowait(json.dumps({"run": {"friendlyId": run.id}}))

    def texts(self, run: FakeRun | None = None) -> list[str]:
        return [
            log["body"]["stringValue"]
            for log in self.logs
            if run is None or attributes(log).get("$metadata.ctx.run.id") == run.id
        ]

    async def wait_for_telemetry(self, seen: Callable[[], bool]) -> None:
        async with asyncio.timeout(10), self.telemetry_seen:
            await self.telemetry_seen.wait_for(seen)

    def _wake(self) -> None:
        async def wake() -> None:
            async with self._queued:
                self._queued.notify_all()

        task = asyncio.ensure_future(wake())
        self._streams.add(task)
        task.add_done_callback(self._streams.discard)

    # HTTP.

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.strip().split("\r\n")
                method, path, _ = first.split(" ")
                headers = {
                    key.lower(): value.strip()
                    for key, value in (line.split(":", 1) for line in lines)
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.calls.append(f"{method} {path}")
                self.headers.append(headers)
                await self._answer(
                    method, path, headers, json.loads(body or b"null"), writer, reader
                )
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._streams.discard(task)
            writer.close()

    async def _answer(  # noqa: C901, PLR0912, PLR0915 - one table
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: Any,
        writer: asyncio.StreamWriter,
        reader: asyncio.StreamReader,
    ) -> None:
        for part, left in self.failing.items():
            if part in path and left > 0:
                self.failing[part] -= 1
                await _send(writer, 503, {"error": "not now"})
                return
        parts = path.strip("/").split("/")
        match method, parts:
            case "GET", ["api", "v2", "whoami" | _]:
                await _send(
                    writer,
                    200,
                    {
                        "userId": "user_1",
                        "email": "ada@example.com",
                        "dashboardUrl": self.url,
                        "project": {"name": "Example", "url": self.url, "orgTitle": "Org"},
                    },
                )
            case "POST", ["api", "v1", "projects", _, "branches"]:
                await _send(writer, 200, {"id": "branch_1"})
            case "GET", ["api", "v1", "projects", ref, "dev"]:
                if ref != "proj_example":
                    await _send(writer, 404, {"error": "Project not found"})
                    return
                await _send(
                    writer,
                    200,
                    {
                        "apiKey": "tr_dev_secret",
                        "name": "Example",
                        "apiUrl": self.url,
                        "projectId": "project_1",
                    },
                )
            case "GET", ["api", "v1", "projects", _, "envvars"]:
                await _send(writer, 200, {"variables": self.variables})
            case "POST", ["api", "v1", "projects", _, "background-workers"]:
                if self.register_error is not None:
                    await _send(writer, 400, {"error": self.register_error})
                    return
                self.registrations.put_nowait(body)
                if not self.same_version:
                    self.registered.append(body)
                self.current = f"worker_{len(self.registered)}"
                await _send(
                    writer,
                    200,
                    {
                        "id": self.current,
                        "version": f"20260131.{len(self.registered)}",
                        "contentHash": body["metadata"]["contentHash"],
                    },
                )
            case "GET", ["engine", "v1", "dev", "config"]:
                await _send(
                    writer,
                    200,
                    {
                        "environmentId": "env_1",
                        "dequeueIntervalWithRun": 50,
                        "dequeueIntervalWithoutRun": 50,
                        "maxConcurrentRuns": self.concurrent_runs_max,
                        "engineUrl": self.url,
                    },
                )
            case "GET", ["engine", "v1", "dev", "presence"]:
                self.presence_open += 1
                try:
                    await _stream_head(writer)
                    while True:
                        await _chunk(writer, "event: time\ndata: {}\n\n")
                        await asyncio.sleep(5)
                finally:
                    self.presence_open -= 1
            case "GET", ["engine", "v1", "dev", "notifications"]:
                listener: asyncio.Queue[str] = asyncio.Queue()
                self.news_listeners.append(listener)
                try:
                    await _stream_head(writer)
                    await _chunk(writer, "event: start\ndata: {}\n\n")
                    self.news_open.set()
                    while True:
                        await _chunk(writer, f"event: run:notify\ndata: {await listener.get()}\n\n")
                finally:
                    self.news_listeners.remove(listener)
            case "POST", ["engine", "v1", "dev", "dequeue"]:
                await self._dequeue(body, writer, reader)
            case "POST", ["engine", "v1", "dev", "disconnect"]:
                ids = body["runFriendlyIds"]
                self.disconnected.append(ids)
                for id_ in ids:
                    self.runs[id_].move("FINISHED")
                self.disconnect_seen.set()
                await _send(writer, 200, {"cancelled": len(ids)})
            case _, ["engine", "v1", "dev", "runs", run_id, "snapshots", *rest]:
                await self._run_call(self.runs[run_id], rest, headers, body, writer)
            case "PUT", ["api", "v1", "runs", run_id, "metadata"]:
                self.runs[run_id].metadata_calls.append(body)
                await _send(writer, 200, {"metadata": {}})
            case "POST", ["api", "v1", "runs", run_id, "tags"]:
                self.runs[run_id].tags += body["tags"]
                await _send(writer, 200, {"message": "Successfully set new tags."})
            case "POST", ["otel", "v1", signal]:
                self._take_telemetry(signal, body)
                await _send(writer, 200, {"partialSuccess": {}})
                async with self.telemetry_seen:
                    self.telemetry_seen.notify_all()
            case _:
                await _send(writer, 404, {"error": "Not found"})

    def _take_telemetry(self, signal: str, body: Any) -> None:
        if signal == "traces":
            for resource in body["resourceSpans"]:
                for scope in resource["scopeSpans"]:
                    self.spans += scope["spans"]
        else:
            for resource in body["resourceLogs"]:
                for scope in resource["scopeLogs"]:
                    self.logs += scope["logRecords"]

    async def _dequeue(
        self, body: Any, writer: asyncio.StreamWriter, reader: asyncio.StreamReader
    ) -> None:
        wait_s = body.get("waitMs", 0) / 1000 if self.knows_extras else 0
        runs_max = body.get("maxRunCount", 1) if self.knows_extras else 1
        await self._wait_for_runs(wait_s, reader)
        if reader.at_eof():
            return
        messages = []
        while self.queue and len(messages) < runs_max:
            run = self.queue.pop(0)
            message = self._claim(run)
            if self.knows_extras and body.get("start"):
                message["start"] = self._start(run)
            messages.append(message)
        await _send(writer, 200, {"dequeuedMessages": messages})

    async def _wait_for_runs(self, wait_s: float, reader: asyncio.StreamReader) -> None:
        async def queued() -> None:
            async with self._queued:
                await self._queued.wait_for(lambda: bool(self.queue))

        # A worker that is gone must not be handed a run: nobody would execute it.
        waiting = [asyncio.ensure_future(queued()), asyncio.ensure_future(reader.read(1))]
        await asyncio.wait(waiting, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    def _claim(self, run: FakeRun) -> dict[str, Any]:
        run.move("PENDING_EXECUTING")
        return {
            "version": "1",
            "snapshot": self._snapshot(run),
            "dequeuedAt": NOW,
            "completedWaitpoints": [],
            "backgroundWorker": {
                "id": run.version,
                "friendlyId": run.version,
                "version": "20260131.1",
            },
            "deployment": {},
            "run": {
                "id": run.id,
                "friendlyId": run.id,
                "isTest": False,
                "machine": MACHINE,
                "attemptNumber": run.attempt + 1,
                "masterQueue": "main",
                "traceContext": {},
            },
            "environment": {"id": "env_1", "type": "DEVELOPMENT"},
            "organization": {"id": "org_1"},
            "project": {"id": "project_1"},
        }

    def _snapshot(self, run: FakeRun) -> dict[str, Any]:
        return {
            "id": run.snapshot_id,
            "friendlyId": run.snapshot_id,
            "executionStatus": run.state,
            "description": "",
            "createdAt": NOW,
        }

    def _start(self, run: FakeRun) -> dict[str, Any]:
        run.attempt += 1
        run.move("EXECUTING")
        run.started.set()
        return {
            "run": self._run_info(run),
            "snapshot": self._snapshot(run),
            "execution": an_execution(run),
            "envVars": {
                "TRIGGER_API_URL": self.url,
                "TRIGGER_SECRET_KEY": "tr_dev_secret",
                **self.run_variables,
            },
        }

    def _run_info(self, run: FakeRun) -> dict[str, Any]:
        return {
            "id": run.id,
            "friendlyId": run.id,
            "status": "EXECUTING",
            "attemptNumber": run.attempt,
        }

    async def _run_call(
        self,
        run: FakeRun,
        rest: list[str],
        headers: dict[str, str],
        body: Any,
        writer: asyncio.StreamWriter,
    ) -> None:
        match rest:
            case ["latest"]:
                execution = {
                    "version": "1",
                    "snapshot": self._snapshot(run),
                    "run": self._run_info(run),
                    "completedWaitpoints": [],
                }
                await _send(writer, 200, {"execution": execution})
            case [_, "attempts", "start"]:
                await _send(writer, 200, self._start(run))
            case [_, "heartbeat"]:
                run.heartbeats += 1
                run.beaten.set()
                await _send(writer, 200, {"ok": True})
            case [_, "attempts", "complete"]:
                await _send(writer, 200, self._complete(run, headers, body["completion"]))
            case _:
                await _send(writer, 404, {"error": "Not found"})

    def _complete(
        self, run: FakeRun, headers: dict[str, str], completion: dict[str, Any]
    ) -> dict[str, Any]:
        run.completions.append(completion)
        retry = completion.get("retry")
        status = "RUN_FINISHED"
        if run.state == "PENDING_CANCEL":
            run.move("FINISHED")
        elif retry and retry["delay"] < RETRY_IN_PLACE_MS_MAX:
            status = "RETRY_IMMEDIATELY"
            run.move("EXECUTING")
        elif retry:
            status = "RETRY_QUEUED"
            run.move("QUEUED")
        else:
            run.move("FINISHED")
        answer: dict[str, Any] = {
            "result": {
                "attemptStatus": status,
                "snapshot": self._snapshot(run),
                "run": self._run_info(run),
            }
        }
        if self.knows_extras and headers.get("x-trigger-box-take") and self.queue:
            taken = self.queue.pop(0)
            message = self._claim(taken)
            answer["next"] = {"message": message, "start": self._start(taken)}
        return answer


MACHINE = {"name": "small-1x", "cpu": 0.5, "memory": 0.5, "centsPerMs": 0.0}


def an_execution(run: FakeRun) -> dict[str, Any]:
    return {
        "task": {"id": run.task, "filePath": "tasks/example.py"},
        "attempt": {"number": run.attempt, "startedAt": NOW},
        "run": {
            "id": run.id,
            "payload": "" if run.payload is None else json.dumps(run.payload),
            "payloadType": "application/json",
            "tags": [],
            "isTest": False,
            "isReplay": False,
            "createdAt": NOW,
            "startedAt": NOW,
            "traceContext": {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
            **run.extra,
        },
        "queue": {"id": "queue_1", "name": f"task/{run.task}"},
        "environment": {"id": "env_1", "slug": "dev", "type": "DEVELOPMENT"},
        "organization": {"id": "org_1", "slug": "org", "name": "Org"},
        "project": {"id": "project_1", "ref": "proj_example", "slug": "example", "name": "Example"},
        "machine": MACHINE,
    }


def attributes(record: dict[str, Any]) -> dict[str, Any]:
    return {
        item["key"]: next(iter(item["value"].values())) for item in record.get("attributes", [])
    }


async def _send(writer: asyncio.StreamWriter, status: int, body: Any) -> None:
    content = json.dumps(body).encode()
    writer.write(
        f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n"
        f"content-length: {len(content)}\r\n\r\n".encode()
        + content
    )
    await writer.drain()


async def _stream_head(writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    await writer.drain()


async def _chunk(writer: asyncio.StreamWriter, text: str) -> None:
    data = text.encode()
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    await writer.drain()


@asynccontextmanager
async def a_fake_box() -> AsyncIterator[FakeBox]:
    box = FakeBox()
    server = await asyncio.start_server(box._serve, "127.0.0.1", 0)
    box.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield box
    finally:
        server.close()
        streams = list(box._streams)
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
        await server.wait_closed()


def now_ms() -> int:
    return time.time_ns() // 1_000_000
