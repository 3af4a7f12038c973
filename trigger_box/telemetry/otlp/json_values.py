"""Attribute values of OTLP/JSON, which all three signals share."""

from __future__ import annotations

from trigger_box.telemetry.otlp import json_shapes as shapes
from trigger_box.telemetry.otlp.records import MalformedTelemetryError, integer, number
from trigger_box.telemetry.rows import Attributes, JsonValue


def attributes_of(members: list[shapes.Member]) -> Attributes:
    """Return attributes by key; the last of two with the same key wins."""
    return {
        member.key: member.value.string_value
        if member.value is not None and member.value.string_value is not None
        else value_of(member.value)
        for member in members
    }


def value_of(value: shapes.Value | None) -> JsonValue:
    """Return an attribute value or log body as plain JSON.

    Raises:
        MalformedTelemetryError: a number is none.
    """
    if value is None:
        return None
    if value.string_value is not None:
        return value.string_value
    if value.int_value is not None:
        return integer(value.int_value)
    if value.bool_value is not None:
        return value.bool_value
    if value.double_value is not None:
        return double_of(value.double_value)
    if value.array_value is not None:
        return [value_of(item) for item in value.array_value.values]
    if value.kvlist_value is not None:
        return attributes_of(value.kvlist_value.values)
    return value.bytes_value


def double_of(value: shapes.Double) -> JsonValue:
    """Return a number that came as one, or as text such as "NaN".

    Raises:
        MalformedTelemetryError: it is none.
    """
    if isinstance(value, str):
        try:
            return number(float(value))
        except ValueError:
            raise MalformedTelemetryError(f"{value[:40]!r} is not a number.") from None
    return number(value)
