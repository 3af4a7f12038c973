"""Attributes: bounded when they come in, put back into the shape their author wrote when read.

SDKs flatten ``{"a": {"b": [1]}}`` to ``a.b.[0]`` because OTLP attributes are flat. Rows keep the
flat form: it is what came, and most rows are never looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from trigger_box.domain import limits
from trigger_box.telemetry.rows import Attributes, JsonValue

NULL: Final = "$@null(("
"""How the npm SDK writes null, which OTLP attributes do not have."""

_CIRCULAR: Final = "$@circular(("
_ELLIPSIS: Final = "…"


@dataclass(slots=True)
class Budget:
    """What one record may still hold, and what it had to leave out."""

    characters: int = limits.RECORD_CHARACTERS_MAX
    cut: int = 0
    """Values that were shortened or dropped."""

    def text(self, value: str, most: int = limits.ATTRIBUTE_VALUE_CHARACTERS_MAX) -> str:
        """Return ``value``, shortened to what one value and the whole record may hold."""
        most = min(most, self.characters)
        if len(value) > most:
            self.cut += 1
            value = value[: max(0, most - 1)] + _ELLIPSIS
        self.characters -= len(value)
        return value

    def value(self, value: JsonValue, depth: int = 0) -> JsonValue:
        """Return a value within the bounds; what lies too deep becomes an ellipsis."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list | dict):
            if depth >= limits.ATTRIBUTE_DEPTH_MAX or self.characters <= 0:
                self.cut += 1
                return _ELLIPSIS
            if isinstance(value, list):
                items = cast("list[JsonValue]", value)
                self.characters -= len(items)
                return [self.value(item, depth + 1) for item in items]
            members = cast("Attributes", value)
            return {
                self.text(key, limits.ATTRIBUTE_KEY_CHARACTERS_MAX): self.value(item, depth + 1)
                for key, item in members.items()
            }
        self.characters -= 8
        return value

    def attributes(self, given: Mapping[str, JsonValue], most: int) -> Attributes:
        """Return at most ``most`` attributes within the bounds; the first ones win."""
        kept: Attributes = {}
        for key, value in given.items():
            if (
                len(kept) >= most
                or len(key) > limits.ATTRIBUTE_KEY_CHARACTERS_MAX
                or self.characters <= 0
            ):
                self.cut += 1
                continue
            self.characters -= len(key)
            kept[key] = self.value(value)
        return kept


def nest(flat: Mapping[str, JsonValue]) -> JsonValue:
    """Return the nested value that was flattened with dots and ``[i]``.

    Where keys contradict each other (``a`` and ``a.b``) both stay: the longer one keeps its flat
    name, so nothing is hidden. Lists with gaps are filled with null, up to as many items as there
    are keys; beyond that they stay objects.
    """
    root: Attributes = {}
    for key, value in flat.items():
        _place(root, key, _restored(value))
    return _with_lists(root)


def under(flat: Mapping[str, JsonValue], prefix: str) -> JsonValue:
    """Return the nested value of all attributes under ``prefix``, or None if there is none.

    A single attribute named exactly ``prefix`` is the value itself.
    """
    if prefix in flat:
        return _restored(flat[prefix])
    dotted = prefix + "."
    members = {key[len(dotted) :]: value for key, value in flat.items() if key.startswith(dotted)}
    return nest(members) if members else None


class _Branch(dict[str, JsonValue]):
    """An object made from dotted keys; a plain dict is a value that came as it is."""


def _place(root: Attributes, key: str, value: JsonValue) -> None:
    parts = key.split(".")
    if len(parts) > limits.ATTRIBUTE_DEPTH_MAX or not all(parts):
        root[key] = value
        return
    current = root
    for depth, part in enumerate(parts[:-1]):
        following = current.get(part)
        if following is None and part not in current:
            following = _Branch()
            current[part] = following
        if not isinstance(following, _Branch):
            current[".".join(parts[depth:])] = value
            return
        current = following
    last = parts[-1]
    if isinstance(current.get(last), _Branch):
        # "a.b" came before "a": keep the object, and the value beside it under an empty name.
        cast("_Branch", current[last]).setdefault("", value)
        return
    current[last] = value


def _with_lists(value: JsonValue) -> JsonValue:
    if not isinstance(value, dict):
        return value
    members = cast("Attributes", value)
    if not members:
        return {}
    indexes = [_index(key) for key in members]
    if all(index is not None for index in indexes):
        found = [index for index in indexes if index is not None]
        if max(found) < 2 * len(found):
            items: list[JsonValue] = [None] * (max(found) + 1)
            for index, item in zip(found, members.values(), strict=True):
                items[index] = _nested(item)
            return items
    return {key: _nested(item) for key, item in members.items()}


def _nested(value: JsonValue) -> JsonValue:
    return _with_lists(cast("JsonValue", value)) if isinstance(value, _Branch) else value


def _index(part: str) -> int | None:
    inner = part[1:-1]
    if part[:1] == "[" and part[-1:] == "]" and inner.isascii() and inner.isdigit():
        return int(inner) if len(inner) < 6 else None  # noqa: PLR2004 - no list is that long
    return None


def _restored(value: JsonValue) -> JsonValue:
    if value == NULL:
        return None
    if value == _CIRCULAR:
        return "[circular]"
    return value
