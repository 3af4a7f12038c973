"""The part of the box's OpenAPI document that the pages are built on, as it lies in ``web/``.

Written anew by ``python -m tests.integration.dashboard.contract``, then ``npm run types`` in web/.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.box import a_box

KEPT = Path(__file__).parents[3] / "web" / "openapi.json"
_OURS = "/dashboard/api/"
_ROOM = "#/components/schemas/"


async def current(folder: Path) -> dict[str, Any]:
    """Return what a box says now about the routes of the pages."""
    async with a_box(folder) as box:
        document = (await box.nobody.get("/api/openapi.json")).json()
    paths = {
        path: {method: _shapes(operation) for method, operation in item.items()}
        for path, item in document["paths"].items()
        if path.startswith(_OURS)
    }
    schemas = document["components"]["schemas"]
    needed: dict[str, Any] = {}
    waiting = list(_references(paths))
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = schemas[name]
            waiting += _references(schemas[name])
    return {
        "openapi": document["openapi"],
        "info": {"title": "The pages of trigger-box", "version": "1"},
        "paths": paths,
        "components": {"schemas": needed},
    }


def _shapes(operation: dict[str, Any]) -> dict[str, Any]:
    """Return what types come from: no words, no refusals."""
    answers = {
        status: {"description": "", "content": answer.get("content", {})}
        for status, answer in operation["responses"].items()
        if status.startswith("2")
    }
    asked = {name: operation[name] for name in ("parameters", "requestBody") if name in operation}
    return {**asked, "responses": answers}


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix(_ROOM)
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)


def text_of(document: dict[str, Any]) -> str:
    """Return the document as it is kept."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        KEPT.write_text(text_of(asyncio.run(current(Path(folder)))), encoding="utf-8")
