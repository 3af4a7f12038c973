"""Writes ``schema.sql``, what all migrations together make, for people to read.

``python -m trigger_box.store.schema`` after each change of a migration; a test holds it equal.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from trigger_box.store.migrate import migrate, schema_of

FILE: Final = Path(__file__).with_name("schema.sql")
_HEADER: Final = (
    "-- Generated from migrations/ by `python -m trigger_box.store.schema`. Do not edit.\n\n"
)


def current_schema() -> str:
    """Return the schema of an empty database that has had all migrations."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(connection)
        return _HEADER + schema_of(connection)
    finally:
        connection.close()


if __name__ == "__main__":
    FILE.write_text(current_schema(), encoding="utf-8")
