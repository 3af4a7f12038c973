"""Clients: where calls go, with which key, and on which connections.

``configure`` sets the process's own client up, ``using`` swaps it for a scope. ``AsyncTriggerBox``
and its blocking twin ``TriggerBox`` are isolated from both and from the environment.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar

from trigger_box.sdk.environment import Settings, read_settings
from trigger_box.sdk.errors import NotConfigured
from trigger_box.sdk.retries import RetryPolicy
from trigger_box.sdk.runtime import RunRuntime, current_runtime
from trigger_box.version import VERSION

if TYPE_CHECKING:
    from trigger_box.clock import SystemClock
    from trigger_box.ids import IdSource
    from trigger_box.sdk.connections import Connections, HttpFactory
    from trigger_box.sdk.managed_queues import BlockingQueues, Queues
    from trigger_box.sdk.runs import BlockingRuns, Runs
    from trigger_box.sdk.tasks import BlockingTasks, Tasks
    from trigger_box.sdk.transport import Line, Operation

T = TypeVar("T")
AnyClient = TypeVar("AnyClient", bound="Client")

_API_VERSION: Final = "2025-07-16"
_SCHEMES: Final = ("http://", "https://")


class Client:
    """What all clients are: a server, a key, and the connections to it.

    Args:
        secret_key: the environment's key, ``tr_dev_…`` and so on, or a public access token.
        base_url: the server's address.
        preview_branch: the branch of a preview or development environment.
        retry: for calls that fail on the way. Default: 5 attempts, 1 to 4.1 seconds apart.
        headers: sent with each call.
        http: makes the HTTP clients, for tests and unusual networks.

    Raises:
        NotConfigured: the address is not a URL, or the key is empty.
    """

    def __init__(  # noqa: PLR0913 - what a client is made of
        self,
        *,
        secret_key: str,
        base_url: str,
        preview_branch: str | None = None,
        retry: RetryPolicy | None = None,
        headers: Mapping[str, str] | None = None,
        http: HttpFactory | None = None,
    ) -> None:
        settings = Settings(api_url=base_url, secret_key=secret_key, preview_branch=preview_branch)
        _checked_url(settings.api_url)
        _checked_key(settings.secret_key)
        self._settings: Callable[[], Settings] = lambda: settings
        self._retry = retry
        self._headers = dict(headers or {})
        self._http = http
        self._belongs_to_run = False

    def within_run(self) -> Self:
        """Return the client itself, made part of the run that executes here: for the worker.

        Its calls then carry the run's id, trace context and cancellation.
        """
        self._belongs_to_run = True
        return self

    def close(self) -> None:
        """Close the connections of blocking calls."""
        if "_connections" in self.__dict__:
            self._connections.close()

    async def aclose(self) -> None:
        """Close the connections of this event loop, and those of blocking calls."""
        if "_connections" in self.__dict__:
            await self._connections.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._settings().api_url}>"

    async def carry_out(self, begin: Callable[[Line], Operation[T]]) -> T:
        """Carry out an operation on the running event loop."""
        from trigger_box.sdk.drivers import drive  # noqa: PLC0415 - at the first call

        return await drive(begin, self.line(), self._connections)

    def carry_out_blocking(self, begin: Callable[[Line], Operation[T]]) -> T:
        """Carry out an operation on this thread."""
        from trigger_box.sdk.drivers import drive_blocking  # noqa: PLC0415 - at the first call

        return drive_blocking(begin, self.line(), self._connections)

    def line(self) -> Line:
        """Return where calls go right now.

        Raises:
            NotConfigured: no address or no key is known.
        """
        from trigger_box.sdk.transport import CALL_RETRY, Line  # noqa: PLC0415 - at the first call

        settings = self._settings()
        runtime = current_runtime() if self._belongs_to_run else None
        return Line(
            client=self,
            base_url=_checked_url(settings.api_url),
            settings=settings,
            headers={**_standard_headers(settings, runtime), **self._headers},
            retry=self._retry or CALL_RETRY,
            runtime=runtime,
            now_ms=_clock().now_ms,
            monotonic_s=_clock().monotonic_s,
            random_unit=_ids().random_unit,
            request_key=_ids().uuid,
        )

    @cached_property
    def _connections(self) -> Connections:
        from trigger_box.sdk.connections import Connections, DefaultHttp  # noqa: PLC0415 - late

        return Connections(self._http or DefaultHttp())


class AsyncTriggerBox(Client):
    """A server and a key, for async programs that talk to more than one.

    ``await client.tasks.trigger(…)``, ``await client.runs.retrieve(…)``. Close it with
    ``await client.aclose()``, or use it in an ``async with`` block. Key and address are required:
    nothing comes from the environment or from ``configure``. ``TriggerBox`` is its blocking twin.
    """

    @cached_property
    def tasks(self) -> Tasks:
        """Trigger tasks."""
        from trigger_box.sdk.tasks import Tasks  # noqa: PLC0415 - tasks knows client

        return Tasks(lambda: self)

    @cached_property
    def queues(self) -> Queues:
        """Look at queues, pause them, set their limits."""
        from trigger_box.sdk.managed_queues import Queues  # noqa: PLC0415 - it knows client

        return Queues(lambda: self)

    @cached_property
    def runs(self) -> Runs:
        """Look at runs, and act on them."""
        from trigger_box.sdk.runs import Runs  # noqa: PLC0415 - runs knows client

        return Runs(lambda: self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


class TriggerBox(Client):
    """A server and a key, for blocking programs that talk to more than one.

    ``client.tasks.trigger(…)``, ``client.runs.retrieve(…)``. Close it with ``client.close()``, or
    use it in a ``with`` block; threads may share it. ``AsyncTriggerBox`` is its async twin, and
    takes the same arguments.
    """

    @cached_property
    def tasks(self) -> BlockingTasks:
        """Trigger tasks."""
        from trigger_box.sdk.tasks import BlockingTasks  # noqa: PLC0415 - tasks knows client

        return BlockingTasks(lambda: self)

    @cached_property
    def queues(self) -> BlockingQueues:
        """Look at queues, pause them, set their limits."""
        from trigger_box.sdk.managed_queues import BlockingQueues  # noqa: PLC0415 - it knows client

        return BlockingQueues(lambda: self)

    @cached_property
    def runs(self) -> BlockingRuns:
        """Look at runs, and act on them."""
        from trigger_box.sdk.runs import BlockingRuns  # noqa: PLC0415 - runs knows client

        return BlockingRuns(lambda: self)


def _standard_headers(settings: Settings, runtime: RunRuntime | None) -> dict[str, str]:
    """Return the headers of every call (rest-api 3)."""
    headers = {
        "authorization": f"Bearer {_checked_key(settings.secret_key)}",
        "content-type": "application/json",
        "user-agent": f"trigger-box-python/{VERSION}",
        "trigger-version": VERSION,
        "x-trigger-api-version": _API_VERSION,
        "x-trigger-source": "sdk",
    }
    if settings.preview_branch is not None:
        headers["x-trigger-branch"] = settings.preview_branch
    if runtime is not None:
        headers["x-trigger-worker"] = "true"
        headers["x-trigger-engine-version"] = "V2"
        if (traceparent := runtime.traceparent()) is not None:
            headers["traceparent"] = traceparent
    return headers


@dataclass(frozen=True, slots=True, kw_only=True)
class _Configured:
    """What ``configure`` was told; the environment fills the rest in."""

    secret_key: str | None = None
    base_url: str | None = None
    preview_branch: str | None = None
    retry: RetryPolicy | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    http: HttpFactory | None = None


class _ProcessClient(Client):
    """The client of everything that is imported from ``trigger_box``, part of the run if any."""

    def __init__(self, configured: _Configured) -> None:
        # Not the parent's __init__: address and key may still be missing, and may come later.
        self._settings = lambda: _overlaid(read_settings(), configured)
        self._retry = configured.retry
        self._headers = dict(configured.headers)
        self._http = configured.http
        self._belongs_to_run = True


_process_client = _ProcessClient(_Configured())
_scoped: ContextVar[Client | None] = ContextVar("trigger_box_client", default=None)


def configure(  # noqa: PLR0913 - what a client is made of
    *,
    secret_key: str | None = None,
    base_url: str | None = None,
    preview_branch: str | None = None,
    retry: RetryPolicy | None = None,
    headers: Mapping[str, str] | None = None,
    http: HttpFactory | None = None,
) -> None:
    """Set the process's own client up: what is left out comes from the environment at each call.

    The variables are ``TRIGGER_SECRET_KEY``, ``TRIGGER_API_URL`` and ``TRIGGER_PREVIEW_BRANCH``.
    Each call of ``configure`` replaces the one before.

    Args:
        retry: for calls that fail on the way. Default: 5 attempts, 1 to 4.1 seconds apart.
        headers: sent with each call.
        http: makes the HTTP clients, for tests and unusual networks.

    Raises:
        NotConfigured: ``base_url`` is not a URL.
    """
    global _process_client  # noqa: PLW0603 - one per process, which is the point
    if base_url is not None:
        _checked_url(base_url)
    _process_client = _ProcessClient(
        _Configured(
            secret_key=secret_key,
            base_url=base_url,
            preview_branch=preview_branch,
            retry=retry,
            headers=headers or {},
            http=http,
        )
    )


@contextmanager
def using(client: AnyClient) -> Generator[AnyClient]:
    """Send calls of this block (and of the asyncio tasks it starts) to another client."""
    token = _scoped.set(client)
    try:
        yield client
    finally:
        _scoped.reset(token)


def current_client() -> Client:
    """Return the client that calls go to here: ``using``'s, the run's, or the process's."""
    scoped = _scoped.get()
    if scoped is not None:
        return scoped
    runtime = current_runtime()
    of_run = None if runtime is None else runtime.client()
    return of_run or _process_client


def _overlaid(settings: Settings, configured: _Configured) -> Settings:
    return replace(
        settings,
        api_url=configured.base_url or settings.api_url,
        secret_key=configured.secret_key or settings.secret_key,
        preview_branch=configured.preview_branch or settings.preview_branch,
    )


def _checked_url(url: str | None) -> str:
    if not url:
        raise NotConfigured(
            "No server address is known: set TRIGGER_API_URL, or call"
            " configure(base_url='http://…')."
        )
    if not url.startswith(_SCHEMES):
        raise NotConfigured(f"The server address {url!r} must start with http:// or https://.")
    return url.removesuffix("/")


def _checked_key(key: str | None) -> str:
    if not key:
        raise NotConfigured(
            "No key is known: set TRIGGER_SECRET_KEY (the dashboard shows it under API keys),"
            " or call configure(secret_key='tr_…')."
        )
    if not key.isascii() or any(character.isspace() for character in key):
        # Never name it: half of a key in a log is still half of a key.
        raise NotConfigured("The key has a space or a line break in it. Was it copied whole?")
    return key


@cache
def _clock() -> SystemClock:
    from trigger_box.clock import SystemClock  # noqa: PLC0415 - at the first call

    return SystemClock()


@cache
def _ids() -> IdSource:
    from trigger_box.ids import IdSource  # noqa: PLC0415 - at the first call

    return IdSource(_clock())
