"""Rich values in JSON the way the npm client writes them: ``{"json": …, "meta": {"values": …}}``.

Decoded: Date, bigint, Map, Set, undefined, and the numbers JSON lacks. Regular expressions, URLs,
errors and typed arrays stay what their JSON says. Source: rest-api 9; vectors of the real package
are in the tests.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast

from trigger_box.sdk.durations import instant_text
from trigger_box.sdk.errors import OptionError, UnsendableError
from trigger_box.sdk.limits import NESTING_MAX, SAFE_INTEGER_MAX

# JSON has no narrower type: what comes out of a decoder is checked where it is used.
Json = Any

_NUMBERS: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf, "-0": -0.0}
_POISONED_KEYS: Final = frozenset({"__proto__", "constructor", "prototype"})
_Path = tuple[str, ...]


class _Undefined:
    """What ``undefined`` becomes until its key is dropped."""


_UNDEFINED: Final = _Undefined()


def decode(document: Json) -> Json:
    """Return the value of a parsed superjson document.

    ``undefined`` in an object is a missing key, in a list and at the root None. A Set or Map whose
    members Python can't hash stays a list.

    Raises:
        ValueError: not superjson, or its annotations don't fit its value.
    """
    if not isinstance(document, dict) or "json" not in document:
        raise ValueError("not superjson: the member 'json' is missing")
    document = cast("dict[str, Json]", document)
    meta = document.get("meta")
    if not isinstance(meta, dict):
        return document["json"]
    meta = cast("dict[str, Json]", meta)
    root: list[Json] = [document["json"]]
    is_legacy = not isinstance(meta.get("v"), int) or meta["v"] < 1
    try:
        for path, kind in _annotations(meta.get("values"), (), is_legacy=is_legacy, depth=0):
            _annotate(root, path, kind)
        for source, targets in _equalities(meta.get("referentialEqualities")):
            # The root itself has no path; the empty path is the key "".
            origin = () if source is None else _parsed(source, is_legacy=is_legacy)
            value = _descend(root, origin)
            for target in targets:
                _restore(root, _parsed(target, is_legacy=is_legacy), value)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"not superjson: {error}") from error
    return None if root[0] is _UNDEFINED else root[0]


def encode(value: object) -> Json:
    """Return the superjson document of ``value``, ready for ``json.dumps``.

    Datetimes become Dates, sets Sets, integers that JavaScript can't hold bigints, and mappings
    with keys other than text Maps.

    Raises:
        UnsendableError: something inside has no such form; the message says where.
    """
    try:
        json, annotation = _Walk().visit(value, ())
    except RecursionError:
        raise UnsendableError("The value is nested too deeply to be sent.") from None
    return {"json": json} if annotation is None else {"json": json, "meta": {"values": annotation}}


def _annotations(
    tree: Json, origin: _Path, *, is_legacy: bool, depth: int
) -> Iterator[tuple[_Path, Json]]:
    """Yield every ``(path, type)`` of an annotation tree, children before their parent."""
    if depth > NESTING_MAX:
        raise ValueError("nested too deeply")
    children: Json = tree
    if isinstance(tree, list):
        children = cast("list[Json]", tree)[1] if len(cast("list[Json]", tree)) > 1 else None
    if isinstance(children, dict):
        for key, child in cast("dict[str, Json]", children).items():
            path = (*origin, *_parsed(key, is_legacy=is_legacy))
            yield from _annotations(child, path, is_legacy=is_legacy, depth=depth + 1)
    if isinstance(tree, list):
        yield origin, tree[0]


def _annotate(root: list[Json], path: _Path, kind: Json) -> None:
    parent, key = _parent(root, path)
    value = _revived(parent[key], kind)
    if value is _UNDEFINED and isinstance(parent, dict):
        del parent[key]
    elif value is _UNDEFINED and parent is not root:
        parent[key] = None
    else:
        parent[key] = value


def _revived(value: Json, kind: Json) -> Json:
    match kind:
        case "undefined":
            return _UNDEFINED
        case "Date":
            # A Date that is no instant travels as null, and None is what it stays.
            return None if value is None else datetime.fromisoformat(value)
        case "bigint":
            return int(value)
        case "number":
            return _NUMBERS[value]
        case "set":
            return _hashed(lambda: set(value), value)
        case "map":
            return _hashed(lambda: {key: item for key, item in value}, value)  # noqa: C416 - dict() would take any pair-like
        case _:
            return value


def _hashed(make: Any, fallback: Json) -> Json:  # noqa: ANN401 - a thunk of whatever container
    try:
        return make()
    except TypeError:
        return fallback


def _equalities(wire: Json) -> Iterator[tuple[str | None, list[str]]]:
    """Yield ``(first path or None for the root, the other paths)`` of values that were one."""
    if isinstance(wire, list):
        wire = cast("list[Json]", wire)
        yield None, wire[0]
        wire = wire[1] if len(wire) > 1 else None
    if isinstance(wire, dict):
        yield from cast("dict[str, list[str]]", wire).items()


def _restore(root: list[Json], path: _Path, value: Json) -> None:
    parent, key = _parent(root, path)
    # The value is normally there already, twice; only where it was left out is it needed.
    if parent[key] is None:
        parent[key] = value


def _descend(root: list[Json], path: _Path) -> Json:
    parent, key = _parent(root, path)
    return parent[key]


def _parent(root: list[Json], path: _Path) -> tuple[Json, Json]:
    """Return the container that holds ``path``, and its key or index in there."""
    where: tuple[Json, Json] = (root, 0)
    for segment in path:
        where = _member(where[0][where[1]], segment)
    return where


def _member(container: Json, segment: str) -> tuple[Json, Json]:
    return container, int(segment) if isinstance(container, list) else segment


def _parsed(path: str, *, is_legacy: bool) -> _Path:
    segments: list[str] = []
    segment: list[str] = []
    characters = iter(range(len(path)))
    for index in characters:
        character = path[index]
        following = path[index + 1 : index + 2]
        if character == "\\" and (following == "." or (not is_legacy and following == "\\")):
            segment.append(following)
            next(characters, None)
        elif character == ".":
            segments.append("".join(segment))
            segment.clear()
        else:
            segment.append(character)
    segments.append("".join(segment))
    return tuple(segments)


@dataclass(slots=True)
class _Walk:
    """One value on its way to JSON, with the containers it is inside of."""

    open_containers: set[int] = field(default_factory=set[int])

    def visit(self, value: object, path: _Path) -> tuple[Json, Json]:
        """Return the JSON of ``value`` and its annotation tree, or None for plain JSON."""
        match value:
            case None | bool() | str():
                return value, None
            case int():
                is_safe = -SAFE_INTEGER_MAX <= value <= SAFE_INTEGER_MAX
                return (int(value), None) if is_safe else (str(int(value)), ["bigint"])
            case float():
                return _number(value)
            case datetime():
                return _date(value, path), ["Date"]
            case Mapping():
                return self._mapping(cast("Mapping[object, object]", value), path)
            case set() | frozenset():
                return self._list(cast("set[object]", value), path, kind="set")
            case list() | tuple():
                return self._list(cast("list[object]", value), path, kind=None)
            case _:
                from trigger_box.sdk.packets import plain  # noqa: PLC0415 - packets knows superjson

                return self.visit(plain(value, path), path)

    def _mapping(self, value: Mapping[object, object], path: _Path) -> tuple[Json, Json]:
        if not all(isinstance(key, str) for key in value):
            with _inside(self.open_containers, value, path):
                pairs: list[object] = [[key, item] for key, item in value.items()]
                return self._list(pairs, path, kind="map")
        named = cast("Mapping[str, object]", value)
        poisoned = next((key for key in named if key in _POISONED_KEYS), None)
        if poisoned is not None:
            raise UnsendableError(f"{_spelled(path)}: the key {poisoned!r} can't be sent.")
        json: dict[str, Json] = {}
        annotations: dict[str, Json] = {}
        with _inside(self.open_containers, value, path):
            for key, item in named.items():
                json[key], annotation = self.visit(item, (*path, key))
                _note(annotations, key, annotation, path)
        return json, annotations or None

    def _list(
        self, items: Collection[object], path: _Path, *, kind: str | None
    ) -> tuple[Json, Json]:
        json: list[Json] = []
        annotations: dict[str, Json] = {}
        with _inside(self.open_containers, items, path):
            for index, item in enumerate(items):
                member, annotation = self.visit(item, (*path, str(index)))
                json.append(member)
                _note(annotations, str(index), annotation, path)
        if kind is None:
            return json, annotations or None
        return json, [kind, annotations] if annotations else [kind]


class _inside:  # noqa: N801 - a context manager, used like a function
    """Marks a container as being walked, so that one that contains itself is refused."""

    __slots__ = ("_mark", "_open")

    def __init__(self, open_containers: set[int], container: object, path: _Path) -> None:
        self._open = open_containers
        self._mark = id(container)
        if self._mark in open_containers or len(path) >= NESTING_MAX:
            raise UnsendableError(f"{_spelled(path)}: contains itself, or is nested too deeply.")

    def __enter__(self) -> None:
        self._open.add(self._mark)

    def __exit__(self, *_: object) -> None:
        self._open.discard(self._mark)


def _note(annotations: dict[str, Json], key: str, annotation: Json, path: _Path) -> None:
    """Add a member's annotation tree under its key, flat where the member itself has none."""
    if annotation is None:
        return
    escaped = key.replace(".", "\\.")
    if isinstance(annotation, dict):
        if key.endswith("\\"):
            # "a\" + "." reads as an escaped dot to every client.
            raise UnsendableError(f"{_spelled((*path, key))}: the key ends in a backslash.")
        for inner, tree in cast("dict[str, Json]", annotation).items():
            annotations[f"{escaped}.{inner}"] = tree
    else:
        annotations[escaped] = annotation


def _number(value: float) -> tuple[Json, Json]:
    if math.isnan(value):
        return "NaN", ["number"]
    if math.isinf(value):
        return ("Infinity" if value > 0 else "-Infinity"), ["number"]
    if value == 0 and math.copysign(1.0, value) < 0:
        return "-0", ["number"]
    return value, None


def _date(value: datetime, path: _Path) -> str:
    try:
        return instant_text(value, option=_spelled(path))
    except OptionError as error:
        raise UnsendableError(str(error)) from None


def _spelled(path: _Path) -> str:
    return ".".join(path) or "the value"
