from __future__ import annotations

import asyncio
from typing import Any

from trigger_box.api.asgi import Message, Receive, Scope, Send, send_answer
from trigger_box.api.front import FrontDoor
from trigger_box.api.streams import EventStream, Streams, event


async def echo(scope: Scope, _receive: Receive, send: Send) -> None:
    body = f"{scope['method']} {scope['path']}".encode()
    await send_answer(send, status=200, headers=[(b"content-length", b"%d" % len(body))], body=body)


def no_hot_route(_method: str, _path: bytes) -> None:
    return None


async def answered(
    app: Any = echo,
    *,
    method: str = "GET",
    raw_path: bytes = b"/x",
    sockets: Any = None,
    **more: Any,
) -> list[Message]:
    """Return what the front door sends for one request."""
    sent: list[Message] = []

    async def receive() -> Message:
        if more.get("type") == "websocket":
            return {"type": "websocket.connect"}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "raw_path": raw_path,
        "path": raw_path.decode(),
        "headers": [],
        **more,
    }
    door = FrontDoor(litestar=app, hot_route=no_hot_route, sockets=sockets)
    async with asyncio.timeout(5):
        await door(scope, receive, send)
    return sent


async def test_routing_sees_the_path_as_it_was_sent() -> None:
    _, body = await answered(raw_path=b"/tasks/my%2Ftask")

    assert body["body"] == b"GET /tasks/my%2Ftask"


async def test_head_gets_the_length_of_get_and_no_body() -> None:
    start, body = await answered(method="HEAD")

    assert (b"content-length", b"6") in start["headers"]
    assert body["body"] == b""


async def test_head_of_a_stream_ends_after_its_headers() -> None:
    streams = Streams()

    async def ticking():
        yield event("tick")
        await asyncio.Event().wait()

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await EventStream(ticking(), streams=streams)(scope, receive, send)  # type: ignore[arg-type]

    sent = await answered(stream, method="HEAD")

    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[1]["body"] == b""
    assert streams.open_count == 0


async def test_a_socket_that_nobody_serves_is_closed() -> None:
    sent = await answered(type="websocket", raw_path=b"/elsewhere")

    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "not found"}]


async def test_cors_is_for_the_api_and_not_for_the_dashboard() -> None:
    api, _ = await answered(raw_path=b"/api/v1/runs")
    dashboard, _ = await answered(raw_path=b"/dashboard/api/session")

    assert (b"access-control-allow-origin", b"*") in api["headers"]
    assert all(name != b"access-control-allow-origin" for name, _ in dashboard["headers"])


async def test_a_preflight_reaches_no_route() -> None:
    async def unreachable(*_: object) -> None:
        raise AssertionError("a preflight was routed")

    start, _ = await answered(unreachable, method="OPTIONS", raw_path=b"/api/v1/runs")

    assert start["status"] == 204
