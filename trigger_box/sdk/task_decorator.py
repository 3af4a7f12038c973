"""``@task``: makes a task of a function and registers it. Nothing else happens at import."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Coroutine, Mapping
from types import FrameType
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar, overload

from trigger_box.sdk.declaration import DeclaredTask
from trigger_box.sdk.durations import Duration
from trigger_box.sdk.errors import DefinitionError
from trigger_box.sdk.packets import Serializer
from trigger_box.sdk.queues import Queue
from trigger_box.sdk.registry import REGISTRY
from trigger_box.sdk.retries import RetryPolicy
from trigger_box.sdk.task import (
    AsyncTask,
    AsyncUnpackedTask,
    BlockingTask,
    BlockingUnpackedTask,
)
from trigger_box.sdk.task_options import UNSET, Machine, TaskOptions, Unset, read_options

P = TypeVar("P")
R = TypeVar("R")
K = ParamSpec("K")

# pyright: reportOverlappingOverload=false
# The overloads below overlap on purpose: the first that fits wins, and the last ones are for
# functions without a payload, which no narrower type describes.


class TaskDecorator(Protocol):
    """What ``task("id")`` returns: it makes a task of a function."""

    @overload
    def __call__(
        self, fn: Callable[Concatenate[P, ...], Coroutine[Any, Any, R]], /
    ) -> AsyncTask[P, R]: ...
    @overload
    def __call__(self, fn: Callable[Concatenate[P, ...], R], /) -> BlockingTask[P, R]: ...
    @overload
    def __call__(self, fn: Callable[..., Coroutine[Any, Any, R]], /) -> AsyncTask[None, R]: ...
    @overload
    def __call__(self, fn: Callable[..., R], /) -> BlockingTask[None, R]: ...


class UnpackedTaskDecorator(Protocol):
    """What ``task("id", unpack=True)`` returns: it makes a task of a function."""

    @overload
    def __call__(self, fn: Callable[K, Coroutine[Any, Any, R]], /) -> AsyncUnpackedTask[K, R]: ...
    @overload
    def __call__(self, fn: Callable[K, R], /) -> BlockingUnpackedTask[K, R]: ...


@overload
def task(
    task_id: str,
    /,
    *,
    description: str | None = None,
    queue: Queue | str | None = None,
    concurrency_limit: int | None = None,
    machine: Machine | None = None,
    retry: RetryPolicy | int | Unset | None = UNSET,
    max_duration: Duration | Unset | None = UNSET,
    ttl: Duration | None = None,
    schema: Mapping[str, Any] | None = None,
    unpack: Literal[False] = False,
    validate_output: bool = True,
    serializer: Serializer = "json",
) -> TaskDecorator: ...
@overload
def task(
    task_id: str,
    /,
    *,
    unpack: Literal[True],
    description: str | None = None,
    queue: Queue | str | None = None,
    concurrency_limit: int | None = None,
    machine: Machine | None = None,
    retry: RetryPolicy | int | Unset | None = UNSET,
    max_duration: Duration | Unset | None = UNSET,
    ttl: Duration | None = None,
    schema: Mapping[str, Any] | None = None,
    validate_output: bool = True,
    serializer: Serializer = "json",
) -> UnpackedTaskDecorator: ...
def task(  # noqa: PLR0913 - the options of a task, all of them optional
    task_id: str,
    /,
    *,
    description: str | None = None,
    queue: Queue | str | None = None,
    concurrency_limit: int | None = None,
    machine: Machine | None = None,
    retry: RetryPolicy | int | Unset | None = UNSET,
    max_duration: Duration | Unset | None = UNSET,
    ttl: Duration | None = None,
    schema: Mapping[str, Any] | None = None,
    unpack: bool = False,
    validate_output: bool = True,
    serializer: Serializer = "json",
) -> Any:
    """Make a task of a function: ``@task("send-welcome")``.

    The first parameter is the whole payload; ``ctx: Context``, ``signal: CancelSignal`` and
    ``run: RunInfo`` after ``*`` are filled in by the worker.

    Args:
        task_id: the task's name on the wire. Renaming the function does not change it.
        description: one line for the dashboard.
        queue: a shared queue, or its name. Default: the task's own.
        concurrency_limit: how many runs of the task's own queue execute at once.
        machine: a preset such as ``"small-2x"``.
        retry: a policy, a number of attempts, or None for a single one. Default: the project's.
        max_duration: compute time of one attempt (at least 5 seconds), or None for no limit.
        ttl: how long a run may wait in its queue before it expires.
        schema: a JSON Schema for the dashboard and other languages, instead of the type's own.
        unpack: the payload is an object whose keys are the function's parameters.
        validate_output: check the output against the return annotation.
        serializer: ``"superjson"`` keeps dates, sets and large integers for TypeScript readers.

    Raises:
        OptionError: an option is out of range.
        DefinitionError: the function can't be a task (when the decorator is applied).
        DuplicateTaskError: another task has this id (likewise).
    """
    if not isinstance(task_id, str) or not task_id:  # pyright: ignore[reportUnnecessaryIsInstance] - @task without an id passes the function here
        raise DefinitionError('A task needs an id: write @task("my-task"), not @task.')
    options = read_options(
        description=description,
        queue=queue,
        concurrency_limit=concurrency_limit,
        machine=machine,
        retry=retry,
        max_duration=max_duration,
        ttl=ttl,
        schema=schema,
        unpack=unpack,
        validate_output=validate_output,
        serializer=serializer,
    )

    def declare(fn: Callable[..., Any], /) -> DeclaredTask:
        namespace = _surroundings(fn, sys._getframe(1))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - no public way
        declared = _made(task_id, fn, options, namespace)
        REGISTRY.add_task(declared)
        return declared

    return declare


def _made(
    task_id: str,
    fn: Callable[..., Any],
    options: TaskOptions,
    namespace: Mapping[str, object],
) -> DeclaredTask:
    is_async = inspect.iscoroutinefunction(fn)
    if options.unpack:
        kind = AsyncUnpackedTask[..., Any] if is_async else BlockingUnpackedTask[..., Any]
    else:
        kind = AsyncTask[Any, Any] if is_async else BlockingTask[Any, Any]
    return kind(task_id, fn, options, namespace=namespace)


def _surroundings(fn: Callable[..., Any], frame: FrameType) -> dict[str, object]:
    """Return the local names around a nested function: its annotations may use them."""
    is_nested = "<locals>" in getattr(fn, "__qualname__", "")
    return dict(frame.f_locals) if is_nested else {}
