"""The HTTP server: granian inside our own loop, with the limits and the order that keep it honest.

What was measured about granian's embedded server, and what follows from it, is in decision record
0002. The listening socket is ours: granian's own would share a taken port without a word.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Final

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server as GranianServer

from trigger_box import log
from trigger_box.api.asgi import ASGIApp
from trigger_box.api.streams import Streams
from trigger_box.domain.errors import UnavailableError

_log = log.get("api")

# As shipped the embedded server takes 128 connections, idle ones included, then never answers.
CONNECTIONS_MAX: Final = 4_096
# The timer of unfinished headers is also the one that closes idle keep-alive connections. Clients
# reuse idle sockets, so it is above the 65 s that rest-api 15.14 asks for.
IDLE_CONNECTION_MS_MAX: Final = 75_000
HEADER_BYTES_MAX: Final = 64 * 1024


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
        self._streams = streams
        self._stop_s = stop_s
        self._granian = _OwnSocketServer(app, listener)

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

        Without the first step ``serve`` would wait for browsers to hang up.
        """
        await self._streams.close()
        self._granian.stop()
        _, late = await asyncio.wait({serving}, timeout=self._stop_s)
        if late:
            _log.warning("server.stop_timed_out", waited_s=self._stop_s)
            serving.cancel()
            await asyncio.wait({serving}, timeout=1)


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
