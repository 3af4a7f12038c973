"""``tasks``: trigger by id, for programs that don't have the task's code."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from trigger_box.sdk.blocking import refuse_in_loop
from trigger_box.sdk.calls import Call
from trigger_box.sdk.client import current_client
from trigger_box.sdk.declaration import ABSENT, DeclaredTask
from trigger_box.sdk.errors import PayloadError
from trigger_box.sdk.handles import RunHandle
from trigger_box.sdk.packets import Packet, encode_packet
from trigger_box.sdk.schemas import ValueType
from trigger_box.sdk.task import Task
from trigger_box.sdk.triggering import trigger

if TYPE_CHECKING:
    from trigger_box.sdk.client import Client
    from trigger_box.sdk.transport import Line, Operation
    from trigger_box.sdk.trigger_options import TriggerOptions

P = TypeVar("P")
R = TypeVar("R")


class Tasks:
    """Trigger tasks by id. With a task object, the payload is checked before any request."""

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    @cached_property
    def sync(self) -> BlockingTasks:
        """The blocking twin."""
        return BlockingTasks(self._client)

    @overload
    def trigger(
        self, task: Task[P, R], payload: P, **options: Unpack[TriggerOptions]
    ) -> Call[RunHandle[P, R]]: ...
    @overload
    def trigger(
        self,
        task: str,
        payload: P,
        *,
        payload_type: type[P] | None = None,
        **options: Unpack[TriggerOptions],
    ) -> Call[RunHandle[P, Any]]: ...
    @overload
    def trigger(
        self, task: DeclaredTask | str, payload: object = ABSENT, **options: Unpack[TriggerOptions]
    ) -> Call[RunHandle[Any, Any]]: ...
    def trigger(
        self,
        task: DeclaredTask | str,
        payload: Any = ABSENT,
        *,
        payload_type: Any = None,
        **options: Unpack[TriggerOptions],
    ) -> Call[RunHandle[Any, Any]]:
        """Trigger one run: ``await tasks.trigger("send-welcome", {"to": "a@b.c"})``.

        Args:
            payload_type: a type to write the payload with, where its own is not enough.

        Raises:
            PayloadError, OptionError: when awaited, before any request.
            ApiError, ConnectionFailed: when awaited.
        """
        begin = _begin(task, payload, payload_type, options)
        return Call("tasks.trigger", lambda: self._client().carry_out(begin))


class BlockingTasks:
    """The blocking twin of ``tasks``."""

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    @overload
    def trigger(
        self, task: Task[P, R], payload: P, **options: Unpack[TriggerOptions]
    ) -> RunHandle[P, R]: ...
    @overload
    def trigger(
        self,
        task: str,
        payload: P,
        *,
        payload_type: type[P] | None = None,
        **options: Unpack[TriggerOptions],
    ) -> RunHandle[P, Any]: ...
    @overload
    def trigger(
        self, task: DeclaredTask | str, payload: object = ABSENT, **options: Unpack[TriggerOptions]
    ) -> RunHandle[Any, Any]: ...
    def trigger(
        self,
        task: DeclaredTask | str,
        payload: Any = ABSENT,
        *,
        payload_type: Any = None,
        **options: Unpack[TriggerOptions],
    ) -> RunHandle[Any, Any]:
        """Trigger one run: ``tasks.sync.trigger("send-welcome", {"to": "a@b.c"})``.

        Args:
            payload_type: a type to write the payload with, where its own is not enough.

        Raises:
            PayloadError, OptionError: before any request.
            ApiError, ConnectionFailed: the call failed.
            SyncInAsyncError: an event loop runs in this thread.
        """
        refuse_in_loop("tasks.trigger")
        return self._client().carry_out_blocking(_begin(task, payload, payload_type, options))


tasks = Tasks(current_client)


def _begin(
    task: DeclaredTask | str,
    payload: object,
    payload_type: Any,  # noqa: ANN401 - any type
    options: TriggerOptions,
) -> Callable[[Line], Operation[RunHandle[Any, Any]]]:
    if isinstance(task, DeclaredTask):
        return lambda line: trigger(
            line, task.id, lambda: task.encode_call(payload), options, task.output_type
        )
    return lambda line: trigger(line, task, lambda: _packet(task, payload, payload_type), options)


def _packet(task_id: str, payload: object, payload_type: Any) -> Packet:  # noqa: ANN401 - any type
    if payload is ABSENT:
        return Packet(data=None)
    try:
        if payload_type is None:
            return encode_packet(payload)
        value_type = ValueType(payload_type, is_output=False)
        return value_type.encode(value_type.check(payload), "json")
    except (ValueError, TypeError) as error:
        raise PayloadError(f"The payload for {task_id!r} can't be sent: {error}") from None
