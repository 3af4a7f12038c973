"""Real sockets on the loopback: how many the SDK opens, and that it closes them in time."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.support.sdk import KEY, a_run
from trigger_box import AsyncTriggerBox, ConnectionFailed, retry
from trigger_box.sdk import connections


class Box(BaseHTTPRequestHandler):
    """Answers every request with a run, zipped when that is accepted."""

    protocol_version = "HTTP/1.1"
    callers: set[tuple[str, int]]

    def do_GET(self) -> None:
        self.callers.add(self.client_address)
        body = json.dumps(a_run()).encode()
        self.send_response(200)
        if "gzip" in self.headers.get("accept-encoding", ""):
            body = gzip.compress(body)
            self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def callers() -> set[tuple[str, int]]:
    return set()


@pytest.fixture
def client(callers: set[tuple[str, int]]) -> Iterator[AsyncTriggerBox]:
    handler = type("Handler", (Box,), {"callers": callers})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    host, port = server.server_address[:2]
    made = AsyncTriggerBox(
        secret_key=KEY, base_url=f"http://{host!s}:{port}", retry=retry.policy(1)
    )
    yield made
    made.close()
    server.shutdown()
    server.server_close()
    thread.join()


def test_blocking_calls_share_a_connection(
    client: AsyncTriggerBox, callers: set[tuple[str, int]]
) -> None:
    for _ in range(3):
        assert client.runs.sync.retrieve("run_1").id == "run_1"

    assert len(callers) == 1


def test_each_loop_shares_a_connection_and_closes_it_when_it_ends(
    client: AsyncTriggerBox, callers: set[tuple[str, int]]
) -> None:
    async def thrice() -> None:
        for _ in range(3):
            assert (await client.runs.retrieve("run_1")).id == "run_1"

    asyncio.run(thrice())
    asyncio.run(thrice())

    # A socket that was left open would warn here, and warnings are errors.
    gc.collect()
    assert len(callers) == 2


def test_threads_may_share_a_client(client: AsyncTriggerBox) -> None:
    seen: list[str] = []
    threads = [
        threading.Thread(target=lambda: seen.append(client.runs.sync.retrieve("run_1").id))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == ["run_1"] * 8


def test_a_forked_process_does_not_use_its_parents_connection(
    client: AsyncTriggerBox, callers: set[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    client.runs.sync.retrieve("run_1")

    monkeypatch.setattr(connections.os, "getpid", lambda: -1)
    client.runs.sync.retrieve("run_1")

    assert len(callers) == 2


def test_an_answer_without_end_is_not_read_into_memory(
    client: AsyncTriggerBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "ANSWER_BYTES_MAX", 100)

    with pytest.raises(ConnectionFailed, match="larger than 100 bytes"):
        client.runs.sync.retrieve("run_1")


def test_a_port_where_nobody_listens_is_told() -> None:
    with (
        AsyncTriggerBox(
            secret_key=KEY, base_url="http://127.0.0.1:9", retry=retry.policy(1)
        ) as lonely,
        pytest.raises(ConnectionFailed, match=r"http://127\.0\.0\.1:9/api/v3/runs/run_1"),
    ):
        lonely.runs.sync.retrieve("run_1")


def test_a_call_may_have_a_timeout_of_its_own() -> None:
    # The kernel takes the connection; nobody ever answers on it.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            AsyncTriggerBox(secret_key=KEY, base_url=url, retry=retry.policy(1)) as client,
            pytest.raises(ConnectionFailed, match="timed out"),
        ):
            client.runs.sync.retrieve("run_1", timeout=0.05)


def test_certificates_are_read_once_for_all_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[None] = []
    make = httpx.create_ssl_context
    monkeypatch.setattr(httpx, "create_ssl_context", lambda: read.append(None) or make())
    connections._certificates.cache_clear()
    http = connections.DefaultHttp()

    for client in (http.blocking(), http.blocking()):
        client.close()
    asyncio.run(http.asynchronous().aclose())

    assert len(read) == 1
