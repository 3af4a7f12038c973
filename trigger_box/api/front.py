"""The outermost layer of HTTP: hot routes, raw paths, CORS, HEAD. Behind it stands Litestar.

Everything here is about transport; who may call and what happens is decided further in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from trigger_box.api.asgi import ASGIApp, Message, Receive, Scope, Send, send_answer
from trigger_box.api.streams import CallerLostError

HotRoute = Callable[[Scope, Receive, Send], Awaitable[None]]
FindHotRoute = Callable[[str, bytes], HotRoute | None]

# The dashboard takes cookies, the local routes are for this machine: no other site reads them.
_NO_CORS_PREFIXES: Final = (b"/dashboard/", b"/local/")
_PREFLIGHT_S: Final = b"300"
CORS_HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        (
            b"x-trigger-jwt, x-trigger-jwt-claims, x-should-retry, x-ratelimit-limit, "
            b"x-ratelimit-remaining, x-ratelimit-reset, retry-after"
        ),
    ),
)
"""Credentials are bearer tokens, never cookies, so any site's page may call (rest-api 2)."""


class FrontDoor:
    """The ASGI app that the server runs."""

    def __init__(
        self, *, litestar: ASGIApp, hot_route: FindHotRoute, sockets: ASGIApp | None
    ) -> None:
        self._litestar = litestar
        self._hot_route = hot_route
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or socket."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        assert scope["type"] == "http", "the server is told to send no lifespan events"
        raw_path: bytes = scope["raw_path"]
        method: str = scope["method"]
        hot = self._hot_route(method, raw_path)
        if hot is not None:
            await hot(scope, receive, send)
            return
        # Segments may hold encoded slashes: route on the raw path, decode each segment after
        # (rest-api 15.1). Litestar's own decoded path would have lost where segments end.
        scope["path"] = raw_path.decode("latin-1")
        has_cors = not raw_path.startswith(_NO_CORS_PREFIXES)
        if method == "OPTIONS" and has_cors:
            await _preflight(scope, send)
            return
        if has_cors:
            send = _with_cors(send)
        if method == "HEAD":
            scope["method"] = "GET"
            send = _headers_only(send)
        await self._litestar(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._sockets is not None and scope["path"].startswith("/socket.io/"):
            await self._sockets(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": "not found"})


async def _preflight(scope: Scope, send: Send) -> None:
    asked = dict(scope["headers"])
    await send_answer(
        send,
        status=204,
        headers=[
            (b"access-control-allow-origin", b"*"),
            (
                b"access-control-allow-methods",
                asked.get(b"access-control-request-method", b"GET, POST, PUT, PATCH, DELETE"),
            ),
            (
                b"access-control-allow-headers",
                asked.get(b"access-control-request-headers", b"*"),
            ),
            (b"access-control-max-age", _PREFLIGHT_S),
            (b"vary", b"access-control-request-method, access-control-request-headers"),
        ],
    )


def _with_cors(send: Send) -> Send:
    async def send_with_cors(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *CORS_HEADERS]
        await send(message)

    return send_with_cors


def _headers_only(send: Send) -> Send:
    """Answer HEAD with what GET would say, without its body. A stream ends after its headers."""
    is_stream = False

    async def send_headers(message: Message) -> None:
        nonlocal is_stream
        if message["type"] == "http.response.start":
            is_stream = any(
                name == b"content-type" and value.startswith(b"text/event-stream")
                for name, value in message["headers"]
            )
            await send(message)
            await send({"type": "http.response.body", "body": b""})
        elif is_stream:
            raise CallerLostError

    return send_headers
