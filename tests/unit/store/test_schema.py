import re
import sqlite3
from pathlib import Path

import pytest

from trigger_box.domain.runs import RunState, RunStatus
from trigger_box.store import migrate as migrating
from trigger_box.store.migrate import Migration, NewerDatabaseError, migrate, migrations
from trigger_box.store.schema import FILE, current_schema


def opened(path: Path | str = ":memory:") -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def test_the_generated_schema_is_what_the_migrations_make() -> None:
    assert FILE.read_text(encoding="utf-8") == current_schema(), (
        "run: python -m trigger_box.store.schema"
    )


def test_migrations_are_numbered_without_gaps() -> None:
    assert [one.number for one in migrations()] == list(range(1, len(migrations()) + 1))


def test_migrating_twice_changes_nothing() -> None:
    connection = opened()
    first = migrate(connection)

    assert migrate(connection) == first


def test_a_newer_database_is_refused_in_one_sentence(tmp_path: Path) -> None:
    connection = opened(tmp_path / "box.db")
    newest = migrate(connection)
    connection.execute(f"PRAGMA user_version = {newest + 1}")

    with pytest.raises(NewerDatabaseError) as caught:
        migrate(connection)

    assert caught.value.message == (
        f"This data folder was written by a newer trigger-box (schema {newest + 1}; this program "
        f"knows {newest}). Start that version, or a newer one."
    )


def test_a_migration_that_fails_half_way_leaves_the_step_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = Migration(number=2, name="broken", sql="CREATE TABLE half (a); SELECT nonsense;")
    known = [Migration(number=1, name="first", sql="CREATE TABLE whole (a);"), broken]
    monkeypatch.setattr(migrating, "migrations", lambda: known)
    connection = opened()

    with pytest.raises(sqlite3.OperationalError):
        migrate(connection)

    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema")]
    assert tables == ["whole"]
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert not connection.in_transaction


def test_every_table_is_strict() -> None:
    connection = opened()
    migrate(connection)

    loose = connection.execute(
        "SELECT name FROM pragma_table_list WHERE type = 'table' AND strict = 0"
        " AND name NOT LIKE 'sqlite_%'"
    ).fetchall()

    assert loose == []


def column_checks(column: str) -> set[str]:
    """Return the values that the runs table's check allows for a column."""
    connection = opened()
    migrate(connection)
    (text,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'runs'").fetchone()
    return set(re.findall(rf"\b{column} = '([A-Z_]+)'", text))


def test_the_checks_allow_exactly_the_states_of_the_core() -> None:
    finals = {"FINISHED"}
    assert column_checks("state") - finals == {str(state) for state in RunState} - finals


def test_the_checks_allow_exactly_the_statuses_of_the_core() -> None:
    allowed = column_checks("status") | column_checks("outcome")

    assert allowed == {str(status) for status in RunStatus}


@pytest.mark.parametrize(
    "change",
    [
        "state = 'RUNNING'",
        "status = 'RUNNING'",
        "status = 'COMPLETED_SUCCESSFULLY'",
        "outcome = 'FINE', status = 'FINE'",
        "state = 'FINISHED'",
        "is_ready = 1, state = 'EXECUTING'",
        "attempt_number = 251",
        "priority_ms = -1",
    ],
)
def test_the_database_refuses_a_run_that_can_not_be(change: str) -> None:
    connection = opened()
    migrate(connection)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute(
        "INSERT INTO runs (id, environment_id, number, task, state, status, snapshot_number,"
        " queue_name, rank_ms, queue_timestamp_ms, is_ready, trace_id, span_id, created_at_ms,"
        " updated_at_ms) VALUES ('run_1', 'e', 1, 't', 'QUEUED', 'PENDING', 1, 'q', 0, 0, 1,"
        " '', '', 0, 0)"
    )

    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        connection.execute(f"UPDATE runs SET {change}")  # noqa: S608 - the table above
