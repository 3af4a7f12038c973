"""Named queries. Each ``<table>.sql`` holds blocks ``-- name: x``; ``x`` is the attribute here.

No SQL lives in Python. Adding a file: write it, then name it below.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import Final

_NAME: Final = re.compile(r"^-- name: ([a-z][a-z0-9_]*)[ \t]*$", re.MULTILINE)


class QueryFile:
    """The queries of one file, as attributes holding SQL text without its comments' cost.

    Raises:
        AttributeError: the file has no query of that name.
    """

    def __init__(self, name: str) -> None:
        text = (
            resources.files("trigger_box.store.queries")
            .joinpath(f"{name}.sql")
            .read_text(encoding="utf-8")
        )
        parts = _NAME.split(text)
        names = parts[1::2]
        assert len(names) == len(set(names)), f"{name}.sql names a query twice"
        self._queries = dict(zip(names, (_strip(body) for body in parts[2::2]), strict=True))
        self._file = name

    def __getattr__(self, name: str) -> str:
        try:
            return self._queries[name]
        except KeyError:
            raise AttributeError(f"{self._file}.sql has no query named {name}") from None

    def names(self) -> list[str]:
        """Return the names of all queries in this file."""
        return list(self._queries)


def _strip(body: str) -> str:
    # sqlite3's statement cache is keyed by the text: keep it short.
    lines = (line for line in body.splitlines() if not line.lstrip().startswith("--"))
    return "\n".join(lines).strip()


store: Final = QueryFile("store")
