"""The HTTP server over a real network: the conditions under which granian is embedded."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.builders import a_registration
from trigger_box import app as app_module
from trigger_box.api import server as server_module
from trigger_box.api import streams as streams_module
from trigger_box.api.asgi import ASGIApp, Receive, Scope, Send, send_answer
from trigger_box.api.bodies import read_body
from trigger_box.api.server import AddressUnusableError, PortTakenError, Server, listen
from trigger_box.api.streams import EventStream, Streams, event
from trigger_box.app import Box, RoomFailedError, asgi_app
from trigger_box.domain.packets import NOTHING
from trigger_box.engine.trigger import TriggerRequest, trigger
from trigger_box.engine.workers import register
from trigger_box.settings import Settings
from trigger_box.store.folder import FolderInUseError

SOON_S = 10.0


@dataclass
class Client:
    """One raw connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, text: str) -> None:
        self.writer.write(text.replace("\n", "\r\n").encode())
        await self.writer.drain()

    async def head(self) -> str:
        async with asyncio.timeout(SOON_S):
            return (await self.reader.readuntil(b"\r\n\r\n")).decode()

    async def rest(self) -> bytes:
        async with asyncio.timeout(SOON_S):
            return await self.reader.read()

    def drop(self) -> None:
        """Hang up without a goodbye."""
        self.writer.transport.abort()


class Serving:
    """An app on a real socket."""

    def __init__(self, server: Server, streams: Streams) -> None:
        self.server = server
        self.streams = streams
        self.task = asyncio.ensure_future(server.serve())

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        host, _, port = self.server.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            yield Client(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def stop(self) -> None:
        await self.server.stop(self.task)


@asynccontextmanager
async def served(
    app: ASGIApp, streams: Streams | None = None, *, stop_s: float = 5.0
) -> AsyncIterator[Serving]:
    streams = streams or Streams()
    serving = Serving(Server(app, listen("127.0.0.1", 0), streams=streams, stop_s=stop_s), streams)
    try:
        yield serving
    finally:
        await serving.stop()


async def hello(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send_answer(send, status=200, headers=[(b"content-length", b"2")], body=b"hi")


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that happens on the other side of the network, and has no signal here."""
    async with asyncio.timeout(SOON_S):
        while not holds():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.005)


GET = "GET / HTTP/1.1\nhost: box\n\n"


@pytest.fixture
async def complaints() -> list[dict[str, object]]:
    """Return what the loop complains about: people would see it on their terminal."""
    heard: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    return heard


async def test_port_0_is_a_free_port_that_answers() -> None:
    async with served(hello) as serving, serving.client() as client:
        await client.send(GET)

        assert not serving.server.address.endswith(":0")
        assert (await client.head()).startswith("HTTP/1.1 200")


async def test_a_taken_port_is_told_in_one_sentence_and_never_shared() -> None:
    async with served(hello) as serving:
        port = int(serving.server.address.rpartition(":")[2])

        with pytest.raises(PortTakenError) as caught:
            listen("127.0.0.1", port)

    assert str(port) in caught.value.message
    assert "--port" in caught.value.message


async def test_a_port_is_free_again_as_soon_as_its_server_has_stopped() -> None:
    async with served(hello) as serving, serving.client() as client:
        port = int(serving.server.address.rpartition(":")[2])
        await client.send(GET)
        await client.head()

    listen("127.0.0.1", port).close()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.1"])
def test_an_address_that_is_not_ours_is_told_in_one_sentence(host: str) -> None:
    with pytest.raises(AddressUnusableError, match="--host"):
        listen(host, 0)


async def test_an_address_for_everybody_is_shown_as_one_people_can_type() -> None:
    listener = listen("0.0.0.0", 0)  # noqa: S104 - that is what is tested
    try:
        assert server_module.address_of(listener).startswith("127.0.0.1:")
    finally:
        listener.close()


async def test_hundreds_of_idle_connections_keep_nobody_out() -> None:
    async with served(hello) as serving, contextlib.AsyncExitStack() as idle:
        for _ in range(300):  # as shipped the server stops answering at 128
            client = await idle.enter_async_context(serving.client())
            await client.send(GET)
            await client.head()

        async with serving.client() as late:
            await late.send(GET)

            assert (await late.head()).startswith("HTTP/1.1 200")


def test_idle_connections_outlive_what_clients_keep() -> None:
    assert server_module.IDLE_CONNECTION_MS_MAX >= 65_000


async def test_a_request_in_flight_is_answered_before_the_server_stops() -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        await may_end.wait()
        await hello(scope, receive, send)

    async with served(slow) as serving, serving.client() as client:
        await client.send(GET)
        await begun.wait()
        stopping = asyncio.ensure_future(serving.stop())
        await asyncio.sleep(0)
        may_end.set()

        assert (await client.head()).startswith("HTTP/1.1 200")
        await stopping


async def test_a_request_that_never_ends_does_not_hold_the_stop_up(
    monkeypatch: pytest.MonkeyPatch, complaints: list[dict[str, object]]
) -> None:
    monkeypatch.setattr(server_module, "_CLOSING_S_MAX", 0.2)
    begun = asyncio.Event()

    async def stuck(_scope: Scope, _receive: Receive, _send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with served(stuck, stop_s=0.2) as serving, serving.client() as client:
        await client.send(GET)
        await begun.wait()

        async with asyncio.timeout(SOON_S):
            await serving.stop()

        assert serving.task.done()
    assert complaints == []


@pytest.mark.parametrize(
    "half",
    [
        "POST / HTTP/1.1\nhost: box\n",
        "POST / HTTP/1.1\nhost: box\ncontent-length: 100\n\n{",
    ],
    ids=["head", "body"],
)
async def test_a_half_sent_request_is_given_a_moment_not_the_whole_stop(
    half: str, monkeypatch: pytest.MonkeyPatch, complaints: list[dict[str, object]]
) -> None:
    monkeypatch.setattr(server_module, "HALF_SENT_S_MAX", 0.2)

    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(scope["headers"], receive, bytes_max=1_000)
        await hello(scope, receive, send)

    async with served(reading, stop_s=60) as serving, serving.client() as client:
        await client.send(half)
        async with serving.client() as other:
            await other.send(GET)  # once this is answered, the server has seen the half, too
            await other.head()

        async with asyncio.timeout(SOON_S):
            await serving.stop()

        assert serving.task.done()
        assert await client.rest() == b""
    assert complaints == []


async def test_a_request_whose_rest_comes_during_the_stop_is_answered() -> None:
    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(scope["headers"], receive, bytes_max=1_000)
        await hello(scope, receive, send)

    async with served(reading) as serving, serving.client() as client:
        await client.send("POST / HTTP/1.1\nhost: box\ncontent-length: 2\n\n{")
        async with serving.client() as other:
            await other.send(GET)
            await other.head()
        stopping = asyncio.ensure_future(serving.stop())
        await asyncio.sleep(0)
        await client.send("}")

        assert (await client.head()).startswith("HTTP/1.1 200")
        await stopping


class Ticking:
    """A stream that says one word, then waits; it knows whether it was closed."""

    def __init__(self, streams: Streams) -> None:
        self.streams = streams
        self.closed = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stream = EventStream(self._events(), streams=self.streams)
        await stream(scope, receive, send)  # type: ignore[arg-type]

    async def _events(self):
        try:
            yield event("tick")
            await asyncio.Event().wait()
        finally:
            self.closed.set()


async def until_tick(client: Client) -> None:
    async with asyncio.timeout(SOON_S):
        await client.reader.readuntil(b"data: tick\n\n")


async def test_streams_end_cleanly_when_the_box_stops() -> None:
    streams = Streams()
    ticking = Ticking(streams)
    async with served(ticking, streams) as serving, contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(serving.client()) for _ in range(100)]
        for client in clients:
            await client.send(GET)
        for client in clients:
            await until_tick(client)

        async with asyncio.timeout(SOON_S):
            await serving.stop()

        for client in clients:
            assert (await client.rest()).endswith(b"0\r\n\r\n")
    assert streams.open_count == 0


async def test_a_stream_is_closed_when_its_reader_hangs_up() -> None:
    streams = Streams()
    ticking = Ticking(streams)
    async with served(ticking, streams) as serving, serving.client() as client:
        await client.send(GET)
        await until_tick(client)
        client.drop()

        async with asyncio.timeout(SOON_S):
            await ticking.closed.wait()


async def test_a_reader_that_vanished_in_mid_stream_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams_module, "SEND_S_MAX", 0.3)
    streams = Streams()
    ended = asyncio.Event()

    async def flood():
        while True:
            yield b"x" * 65_536

    async def flooding(scope: Scope, receive: Receive, send: Send) -> None:
        stream = EventStream(flood(), streams=streams)
        await stream(scope, receive, send)  # type: ignore[arg-type]
        ended.set()

    async with served(flooding, streams) as serving, serving.client() as client:
        await client.send(GET)
        await client.head()  # and read no more: its buffers fill, then send() never returns

        async with asyncio.timeout(SOON_S):
            await ended.wait()
    assert streams.open_count == 0


async def test_a_silent_stream_says_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams_module, "SILENCE_S_MAX", 0.05)
    streams = Streams()
    async with served(Ticking(streams), streams) as serving, serving.client() as client:
        await client.send(GET)
        await until_tick(client)

        async with asyncio.timeout(SOON_S):
            await client.reader.readuntil(b": still here\n\n")


async def test_a_run_is_not_handed_to_a_worker_that_hung_up(tmp_path: Path) -> None:
    async with Box(Settings(data_dir=tmp_path)) as box:
        rooms = box.rooms
        owner = await rooms.access.create_user("owner@example.com", password=None)
        key = (await rooms.access.create_project(owner, name="Shop")).keys["dev"]
        environment = await rooms.access.environment_of_key(key)
        await register(rooms.core, environment, a_registration())
        ask = (
            f"POST /engine/v1/dev/dequeue HTTP/1.1\nhost: box\nauthorization: Bearer {key}\n"
            'content-length: 16\n\n{"waitMs":10000}'
        )
        async with served(asgi_app(box), box.streams) as serving:
            async with serving.client() as gone:
                await gone.send(ask)
                await until(lambda: rooms.core.bus.waiting(environment.id) == 1)
                gone.drop()
                await until(lambda: rooms.core.bus.waiting(environment.id) == 0)
            made = await trigger(
                rooms.core,
                TriggerRequest(environment=environment, task="send-email", payload=NOTHING),
            )
            async with serving.client() as alive:
                await alive.send(ask)
                head = await alive.head()
                async with asyncio.timeout(SOON_S):
                    body = await alive.reader.readuntil(b"]}")

    assert head.startswith("HTTP/1.1 200")
    assert made.run_id.encode() in body


async def test_a_waiting_worker_is_answered_when_the_box_stops(tmp_path: Path) -> None:
    async with Box(Settings(data_dir=tmp_path)) as box:
        rooms = box.rooms
        owner = await rooms.access.create_user("owner@example.com", password=None)
        key = (await rooms.access.create_project(owner, name="Shop")).keys["dev"]
        environment = await rooms.access.environment_of_key(key)
        async with served(asgi_app(box), box.streams) as serving, serving.client() as client:
            await client.send(
                f"POST /engine/v1/dev/dequeue HTTP/1.1\nhost: box\nauthorization: Bearer {key}\n"
                'content-length: 16\n\n{"waitMs":10000}'
            )
            await until(lambda: rooms.core.bus.waiting(environment.id) == 1)
            async with asyncio.timeout(2):
                await serving.stop()

            assert b'{"dequeuedMessages":[]}' in await client.rest()


def data_threads() -> list[str]:
    """Return the threads of a store: aiosqlite's would keep a process alive for ever."""
    return [
        thread.name
        for thread in threading.enumerate()
        if thread is not threading.main_thread()
        and not thread.name.startswith(("asyncio_", "pytest"))
    ]


async def test_a_start_that_fails_half_way_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = data_threads()

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("half-way")

    with monkeypatch.context() as patch:
        patch.setattr(app_module, "open_telemetry", fail)
        with pytest.raises(RuntimeError, match="half-way"):
            async with Box(Settings(data_dir=tmp_path)):
                pass

    assert data_threads() == before
    async with Box(Settings(data_dir=tmp_path)):
        pass  # the folder's lock was given back


async def test_a_box_whose_keeper_fails_says_so_and_can_be_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def give_up() -> None:
        raise RuntimeError("no more")

    with monkeypatch.context() as patch:
        patch.setattr(app_module.keepers, "keep", lambda _, group: group.create_task(give_up()))
        with pytest.raises(RoomFailedError):
            async with Box(Settings(data_dir=tmp_path)) as box:
                await box.failed()

    assert "no more" in capsys.readouterr().err
    async with Box(Settings(data_dir=tmp_path)):
        pass


async def test_a_second_box_on_the_folder_is_refused(tmp_path: Path) -> None:
    async with Box(Settings(data_dir=tmp_path)):
        with pytest.raises(FolderInUseError, match="--data-dir"):
            async with Box(Settings(data_dir=tmp_path)):
                pass


def test_the_socket_is_not_shared_with_children() -> None:
    listener = listen("127.0.0.1", 0)
    try:
        assert listener.get_inheritable() is False
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT) == 0
    finally:
        listener.close()
