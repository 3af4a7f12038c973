"""A small HTTP/1.1 client on asyncio streams: keep-alive, retries, server-sent events.

The controller makes three calls for every run, and httpx costs it ten to twenty times as much
processor time per call (``docs/internals/adr/0020-lean-http-in-the-worker.md``). What the box's
routes mean is in ``box.py``.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from trigger_box.worker.limits import (
    ANSWER_BYTES_MAX,
    CALL_PAUSE_S_MAX,
    CALL_PAUSE_S_MIN,
    CALL_S_MAX,
    CALL_TRIES_MAX,
    HEAD_BYTES_MAX,
    IDLE_CONNECTION_S_MAX,
    IDLE_CONNECTIONS_MAX,
    STREAM_SILENCE_S_MAX,
)

_RETRIED_STATUSES: Final = frozenset({408, 409, 429})
_NO_BODY_STATUSES: Final = frozenset({204, 304})
_dumps = json.JSONEncoder(separators=(",", ":")).encode


class CallError(Exception):
    """The box could not be reached, or its answer was not HTTP."""


class AnswerError(CallError):
    """The box answered, and it was a refusal."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(f"{message} (HTTP {status})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - JSON is the rim; callers give it a shape
        """Return the decoded body.

        Raises:
            CallError: it is not JSON.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise CallError("the box's answer is not JSON") from error

    def raise_for_status(self) -> Answer:
        """Return self when the status is below 400.

        Raises:
            AnswerError: with the box's own words.
        """
        if self.status < 400:  # noqa: PLR2004 - where HTTP's refusals begin
            return self
        message = f"the box answered {self.status}"
        with suppress(ValueError, AttributeError):
            message = str(json.loads(self.body).get("error") or message)
        raise AnswerError(self.status, message)

    @property
    def wants_retry(self) -> bool:
        """Whether the same call may succeed later (cli-protocol 2)."""
        advice = self.headers.get("x-should-retry")
        if advice in {"true", "false"}:
            return advice == "true"
        return self.status >= 500 or self.status in _RETRIED_STATUSES  # noqa: PLR2004 - HTTP's server errors


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """One server-sent event."""

    name: str
    text: str


class _Connection:
    __slots__ = ("idle_since", "reader", "writer")

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.idle_since = 0.0

    @property
    def is_usable(self) -> bool:
        return (
            not self.writer.is_closing()
            and not self.reader.at_eof()
            and _now_s() - self.idle_since < IDLE_CONNECTION_S_MAX
        )

    def close(self) -> None:
        self.writer.close()


class Caller:
    """Calls one box. Safe for many concurrent calls on one loop; close it when done.

    Args:
        base_url: scheme, host and port; a path is put before every route.
        headers: sent with every call.
    """

    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise CallError(f"{base_url!r} is not an http:// or https:// address")
        self.base_url = base_url.rstrip("/")
        self._host = parts.hostname
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._prefix = parts.path.rstrip("/")
        named_port = f":{parts.port}" if parts.port else ""
        host = f"[{self._host}]" if ":" in self._host else self._host
        lines = [
            f"host: {host}{named_port}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        if any("\r" in line or "\n" in line for line in lines):
            raise CallError("a header value contains a line break")
        self._head = "\r\n".join(lines)
        self._idle: list[_Connection] = []

    async def call(  # noqa: PLR0913 - an HTTP call has these parts
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = CALL_S_MAX,
        packed: bytes | None = None,
    ) -> Answer:
        """Make one call, once.

        A connection that the box closed while it was idle is replaced: nothing had been answered.

        Args:
            body: sent as JSON; None sends nothing.
            packed: a body that is JSON already.

        Raises:
            CallError: no connection, no answer in time, or not HTTP.
        """
        content = packed if packed is not None else b"" if body is None else _dumps(body).encode()
        extra = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        request = (
            f"{method} {self._prefix}{path} HTTP/1.1\r\n{self._head}\r\n{extra}"
            f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        ).encode("latin-1", "replace") + content
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    connection, was_idle = await self._connect()
                    try:
                        return await self._exchange(connection, request)
                    except (ConnectionError, asyncio.IncompleteReadError):
                        if not was_idle:
                            raise
        except TimeoutError as error:
            raise CallError(f"no answer from {self.base_url} within {timeout_s:g} s") from error
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise CallError(f"no connection to {self.base_url}: {_reason(error)}") from error

    async def call_until(  # noqa: PLR0913 - as call(), and how long to insist
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = CALL_S_MAX,
        tries_max: int = CALL_TRIES_MAX,
        insist_s: float = 60.0,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> Answer:
        """Make one call, repeated while it may still succeed, always with the same ``key``.

        Args:
            key: the request idempotency key, so that a repeat gets the first answer.
            tries_max: give up after so many tries; 0 tries until ``insist_s`` have passed.
            insist_s: give up after so many seconds.
            is_wanted: asked before each repeat.

        Raises:
            AnswerError: a refusal that will not change.
            CallError: the last failure, when the bound is reached.
        """
        named = {**(headers or {}), "x-trigger-request-idempotency-key": key}
        deadline = _now_s() + insist_s
        pause_s = CALL_PAUSE_S_MIN
        tries = 0
        while True:
            tries += 1
            try:
                answer = await self.call(method, path, body, headers=named, timeout_s=timeout_s)
                if not answer.wants_retry:
                    return answer.raise_for_status()
                failure: CallError | None = None
            except AnswerError:
                raise
            except CallError as error:
                answer, failure = None, error
            if 0 < tries_max <= tries or _now_s() + pause_s > deadline or not is_wanted():
                if answer is not None:
                    return answer.raise_for_status()
                assert failure is not None, "a try either has an answer or failed"
                raise failure
            await asyncio.sleep(pause_s * (0.75 + secrets.randbelow(501) / 1000))
            pause_s = min(pause_s * 2, CALL_PAUSE_S_MAX)

    @asynccontextmanager
    async def events(self, path: str) -> AsyncGenerator[AsyncIterator[ServerEvent]]:
        """Open a stream of server-sent events on a connection of its own.

        The iterator ends when the box ends the stream, and after ``STREAM_SILENCE_S_MAX`` without a
        byte.

        Raises:
            AnswerError: refused.
            CallError: no connection.
        """
        first_line = f"GET {self._prefix}{path} HTTP/1.1"
        request = f"{first_line}\r\n{self._head}\r\naccept: text/event-stream\r\n\r\n"
        connection: _Connection | None = None
        try:
            try:
                async with asyncio.timeout(CALL_S_MAX):
                    connection, _was_idle = await self._connect(fresh=True)
                    connection.writer.write(request.encode("latin-1", "replace"))
                    status, headers = await _read_head(connection.reader)
                    if status >= 400:  # noqa: PLR2004 - where HTTP's refusals begin
                        body = await _read_body(connection.reader, status, headers)
                        Answer(status=status, headers=headers, body=body).raise_for_status()
            except TimeoutError as error:
                raise CallError(f"no answer from {self.base_url}") from error
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
                raise CallError(f"no connection to {self.base_url}: {_reason(error)}") from error
            is_chunked = "chunked" in headers.get("transfer-encoding", "")
            yield _events(connection.reader, is_chunked=is_chunked)
        finally:
            if connection is not None:
                connection.close()

    async def close(self) -> None:
        """Close idle connections."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        for connection in idle:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await connection.writer.wait_closed()

    async def _connect(self, *, fresh: bool = False) -> tuple[_Connection, bool]:
        while self._idle and not fresh:
            connection = self._idle.pop()
            if connection.is_usable:
                return connection, True
            connection.close()
        reader, writer = await asyncio.open_connection(
            self._host, self._port, ssl=self._tls, limit=HEAD_BYTES_MAX
        )
        return _Connection(reader, writer), False

    async def _exchange(self, connection: _Connection, request: bytes) -> Answer:
        is_reusable = False
        try:
            connection.writer.write(request)
            status, headers = await _read_head(connection.reader)
            body = await _read_body(connection.reader, status, headers)
            is_reusable = headers.get("connection", "").lower() != "close"
            return Answer(status=status, headers=headers, body=body)
        finally:
            if is_reusable and len(self._idle) < IDLE_CONNECTIONS_MAX:
                connection.idle_since = _now_s()
                self._idle.append(connection)
            else:
                connection.close()


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, _, rest = head.partition("\r\n")
        version, _, after = first.partition(" ")
        if not version.startswith("HTTP/1.") or not after[:3].isdigit():
            raise CallError("the answer is not HTTP/1.1")
        status = int(after[:3])
        if status >= 200:  # noqa: PLR2004 - 1xx answers come before the real one
            break
    headers: dict[str, str] = {}
    for line in rest.split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers[name.lower()] = value.strip()
    return status, headers


async def _read_body(
    reader: asyncio.StreamReader, status: int, headers: Mapping[str, str]
) -> bytes:
    if status in _NO_BODY_STATUSES:
        return b""
    if "chunked" in headers.get("transfer-encoding", ""):
        parts: list[bytes] = []
        size = 0
        async for part in _chunks(reader):
            size += len(part)
            if size > ANSWER_BYTES_MAX:
                raise CallError(f"the answer is larger than {ANSWER_BYTES_MAX} bytes")
            parts.append(part)
        return b"".join(parts)
    length = headers.get("content-length", "")
    if not length.isdigit():
        raise CallError("the answer has no length")
    if int(length) > ANSWER_BYTES_MAX:
        raise CallError(f"the answer is larger than {ANSWER_BYTES_MAX} bytes")
    return await reader.readexactly(int(length))


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        line = await reader.readuntil(b"\r\n")
        try:
            size = int(line.split(b";", 1)[0], 16)
        except ValueError as error:
            raise CallError("the answer's chunks are broken") from error
        if size > ANSWER_BYTES_MAX:
            raise CallError(f"the answer is larger than {ANSWER_BYTES_MAX} bytes")
        part = await reader.readexactly(size) if size else b""
        await reader.readuntil(b"\r\n")
        if not size:
            return
        yield part


async def _parts(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while part := await reader.read(HEAD_BYTES_MAX):
        yield part


async def _events(reader: asyncio.StreamReader, *, is_chunked: bool) -> AsyncIterator[ServerEvent]:
    parts = _chunks(reader) if is_chunked else _parts(reader)
    pending = b""
    name, lines = "message", list[str]()
    while True:
        try:
            async with asyncio.timeout(STREAM_SILENCE_S_MAX):
                part = await anext(parts)
        except (StopAsyncIteration, TimeoutError, OSError, asyncio.IncompleteReadError):
            return
        pending = (pending + part).replace(b"\r\n", b"\n")
        *whole, pending = pending.split(b"\n")
        for line in whole:
            field, _, value = line.decode("utf-8", "replace").partition(":")
            value = value.removeprefix(" ")
            if not line:
                if lines:
                    yield ServerEvent(name=name, text="\n".join(lines))
                name, lines = "message", []
            elif field == "event":
                name = value
            elif field == "data":
                lines.append(value)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _reason(error: Exception) -> str:
    if isinstance(error, asyncio.IncompleteReadError):
        return "the connection was closed before the answer"
    return str(error) or type(error).__name__
