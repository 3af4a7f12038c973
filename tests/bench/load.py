"""A load client that costs little: raw sockets and epoll in one process, no parsing to speak of.

The box and the load share this machine's cores, so what the client burns the box can't have. One
request costs it some 25 µs; the requests are ready-made bytes. Run it in a process of its own
(``in_a_process``): the box must not wait for our interpreter.
"""

from __future__ import annotations

import json
import multiprocessing
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

_READ_BYTES = 262_144
_LENGTH = b"content-length: "
_OUTPUT = (
    b'","output":"{\\"json\\":1}","outputType":"application/super+json","usage":{"durationMs":1}}}'
)


@dataclass(frozen=True)
class Target:
    """Where to and with which key."""

    host: str
    port: int
    key: str

    def request(self, path: str, body: bytes, headers: str = "") -> bytes:
        """Return a whole POST request."""
        return (
            f"POST {path} HTTP/1.1\r\nhost: {self.host}:{self.port}\r\n"
            f"authorization: Bearer {self.key}\r\ncontent-type: application/json\r\n"
            f"{headers}content-length: {len(body)}\r\n\r\n"
        ).encode() + body


class Talk(Protocol):
    """What one connection says: the first request, and the next after each answer."""

    def first(self) -> bytes:
        """Return the first request."""
        ...

    def after(self, body: bytes) -> bytes | None:
        """Return the next request, None to end."""
        ...


class AnswerError(Exception):
    """The box refused something: the figures would be worth nothing."""


class Connection:
    """One connection to the box, kept alive. ``talk`` is what it says under load."""

    __slots__ = ("buffer", "socket", "talk")

    def __init__(self, target: Target, talk: Talk | None = None) -> None:
        self.talk = talk
        self.buffer = b""
        self.socket = socket.create_connection((target.host, target.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(0)

    def ask(self, request: bytes) -> bytes:
        """Send one request and wait for its answer."""
        self.socket.settimeout(None)
        self.socket.sendall(request)
        while (body := self.take()) is None:
            pass
        return body

    def take(self) -> bytes | None:
        """Return the body of an answer once it is here whole."""
        data = self.socket.recv(_READ_BYTES)
        if not data:
            raise AnswerError("the box closed a connection")
        buffer = self.buffer + data if self.buffer else data
        head_end = buffer.find(b"\r\n\r\n")
        if head_end >= 0:
            at = buffer.find(_LENGTH, 0, head_end)
            length = int(buffer[at + len(_LENGTH) : buffer.index(b"\r\n", at)])
            if len(buffer) - head_end - 4 >= length:
                self.buffer = b""
                if not buffer.startswith(b"HTTP/1.1 200"):
                    raise AnswerError(buffer[:600].decode(errors="replace"))
                return buffer[head_end + 4 :]
        self.buffer = buffer
        return None


def talk(target: Target, talks: list[Talk], *, seconds: float) -> float:
    """Let all talk at once until each has ended or the time is over; return the seconds it took.

    Requests in flight when the time is over are answered to the air.
    """
    selector = selectors.DefaultSelector()
    connections = [Connection(target, one) for one in talks]
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    begun_s = time.perf_counter()
    ends_s = begun_s + seconds
    for connection, one in zip(connections, talks, strict=True):
        connection.socket.sendall(one.first())
    left = len(connections)
    try:
        while left:
            for key, _ in selector.select(0.1):
                connection: Connection = key.data
                body = connection.take()
                if body is None:
                    continue
                assert connection.talk is not None
                following = connection.talk.after(body)
                if following is None:
                    selector.unregister(connection.socket)
                    left -= 1
                else:
                    connection.socket.sendall(following)
            if time.perf_counter() >= ends_s:
                break
        return time.perf_counter() - begun_s
    finally:
        selector.close()
        for connection in connections:
            connection.socket.close()


class Repeat:
    """The same request again and again; notes how long each answer took."""

    def __init__(self, request: bytes, *, times: int | None = None) -> None:
        self._request = request
        self._left = times
        self._sent_s = 0.0
        self.times_s: list[float] = []

    def first(self) -> bytes:
        self._sent_s = time.perf_counter()
        return self._request

    def after(self, body: bytes) -> bytes | None:
        del body
        now_s = time.perf_counter()
        self.times_s.append(now_s - self._sent_s)
        if self._left is not None and len(self.times_s) >= self._left:
            return None
        self._sent_s = now_s
        return self._request


class Worker:
    """A worker without a process: takes a run, begins it, reports its end, takes the next.

    Args:
        folded: use our own worker's calls: the attempt begins with the handing over, and the next
            run comes with the answer to a completion. Else the four calls of the npm controller.
    """

    def __init__(self, target: Target, *, folded: bool) -> None:
        self._target = target
        self._folded = folded
        asked = {"maxRunCount": 1, "waitMs": 2_000, "start": folded}
        self._dequeue = target.request("/engine/v1/dev/dequeue", json.dumps(asked).encode())
        self._headers = "x-trigger-box-take: 1\r\n" if folded else ""
        self.finished = 0
        self.begun_s: list[float] = []

    def first(self) -> bytes:
        return self._dequeue

    def after(self, body: bytes) -> bytes | None:
        told = json.loads(body)
        if "result" in told:
            self.finished += 1
            handed = told.get("next")
            return self._dequeue if handed is None else self._complete(handed["start"])
        if "execution" in told:
            return self._complete(told)
        messages = told["dequeuedMessages"]
        return self._handed(messages[0]) if messages else self._dequeue

    def _handed(self, message: dict[str, Any]) -> bytes:
        if self._folded:
            return self._complete(message["start"])
        return self._target.request(_path(message, "start"), b"{}")

    def _complete(self, begun: dict[str, Any]) -> bytes:
        self.begun_s.append(time.perf_counter())
        run_id = begun["run"]["friendlyId"]
        body = b'{"completion":{"ok":true,"id":"' + run_id.encode() + _OUTPUT
        return self._target.request(_path(begun, "complete"), body, self._headers)


def _path(told: dict[str, Any], verb: str) -> str:
    run, snapshot = told["run"]["friendlyId"], told["snapshot"]["friendlyId"]
    return f"/engine/v1/dev/runs/{run}/snapshots/{snapshot}/attempts/{verb}"


def in_a_process(work: Callable[..., T], *arguments: object) -> T:
    """Return what ``work`` returns, called in a process of its own. Blocks: call it in a thread."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)
