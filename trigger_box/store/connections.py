"""How connections are opened: the writer's, the readers', the checkpointer's."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

BUSY_MS: Final = 5_000
PAGE_CACHE_KIB: Final = 16_384


def open_writer(path: Path) -> sqlite3.Connection:
    """Open the connection that changes the database: WAL, every commit on disk, autocommit mode.

    ``isolation_level=None`` because the writer says BEGIN and COMMIT itself. The writer's thread is
    not the thread that opens, so the same-thread check is off; only that one thread uses it.
    """
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    connection.row_factory = sqlite3.Row
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA cache_size = -{PAGE_CACHE_KIB}")
    # What a savepoint may have to put back stays in memory: a file costs more than the change.
    connection.execute("PRAGMA temp_store = MEMORY")
    # The checkpointer thread moves pages out of the WAL, so commits need not.
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def reader_statements() -> tuple[str, ...]:
    """Return the statements that make a connection a reader."""
    return (
        f"PRAGMA busy_timeout = {BUSY_MS}",
        "PRAGMA query_only = ON",
        f"PRAGMA cache_size = -{PAGE_CACHE_KIB // 4}",
    )
