"""The types of the pages are generated from what the box says about itself."""

from __future__ import annotations

from pathlib import Path

from tests.integration.dashboard.contract import KEPT, current, text_of


async def test_the_shapes_the_pages_are_built_on_are_those_of_the_box(tmp_path: Path) -> None:
    document = text_of(await current(tmp_path))

    assert KEPT.read_text(encoding="utf-8") == document, (
        "run: python -m tests.integration.dashboard.contract && (cd web && npm run types)"
    )
