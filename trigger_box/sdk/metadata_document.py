"""A run's metadata as a value: operations in the wire's shape, applied as the server does.

Source of the semantics: rest-api 13.3 (PUT metadata). Who may change whose metadata, and sending
it, are ``metadata.py`` and the worker.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from threading import Lock
from typing import Any, Final, Literal, NotRequired, TypedDict, cast

from trigger_box.sdk.errors import MetadataError
from trigger_box.sdk.limits import (
    METADATA_BYTES_MAX,
    METADATA_LIST_INDEX_MAX,
    METADATA_PATH_SEGMENTS_MAX,
)


class MetadataOperation(TypedDict):
    """One change, exactly as the wire carries it."""

    type: Literal["set", "delete", "append", "remove", "increment", "update"]
    key: NotRequired[str]
    value: NotRequired[Any]


class MetadataDocument:
    """One run's metadata in this process. Safe to use from any thread; values are copies."""

    def __init__(self, initial: Mapping[str, object] | None = None) -> None:
        self._lock = Lock()
        self._value: dict[str, Any] = copy.deepcopy(dict(initial or {}))

    def current(self) -> dict[str, Any]:
        """Return a copy of everything."""
        with self._lock:
            return copy.deepcopy(self._value)

    def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401 - any JSON value
        """Return a copy of one value; a key that starts with ``$.`` is a path.

        Raises:
            MetadataError: the path can't be read.
        """
        path = read_path(key)
        with self._lock:
            here: Any = self._value
            for segment in path:
                if isinstance(here, dict) and isinstance(segment, str) and segment in here:
                    here = cast("dict[str, Any]", here)[segment]
                elif (
                    isinstance(here, list)
                    and isinstance(segment, int)
                    and segment < len(cast("list[Any]", here))
                ):
                    here = cast("list[Any]", here)[segment]
                else:
                    return default
            return copy.deepcopy(here)

    def apply(self, operation: MetadataOperation) -> bool:
        """Apply one operation; return whether it changed anything.

        Raises:
            MetadataError: the path can't be read, or the result would be too large.
        """
        with self._lock:
            changed = copy.deepcopy(self._value)
            if not apply_operation(changed, operation):
                return False
            size = len(json.dumps(changed, ensure_ascii=False, separators=(",", ":")).encode())
            if size > METADATA_BYTES_MAX:
                raise MetadataError(
                    f"The metadata would have {size} bytes; the limit is {METADATA_BYTES_MAX}."
                    " Keep large results in the output."
                )
            self._value = changed
            return True

    def rebase(self, server: Mapping[str, object], pending: Iterable[MetadataOperation]) -> None:
        """Take the server's copy as the truth, and apply again what it has not seen.

        Args:
            pending: operations made since the flush that brought ``server`` was built, in order.
        """
        fresh = copy.deepcopy(dict(server))
        for operation in pending:
            apply_operation(fresh, operation)
        with self._lock:
            self._value = fresh


Path = tuple[str | int, ...]

_POISONED: Final = frozenset({"__proto__", "constructor", "prototype"})
_SEGMENT: Final = re.compile(
    r"""\.(?P<name>[^.\[\]"']+)|\[(?P<index>[0-9]+)\]|\[(?P<quoted>"[^"]*"|'[^']*')\]"""
)


def read_path(key: str) -> Path:
    """Return the segments of a key: one for a plain key, several for ``$.a.b[0]["c"]``.

    Raises:
        MetadataError: the path can't be read.
    """
    if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise MetadataError(f"The metadata key {key!r} must be text.")
    if not key.startswith("$."):
        _refuse_poison(key, key)
        return (key,)
    segments: list[str | int] = []
    position = 1
    while position < len(key):
        found = _SEGMENT.match(key, position)
        if found is None:
            raise MetadataError(f"The metadata path {key!r} can't be read at character {position}.")
        if found["index"] is not None:
            segments.append(int(found["index"]))
        else:
            name = found["name"] if found["name"] is not None else found["quoted"][1:-1]
            _refuse_poison(name, key)
            segments.append(name)
        position = found.end()
    if not segments or len(segments) > METADATA_PATH_SEGMENTS_MAX:
        raise MetadataError(
            f"The metadata path {key!r} must have 1 to {METADATA_PATH_SEGMENTS_MAX} segments."
        )
    return tuple(segments)


def apply_operation(document: dict[str, Any], operation: MetadataOperation) -> bool:
    """Apply one operation in place; return whether it changed anything.

    Raises:
        MetadataError: the path can't be read or followed.
    """
    if operation["type"] == "update":
        document.clear()
        document.update(copy.deepcopy(operation.get("value") or {}))
        return True
    key = operation.get("key", "")
    if operation["type"] == "delete":
        # A delete never reads paths: it removes a literal key.
        return document.pop(key, document) is not document
    path, value = read_path(key), copy.deepcopy(operation.get("value"))
    found = _find(document, path)
    match operation["type"]:
        case "set":
            _put(document, path, value, key)
        case "append":
            if isinstance(found, list):
                cast("list[Any]", found).append(value)
            else:
                _put(document, path, [value] if found is None else [found, value], key)
        case "remove":
            items = cast("list[Any]", found) if isinstance(found, list) else []
            kept = [item for item in items if not _same(item, value)]
            if len(kept) == len(items):
                return False
            _put(document, path, kept, key)
        case "increment":
            is_number = isinstance(found, int | float) and not isinstance(found, bool)
            base: float = found if is_number else 0
            _put(document, path, base + cast("float", value), key)
    return True


def _same(first: object, second: object) -> bool:
    # True == 1 in Python, and they are different things in JSON.
    return first == second and isinstance(first, bool) == isinstance(second, bool)


def _find(document: dict[str, Any], path: Path) -> Any:  # noqa: ANN401 - any JSON value
    here: Any = document
    for segment in path:
        try:
            here = here[segment]
        except (KeyError, IndexError, TypeError):
            return None
    return here


def _put(document: dict[str, Any], path: Path, value: object, key: str) -> None:
    """Set ``path``, making what is missing on the way: lists before an index, else objects."""
    here: Any = document
    for segment, following in pairwise(path):
        inner: Any = _find_one(here, segment)
        if not isinstance(inner, dict | list):
            inner = cast("Any", [] if isinstance(following, int) else {})
            _put_one(here, segment, inner, key)
        here = cast("Any", inner)
    _put_one(here, path[-1], value, key)


def _find_one(container: Any, segment: str | int) -> Any:  # noqa: ANN401 - a JSON container
    try:
        return container[segment]
    except (KeyError, IndexError, TypeError):
        return None


def _put_one(container: Any, segment: str | int, value: object, key: str) -> None:  # noqa: ANN401 - a JSON container
    if isinstance(container, dict):
        cast("dict[str, Any]", container)[str(segment)] = value
        return
    items = cast("list[Any]", container)
    if not isinstance(segment, int) or segment > METADATA_LIST_INDEX_MAX:
        raise MetadataError(f"The metadata path {key!r} puts {segment!r} into a list.")
    items.extend([None] * (segment + 1 - len(items)))
    items[segment] = value


def _refuse_poison(name: str, key: str) -> None:
    if name in _POISONED:
        raise MetadataError(f"The metadata key {key!r} is not allowed.")
