"""``json_schema``: what a task takes and gives, for docs, forms and other languages."""

from __future__ import annotations

from typing import Any

from trigger_box.sdk.declaration import DeclaredTask


def json_schema(task: DeclaredTask) -> dict[str, dict[str, Any] | None]:
    """Return ``{"payload": …, "output": …}``: JSON Schemas, None where a type has none.

    Raises:
        DefinitionError: one of the types can't be used.
    """
    return {"payload": task.payload_json_schema(), "output": task.output_json_schema()}
