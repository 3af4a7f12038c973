"""Tasks as people use them: call in place, trigger, bind options. Made by ``@task``.

What the worker needs of a task is in ``declaration.py``, the decorator in ``task_decorator.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Self, TypeVar, Unpack, overload

from trigger_box.sdk.blocking import refuse_in_loop
from trigger_box.sdk.calls import Call
from trigger_box.sdk.client import current_client
from trigger_box.sdk.declaration import ABSENT, DeclaredTask

if TYPE_CHECKING:
    from trigger_box.sdk.handles import RunHandle
    from trigger_box.sdk.packets import Packet
    from trigger_box.sdk.transport import Line, Operation
    from trigger_box.sdk.trigger_options import TriggerOptions

P = TypeVar("P")
R = TypeVar("R")
K = ParamSpec("K")

InputForm = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""A payload in its JSON form, for callers who don't build the type themselves."""


class Task(DeclaredTask, Generic[P, R]):
    """A task: ``P`` is its payload, ``R`` its output. Made by ``@task``.

    Calling it runs the plain function in place; ``trigger`` makes a run of it.
    """

    _bound: TriggerOptions = {}  # noqa: RUF012 - replaced in copies, never changed

    @property
    def sync(self) -> BlockingTaskCalls[P, R]:
        """The blocking twin."""
        return BlockingTaskCalls(self, self._bound)

    def options(self, **options: Unpack[TriggerOptions]) -> Self:
        """Return a copy that triggers with these options, unless a call says otherwise."""
        twin = copy(self)
        twin._bound = {**self._bound, **options}  # noqa: SLF001 - our own copy
        return twin

    @overload
    def trigger(
        self: Task[None, R], payload: None = None, **options: Unpack[TriggerOptions]
    ) -> Call[RunHandle[None, R]]: ...
    @overload
    def trigger(self, payload: P, **options: Unpack[TriggerOptions]) -> Call[RunHandle[P, R]]: ...
    @overload
    def trigger(
        self, payload: InputForm, **options: Unpack[TriggerOptions]
    ) -> Call[RunHandle[P, R]]: ...
    def trigger(
        self, payload: object = ABSENT, **options: Unpack[TriggerOptions]
    ) -> Call[RunHandle[Any, Any]]:
        """Make a run of this task: ``handle = await send_welcome.trigger(payload, delay="1h")``.

        Raises:
            PayloadError, OptionError: when awaited, before any request.
            ApiError, ConnectionFailed: when awaited.
        """
        begin = _begin(self, lambda: self.encode_call(payload), {**self._bound, **options})
        return Call(f"{self.symbol}.trigger", lambda: current_client().carry_out(begin))


class BlockingTaskCalls(Generic[P, R]):
    """The blocking twin of a task."""

    def __init__(self, declared: Task[P, R], bound: TriggerOptions) -> None:
        self._task = declared
        self._bound = bound

    @overload
    def trigger(
        self: BlockingTaskCalls[None, R],
        payload: None = None,
        **options: Unpack[TriggerOptions],
    ) -> RunHandle[None, R]: ...
    @overload
    def trigger(self, payload: P, **options: Unpack[TriggerOptions]) -> RunHandle[P, R]: ...
    @overload
    def trigger(self, payload: InputForm, **options: Unpack[TriggerOptions]) -> RunHandle[P, R]: ...
    def trigger(
        self, payload: object = ABSENT, **options: Unpack[TriggerOptions]
    ) -> RunHandle[Any, Any]:
        """Make a run of this task: ``handle = send_welcome.sync.trigger(payload)``.

        Raises:
            PayloadError, OptionError: before any request.
            ApiError, ConnectionFailed: the call failed.
            SyncInAsyncError: an event loop runs in this thread.
        """
        refuse_in_loop(f"{self._task.symbol}.trigger")
        encode = self._task.encode_call
        begin = _begin(self._task, lambda: encode(payload), {**self._bound, **options})
        return current_client().carry_out_blocking(begin)


class AsyncTask(Task[P, R]):
    """A task made of an ``async def``."""

    @overload
    def __call__(self: AsyncTask[None, R], /, **injected: object) -> Coroutine[Any, Any, R]: ...
    @overload
    def __call__(self, payload: P, /, **injected: object) -> Coroutine[Any, Any, R]: ...
    def __call__(self, *args: Any, **injected: object) -> Coroutine[Any, Any, Any]:
        """Run the plain function here: no server, no retries, no checks."""
        return self.call_in_place(args, injected)


class BlockingTask(Task[P, R]):
    """A task made of a ``def``."""

    @overload
    def __call__(self: BlockingTask[None, R], /, **injected: object) -> R: ...
    @overload
    def __call__(self, payload: P, /, **injected: object) -> R: ...
    def __call__(self, *args: Any, **injected: object) -> Any:
        """Run the plain function here: no server, no retries, no checks."""
        return self.call_in_place(args, injected)


class UnpackedTask(DeclaredTask, Generic[K, R]):
    """A task whose payload's keys are its parameters. Made by ``@task(..., unpack=True)``.

    Options go through ``.options(...)``: ``await resize.options(delay="1m").trigger(url=…)``.
    """

    _bound: TriggerOptions = {}  # noqa: RUF012 - replaced in copies, never changed

    @property
    def sync(self) -> BlockingUnpackedTaskCalls[K, R]:
        """The blocking twin."""
        return BlockingUnpackedTaskCalls(self, self._bound)

    def options(self, **options: Unpack[TriggerOptions]) -> Self:
        """Return a copy that triggers with these options."""
        twin = copy(self)
        twin._bound = {**self._bound, **options}  # noqa: SLF001 - our own copy
        return twin

    def trigger(self, *args: K.args, **kwargs: K.kwargs) -> Call[RunHandle[dict[str, Any], R]]:
        """Make a run of this task, with the parameters its function has.

        Raises:
            PayloadError, OptionError: when awaited, before any request.
            ApiError, ConnectionFailed: when awaited.
        """
        begin = _begin(self, lambda: self.encode_keywords(args, kwargs), self._bound)
        return Call(f"{self.symbol}.trigger", lambda: current_client().carry_out(begin))


class BlockingUnpackedTaskCalls(Generic[K, R]):
    """The blocking twin of an unpacked task."""

    def __init__(self, declared: UnpackedTask[K, R], bound: TriggerOptions) -> None:
        self._task = declared
        self._bound = bound

    def trigger(self, *args: K.args, **kwargs: K.kwargs) -> RunHandle[dict[str, Any], R]:
        """Make a run of this task, with the parameters its function has.

        Raises:
            PayloadError, OptionError: before any request.
            ApiError, ConnectionFailed: the call failed.
            SyncInAsyncError: an event loop runs in this thread.
        """
        refuse_in_loop(f"{self._task.symbol}.trigger")
        encode = self._task.encode_keywords
        begin = _begin(self._task, lambda: encode(args, kwargs), self._bound)
        return current_client().carry_out_blocking(begin)


class AsyncUnpackedTask(UnpackedTask[K, R]):
    """An unpacked task made of an ``async def``."""

    def __call__(self, *args: K.args, **kwargs: K.kwargs) -> Coroutine[Any, Any, R]:
        """Run the plain function here: no server, no retries, no checks."""
        return self.call_in_place(args, kwargs)


class BlockingUnpackedTask(UnpackedTask[K, R]):
    """An unpacked task made of a ``def``."""

    def __call__(self, *args: K.args, **kwargs: K.kwargs) -> R:
        """Run the plain function here: no server, no retries, no checks."""
        return self.call_in_place(args, kwargs)


def _begin(
    declared: DeclaredTask, encode: Callable[[], Packet], options: TriggerOptions
) -> Callable[[Line], Operation[RunHandle[Any, Any]]]:
    def begin(line: Line) -> Operation[RunHandle[Any, Any]]:
        from trigger_box.sdk.triggering import trigger  # noqa: PLC0415 - at the first call

        return trigger(line, declared.id, encode, options, declared.output_type)

    return begin
