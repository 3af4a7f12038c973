"""Named queries. Each ``<table>.sql`` holds blocks ``-- name: x``; ``x`` is the attribute here.

A block ``-- columns: x`` is no query but a list, put wherever that file says ``/*x*/``. No SQL
lives in Python. Adding a file: write it, then name it below.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import Final

_BLOCK: Final = re.compile(r"^-- (name|columns): ([a-z][a-z0-9_]*)[ \t]*$", re.MULTILINE)
_COLUMNS: Final = re.compile(r"/\*([a-z][a-z0-9_]*)\*/")


class QueryFile:
    """The queries of one file, as attributes holding SQL text without its comments' cost.

    Raises:
        AttributeError: the file has no query of that name.
    """

    def __init__(self, name: str, *, package: str = "trigger_box.store.queries") -> None:
        text = resources.files(package).joinpath(f"{name}.sql").read_text(encoding="utf-8")
        parts = _BLOCK.split(text)
        blocks = list(zip(parts[1::3], parts[2::3], parts[3::3], strict=True))
        columns = {block: _strip(body) for kind, block, body in blocks if kind == "columns"}
        queries = [(block, _strip(body)) for kind, block, body in blocks if kind == "name"]
        assert len(queries) == len(dict(queries)), f"{name}.sql names a query twice"
        self._queries = {
            block: _COLUMNS.sub(lambda match: columns[match[1]], body) for block, body in queries
        }
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


accounts: Final = QueryFile("accounts")
dashboard: Final = QueryFile("dashboard")
debounces: Final = QueryFile("debounces")
lists: Final = QueryFile("lists")
projects: Final = QueryFile("projects")
queues: Final = QueryFile("queues")
runs: Final = QueryFile("runs")
store: Final = QueryFile("store")
stored_packets: Final = QueryFile("stored_packets")
traces: Final = QueryFile("traces")
waits: Final = QueryFile("waits")
workers: Final = QueryFile("workers")
