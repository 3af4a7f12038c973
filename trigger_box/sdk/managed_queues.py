"""``queues``: look at queues, pause them, set their limits. Blocking twins: ``queues.sync``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from trigger_box.sdk import queue_calls
from trigger_box.sdk.blocking import refuse_in_loop
from trigger_box.sdk.calls import Call
from trigger_box.sdk.client import current_client
from trigger_box.sdk.pages import BlockingPager, Fetch, Pager
from trigger_box.sdk.transport import CallOptions, Line, Operation

if TYPE_CHECKING:
    from trigger_box.sdk.client import Client
    from trigger_box.sdk.declaration import DeclaredTask
    from trigger_box.sdk.models import QueueState
    from trigger_box.sdk.queues import Queue

    QueueRef = Queue | DeclaredTask | QueueState | str
    """A queue, a task (its own queue), a queue's id, or its name (``task/<id>`` for a task's)."""

T = TypeVar("T")


class Queues:
    """Look at queues, pause them, set their limits."""

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    @cached_property
    def sync(self) -> BlockingQueues:
        """The blocking twin."""
        return BlockingQueues(self._client)

    def list(
        self, *, limit: int | None = None, **options: Unpack[CallOptions]
    ) -> Pager[QueueState]:
        """List queues by name: ``async for queue in queues.list()``.

        Args:
            limit: queues for each request, at most 100. Iterating goes on through all pages.

        Raises:
            OptionError, ApiError, ConnectionFailed: while iterating.
        """
        return Pager("queues.list", self._client, _fetch(limit, options))

    def retrieve(self, queue: QueueRef, **options: Unpack[CallOptions]) -> Call[QueueState]:
        """Fetch one queue, with how many runs wait in it and run now.

        Raises:
            OptionError: when awaited: it is not the name of a queue.
            NotFound: when awaited: there is no such queue in this environment.
            ApiError, ConnectionFailed: when awaited.
        """
        return self._call(
            "queues.retrieve", lambda line: queue_calls.retrieve(line, queue, options)
        )

    def pause(self, queue: QueueRef, **options: Unpack[CallOptions]) -> Call[QueueState]:
        """Hand out no more runs of a queue. What runs goes on; what waits keeps its place.

        Raises:
            OptionError, NotFound, ApiError, ConnectionFailed: when awaited.
        """
        return self._call(
            "queues.pause",
            lambda line: queue_calls.set_paused(line, queue, options, is_paused=True),
        )

    def resume(self, queue: QueueRef, **options: Unpack[CallOptions]) -> Call[QueueState]:
        """Go on handing out a paused queue's runs.

        Raises:
            OptionError, NotFound, ApiError, ConnectionFailed: when awaited.
        """
        return self._call(
            "queues.resume",
            lambda line: queue_calls.set_paused(line, queue, options, is_paused=False),
        )

    def override_limit(
        self,
        queue: QueueRef,
        limit: int | None = None,
        *,
        percent: float | None = None,
        **options: Unpack[CallOptions],
    ) -> Call[QueueState]:
        """Set how many of a queue's runs execute at once; new versions do not change it.

        Args:
            limit: from 0 to the environment's limit.
            percent: of the environment's limit instead, above 0 and at most 100.

        Raises:
            OptionError: when awaited: neither or both are given, or one is out of range.
            BadRequest: when awaited: the limit is above the environment's.
            NotFound, ApiError, ConnectionFailed: when awaited.
        """
        return self._call(
            "queues.override_limit",
            lambda line: queue_calls.override_limit(
                line, queue, options, limit=limit, percent=percent
            ),
        )

    def reset_limit(self, queue: QueueRef, **options: Unpack[CallOptions]) -> Call[QueueState]:
        """Give a queue the limit back that its code declares.

        Raises:
            BadRequest: when awaited: nobody has set one by hand.
            OptionError, NotFound, ApiError, ConnectionFailed: when awaited.
        """
        return self._call(
            "queues.reset_limit", lambda line: queue_calls.reset_limit(line, queue, options)
        )

    def _call(self, name: str, begin: Callable[[Line], Operation[T]]) -> Call[T]:
        return Call(name, lambda: self._client().carry_out(begin))


class BlockingQueues:
    """The blocking twin of ``queues``.

    Its methods raise ``SyncInAsyncError`` on a thread whose event loop is running.
    """

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    def list(
        self, *, limit: int | None = None, **options: Unpack[CallOptions]
    ) -> BlockingPager[QueueState]:
        """List queues by name: ``for queue in queues.sync.list()``.

        Args:
            limit: queues for each request, at most 100. Iterating goes on through all pages.

        Raises:
            OptionError, ApiError, ConnectionFailed: while iterating.
        """
        return BlockingPager("queues.list", self._client, _fetch(limit, options))

    def retrieve(self, queue: QueueRef, **options: Unpack[CallOptions]) -> QueueState:
        """Fetch one queue, with how many runs wait in it and run now.

        Raises:
            OptionError: it is not the name of a queue.
            NotFound: there is no such queue in this environment.
            ApiError, ConnectionFailed: the call failed.
        """
        return self._do("queues.retrieve", lambda line: queue_calls.retrieve(line, queue, options))

    def pause(self, queue: QueueRef, **options: Unpack[CallOptions]) -> QueueState:
        """Hand out no more runs of a queue. What runs goes on; what waits keeps its place.

        Raises:
            OptionError, NotFound, ApiError, ConnectionFailed: the call failed.
        """
        return self._do(
            "queues.pause",
            lambda line: queue_calls.set_paused(line, queue, options, is_paused=True),
        )

    def resume(self, queue: QueueRef, **options: Unpack[CallOptions]) -> QueueState:
        """Go on handing out a paused queue's runs.

        Raises:
            OptionError, NotFound, ApiError, ConnectionFailed: the call failed.
        """
        return self._do(
            "queues.resume",
            lambda line: queue_calls.set_paused(line, queue, options, is_paused=False),
        )

    def override_limit(
        self,
        queue: QueueRef,
        limit: int | None = None,
        *,
        percent: float | None = None,
        **options: Unpack[CallOptions],
    ) -> QueueState:
        """Set how many of a queue's runs execute at once; new versions do not change it.

        Args:
            limit: from 0 to the environment's limit.
            percent: of the environment's limit instead, above 0 and at most 100.

        Raises:
            OptionError: neither or both are given, or one is out of range.
            BadRequest: the limit is above the environment's.
            NotFound, ApiError, ConnectionFailed: the call failed.
        """
        return self._do(
            "queues.override_limit",
            lambda line: queue_calls.override_limit(
                line, queue, options, limit=limit, percent=percent
            ),
        )

    def reset_limit(self, queue: QueueRef, **options: Unpack[CallOptions]) -> QueueState:
        """Give a queue the limit back that its code declares.

        Raises:
            BadRequest: nobody has set one by hand.
            OptionError, NotFound, ApiError, ConnectionFailed: the call failed.
        """
        return self._do(
            "queues.reset_limit", lambda line: queue_calls.reset_limit(line, queue, options)
        )

    def _do(self, name: str, begin: Callable[[Line], Operation[T]]) -> T:
        refuse_in_loop(name)
        return self._client().carry_out_blocking(begin)


queues = Queues(current_client)


def _fetch(limit: int | None, options: Any) -> Fetch[QueueState]:  # noqa: ANN401 - CallOptions
    return lambda cursor: lambda line: queue_calls.list_page(line, limit, cursor, options)
