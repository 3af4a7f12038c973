"""Metadata operations on a run's JSON object. Pure: the object comes in, a new one goes out.

Source: rest-api 13.3. A key that starts with ``$.`` is a path (dots, ``[n]``, quoted segments) for
set, append, remove and increment; ``delete`` takes every key literally.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from trigger_box.domain.errors import InvalidError

JsonObject = dict[str, object]
_Segment = str | int

_PATH_PREFIX: Final = "$."
_FORBIDDEN: Final = frozenset({"__proto__", "constructor", "prototype"})
_PIECE: Final = re.compile(
    r"""\.?(?:
        \[(?P<index>\d{1,9})\]
      | \[(?P<quote>["'])(?P<quoted>(?:\\.|(?!(?P=quote)).)*)(?P=quote)\]
      | (?P<name>[^.\[\]]+)
    )""",
    re.VERBOSE,
)
_ESCAPED: Final = re.compile(r"\\(.)")
_INDEX_MAX: Final = 10_000


class MetadataKeyError(InvalidError):
    """A metadata key can't be used."""

    code = "invalid_metadata_key"


@dataclass(frozen=True, slots=True)
class Set:
    """Assign a value; on a path, make what lies between."""

    key: str
    value: object


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a literal key."""

    key: str


@dataclass(frozen=True, slots=True)
class Append:
    """Add to the end of a list; a lone value becomes a list first."""

    key: str
    value: object


@dataclass(frozen=True, slots=True)
class Remove:
    """Drop the equal elements of a list."""

    key: str
    value: object


@dataclass(frozen=True, slots=True)
class Increment:
    """Add to a number; what is no number counts as 0."""

    key: str
    value: float


@dataclass(frozen=True, slots=True)
class Update:
    """Replace the whole object."""

    value: JsonObject


Operation = Set | Delete | Append | Remove | Increment | Update


def apply(metadata: JsonObject, operations: Iterable[Operation]) -> tuple[JsonObject, int]:
    """Return the object after the operations, in their order, and how many of them took effect.

    Raises:
        MetadataKeyError: a key is no path, or names what objects inherit from.
    """
    result = copy.deepcopy(metadata)
    applied = 0
    for operation in operations:
        match operation:
            case Update(value=value):
                result = copy.deepcopy(value)
                applied += 1
            case Delete(key=key):
                applied += key in result
                result.pop(key, None)
            case Set(key=key, value=value):
                _assign(result, segments(key), value)
                applied += 1
            case Append(key=key, value=value):
                path = segments(key)
                _assign(result, path, _appended(_find(result, path), value))
                applied += 1
            case Remove(key=key, value=value):
                path = segments(key)
                found = _find(result, path)
                if isinstance(found, list):
                    items = cast("list[object]", found)
                    kept = [item for item in items if not _equal(item, value)]
                    _assign(result, path, kept)
                    applied += len(kept) != len(items)
            case Increment(key=key, value=value):
                path = segments(key)
                found = _find(result, path)
                number = found if _is_number(found) else 0
                _assign(result, path, cast("float", number) + value)
                applied += 1
    return result, applied


def segments(key: str) -> Sequence[_Segment]:
    """Return where a key leads: one literal name, or the segments of its path.

    Raises:
        MetadataKeyError: a bare or malformed path, or one that names a forbidden segment.
    """
    if not key.startswith(_PATH_PREFIX):
        if key in _FORBIDDEN:
            raise MetadataKeyError(f"The metadata key '{key}' is not allowed.")
        return (key,)
    rest = key[len(_PATH_PREFIX) :]
    path: list[_Segment] = []
    position = 0
    while position < len(rest):
        match = _PIECE.match(rest, position)
        # Only the first piece, and a bracket, may come without a dot before it.
        if match is None or (rest[position] not in ".[" and position > 0):
            raise MetadataKeyError(f"The metadata key '{key}' is not a valid path.")
        path.append(_segment(match))
        position = match.end()
    if not path:
        raise MetadataKeyError(f"The metadata key '{key}' names nothing.")
    for segment in path:
        if segment in _FORBIDDEN:
            raise MetadataKeyError(f"The metadata key '{key}' is not allowed.")
    return path


def _segment(match: re.Match[str]) -> _Segment:
    if match["index"] is not None:
        index = int(match["index"])
        if index > _INDEX_MAX:
            raise MetadataKeyError(f"A metadata list can have {_INDEX_MAX} elements.")
        return index
    if match["quoted"] is not None:
        return _ESCAPED.sub(r"\1", match["quoted"])
    return match["name"]


def _find(container: object, path: Sequence[_Segment]) -> object:
    """Return what lies at a path, None if nothing does."""
    for segment in path:
        if isinstance(container, dict):
            container = cast("JsonObject", container).get(str(segment))
        elif isinstance(container, list) and isinstance(segment, int):
            items = cast("list[object]", container)
            container = items[segment] if segment < len(items) else None
        else:
            return None
    return container


def _assign(container: JsonObject, path: Sequence[_Segment], value: object) -> None:
    """Put a value at a path; what is in the way and holds nothing is replaced."""
    here: object = container
    for position, segment in enumerate(path):
        is_last = position == len(path) - 1
        new: object = copy.deepcopy(value) if is_last else None
        if not is_last:
            there = _find(here, (segment,))
            if isinstance(there, dict | list):
                here = cast("object", there)
                continue
            new = [] if isinstance(path[position + 1], int) else {}
        _put(here, segment, new)
        here = new


def _put(container: object, segment: _Segment, value: object) -> None:
    if isinstance(container, list) and isinstance(segment, int):
        items = cast("list[object]", container)
        while len(items) <= segment:
            items.append(None)
        items[segment] = value
    elif isinstance(container, dict):
        cast("JsonObject", container)[str(segment)] = value
    # A name under a list leads nowhere: nothing is written, as in the clients.


def _appended(found: object, value: object) -> object:
    if found is None:
        return [value]
    if isinstance(found, list):
        return [*cast("list[object]", found), value]
    return [found, value]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(one: object, other: object) -> bool:
    """Return whether two JSON values are deeply equal; 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        ones, others = cast("list[object]", one), cast("list[object]", other)
        return len(ones) == len(others) and all(
            _equal(a, b) for a, b in zip(ones, others, strict=True)
        )
    if isinstance(one, dict) and isinstance(other, dict):
        first, second = cast("JsonObject", one), cast("JsonObject", other)
        return first.keys() == second.keys() and all(
            _equal(first[key], second[key]) for key in first
        )
    return one == other
