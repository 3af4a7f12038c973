"""A task's types at work: check and write a payload or an output, and describe them.

pydantic does the work and is imported here at first use only. Values without a type go through
``packets.py``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast

from trigger_box.sdk import superjson
from trigger_box.sdk.errors import UnsendableError
from trigger_box.sdk.injection import Parameter
from trigger_box.sdk.packets import (
    JSON,
    SUPERJSON,
    Packet,
    Serializer,
    decode_packet,
    encode_packet,
    json_text,
    strict_json,
)

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

_PROBLEMS_SHOWN_MAX: Final = 10


class UnreadablePacketError(ValueError):
    """The text of a packet is not what its type says."""


class ValueType:
    """One type of payload or output.

    Args:
        annotation: any type pydantic knows; ``Any`` for no check at all.
        is_output: outputs keep computed fields, payloads leave them out: they are read again.
    """

    def __init__(self, annotation: Any, *, is_output: bool) -> None:  # noqa: ANN401 - any type
        self.annotation = annotation
        self._is_output = is_output

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """The pydantic adapter, built once.

        Raises:
            TypeError: pydantic can't handle the type, or it holds bytes that JSON can't carry.
        """
        from pydantic import TypeAdapter  # noqa: PLC0415 - imported at first use
        from pydantic.errors import PydanticUserError  # noqa: PLC0415 - imported at first use

        try:
            adapter: TypeAdapter[Any] = TypeAdapter(self.annotation)
        except PydanticUserError as error:
            raise TypeError(str(error).split("\n", 1)[0].rstrip(".")) from None
        if (where := _bytes_in(_schema_or_none(adapter, "serialization"))) is not None:
            raise TypeError(
                f"{where} is bytes, which JSON can't carry: use pydantic.Base64Bytes, or send a"
                " link"
            )
        return adapter

    @property
    def is_any(self) -> bool:
        """Whether nothing is checked."""
        return self.annotation is Any

    def check(self, value: object) -> Any:  # noqa: ANN401 - the annotation says what comes out
        """Return ``value`` as the type has it: models built, numbers and dates read.

        Raises:
            ValueError: it does not fit; the message says where and why.
        """
        if self.is_any:
            return value
        try:
            return self.adapter.validate_python(value)
        except ValueError as error:
            raise ValueError(problem_text(error)) from None

    def check_json(self, value: object) -> Any:  # noqa: ANN401 - the annotation says what comes out
        """Return a value that came as JSON the way the type has it: strict types take its texts.

        Raises:
            ValueError: it does not fit; the message says where and why.
        """
        if self.is_any:
            return value
        try:
            return self.adapter.validate_json(json_text(value))
        except ValueError as error:
            raise ValueError(problem_text(error)) from None

    def encode(self, value: object, serializer: Serializer) -> Packet:
        """Return the packet of a value that was checked.

        Raises:
            UnsendableError: something inside has no such form.
        """
        if value is None and self.annotation is type(None):
            return Packet(data=None)
        if self.is_any:
            return Packet(data=None) if value is None else encode_packet(value, serializer)
        if serializer == "superjson":
            return encode_packet(self._dump(value, mode="python"), serializer)
        return Packet(data=json_text(self._dump(value, mode="json")), type=JSON)

    def decode(self, data: str | None, packet_type: str) -> Any:  # noqa: ANN401 - as the type says
        """Return the checked value of a packet.

        Raises:
            UnreadablePacketError: the packet's text is not what its type says.
            ValueError: the value does not fit the type; the message says where and why.
        """
        try:
            text = None if self.is_any else _json_of(data, packet_type)
            value = decode_packet(data, packet_type) if text is None else None
        except ValueError as error:
            raise UnreadablePacketError(str(error)) from error
        if text is None:
            return self.check(value)
        try:
            # As JSON, not as Python: strict types then still take text for dates and the like.
            return self.adapter.validate_json(text)
        except ValueError as error:
            raise ValueError(problem_text(error)) from None

    def json_schema(self) -> dict[str, Any] | None:
        """Return the JSON Schema, or None when the type has none."""
        if self.is_any:
            return None
        return _schema_or_none(self.adapter, "serialization" if self._is_output else "validation")

    def _dump(self, value: object, *, mode: str) -> Any:  # noqa: ANN401 - JSON-ready values
        from pydantic_core import PydanticSerializationError  # noqa: PLC0415 - at first use

        try:
            return self.adapter.dump_python(
                value,
                mode=mode,  # pyright: ignore[reportArgumentType] - both callers pass a legal mode
                by_alias=True,
                round_trip=not self._is_output,
                warnings="error",
            )
        except (PydanticSerializationError, UnicodeDecodeError) as error:
            raise UnsendableError(f"The value has no JSON form: {error}.") from None


def keyword_type(name: str, parameters: Sequence[Parameter]) -> Any:  # noqa: ANN401 - a new type
    """Return a type whose keys are a function's parameters: the payload of an unpacked task."""
    made = dataclasses.make_dataclass(
        name, [_field(parameter) for parameter in parameters], kw_only=True
    )
    # A misspelt key must not run the task with a default instead.
    made.__pydantic_config__ = {"extra": "forbid"}  # pyright: ignore[reportAttributeAccessIssue] - how pydantic configures dataclasses
    return made


def keyword_values(value: object) -> dict[str, Any]:
    """Return the keyword arguments inside a value of a ``keyword_type``."""
    fields = dataclasses.fields(cast("Any", value))
    return {field.name: getattr(value, field.name) for field in fields}


def problem_text(error: ValueError) -> str:
    """Return pydantic's complaints as one sentence each, without its links."""
    if not hasattr(error, "errors"):
        return str(error)
    problems = cast("ValidationError", error).errors(
        include_url=False, include_context=False, include_input=False
    )
    shown = [
        f"{'.'.join(str(part) for part in problem['loc']) or 'the value'}: {problem['msg']}"
        for problem in problems[:_PROBLEMS_SHOWN_MAX]
    ]
    hidden = len(problems) - len(shown)
    return "; ".join([*shown, f"and {hidden} more"] if hidden else shown)


def _json_of(data: str | None, packet_type: str) -> str | None:
    """Return the packet's value as JSON text, or None when it is none or carries rich values.

    Raises:
        ValueError: the text is not JSON.
    """
    if data is None or data == "":
        return None
    if packet_type == JSON:
        strict_json(data)
        return data
    if packet_type != SUPERJSON:
        return None
    document = strict_json(data)
    if not isinstance(document, dict) or "meta" in document:
        return None
    return json_text(superjson.decode(cast("dict[str, Any]", document)))


def _field(parameter: Parameter) -> tuple[str, Any, Any]:
    if parameter.is_required:
        return (parameter.name, parameter.annotation, dataclasses.field())
    default = parameter.default
    if type(default).__hash__ is None:
        # dataclasses refuse mutable defaults; the function shares its own anyway.
        return (
            parameter.name,
            parameter.annotation,
            dataclasses.field(default_factory=lambda: default),
        )
    return (parameter.name, parameter.annotation, dataclasses.field(default=default))


def _schema_or_none(adapter: TypeAdapter[Any], mode: str) -> dict[str, Any] | None:
    from pydantic.errors import (  # noqa: PLC0415 - imported at first use
        PydanticInvalidForJsonSchema,
        PydanticUserError,
    )

    try:
        return adapter.json_schema(mode=mode)  # pyright: ignore[reportArgumentType] - callers pass a legal mode
    except (PydanticInvalidForJsonSchema, PydanticUserError):
        return None


def _bytes_in(schema: object, where: str = "The value") -> str | None:
    """Return the first place in a JSON Schema that holds raw bytes."""
    if isinstance(schema, Mapping):
        members = cast("Mapping[str, object]", schema)
        if members.get("format") == "binary":
            return where
        for key, member in members.items():
            inner = where if key in _STRUCTURE_KEYS else f"The field {key!r}"
            if (found := _bytes_in(member, inner)) is not None:
                return found
    if isinstance(schema, list):
        for member in cast("list[object]", schema):
            if (found := _bytes_in(member, where)) is not None:
                return found
    return None


_STRUCTURE_KEYS: Final = frozenset({"properties", "items", "anyOf", "oneOf", "allOf", "$defs"})
