"""Structured values as flat attributes: ``user.name``, ``items.[0].id`` (cli-protocol 10)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, cast

from trigger_box.worker.limits import ATTRIBUTE_CHARACTERS_MAX, ATTRIBUTES_MAX

Scalar = str | int | float | bool

_DEPTH_MAX: Final = 16
_INTEGER_MAX: Final = 2**63 - 1


def flattened(values: Mapping[str, object], prefix: str = "") -> dict[str, Scalar]:
    """Return ``values`` as scalars under dotted names, ``[i]`` for places in lists.

    None is left out. A value that is no JSON becomes its ``str``. What exceeds
    ``ATTRIBUTES_MAX`` names or ``ATTRIBUTE_CHARACTERS_MAX`` characters is cut.
    """
    flat: dict[str, Scalar] = {}
    for key, value in values.items():
        _flatten(flat, f"{prefix}{key}", value, 0)
    return flat


def _flatten(flat: dict[str, Scalar], name: str, value: object, depth: int) -> None:
    if len(flat) >= ATTRIBUTES_MAX or value is None:
        return
    if isinstance(value, str | bool | int | float):
        flat[name] = _scalar(value)
    elif depth >= _DEPTH_MAX:
        flat[name] = "…"
    elif isinstance(value, Mapping):
        for key, item in cast("Mapping[object, object]", value).items():
            _flatten(flat, f"{name}.{key}", item, depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        for index, item in enumerate(cast("Sequence[object]", value)):
            if len(flat) >= ATTRIBUTES_MAX:
                return
            _flatten(flat, f"{name}.[{index}]", item, depth + 1)
    else:
        flat[name] = _text(cast("object", value))


def _scalar(value: Scalar) -> Scalar:
    if isinstance(value, str):
        return value if len(value) <= ATTRIBUTE_CHARACTERS_MAX else _cut(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _INTEGER_MAX else str(value)
    return value if math.isfinite(value) else str(value)


def _text(value: object) -> str:
    try:
        return _cut(str(value))
    except Exception:  # noqa: BLE001 - a broken __str__ must not end the task that logs
        return f"<{type(value).__name__}>"


def _cut(text: str) -> str:
    if len(text) <= ATTRIBUTE_CHARACTERS_MAX:
        return text
    return text[:ATTRIBUTE_CHARACTERS_MAX] + "…"
