"""Brings a database file up to this program's schema, one transaction per migration.

What the migrations say lives in ``migrations/``; this module only applies them in order.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from importlib import resources
from typing import Final

from trigger_box.domain.errors import RefusedError

_FILE: Final = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")


class NewerDatabaseError(RefusedError):
    """This data folder was written by a newer trigger-box. Start that version, or a newer one."""

    code = "database_newer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One numbered step: ``number`` counts from 1 without gaps."""

    number: int
    name: str
    sql: str


def migrations() -> list[Migration]:
    """Return all migrations this program knows, in order."""
    found: list[Migration] = []
    for entry in resources.files("trigger_box.store.migrations").iterdir():
        match = _FILE.match(entry.name)
        if match is not None:
            found.append(
                Migration(
                    number=int(match[1]), name=match[2], sql=entry.read_text(encoding="utf-8")
                )
            )
    found.sort(key=lambda migration: migration.number)
    assert [m.number for m in found] == list(range(1, len(found) + 1)), "migrations have gaps"
    return found


def migrate(connection: sqlite3.Connection) -> int:
    """Apply what is missing; return the schema's number afterwards.

    The connection is in autocommit mode. A migration is all or nothing, so a power cut in the
    middle leaves the schema at the step before.

    Raises:
        NewerDatabaseError: the file knows more migrations than this program.
    """
    known = migrations()
    (current,) = connection.execute("PRAGMA user_version").fetchone()
    if current > len(known):
        raise NewerDatabaseError(
            f"This data folder was written by a newer trigger-box (schema {current}; this program "
            f"knows {len(known)}). Start that version, or a newer one.",
            found=current,
            known=len(known),
        )
    for migration in known[current:]:
        # executescript commits an open transaction first: so BEGIN stands inside the script.
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{migration.sql}\n"
                f"PRAGMA user_version = {migration.number};\nCOMMIT;"
            )
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return len(known)


def schema_of(connection: sqlite3.Connection) -> str:
    """Return the schema as one text, sorted by name: what ``schema.sql`` holds."""
    rows = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' "
        "ORDER BY tbl_name, type DESC, name"
    ).fetchall()
    return ";\n\n".join(str(row[0]) for row in rows) + ";\n"
