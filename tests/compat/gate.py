"""A gate in front of the box: passes bytes through, and can refuse WebSockets.

It looks only at the first bytes of each connection: a WebSocket has one of its own.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from typing import Any, Self

_HEAD_BYTES_MAX = 65_536


class Gate:
    """Listens on a free port of loopback and leads to ``target_port``."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._sockets_open = True
        self._websockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        gate = self

        class Visitor(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                gate._visit(self.request)

        self._server = _Server(("127.0.0.1", 0), Visitor)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextlib.contextmanager
    def without_websockets(self) -> Any:
        """Cut all WebSockets, and refuse new ones until the block ends."""
        with self._lock:
            self._sockets_open = False
            for one in self._websockets:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        try:
            yield
        finally:
            with self._lock:
                self._sockets_open = True

    def _visit(self, visitor: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _HEAD_BYTES_MAX:
            more = visitor.recv(8_192)
            if not more:
                return
            head += more
        path = head.split(b" ", 2)[1]
        is_websocket = path.startswith(b"/socket.io/")
        with self._lock:
            if is_websocket and not self._sockets_open:
                visitor.sendall(b"HTTP/1.1 503 Closed\r\ncontent-length: 0\r\n\r\n")
                return
            if is_websocket:
                self._websockets.add(visitor)
        try:
            with socket.create_connection(("127.0.0.1", self._target_port)) as box:
                box.sendall(head)
                back = threading.Thread(target=_pour, args=(box, visitor), daemon=True)
                back.start()
                _pour(visitor, box)
                back.join()
        except OSError:
            pass  # one of the two has gone: the finally clause closes the other
        finally:
            with self._lock:
                self._websockets.discard(visitor)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
