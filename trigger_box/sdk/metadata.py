"""``metadata``: a small JSON document of the run that others watch while it executes.

Changes show at once in this process and are sent in the background. Semantics of operations are
in ``metadata_document.py``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self, cast

from trigger_box.sdk.errors import MetadataError, UnsendableError
from trigger_box.sdk.metadata_document import MetadataOperation, read_path
from trigger_box.sdk.packets import json_text
from trigger_box.sdk.runtime import MetadataTarget, require_runtime


class MetadataWriter:
    """Changes the metadata of one run; calls can be chained.

    A key is a name, or a path that starts with ``$.``, such as ``$.steps[0].done``. All methods
    raise ``NotInTaskError`` outside of a run, and ``MetadataError`` for keys and values that can't
    be stored.
    """

    _target: MetadataTarget = "self"

    def set(self, key: str, value: object) -> Self:
        """Set a value; objects on the way are made."""
        return self._change({"type": "set", "key": key, "value": _plain(value)})

    def delete(self, key: str) -> Self:
        """Remove a key. It is a literal name: paths are not read here."""
        return self._change({"type": "delete", "key": key})

    def append(self, key: str, value: object) -> Self:
        """Add a value to a list; a single value becomes a list of two."""
        return self._change({"type": "append", "key": key, "value": _plain(value)})

    def remove(self, key: str, value: object) -> Self:
        """Remove every equal value from a list."""
        return self._change({"type": "remove", "key": key, "value": _plain(value)})

    def increment(self, key: str, by: float = 1) -> Self:
        """Add to a number; what is missing counts as 0."""
        return self._grow(key, by, 1)

    def decrement(self, key: str, by: float = 1) -> Self:
        """Subtract from a number; what is missing counts as 0."""
        return self._grow(key, by, -1)

    def _grow(self, key: str, by: float, sign: int) -> Self:
        if isinstance(by, bool) or not isinstance(by, int | float):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
            raise MetadataError(f"The metadata key {key!r} can't grow by {by!r}: use a number.")
        return self._change({"type": "increment", "key": key, "value": _plain(sign * by)})

    def replace(self, value: Mapping[str, object]) -> Self:
        """Replace everything."""
        return self._change({"type": "update", "value": _plain_object(value)})

    def update(self, values: Mapping[str, object]) -> Self:
        """Set several keys, as ``dict.update`` does."""
        if not isinstance(values, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
            raise MetadataError(f"The metadata must be a mapping, not {values!r}.")
        for key, value in values.items():
            self.set(key, value)
        return self

    def _change(self, operation: MetadataOperation) -> Self:
        runtime = require_runtime("metadata")
        key = operation.get("key", "whole")
        if operation["type"] != "delete" or not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
            read_path(key)
        if self._is_own(runtime.context.run.parent_id, runtime.context.run.root_id):
            runtime.metadata.apply(operation)
        runtime.metadata_operation(operation, self._target)
        return self

    def _is_own(self, parent_id: str | None, root_id: str | None) -> bool:
        """Return whether a change lands on this very run."""
        # Without a parent or a root, the server applies their operations to the run itself.
        return (
            self._target == "self"
            or (self._target == "parent" and parent_id is None)
            or (self._target == "root" and root_id is None)
        )


class _Parent(MetadataWriter):
    """Changes the metadata of the run that triggered this one."""

    _target = "parent"


class _Root(MetadataWriter):
    """Changes the metadata of the run that everything began with."""

    _target = "root"


class Metadata(MetadataWriter):
    """The metadata of the run that executes here."""

    parent: MetadataWriter = _Parent()
    root: MetadataWriter = _Root()

    def current(self) -> dict[str, Any]:
        """Return a copy of everything.

        Raises:
            NotInTaskError: no run executes here.
        """
        return require_runtime("metadata").metadata.current()

    def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401 - any JSON value
        """Return a copy of one value, or ``default`` where there is none.

        Raises:
            NotInTaskError: no run executes here.
            MetadataError: the path can't be read.
        """
        return require_runtime("metadata").metadata.get(key, default)


metadata = Metadata()


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return a copy of a value as JSON has it, so that later changes to it stay outside."""
    try:
        return json.loads(json_text(value))
    except UnsendableError as error:
        raise MetadataError(f"The metadata value can't be stored: {error}") from None


def _plain_object(value: Mapping[str, object]) -> dict[str, Any]:
    plain = _plain(value)
    if not isinstance(plain, dict):
        raise MetadataError(f"The metadata must be a mapping, not {value!r}.")
    return cast("dict[str, Any]", plain)
