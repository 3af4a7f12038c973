"""Metadata operations as the wire writes them, read into ``domain/metadata.py``'s values.

They come in two ways, by REST and inside a completion, so the reading lives here once.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET, Struct, UnsetType

from trigger_box.domain.errors import InvalidError
from trigger_box.domain.metadata import (
    Append,
    Delete,
    Increment,
    JsonObject,
    Operation,
    Remove,
    Set,
    Update,
    segments,
)


class WireOperation(Struct):
    """One operation: ``{"type", "key"?, "value"?}``."""

    type: str
    key: str | None = None
    value: object | UnsetType = UNSET


class WireFlush(Struct, rename="camel"):
    """The body of a metadata call, and what a worker flushes at the end (rest-api 13.3)."""

    metadata: JsonObject | None = None
    operations: list[WireOperation] | None = None
    parent_operations: list[WireOperation] | None = None
    root_operations: list[WireOperation] | None = None


def operations_of(wire: Iterable[WireOperation]) -> tuple[Operation, ...]:
    """Return the operations, checked.

    Raises:
        InvalidError: an unknown type, a missing key or value, or a key that can't be used.
    """
    return tuple(_operation(one) for one in wire)


def _operation(wire: WireOperation) -> Operation:
    if wire.type == "update":
        if not isinstance(wire.value, dict):
            raise InvalidError("The metadata operation 'update' needs an object as its value.")
        return Update(wire.value)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - JSON objects have text keys
    if wire.key is None:
        raise InvalidError(f"The metadata operation '{wire.type}' needs a key.")
    if wire.type == "delete":
        return Delete(wire.key)
    segments(wire.key)  # refuses what can't be used before anything is changed
    value = None if isinstance(wire.value, UnsetType) else wire.value
    match wire.type:
        case "set":
            return Set(wire.key, value)
        case "append":
            return Append(wire.key, value)
        case "remove":
            return Remove(wire.key, value)
        case "increment":
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InvalidError("The metadata operation 'increment' needs a number.")
            return Increment(wire.key, value)
        case other:
            raise InvalidError(f"There is no metadata operation '{other}'.")
