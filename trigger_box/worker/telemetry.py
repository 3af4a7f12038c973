"""Carries spans and logs to the box in batches. A slow or absent box never slows a run.

What a record looks like is in ``records.py``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from trigger_box.version import __version__
from trigger_box.worker.calls import AnswerError, Caller, CallError
from trigger_box.worker.limits import (
    BACKLOG_RECORDS_MAX,
    BATCH_BYTES_MAX,
    BATCH_PAUSE_S,
    BATCH_RECORDS_MAX,
    CALL_PAUSE_S_MAX,
    CALL_PAUSE_S_MIN,
    TELEMETRY_CLOSE_S_MAX,
)

_SCOPE: Final = f'{{"name":"trigger-box","version":"{__version__}"}}'


@dataclass(slots=True)
class _Batch:
    """Records of one signal by resource; partial spans by the id of the real one."""

    by_resource: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    partials: dict[str, tuple[str, Callable[[], str]]] = field(
        default_factory=dict[str, tuple[str, Callable[[], str]]]
    )
    records: int = 0
    characters: int = 0

    def add(self, resource: str, record: str) -> None:
        self.by_resource.setdefault(resource, []).append(record)
        self.records += 1
        self.characters += len(record)

    @property
    def is_full(self) -> bool:
        return self.records >= BATCH_RECORDS_MAX or self.characters >= BATCH_BYTES_MAX


class Telemetry:
    """Takes records from the attempts of one environment; ``run`` sends them.

    Args:
        endpoint: base address, such as ``https://box/otel``.
        headers: among them the environment's own token.
    """

    def __init__(self, endpoint: str, headers: Mapping[str, str]) -> None:
        self._caller = Caller(endpoint, headers)
        self._spans = _Batch()
        self._logs = _Batch()
        self._wake = asyncio.Event()
        self._full = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.dropped = 0

    @classmethod
    def from_variables(cls, variables: Mapping[str, str], api_url: str) -> Telemetry:
        """Return the road that the environment's variables name (cli-protocol 10 and 11)."""
        endpoint = variables.get("TRIGGER_OTEL_EXPORTER_OTLP_ENDPOINT") or (
            f"{api_url.rstrip('/')}/otel"
        )
        headers: dict[str, str] = {}
        for pair in variables.get("OTEL_EXPORTER_OTLP_HEADERS", "").split(","):
            name, equals, value = pair.partition("=")
            if equals:
                headers[unquote(name.strip()).lower()] = unquote(value.strip())
        return cls(endpoint, headers)

    def add_span(self, resource: str, record: str, *, span_id: str) -> None:
        """Take a finished span. Its announcement is not sent if it still waits here."""
        self._spans.partials.pop(span_id, None)
        self._add(self._spans, resource, record)

    def add_partial(self, resource: str, make: Callable[[], str], *, span_id: str) -> None:
        """Take the announcement of a span that has begun. It is made if it is sent at all."""
        if len(self._spans.partials) < BACKLOG_RECORDS_MAX:
            self._spans.partials[span_id] = (resource, make)
            self._noticed(self._spans)

    def add_log(self, resource: str, record: str) -> None:
        """Take a log record."""
        self._add(self._logs, resource, record)

    def _add(self, batch: _Batch, resource: str, record: str) -> None:
        if batch.records >= BACKLOG_RECORDS_MAX:
            self.dropped += 1
            return
        batch.add(resource, record)
        self._noticed(batch)

    def _noticed(self, batch: _Batch) -> None:
        self._idle.clear()
        self._wake.set()
        if batch.is_full:
            self._full.set()

    async def run(self) -> None:
        """Send what was taken, until cancelled."""
        while True:
            await self._wake.wait()
            # A pause gathers what belongs together; a full batch does not wait for it.
            try:
                async with asyncio.timeout(BATCH_PAUSE_S):
                    await self._full.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            self._full.clear()
            await self._send()
            if not self._wake.is_set():
                self._idle.set()

    async def close(self) -> None:
        """Wait a bounded time for what is still here to leave; ``run`` has to be running."""
        self._full.set()
        try:
            async with asyncio.timeout(TELEMETRY_CLOSE_S_MAX):
                await self._idle.wait()
        except TimeoutError:
            self.dropped += self._spans.records + self._logs.records

    async def release(self) -> None:
        """Close the connections; nothing is sent after this."""
        await self._caller.close()

    async def _send(self) -> None:
        spans, self._spans = self._spans, _Batch()
        logs, self._logs = self._logs, _Batch()
        for resource, make in spans.partials.values():
            spans.add(resource, make())
        if spans.records:
            await self._post("traces", _body(spans, "resourceSpans", "scopeSpans", "spans"))
        if logs.records:
            await self._post("logs", _body(logs, "resourceLogs", "scopeLogs", "logRecords"))

    async def _post(self, signal: str, body: bytes) -> None:
        pause_s = CALL_PAUSE_S_MIN
        while True:
            try:
                answer = await self._caller.call("POST", f"/v1/{signal}", packed=body)
                if not answer.wants_retry:
                    answer.raise_for_status()
                    return
            except AnswerError:
                # Refused for good. The run is not worse for it; the box's own log says why.
                self.dropped += 1
                return
            except CallError:
                pass
            # The batches that gather meanwhile are bounded: the oldest records are kept.
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, CALL_PAUSE_S_MAX)


def _body(batch: _Batch, outer: str, scope: str, inner: str) -> bytes:
    parts = [
        f'{{"resource":{{"attributes":[{resource}]}},'
        f'"{scope}":[{{"scope":{_SCOPE},"{inner}":[{",".join(records)}]}}]}}'
        for resource, records in batch.by_resource.items()
    ]
    return f'{{"{outer}":[{",".join(parts)}]}}'.encode("utf-8", "replace")
