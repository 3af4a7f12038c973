"""The ASGI types as plain mappings, and two small answers that need no framework."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from trigger_box.api.problems import Problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]


async def send_answer(send: Send, *, status: int, headers: Headers, body: bytes = b"") -> None:
    """Send a whole answer."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


async def send_problem(send: Send, problem: Problem, *, extra: Headers = ()) -> None:
    """Send an error, with ``extra`` headers."""
    body = problem.encoded()
    headers = [
        (b"content-type", problem.media_type.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    headers += [(name.encode(), value.encode("latin-1")) for name, value in problem.headers.items()]
    headers += extra
    await send_answer(send, status=problem.status, headers=headers, body=body)


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """Return a request's headers by lower-case name; of repeated ones, the last."""
    return dict(scope["headers"])
