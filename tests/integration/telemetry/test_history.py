"""DuckDB over segment files: loading, rebuilding, and what a damaged disk costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.otlp import RUN_ID, START_NS, TRACE_ID
from tests.support.telemetry import held_by_another_process
from trigger_box.domain import limits
from trigger_box.telemetry.history import History, HistoryUnavailableError, Scope
from trigger_box.telemetry.queries import history as sql
from trigger_box.telemetry.rows import Kind, Level, Row, RowEvent, RowStatus, encoded, line_of
from trigger_box.telemetry.segments import pack

T0 = START_NS // 1_000_000
ENVIRONMENT = "env_1"
SCOPE = Scope(
    environment_id=ENVIRONMENT,
    run_id=RUN_ID,
    run_ids=(RUN_ID,),
    trace_id=TRACE_ID,
    from_ms=T0 - 1_000,
    to_ms=T0 + 1_000_000,
)


def a_row(message: str, **fields: Any) -> Row:
    defaults: dict[str, Any] = {
        "received_ms": T0,
        "environment_id": ENVIRONMENT,
        "kind": Kind.LOG,
        "start_ns": START_NS,
        "run_id": RUN_ID,
    }
    return Row(message=message, **{**defaults, **fields})


class Folder:
    """A data folder's part of telemetry. ``own`` are the files of "this process"."""

    def __init__(self, root: Path) -> None:
        self.path = root / "history.duckdb"
        self.segments = root / "segments"
        self.run = root / "run"
        self.own: list[str] = []
        self.run.mkdir()

    def write(self, name: str, *lines: bytes, is_own: bool = False) -> Path:
        path = self.segments / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(b"".join(lines))
        if is_own and name not in self.own:
            self.own.append(name)
        return path

    @contextmanager
    def history(self) -> Iterator[History]:
        history = History(
            self.path, segments=self.segments, scratch=self.run, own_files=lambda: self.own
        )
        history.open()
        try:
            yield history
        finally:
            history.close()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def line(seq: int, message: str, **fields: Any) -> bytes:
    return line_of(encoded(a_row(message, **fields)), seq)


def load_all(history: History) -> None:
    while history.load() is not None:
        pass


def messages(history: History, scope: Scope = SCOPE) -> list[str]:
    rows = history.rows(sql.arrived_rows, {**scope.parameters(), "after": 0, "limit": 1_000})
    return [row.message for row in rows]


FILE = "2026-01-01/rows-0000000000000001.ndjson"
NEXT = "2026-01-02/rows-0000000000000500.ndjson"


def test_a_row_comes_back_as_it_was_stored(folder: Folder) -> None:
    row = a_row(
        'quotes " and \\ and \n and ünïcödé',
        kind=Kind.SPAN,
        trace_id=TRACE_ID,
        span_id="a" * 16,
        parent_id="b" * 16,
        replaces="c" * 16,
        task="t",
        attempt=3,
        version="v",
        entity="attempt",
        duration_ns=5,
        level=Level.WARN,
        status=RowStatus.PARTIAL,
        style={"icon": "x"},
        attributes={"a.b": 2**63 - 1, "list": [1, None, "x"], "float": 0.1, "deep": {"k": {}}},
        events=[RowEvent(name="e", at_ns=START_NS, attributes={"k": "v"})],
    )
    folder.write(FILE, line_of(encoded(row), 7))

    with folder.history() as history:
        load_all(history)
        (found,) = history.rows(sql.arrived_rows, {**SCOPE.parameters(), "after": 0, "limit": 10})

    assert found == msgspec.structs.replace(row, seq=7)


def test_each_line_is_loaded_once_however_often_it_is_tried(folder: Folder) -> None:
    folder.write(FILE, line(1, "one"), line(2, "two"))
    with folder.history() as history:
        load_all(history)
        load_all(history)
        assert messages(history) == ["one", "two"]

    with folder.history() as history:
        load_all(history)
        assert messages(history) == ["one", "two"]


def test_a_growing_file_is_loaded_from_where_it_was_left(folder: Folder) -> None:
    folder.write(FILE, line(1, "one"), is_own=True)
    with folder.history() as history:
        load_all(history)
        folder.write(FILE, line(2, "two"))
        load_all(history)

        assert messages(history) == ["one", "two"]
        assert history.loaded_seq == 2


def test_a_line_that_is_still_being_written_waits(folder: Folder) -> None:
    whole = line(2, "two")
    folder.write(FILE, line(1, "one"), whole[:20], is_own=True)
    with folder.history() as history:
        load_all(history)
        assert messages(history) == ["one"]

        folder.write(FILE, whole[20:])
        load_all(history)
        assert messages(history) == ["one", "two"]


def test_a_torn_last_line_of_an_earlier_start_costs_only_itself(folder: Folder) -> None:
    folder.write(FILE, line(1, "one"), line(2, "torn")[:30])
    folder.write(NEXT, line(500, "after the crash"))

    with folder.history() as history:
        load_all(history)
        assert messages(history) == ["one", "after the crash"]


@pytest.mark.parametrize(
    "damage", [b"\0" * 100 + b"\n", b"not json\n", b'{"seq":5}\n', b"\xff\xfe{\n", b"\n", b"[1]\n"]
)
def test_a_damaged_line_costs_only_itself(folder: Folder, damage: bytes) -> None:
    folder.write(FILE, line(1, "one"), damage, line(2, "two"))

    with folder.history() as history:
        load_all(history)
        assert messages(history) == ["one", "two"]


def test_own_files_come_first_then_the_newest_of_earlier_starts(folder: Folder) -> None:
    folder.write(FILE, line(1, "oldest"))
    folder.write(NEXT, line(500, "older"))
    folder.write("2026-01-03/rows-0000000000000900.ndjson", line(900, "own"), is_own=True)

    with folder.history() as history:
        seen = []
        while history.load() is not None:
            seen.append(messages(history))

    assert seen == [["own"], ["older", "own"], ["oldest", "older", "own"]]


def test_a_large_file_is_loaded_in_bites(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HISTORY_LOAD_BYTES", 500)
    folder.write(FILE, *(line(seq, f"m{seq}") for seq in range(1, 21)))

    with folder.history() as history:
        bites = 0
        while (loaded := history.load()) is not None:
            assert loaded.bytes <= 500
            bites += 1
        assert bites > 1
        assert messages(history) == [f"m{seq}" for seq in range(1, 21)]


def test_a_lost_database_is_rebuilt_from_the_segments(folder: Folder) -> None:
    folder.write(FILE, line(1, "one"))
    with folder.history() as history:
        load_all(history)
    folder.path.unlink()

    with folder.history() as history:
        assert history.is_behind
        load_all(history)
        assert not history.is_behind
        assert messages(history) == ["one"]


@pytest.mark.parametrize("garbage", [b"", b"x", b"garbage" * 5_000])
def test_a_damaged_database_is_put_aside_and_rebuilt(folder: Folder, garbage: bytes) -> None:
    folder.write(FILE, line(1, "one"))
    with folder.history() as history:
        load_all(history)
    folder.path.write_bytes(garbage)

    with folder.history() as history:
        load_all(history)
        assert messages(history) == ["one"]


def test_a_database_of_another_format_is_rebuilt(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write(FILE, line(1, "one"))
    with folder.history() as history:
        load_all(history)
    monkeypatch.setattr("trigger_box.telemetry.history.FORMAT", 99)

    with folder.history() as history:
        load_all(history)
        assert messages(history) == ["one"]


def test_a_database_that_somebody_else_has_open_is_left_alone(folder: Folder) -> None:
    folder.write(FILE, line(1, "one"))
    with folder.history() as history:
        load_all(history)
    with (
        held_by_another_process(folder.path),
        pytest.raises(HistoryUnavailableError, match="lock"),
        folder.history(),
    ):
        pass

    with folder.history() as history:
        assert messages(history) == ["one"]


def test_a_query_sees_one_environment_and_one_family_only(folder: Folder) -> None:
    folder.write(
        FILE,
        line(1, "mine"),
        line(2, "another run", run_id="run_other"),
        line(3, "another environment", environment_id="env_2"),
        line(4, "my trace, no run", run_id="", trace_id=TRACE_ID),
        line(5, "my trace, another environment", run_id="", trace_id=TRACE_ID,
             environment_id="env_2"),
        line(6, "another trace", run_id="", trace_id="f" * 32),
        line(7, "too late", received_ms=T0 + 10_000_000),
    )  # fmt: skip

    with folder.history() as history:
        load_all(history)
        assert messages(history) == ["mine", "my trace, no run"]


def test_old_days_are_forgotten(folder: Folder) -> None:
    day_ms = 24 * 3_600_000
    folder.write(FILE, line(1, "old"))
    folder.write(NEXT, line(500, "new", received_ms=T0 + day_ms))
    wide = Scope(
        environment_id=ENVIRONMENT, run_id=RUN_ID, run_ids=(RUN_ID,), trace_id="",
        from_ms=0, to_ms=T0 + 10 * day_ms,
    )  # fmt: skip

    with folder.history() as history:
        load_all(history)
        history.forget(before_ms=T0 + day_ms, before_day="2026-01-02")

        assert messages(history, wide) == ["new"]


def test_spans_come_before_logs_and_the_run_itself_before_those_below(folder: Folder) -> None:
    folder.write(
        FILE,
        line(1, "child log", run_id="run_child"),
        line(2, "own log"),
        line(3, "child span", run_id="run_child", kind=Kind.SPAN),
        line(4, "own span", kind=Kind.SPAN),
    )
    scope = Scope(
        environment_id=ENVIRONMENT, run_id=RUN_ID, run_ids=(RUN_ID, "run_child"), trace_id="",
        from_ms=0, to_ms=T0 + 1,
    )  # fmt: skip

    with folder.history() as history:
        load_all(history)
        rows = history.rows(
            sql.tree_rows,
            {**scope.parameters(), "run_id": RUN_ID, "message_max": 5, "limit": 3},
        )

    assert [row.message for row in rows] == ["own s", "own l", "child"]
    assert [row.kind for row in rows] == [Kind.SPAN, Kind.LOG, Kind.SPAN]


def test_attributes_beyond_the_bound_of_an_answer_are_left_out(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TRACE_ATTRIBUTES_CHARACTERS_MAX", 100)
    folder.write(FILE, *(line(seq, f"m{seq}", attributes={"k": "x" * 60}) for seq in range(1, 5)))

    with folder.history() as history:
        load_all(history)
        rows = history.rows(sql.arrived_rows, {**SCOPE.parameters(), "after": 0, "limit": 10})

    assert [bool(row.attributes) for row in rows] == [True, False, False, False]


def test_packed_segments_are_loaded_like_plain_ones(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HISTORY_LOAD_BYTES", 500)
    expected = [f"m{seq}" for seq in range(1, 11)]
    folder.write(FILE, *(line(seq, f"m{seq}") for seq in range(1, 11)))
    with folder.history() as history:
        history.load()
        assert 0 < len(messages(history)) < 10

    pack(folder.segments, FILE)

    with folder.history() as history:
        load_all(history)
        assert messages(history) == expected
    folder.path.unlink()
    with folder.history() as history:
        load_all(history)
        assert messages(history) == expected


def test_a_segment_that_can_not_be_read_does_not_hide_the_others(folder: Folder) -> None:
    folder.write(FILE, line(1, "one"))
    pack(folder.segments, FILE)
    (folder.segments / f"{FILE}.gz").write_bytes(b"\x1f\x8b damaged \x05\x00\x00\x00")
    folder.write(NEXT, line(500, "two"))

    with folder.history() as history:
        load_all(history)
        assert messages(history) == ["two"]
