"""What the documents for contributors name is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INTERNALS = ROOT / "docs" / "internals"
RECORDS = INTERNALS / "adr"

NAMED_FILE = re.compile(r"`((?:[\w-]+/)*[\w-]+\.py|[\w-]+(?:/[\w-]+)+)`")
BUILT = ("dist/", "web/dist")
"""What a fresh clone has not got yet."""
ROW = re.compile(r"^\| \[(\d{4})\]\((.+?)\) \| (.+) \|$", re.MULTILINE)


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_modules_that_the_documents_name_exist() -> None:
    missing = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in [*INTERNALS.rglob("*.md"), ROOT / "README.md"]
        for name in NAMED_FILE.findall(text_of(page))
        if not name.startswith(BUILT)
        and not any((folder / name).exists() for folder in (ROOT, ROOT / "trigger_box"))
    ]

    assert missing == []


def test_every_decision_stands_in_the_index_with_its_title() -> None:
    records = sorted(RECORDS.glob("0*.md"))
    titles = [
        (path.name[:4], path.name, text_of(path).split("\n", 1)[0].partition(": ")[2])
        for path in records
    ]

    assert ROW.findall(text_of(RECORDS / "README.md")) == titles
