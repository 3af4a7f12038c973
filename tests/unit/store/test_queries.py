"""Every named query is good SQL, and uses the index its comment claims."""

import re
import sqlite3
from importlib import resources

import pytest

from trigger_box.store import queries
from trigger_box.store.migrate import migrate
from trigger_box.store.queries import QueryFile

FILES = sorted(
    entry.name.removesuffix(".sql")
    for entry in resources.files("trigger_box.store.queries").iterdir()
    if entry.name.endswith(".sql")
)
_BLOCK = re.compile(r"^-- name: ([a-z0-9_]+)\s*\n((?:--[^\n]*\n)*)", re.MULTILINE)
_CLAIM = re.compile(r"[Ss]erved by ((?:runs|request|worker|environments|projects)[a-z_]*)")


def claims() -> list[tuple[str, str, str]]:
    """Return (file, query, index) for each index that a query's comment claims."""
    found: list[tuple[str, str, str]] = []
    for file in FILES:
        text = (
            resources.files("trigger_box.store.queries").joinpath(f"{file}.sql").read_text("utf-8")
        )
        for name, comment in _BLOCK.findall(text):
            found += [(file, name, index) for index in _CLAIM.findall(comment)]
    return found


@pytest.fixture(scope="module")
def connection() -> sqlite3.Connection:
    opened = sqlite3.connect(":memory:", isolation_level=None)
    migrate(opened)
    return opened


def plan(connection: sqlite3.Connection, sql: str) -> str:
    """Return how SQLite would run a query."""
    parameters = dict.fromkeys(re.findall(r":([a-z_]+)", sql), 1)
    rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()
    return "\n".join(str(row[3]) for row in rows)


@pytest.mark.parametrize("file", FILES)
def test_every_query_is_good_sql(connection: sqlite3.Connection, file: str) -> None:
    loaded = QueryFile(file)

    assert loaded.names()
    for name in loaded.names():
        plan(connection, getattr(loaded, name))


@pytest.mark.parametrize("file", FILES)
def test_every_file_is_named_in_the_package(file: str) -> None:
    assert isinstance(getattr(queries, file), QueryFile)


@pytest.mark.parametrize(("file", "name", "index"), claims())
def test_a_query_uses_the_index_it_claims(
    connection: sqlite3.Connection, file: str, name: str, index: str
) -> None:
    assert index in plan(connection, getattr(QueryFile(file), name))


def test_every_index_of_runs_is_claimed_by_a_query(connection: sqlite3.Connection) -> None:
    rows = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'runs'"
        " AND name NOT LIKE 'sqlite_%'"
    ).fetchall()

    assert {row[0] for row in rows} - {index for _, _, index in claims()} == set()


def test_a_query_that_is_not_there_is_named() -> None:
    with pytest.raises(AttributeError, match=r"runs\.sql has no query named claim_everything"):
        QueryFile("runs").claim_everything  # noqa: B018 - the access is the test


def test_columns_are_put_where_they_are_asked_for() -> None:
    assert "/*" not in QueryFile("runs").head
    assert "r.snapshot_number" in QueryFile("runs").head
