from __future__ import annotations

from pathlib import Path

from trigger_box.cli.reference import render

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "commands.md"


def test_the_reference_page_says_what_the_commands_say() -> None:
    # To write it anew: python -m trigger_box.cli.reference > docs/reference/commands.md
    assert PAGE.read_text(encoding="utf-8") == render()
