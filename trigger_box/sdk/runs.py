"""``runs``: look at runs, and act on them. Blocking twins are under ``runs.sync``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from trigger_box.sdk import run_calls
from trigger_box.sdk.blocking import refuse_in_loop
from trigger_box.sdk.calls import Call
from trigger_box.sdk.client import current_client
from trigger_box.sdk.durations import Duration, duration_ms
from trigger_box.sdk.errors import OptionError
from trigger_box.sdk.handles import BlockingRunHandle, ResultCall, RunHandle
from trigger_box.sdk.pages import BlockingPager, Pager
from trigger_box.sdk.results import Result
from trigger_box.sdk.run_calls import ReplayOptions, RunFilters
from trigger_box.sdk.transport import CallOptions, Line, Operation

if TYPE_CHECKING:
    from trigger_box.sdk.client import Client
    from trigger_box.sdk.models import Run, RunSummary
    from trigger_box.sdk.pages import Page
    from trigger_box.sdk.schemas import ValueType

P = TypeVar("P")
R = TypeVar("R")
T = TypeVar("T")

if TYPE_CHECKING:
    RunRef = str | RunHandle[Any, Any] | BlockingRunHandle[Any, Any] | RunSummary
    """A run's id, or anything that has one."""


class Runs:
    """Look at runs, and act on them."""

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    @cached_property
    def sync(self) -> BlockingRuns:
        """The blocking twin."""
        return BlockingRuns(self._client)

    @overload
    def retrieve(self, run: RunHandle[P, R], **options: Unpack[CallOptions]) -> Call[Run[R]]: ...
    @overload
    def retrieve(self, run: RunRef, **options: Unpack[CallOptions]) -> Call[Run[Any]]: ...
    def retrieve(self, run: RunRef, **options: Unpack[CallOptions]) -> Call[Run[Any]]:
        """Fetch one run.

        Raises:
            NotFound: when awaited: there is no such run in this environment.
            ApiError, ConnectionFailed: when awaited.
        """
        run_id, output_type = _read(run)
        return self._call(
            "runs.retrieve", lambda line: run_calls.retrieve(line, run_id, options, output_type)
        )

    def list(self, **filters: Unpack[RunFilters]) -> Pager[RunSummary]:
        """List runs, newest first: ``async for run in runs.list(status="FAILED", period="7d")``.

        Raises:
            OptionError, ApiError, ConnectionFailed: while iterating.
        """
        return Pager("runs.list", self._client, _fetch(filters))

    def cancel(self, run: RunRef, **options: Unpack[CallOptions]) -> Call[None]:
        """Cancel a run and its unfinished children; one that has ended stays as it is.

        Raises:
            ApiError, ConnectionFailed: when awaited.
        """
        run_id, _ = _read(run)
        return self._call("runs.cancel", lambda line: run_calls.cancel(line, run_id, options))

    def replay(
        self, run: RunRef, *, call: CallOptions | None = None, **changes: Unpack[ReplayOptions]
    ) -> Call[RunHandle[Any, Any]]:
        """Trigger a run once more, with its payload or with changes.

        Args:
            call: ``timeout`` and ``extra_headers`` of the call itself.

        Raises:
            OptionError, PayloadError, ApiError, ConnectionFailed: when awaited.
        """
        run_id, output_type = _read(run)
        return self._call(
            "runs.replay",
            lambda line: _replayed(
                line, run_id, changes, call, task_id=_task_id(run), output_type=output_type
            ),
        )

    def reschedule(
        self, run: RunRef, *, delay: Duration | datetime, **options: Unpack[CallOptions]
    ) -> Call[Run[Any]]:
        """Give a delayed run another time.

        Raises:
            OptionError: when awaited: the delay can't be sent.
            ApiError, ConnectionFailed: when awaited; a run that is not delayed is refused.
        """
        run_id, _ = _read(run)
        return self._call(
            "runs.reschedule", lambda line: run_calls.reschedule(line, run_id, delay, options)
        )

    @overload
    def result(self, run: RunHandle[P, R], timeout: Duration | None = None) -> ResultCall[R]: ...
    @overload
    def result(self, run: RunRef, timeout: Duration | None = None) -> ResultCall[Any]: ...
    def result(self, run: RunRef, timeout: Duration | None = None) -> ResultCall[Any]:
        """Wait for a run's end: ``Ok`` with its output, or ``Err``.

        Args:
            timeout: give up after this time. Default: wait as long as it takes.

        Raises:
            WaitTimeout: when awaited; the run goes on.
            ApiError, ConnectionFailed: when awaited.
        """
        run_id, output_type = _read(run)

        def begin(line: Line) -> Operation[Result[Any]]:
            return run_calls.result(line, run_id, timeout, output_type)

        return ResultCall("runs.result", lambda: self._client().carry_out(begin))

    def poll(
        self, run: RunRef, *, interval: Duration = 1, timeout: Duration | None = None
    ) -> Call[Run[Any]]:
        """Ask for a run at a fixed interval until it has ended.

        Raises:
            OptionError: the interval is not a time above zero.
            WaitTimeout: when awaited; the run goes on.
            ApiError, ConnectionFailed: when awaited.
        """
        run_id, output_type = _read(run)
        interval_s = _interval_s(interval)
        return self._call(
            "runs.poll",
            lambda line: run_calls.await_end(
                line, run_id, timeout=timeout, interval_s=interval_s, output_type=output_type
            ),
        )

    def _call(self, name: str, begin: Callable[[Line], Operation[T]]) -> Call[T]:
        return Call(name, lambda: self._client().carry_out(begin))


class BlockingRuns:
    """The blocking twin of ``runs``.

    Its methods raise ``SyncInAsyncError`` on a thread whose event loop is running.
    """

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    @overload
    def retrieve(self, run: RunHandle[P, R], **options: Unpack[CallOptions]) -> Run[R]: ...
    @overload
    def retrieve(self, run: RunRef, **options: Unpack[CallOptions]) -> Run[Any]: ...
    def retrieve(self, run: RunRef, **options: Unpack[CallOptions]) -> Run[Any]:
        """Fetch one run.

        Raises:
            NotFound: there is no such run in this environment.
            ApiError, ConnectionFailed: the call failed.
        """
        run_id, output_type = _read(run)
        return self._do(
            "runs.retrieve", lambda line: run_calls.retrieve(line, run_id, options, output_type)
        )

    def list(self, **filters: Unpack[RunFilters]) -> BlockingPager[RunSummary]:
        """List runs, newest first: ``for run in runs.sync.list(status="FAILED", period="7d")``.

        Raises:
            OptionError, ApiError, ConnectionFailed: while iterating.
        """
        return BlockingPager("runs.list", self._client, _fetch(filters))

    def cancel(self, run: RunRef, **options: Unpack[CallOptions]) -> None:
        """Cancel a run and its unfinished children; one that has ended stays as it is.

        Raises:
            ApiError, ConnectionFailed: the call failed.
        """
        run_id, _ = _read(run)
        self._do("runs.cancel", lambda line: run_calls.cancel(line, run_id, options))

    def replay(
        self, run: RunRef, *, call: CallOptions | None = None, **changes: Unpack[ReplayOptions]
    ) -> RunHandle[Any, Any]:
        """Trigger a run once more, with its payload or with changes.

        Args:
            call: ``timeout`` and ``extra_headers`` of the call itself.

        Raises:
            OptionError, PayloadError: before any request.
            ApiError, ConnectionFailed: the call failed.
        """
        run_id, output_type = _read(run)
        return self._do(
            "runs.replay",
            lambda line: _replayed(
                line, run_id, changes, call, task_id=_task_id(run), output_type=output_type
            ),
        )

    def reschedule(
        self, run: RunRef, *, delay: Duration | datetime, **options: Unpack[CallOptions]
    ) -> Run[Any]:
        """Give a delayed run another time.

        Raises:
            OptionError: the delay can't be sent.
            ApiError, ConnectionFailed: the call failed; a run that is not delayed is refused.
        """
        run_id, _ = _read(run)
        return self._do(
            "runs.reschedule", lambda line: run_calls.reschedule(line, run_id, delay, options)
        )

    @overload
    def result(self, run: RunHandle[P, R], timeout: Duration | None = None) -> Result[R]: ...
    @overload
    def result(self, run: RunRef, timeout: Duration | None = None) -> Result[Any]: ...
    def result(self, run: RunRef, timeout: Duration | None = None) -> Result[Any]:
        """Wait for a run's end: ``Ok`` with its output, or ``Err``.

        Args:
            timeout: give up after this time. Default: wait as long as it takes.

        Raises:
            WaitTimeout: it did not end in time; the run goes on.
            ApiError, ConnectionFailed: the call failed.
        """
        run_id, output_type = _read(run)
        return self._do(
            "runs.result", lambda line: run_calls.result(line, run_id, timeout, output_type)
        )

    def poll(
        self, run: RunRef, *, interval: Duration = 1, timeout: Duration | None = None
    ) -> Run[Any]:
        """Ask for a run at a fixed interval until it has ended.

        Raises:
            OptionError: the interval is not a time above zero.
            WaitTimeout: it did not end in time; the run goes on.
            ApiError, ConnectionFailed: the call failed.
        """
        run_id, output_type = _read(run)
        interval_s = _interval_s(interval)
        return self._do(
            "runs.poll",
            lambda line: run_calls.await_end(
                line, run_id, timeout=timeout, interval_s=interval_s, output_type=output_type
            ),
        )

    def _do(self, name: str, begin: Callable[[Line], Operation[T]]) -> T:
        refuse_in_loop(name)
        return self._client().carry_out_blocking(begin)


runs = Runs(current_client)


def _read(run: RunRef) -> tuple[str, ValueType | None]:
    """Return a run's id, and the type of its output where the handle knows it."""
    run_id = run if isinstance(run, str) else run.id
    if not run_id:
        raise OptionError("The run's id is empty.")
    return run_id, getattr(run, "_output_type", None)


def _task_id(run: RunRef) -> str:
    return "" if isinstance(run, str) else run.task_id


def _fetch(
    filters: RunFilters,
) -> Callable[[str | None], Callable[[Line], Operation[Page[RunSummary]]]]:
    return lambda cursor: lambda line: run_calls.list_page(line, filters, cursor)


def _replayed(  # noqa: PLR0913 - what the old run passes on
    line: Line,
    run_id: str,
    changes: ReplayOptions,
    call: CallOptions | None,
    *,
    task_id: str,
    output_type: ValueType | None,
) -> Operation[RunHandle[Any, Any]]:
    new_id = yield from run_calls.replay(line, run_id, changes, call or CallOptions())
    return RunHandle(
        id=new_id,
        task_id=task_id,
        is_cached=False,
        public_access_token=None,
        client=line.client,
        output_type=output_type,
    )


def _interval_s(interval: Duration) -> float:
    milliseconds = duration_ms(interval, option="interval")
    if milliseconds <= 0:
        raise OptionError(f"interval={interval!r} must be longer than no time at all.")
    return milliseconds / 1000
