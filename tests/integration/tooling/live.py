"""Open streams and WebSockets of an app in process: what httpx can't do without a network."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from trigger_box.api.asgi import ASGIApp, Message

ANSWER_S_MAX = 5.0


class Open:
    """One open connection: what the app has sent, and a way to send and to hang up."""

    def __init__(self) -> None:
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self.ended = asyncio.Event()

    async def receive(self) -> Message:
        return await self._to_app.get()

    async def send(self, message: Message) -> None:
        self._from_app.put_nowait(message)

    def put(self, message: dict[str, Any]) -> None:
        """Let the app receive a message."""
        self._to_app.put_nowait(message)

    async def next(self) -> Message:
        """Return the next message of the app."""
        async with asyncio.timeout(ANSWER_S_MAX):
            return await self._from_app.get()

    async def text(self) -> str:
        """Return the next text that the app sends over a WebSocket."""
        message = await self.next()
        assert message["type"] == "websocket.send", message
        return message["text"]

    async def event(self) -> dict[str, str]:
        """Return the next server-sent event, comments left out."""
        while True:
            message = await self.next()
            assert message["type"] == "http.response.body", message
            lines = message["body"].decode().strip().split("\n")
            fields = dict(line.split(": ", 1) for line in lines if line and line[0] != ":")
            if fields:
                return fields


@asynccontextmanager
async def opened(
    app: ASGIApp, kind: str, path: str, key: str, *, query: str = ""
) -> AsyncIterator[Open]:
    """Open a GET request (``http``) or a WebSocket (``websocket``); hang up at the end."""
    connection = Open()
    scope: MutableMapping[str, Any] = {
        "type": kind,
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "scheme": "http",
        "http_version": "1.1",
        "headers": [
            (b"host", b"box.test"),
            (b"authorization", f"Bearer {key}".encode()),
        ],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 80),
    }
    connection.put(
        {"type": "websocket.connect"}
        if kind == "websocket"
        else {"type": "http.request", "body": b"", "more_body": False}
    )
    serving = asyncio.ensure_future(app(scope, connection.receive, connection.send))
    serving.add_done_callback(lambda _: connection.ended.set())
    try:
        yield connection
    finally:
        gone = "websocket.disconnect" if kind == "websocket" else "http.disconnect"
        connection.put({"type": gone})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S_MAX):
                await asyncio.shield(serving)
        assert serving.done(), "the app notices that its caller is gone"
        serving.result()
