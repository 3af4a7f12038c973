"""A declared task as the worker and the indexer need it: code, place, types.

What people call on it (``trigger`` and so on) is added by ``task.py``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final

from trigger_box.sdk.cancellation import CancelSignal
from trigger_box.sdk.context import Context
from trigger_box.sdk.errors import (
    DefinitionError,
    NotInTaskError,
    OutputError,
    PayloadError,
    UnreadablePayloadError,
    UnsendableError,
)
from trigger_box.sdk.injection import Injected, Shape, check_parameters, read_shape
from trigger_box.sdk.packets import Packet
from trigger_box.sdk.places import Place, code_place
from trigger_box.sdk.runtime import current_runtime
from trigger_box.sdk.schemas import (
    UnreadablePacketError,
    ValueType,
    keyword_type,
    keyword_values,
)
from trigger_box.sdk.task_options import TaskOptions


class Absent:
    """The payload of a call that gave none: None would be a payload."""


ABSENT: Final = Absent()


class DeclaredTask:
    """One task of this process.

    Attributes:
        id: the identity on the wire.
        fn: the function as it was written.
        definition: what ``@task(...)`` said (``options`` is the method that binds trigger options).
        file_path, line: where the function stands.
        symbol: its name inside the module, with dots for nesting.
    """

    def __init__(
        self,
        task_id: str,
        fn: Callable[..., Any],
        options: TaskOptions,
        *,
        namespace: Mapping[str, object] | None = None,
    ) -> None:
        self.id = task_id
        self.fn = fn
        self.definition = options
        self.file_path, self.line = code_place(_code_of(fn, task_id))
        self.symbol: str = getattr(fn, "__qualname__", task_id)
        self.module: str = getattr(fn, "__module__", "")
        self.is_async = inspect.iscoroutinefunction(fn)
        self._namespace = namespace or {}
        check_parameters(fn, task_id=task_id, place=self.place, unpack=options.unpack)

    @property
    def place(self) -> Place:
        """``(file, line)`` of the function."""
        return (self.file_path, self.line)

    @cached_property
    def shape(self) -> Shape:
        """What the function takes and gives.

        Raises:
            DefinitionError: an annotation can't be resolved or used.
        """
        return read_shape(
            self.fn,
            task_id=self.id,
            place=self.place,
            unpack=self.definition.unpack,
            namespace=self._namespace,
        )

    @cached_property
    def payload_type(self) -> ValueType | None:
        """The payload's type, or None for a task without a payload."""
        parameters = self.shape.payload
        if self.definition.unpack:
            return ValueType(keyword_type("Payload", parameters), is_output=False)
        return ValueType(parameters[0].annotation, is_output=False) if parameters else None

    @cached_property
    def output_type(self) -> ValueType:
        """The output's type."""
        returns = self.shape.returns if self.definition.validate_output else Any
        return ValueType(returns, is_output=True)

    def payload_adapter(self) -> Any:  # noqa: ANN401 - pydantic's type, imported at first use
        """Return pydantic's ``TypeAdapter`` of the payload, or None without a payload.

        Raises:
            DefinitionError: the type can't be used as a payload.
        """
        return None if self.payload_type is None else self._adapter(self.payload_type, "payload")

    def payload_json_schema(self) -> dict[str, Any] | None:
        """Return the JSON Schema of the payload: the hand-written one, else the type's, else None.

        Raises:
            DefinitionError: the type can't be used as a payload.
        """
        if self.definition.schema is not None:
            return dict(self.definition.schema)
        if self.payload_type is None:
            return None
        self.payload_adapter()
        return self.payload_type.json_schema()

    def output_json_schema(self) -> dict[str, Any] | None:
        """Return the JSON Schema of the output, or None when its type has none.

        Raises:
            DefinitionError: the type can't be used as an output.
        """
        self._adapter(self.output_type, "output")
        return self.output_type.json_schema()

    def check_payload(self, payload: object) -> Any:  # noqa: ANN401 - the payload's own type
        """Return ``payload`` as the task's type has it.

        Raises:
            PayloadError: it does not fit; the message says where and why.
            DefinitionError: the task's annotations can't be used.
        """
        if self.payload_type is None:
            if payload is not None:
                raise PayloadError(f"The task {self.id!r} takes no payload.")
            return None
        self.payload_adapter()
        try:
            return self.payload_type.check(payload)
        except ValueError as error:
            raise self._payload_error(error) from None

    def encode_payload(self, payload: object) -> Packet:
        """Return the packet of a payload, checked against the task's type.

        Raises:
            PayloadError: it does not fit, or can't be sent.
            DefinitionError: the task's annotations can't be used.
        """
        checked = self.check_payload(payload)
        if self.payload_type is None:
            return Packet(data=None)
        try:
            return self.payload_type.encode(checked, self.definition.serializer)
        except UnsendableError as error:
            raise self._payload_error(error) from None

    def encode_call(self, payload: object = ABSENT) -> Packet:
        """Return the packet of a payload that may have been left out.

        Raises:
            PayloadError: it does not fit, can't be sent, or is needed.
            DefinitionError: the task's annotations can't be used.
        """
        if payload is not ABSENT:
            return self.encode_payload(payload)
        parameters = self.shape.payload
        if not parameters or not parameters[0].is_required or parameters[0].annotation is Any:
            return Packet(data=None)
        raise PayloadError(f"The task {self.id!r} needs a payload.")

    def encode_keywords(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Packet:
        """Return the packet of an unpacked task's arguments.

        Raises:
            PayloadError: they don't fit the function's parameters, or can't be sent.
            DefinitionError: the task's annotations can't be used.
        """
        names = {parameter.name for parameter in self.shape.payload}
        signature = inspect.signature(self.fn)
        kept = [each for name, each in signature.parameters.items() if name in names]
        given = {name: value for name, value in kwargs.items() if name not in self.shape.injected}
        try:
            bound = signature.replace(parameters=kept).bind(*args, **given)
        except TypeError as error:
            raise PayloadError(f"The payload of {self.id!r} does not fit: {error}") from None
        return self.encode_payload(dict(bound.arguments))

    def decode_payload(self, packet_data: str | None, packet_type: str) -> Any:  # noqa: ANN401 - the payload's own type
        """Return the payload of a run, ready for ``invoke``.

        Raises:
            UnreadablePayloadError: it is not what its packet type says.
            PayloadError: it does not fit the task's type.
            DefinitionError: the task's annotations can't be used.
        """
        if self.payload_type is None:
            return None
        parameters = self.shape.payload
        is_absent = packet_data is None or packet_data == ""
        if is_absent and not self.definition.unpack and not parameters[0].is_required:
            return parameters[0].default
        if is_absent and self.definition.unpack:
            packet_data = "{}"
        self.payload_adapter()
        try:
            return self.payload_type.decode(packet_data, packet_type)
        except UnreadablePacketError as error:
            raise UnreadablePayloadError(
                f"The payload of {self.id!r} can't be read as {packet_type}: {error}"
            ) from None
        except ValueError as error:
            raise self._payload_error(error) from None

    def encode_output(self, value: object) -> Packet:
        """Return the packet of what the task returned, checked against its return annotation.

        Raises:
            OutputError: it does not fit the annotation.
            UnsendableError: it can't be sent.
        """
        self._adapter(self.output_type, "output")
        try:
            checked = self.output_type.check(value)
        except ValueError as error:
            raise OutputError(
                f"The output of {self.id!r} does not fit its return annotation: {error}"
            ) from None
        try:
            return self.output_type.encode(checked, self.definition.serializer)
        except UnsendableError as error:
            raise UnsendableError(f"The output of {self.id!r} can't be sent: {error}") from None

    def invoke(self, payload: object, *, context: Context, signal: CancelSignal) -> Any:  # noqa: ANN401 - what the function returns
        """Call the function with a decoded payload; return its value, or its coroutine.

        Args:
            payload: what ``decode_payload`` returned.
        """
        given: dict[Injected, object] = {
            "context": context,
            "signal": signal,
            "run": context.run,
        }
        injected = {name: given[kind] for name, kind in self.shape.injected.items()}
        if self.definition.unpack:
            return self.fn(**keyword_values(payload), **injected)
        return self.fn(payload, **injected) if self.shape.payload else self.fn(**injected)

    def call_in_place(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401 - what the function returns
        """Call the plain function here: no server, no retries, no checks.

        Injected parameters that the caller left out come from the run that executes here.

        Raises:
            NotInTaskError: one is needed and no run executes here.
        """
        missing = [name for name in self.shape.injected if name not in kwargs]
        if not missing:
            return self.fn(*args, **kwargs)
        runtime = current_runtime()
        for name in missing:
            kind = self.shape.injected[name]
            if runtime is not None:
                context = runtime.context
                kwargs[name] = {
                    "context": context,
                    "signal": runtime.cancel_signal,
                    "run": context.run,
                }[kind]
            elif name not in self.shape.optional:
                raise NotInTaskError(f"{self.id!r} takes {name!r}, which")
        return self.fn(*args, **kwargs)

    def _adapter(self, value_type: ValueType, what: str) -> Any:  # noqa: ANN401 - pydantic's type
        try:
            return value_type.adapter
        except TypeError as error:
            raise DefinitionError(
                f"{self.file_path}:{self.line}: the {what} type of the task {self.id!r}"
                f" can't be used: {error}."
            ) from None

    def _payload_error(self, error: ValueError) -> PayloadError:
        return PayloadError(f"The payload of {self.id!r} does not fit: {error}")


def _code_of(fn: Callable[..., Any], task_id: str) -> Any:  # noqa: ANN401 - types.CodeType
    code = getattr(inspect.unwrap(fn), "__code__", None)
    if code is None:
        raise DefinitionError(f"The task {task_id!r} must be a function, not {fn!r}.")
    return code
