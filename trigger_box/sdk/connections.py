"""Connections to the server, kept alive: one pool for blocking calls, one for each event loop.

The user's loop is never touched beyond using it. httpx is imported here, at the first call.
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol

from trigger_box.sdk.limits import ANSWER_BYTES_MAX, ANSWER_S_MAX, CONNECT_S_MAX
from trigger_box.sdk.transport import Answer, Request, UnreachableError

if TYPE_CHECKING:
    import ssl

    import httpx


class HttpFactory(Protocol):
    """Makes the HTTP clients: tests and unusual networks bring their own."""

    def blocking(self) -> httpx.Client:
        """Return a new client for blocking calls."""
        ...

    def asynchronous(self) -> httpx.AsyncClient:
        """Return a new client for one event loop."""
        ...


class DefaultHttp:
    """Plain httpx: keep-alive, gzip, the environment's proxies and certificates, no redirects."""

    def blocking(self) -> httpx.Client:
        """Return a new client for blocking calls."""
        import httpx  # noqa: PLC0415 - imported at the first call

        return httpx.Client(timeout=_default_timeout(), verify=_certificates())

    def asynchronous(self) -> httpx.AsyncClient:
        """Return a new client for one event loop."""
        import httpx  # noqa: PLC0415 - imported at the first call

        return httpx.AsyncClient(timeout=_default_timeout(), verify=_certificates())


class Connections:
    """The pools of one client."""

    def __init__(self, factory: HttpFactory) -> None:
        self._factory: Final = factory
        self._lock = Lock()
        self._process = os.getpid()
        self._blocking: httpx.Client | None = None
        # The generator is kept because dropping it would close the client at once.
        self._by_loop: dict[
            asyncio.AbstractEventLoop, tuple[httpx.AsyncClient, AsyncGenerator[None]]
        ] = {}

    def exchange_blocking(self, request: Request, now_ms: Callable[[], int]) -> Answer:
        """Send a request and read its answer whole.

        Raises:
            UnreachableError: no answer, or none that can be read.
        """
        import httpx  # noqa: PLC0415 - imported at the first call

        client = self._blocking_client()
        try:
            with client.stream(
                request.method,
                request.url,
                headers=dict(request.headers),
                content=request.body,
                timeout=_timeout(request),
            ) as response:
                body = bytearray()
                for chunk in response.iter_bytes():
                    _grow(body, chunk)
                return _answer(response.status_code, response.headers, body, now_ms())
        except httpx.RequestError as error:
            raise UnreachableError(_reason(error)) from error

    async def exchange(self, request: Request, now_ms: Callable[[], int]) -> Answer:
        """Send a request and read its answer whole.

        Raises:
            UnreachableError: no answer, or none that can be read.
        """
        import httpx  # noqa: PLC0415 - imported at the first call

        client = await self._loop_client()
        try:
            async with client.stream(
                request.method,
                request.url,
                headers=dict(request.headers),
                content=request.body,
                timeout=_timeout(request),
            ) as response:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    _grow(body, chunk)
                return _answer(response.status_code, response.headers, body, now_ms())
        except httpx.RequestError as error:
            raise UnreachableError(_reason(error)) from error

    def close(self) -> None:
        """Close the pool of blocking calls."""
        with self._lock:
            client, self._blocking = self._blocking, None
        if client is not None:
            client.close()

    async def aclose(self) -> None:
        """Close the pool of this event loop, and that of blocking calls."""
        self.close()
        with self._lock:
            _, keeper = self._by_loop.pop(asyncio.get_running_loop(), (None, None))
        if keeper is not None:
            await keeper.aclose()

    def _blocking_client(self) -> httpx.Client:
        with self._lock:
            self._forget_after_fork()
            if self._blocking is None:
                self._blocking = self._factory.blocking()
                weakref.finalize(self, self._blocking.close)
            return self._blocking

    async def _loop_client(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        with self._lock:
            self._forget_after_fork()
            known = self._by_loop.get(loop)
            if known is not None:
                return known[0]
            for closed in [other for other in self._by_loop if other.is_closed()]:
                del self._by_loop[closed]
            client = self._factory.asynchronous()
            # asyncio.run() finalizes the loop's async generators before it closes the loop: the
            # one way to close sockets in time without asking users for a shutdown call.
            keeper = self._closing_with_loop(loop, client)
            self._by_loop[loop] = (client, keeper)
        await anext(keeper)
        return client

    async def _closing_with_loop(
        self, loop: asyncio.AbstractEventLoop, client: httpx.AsyncClient
    ) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            with self._lock:
                self._by_loop.pop(loop, None)
            await client.aclose()

    def _forget_after_fork(self) -> None:
        # Two processes on one socket would read each other's answers.
        if self._process != os.getpid():
            self._process = os.getpid()
            self._blocking = None
            self._by_loop.clear()


def _grow(body: bytearray, chunk: bytes) -> None:
    body += chunk
    if len(body) > ANSWER_BYTES_MAX:
        raise UnreachableError(f"the answer is larger than {ANSWER_BYTES_MAX} bytes")


def _answer(status: int, headers: Mapping[str, str], body: bytearray, now_ms: int) -> Answer:
    lowered = {name.lower(): value for name, value in headers.items()}
    return Answer(status=status, headers=lowered, body=bytes(body), at_ms=now_ms)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


@cache
def _certificates() -> ssl.SSLContext:
    """Return whom to trust. Reading it takes tens of milliseconds, so it is read once."""
    import httpx  # noqa: PLC0415 - imported at the first call

    return httpx.create_ssl_context()


def _default_timeout() -> httpx.Timeout:
    import httpx  # noqa: PLC0415 - imported at the first call

    return httpx.Timeout(ANSWER_S_MAX, connect=CONNECT_S_MAX)


def _timeout(request: Request) -> httpx.Timeout:
    if request.timeout_s is None:
        return _default_timeout()
    import httpx  # noqa: PLC0415 - imported at the first call

    return httpx.Timeout(request.timeout_s)
