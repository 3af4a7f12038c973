"""What a trigger call returns: a handle on the run it made."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack

from trigger_box.sdk import run_calls
from trigger_box.sdk.blocking import refuse_in_loop
from trigger_box.sdk.calls import Call
from trigger_box.sdk.durations import Duration
from trigger_box.sdk.results import Result
from trigger_box.sdk.transport import CallOptions, Line, Operation

if TYPE_CHECKING:
    from trigger_box.sdk.client import Client
    from trigger_box.sdk.models import Run
    from trigger_box.sdk.schemas import ValueType

P = TypeVar("P")
R = TypeVar("R")


class ResultCall(Call[Result[R]]):
    """A call for a run's result; ``await call.unwrap()`` gives the output or raises."""

    __slots__ = ()

    def unwrap(self) -> Call[R]:
        """Return a call for the output itself.

        Raises:
            SubtaskError: when awaited and the run did not complete.
        """
        begin = self._taken()

        async def unwrapped() -> R:
            return (await begin()).unwrap()

        return Call(f"{self._name}(...).unwrap", unwrapped)


class RunHandle(Generic[P, R]):
    """A run that was triggered: ``P`` is its payload, ``R`` its output.

    Attributes:
        id: the run's id, ``run_…``.
        task_id: its task; empty where the call did not name one (a replay by id).
        is_cached: whether the run was there already, by its idempotency key.
        public_access_token: lets a browser read this run for an hour; None if the server sent none.
    """

    def __init__(  # noqa: PLR0913 - what a handle knows
        self,
        *,
        id: str,  # noqa: A002 - the attribute's own name
        task_id: str,
        is_cached: bool,
        public_access_token: str | None,
        client: Client,
        output_type: ValueType | None,
    ) -> None:
        self.id = id
        self.task_id = task_id
        self.is_cached = is_cached
        self.public_access_token = public_access_token
        self._client = client
        self._output_type = output_type

    @cached_property
    def sync(self) -> BlockingRunHandle[P, R]:
        """The blocking twin."""
        return BlockingRunHandle(self)

    def retrieve(self, **options: Unpack[CallOptions]) -> Call[Run[R]]:
        """Fetch the run as it is now; its output is checked against the task's annotation.

        Raises:
            ApiError, ConnectionFailed: when awaited.
        """

        def begin(line: Line) -> Operation[Run[Any]]:
            return run_calls.retrieve(line, self.id, options, self._output_type)

        return Call("handle.retrieve", lambda: self._client.carry_out(begin))

    def cancel(self, **options: Unpack[CallOptions]) -> Call[None]:
        """Cancel the run and its unfinished children; one that has ended stays as it is.

        Raises:
            ApiError, ConnectionFailed: when awaited.
        """

        def begin(line: Line) -> Operation[None]:
            return run_calls.cancel(line, self.id, options)

        return Call("handle.cancel", lambda: self._client.carry_out(begin))

    def result(self, timeout: Duration | None = None) -> ResultCall[R]:
        """Wait for the run's end: ``Ok`` with its output, or ``Err``.

        Args:
            timeout: give up after this time. Default: wait as long as it takes.

        Raises:
            WaitTimeout: when awaited; the run goes on.
            ApiError, ConnectionFailed: when awaited.
        """

        def begin(line: Line) -> Operation[Result[R]]:
            return run_calls.result(line, self.id, timeout, self._output_type)

        return ResultCall("handle.result", lambda: self._client.carry_out(begin))

    def __repr__(self) -> str:
        return f"<run {self.id} of {self.task_id}>"


class BlockingRunHandle(Generic[P, R]):
    """The blocking twin of a handle."""

    def __init__(self, handle: RunHandle[P, R]) -> None:
        self._handle = handle
        self._client = handle._client  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its twin
        self._output_type = handle._output_type  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its twin
        self.id = handle.id
        self.task_id = handle.task_id
        self.is_cached = handle.is_cached
        self.public_access_token = handle.public_access_token

    def retrieve(self, **options: Unpack[CallOptions]) -> Run[R]:
        """Fetch the run as it is now; its output is checked against the task's annotation.

        Raises:
            ApiError, ConnectionFailed: the call failed.
            SyncInAsyncError: an event loop runs in this thread.
        """
        refuse_in_loop("handle.retrieve")
        return self._client.carry_out_blocking(
            lambda line: run_calls.retrieve(line, self.id, options, self._output_type)
        )

    def cancel(self, **options: Unpack[CallOptions]) -> None:
        """Cancel the run and its unfinished children; one that has ended stays as it is.

        Raises:
            ApiError, ConnectionFailed: the call failed.
            SyncInAsyncError: an event loop runs in this thread.
        """
        refuse_in_loop("handle.cancel")
        self._client.carry_out_blocking(lambda line: run_calls.cancel(line, self.id, options))

    def result(self, timeout: Duration | None = None) -> Result[R]:
        """Wait for the run's end: ``Ok`` with its output, or ``Err``.

        Args:
            timeout: give up after this time. Default: wait as long as it takes.

        Raises:
            WaitTimeout: it did not end in time; the run goes on.
            ApiError, ConnectionFailed: the call failed.
            SyncInAsyncError: an event loop runs in this thread.
        """
        refuse_in_loop("handle.result")
        return self._client.carry_out_blocking(
            lambda line: run_calls.result(line, self.id, timeout, self._output_type)
        )

    def __repr__(self) -> str:
        return repr(self._handle)
