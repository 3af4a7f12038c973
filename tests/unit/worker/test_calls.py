from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from trigger_box.worker import calls
from trigger_box.worker.calls import Answer, AnswerError, Caller, CallError

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Peer:
    """A server whose answers a test writes byte by byte. Keeps what it was asked."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.requests: list[str] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while self.answers:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(
                (int(line[15:]) for line in head.split("\r\n") if "content-length" in line), 0
            )
            self.requests.append(head + (await reader.readexactly(length)).decode())
            answer = self.answers.pop(0)
            if answer is None:
                return
            writer.write(answer)
            if b"connection: close" in answer:
                return


@asynccontextmanager
async def calling(serve: Serve, **headers: str) -> AsyncIterator[Caller]:
    tasks: set[asyncio.Task[None]] = set()

    async def tracked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(tracked, "127.0.0.1", 0)
    caller = Caller(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/base", headers)
    try:
        yield caller
    finally:
        await caller.close()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)
        await server.wait_closed()


def ok(body: bytes = b'{"ok":true}', status: str = "200 OK", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\n{headers}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "CALL_PAUSE_S_MIN", 0.001)
    monkeypatch.setattr(calls, "CALL_PAUSE_S_MAX", 0.002)


async def test_a_connection_is_used_again() -> None:
    peer = Peer(ok(), ok(b"[1]"))
    async with calling(peer.serve, authorization="Bearer key") as caller:
        first = await caller.call("POST", "/a", {"b": "é"})
        second = await caller.call("GET", "/c")

    assert (first.json(), second.json()) == ({"ok": True}, [1])
    assert peer.connections == 1
    assert peer.requests[0].startswith("POST /base/a HTTP/1.1\r\nhost: 127.0.0.1:")
    assert "authorization: Bearer key" in peer.requests[0]
    assert peer.requests[0].endswith('{"b":"\\u00e9"}')
    assert peer.requests[1].endswith("content-length: 0\r\n\r\n")


async def test_an_idle_connection_that_the_box_closed_is_replaced() -> None:
    peer = Peer(ok(headers="connection: close\r\n"), ok())
    async with calling(peer.serve) as caller:
        await caller.call("GET", "/a")
        await caller.call("GET", "/b")
    assert peer.connections == 2

    # Closed without a word, between two calls and while nobody looked.
    peer = Peer(ok(), None, ok())
    async with calling(peer.serve) as caller:
        await caller.call("GET", "/a")
        answer = await caller.call("GET", "/b")
    assert answer.status == 200
    assert [request.split(" ")[1] for request in peer.requests] == ["/base/a", "/base/b", "/base/b"]


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (
            CHUNKED + b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            200,
            b"abcde",
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + ok(b"x"), 200, b"x"),
        (ok(b"", "404 Not Found"), 404, b""),
    ],
)
async def test_answers_of_every_shape_are_read(answer: bytes, status: int, body: bytes) -> None:
    peer = Peer(answer, ok())
    async with calling(peer.serve) as caller:
        found = await caller.call("GET", "/a")
        after = await caller.call("GET", "/b")

    assert (found.status, found.body) == (status, body)
    assert after.status == 200
    assert peer.connections == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "no length"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "chunks are broken"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", "larger than"),
        (b"HTTP/1.1 200 OK\r\ncontent-le", "closed before the answer"),
        (b"x" * 200_000, "no connection"),
    ],
)
async def test_what_is_no_proper_answer_is_an_error(answer: bytes, words: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with calling(serve) as caller:
        with pytest.raises(CallError, match=words):
            await caller.call("GET", "/a")


async def test_a_box_that_does_not_answer_in_time_is_an_error() -> None:
    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with calling(serve) as caller:
        with pytest.raises(CallError, match=r"within 0.05 s"):
            await caller.call("GET", "/a", timeout_s=0.05)


async def test_a_box_that_is_not_there_is_an_error() -> None:
    with pytest.raises(CallError, match="no connection"):
        await Caller("http://127.0.0.1:1", {}).call("GET", "/a")


@pytest.mark.parametrize("url", ["ftp://box", "box:3030", "http://", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(CallError, match="not an http"):
        Caller(url, {})


def test_a_header_cannot_smuggle_another() -> None:
    with pytest.raises(CallError, match="line break"):
        Caller("http://box", {"authorization": "Bearer x\r\nx-admin: 1"})


@pytest.mark.parametrize(
    ("status", "advice", "wants_retry"),
    [
        (200, None, False),
        (404, None, False),
        (422, None, False),
        (409, None, True),
        (429, None, True),
        (500, None, True),
        (503, None, True),
        (409, "false", False),
        (422, "true", True),
    ],
)
def test_which_answers_are_asked_for_again(
    status: int, advice: str | None, *, wants_retry: bool
) -> None:
    headers = {} if advice is None else {"x-should-retry": advice}

    assert Answer(status=status, headers=headers, body=b"").wants_retry is wants_retry


async def test_a_call_is_repeated_with_one_key_until_it_succeeds() -> None:
    peer = Peer(ok(b"", "503 Unavailable"), None, ok(b"", "429 Slow"), ok())
    async with calling(peer.serve) as caller:
        answer = await caller.call_until("POST", "/a", {}, key="k1")

    assert answer.status == 200
    assert len(peer.requests) == 4
    assert all("x-trigger-request-idempotency-key: k1" in request for request in peer.requests)


async def test_a_refusal_for_good_is_not_repeated() -> None:
    peer = Peer(ok(b'{"error":"Task Run not found"}', "404 Not Found"))
    async with calling(peer.serve) as caller:
        with pytest.raises(AnswerError, match="Task Run not found") as refused:
            await caller.call_until("POST", "/a", {}, key="k1")

    assert refused.value.status == 404
    assert len(peer.requests) == 1


async def test_repeating_has_bounds() -> None:
    peer = Peer(*[ok(b"", "503 Unavailable")] * 20)
    async with calling(peer.serve) as caller:
        with pytest.raises(AnswerError, match="503"):
            await caller.call_until("POST", "/a", {}, key="k", tries_max=3)
        assert len(peer.requests) == 3
        with pytest.raises(AnswerError):
            await caller.call_until("POST", "/a", {}, key="k", tries_max=0, insist_s=0)
        assert len(peer.requests) == 4
        with pytest.raises(AnswerError):
            await caller.call_until("POST", "/a", {}, key="k", is_wanted=lambda: False)
        assert len(peer.requests) == 5


@pytest.mark.parametrize("is_chunked", [True, False])
async def test_events_come_one_by_one_until_the_stream_ends(*, is_chunked: bool) -> None:
    parts = [
        b": hello\n\nevent: ru",
        b'n\r\ndata: {"a":1}\r\n\r\nda',
        b"ta: x\ndata: y\n\nid: 1\n\n",
    ]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        encoding = b"transfer-encoding: chunked\r\n" if is_chunked else b""
        writer.write(b"HTTP/1.1 200 OK\r\n" + encoding + b"\r\n")
        for part in parts:
            writer.write(b"%x\r\n%s\r\n" % (len(part), part) if is_chunked else part)
            await writer.drain()

    async with calling(serve) as caller, caller.events("/stream") as events:
        found = [(event.name, event.text) async for event in events]

    assert found == [("run", '{"a":1}'), ("message", "x\ny")]


async def test_a_stream_that_is_refused_says_why() -> None:
    peer = Peer(ok(b'{"error":"Invalid API key"}', "401 Unauthorized"))
    async with calling(peer.serve) as caller:
        with pytest.raises(AnswerError, match="Invalid API key"):
            async with caller.events("/stream"):
                pass


async def test_a_silent_stream_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "STREAM_SILENCE_S_MAX", 0.02)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await reader.read()
        await reader.read()

    async with calling(serve) as caller, caller.events("/stream") as events:
        assert [event async for event in events] == []
