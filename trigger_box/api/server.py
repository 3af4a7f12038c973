"""The HTTP server: granian inside our own loop, with the limits and the order that keep it honest.

What was measured about granian's embedded server, and what follows from it, is in decision record
0002. The listening socket is ours: granian's own would share a taken port without a word.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any, Final

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server as GranianServer

from trigger_box import log
from trigger_box.api.asgi import ASGIApp, Receive, Scope, Send
from trigger_box.api.streams import Streams
from trigger_box.domain.errors import UnavailableError

_log = log.get("api")

# As shipped the embedded server takes 128 connections, idle ones included, then never answers.
CONNECTIONS_MAX: Final = 4_096
# The timer of unfinished headers is also the one that closes idle keep-alive connections. Clients
# reuse idle sockets, so it is above the 65 s that rest-api 15.14 asks for.
IDLE_CONNECTION_MS_MAX: Final = 75_000
HEADER_BYTES_MAX: Final = 64 * 1024
HALF_SENT_S_MAX: Final = 1.0
"""How long a stop waits for callers that have not sent all of their request."""
_LOOK_S: Final = 0.05
_CLOSING_S_MAX: Final = 1.0


class PortTakenError(UnavailableError):
    """Something else listens on this port."""

    code = "port_taken"


class AddressUnusableError(UnavailableError):
    """The box can't listen on this address."""

    code = "address_unusable"


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    Raises:
        PortTakenError: another program listens there.
        AddressUnusableError: the name can't be resolved, or the port may not be used.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressUnusableError(
            f"The box can't listen on {host}: {error.strerror or error}. "
            "Choose another address with --host."
        ) from error
    try:
        # REUSEADDR only: a port in TIME_WAIT is free, a port somebody listens on is not.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(CONNECTIONS_MAX)
        listener.setblocking(False)  # noqa: FBT003 - the socket API is positional
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(
                f"Port {port} on {host} is taken by another program. "
                "Stop it, or choose another port with --port (0 takes a free one)."
            ) from error
        raise AddressUnusableError(
            f"The box can't listen on {host} port {port}: {error.strerror or error}. "
            "Choose another address with --host and --port."
        ) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """Return ``HOST:PORT`` of a listening socket as people type it into a browser."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Server:
    """Serves one ASGI app on one listening socket until ``stop``."""

    def __init__(
        self, app: ASGIApp, listener: socket.socket, *, streams: Streams, stop_s: float
    ) -> None:
        self.address = address_of(listener)
        self._port: int = listener.getsockname()[1]
        self._streams = streams
        self._stop_s = stop_s
        self._calls = _Calls(app)
        self._granian = _OwnSocketServer(self._calls, listener)

    async def serve(self) -> None:
        """Serve until ``stop`` has been called and requests in flight are answered.

        Raises:
            RuntimeError: the server ended by itself.
        """
        await self._granian.serve()
        if not self._granian.interrupt_signal:
            raise RuntimeError("the HTTP server ended by itself")

    async def stop(self, serving: asyncio.Future[None]) -> None:
        """End our streams, let other requests finish, stop. Bounded: late ones are cut off.

        Without the first step ``serve`` would wait for browsers to hang up. Who has sent only half
        of a request is not waited for as long as who waits for an answer.
        """
        await self._streams.close()
        self._granian.stop()
        if await self._has_ended(serving):
            return
        hang_up(self._port)
        _, late = await asyncio.wait({serving}, timeout=_CLOSING_S_MAX)
        if late:
            _log.warning("server.stop_timed_out", waited_s=self._stop_s, requests=len(self._calls))
            self._calls.cut_off()
            await asyncio.wait({serving}, timeout=_CLOSING_S_MAX)
        serving.cancel()

    async def _has_ended(self, serving: asyncio.Future[None]) -> bool:
        """Wait while somebody is owed an answer, or may still finish asking. Bounded."""
        waited_s = 0.0
        while waited_s < self._stop_s:
            await asyncio.wait({serving}, timeout=_LOOK_S)
            if serving.done():
                return True
            waited_s += _LOOK_S
            # Streams read on for a goodbye while they still work.
            is_owed = self._streams.open_count > 0 or self._calls.is_owed
            if not is_owed and waited_s >= HALF_SENT_S_MAX:
                return False
        return False


def hang_up(port: int) -> None:
    """Close all connections that were made to a port of this process.

    The server has no other way to end one whose caller does not finish its request: it would wait
    for the rest until its own timer of 75 s is over.
    """
    for entry in Path("/dev/fd").iterdir():
        descriptor = int(entry.name)
        try:
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            with socket.socket(fileno=os.dup(descriptor)) as connection:
                if (
                    connection.family in {socket.AF_INET, socket.AF_INET6}
                    and connection.getsockname()[1] == port
                    and not connection.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
                ):
                    connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue  # it was closed meanwhile


class _Call:
    """One request that is not answered yet."""

    __slots__ = ("_heard", "_receive")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._heard: Awaitable[Mapping[str, Any]] | None = None

    def receive(self) -> Awaitable[Any]:
        heard = self._heard = self._receive()
        return heard

    @property
    def is_half_sent(self) -> bool:
        """Whether it waits for its caller."""
        # The server's own kind of future: not a subclass, only one by its looks.
        return asyncio.isfuture(self._heard) and not self._heard.done()


class _Calls:
    """The app with a count of who is in it, so that a stop knows whom it waits for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open: dict[asyncio.Task[Any], _Call] = {}

    def __len__(self) -> int:
        return len(self._open)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None, "the server runs each request as a task"
        call = self._open[task] = _Call(receive)
        try:
            await self._app(scope, call.receive, send)  # type: ignore[arg-type]
        finally:
            del self._open[task]

    @property
    def is_owed(self) -> bool:
        """Whether somebody waits for us, and not we for him."""
        return not all(call.is_half_sent for call in self._open.values())

    def cut_off(self) -> None:
        """Cancel all requests that are still in there."""
        for task in self._open:
            task.cancel()


class _OwnSocketServer(GranianServer):
    """granian on a socket that is already bound and listening."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        super().__init__(
            app,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            backlog=CONNECTIONS_MAX,
            backpressure=CONNECTIONS_MAX,
            http1_settings=HTTP1Settings(
                header_read_timeout=IDLE_CONNECTION_MS_MAX, max_buffer_size=HEADER_BYTES_MAX
            ),
            log_enabled=False,
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        # The holder owns the descriptor from here on; Python must not close it a second time.
        descriptor = self._listener.detach()
        self._ssp = None
        # Its stub file lacks the constructor: descriptor, whether it is a unix socket, backlog.
        self._shd = SocketHolder(descriptor, False, CONNECTIONS_MAX)  # noqa: FBT003  # pyright: ignore[reportCallIssue]
        self._sfd = descriptor
