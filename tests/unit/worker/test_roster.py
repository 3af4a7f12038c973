from __future__ import annotations

import pytest

from trigger_box.worker import roster
from trigger_box.worker.roster import Roster, read_roster


def test_a_reader_sees_exactly_the_runs_in_flight() -> None:
    table = Roster()
    for number in range(5):
        table.add(f"run_{number}")
    table.remove("run_1")
    table.remove("run_3")
    table.add("run_9")
    table.add("run_9")
    table.remove("run_unknown")

    assert sorted(read_roster(table.file)) == ["run_0", "run_2", "run_4", "run_9"]
    table.close()


def test_more_runs_than_cells_are_left_to_the_boxs_own_watch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = Roster()
    monkeypatch.setattr(table, "_free", [0, 1])
    for number in range(4):
        table.add(f"run_{number}")
    table.add("run_" + "x" * 100)

    assert sorted(read_roster(table.file)) == ["run_0", "run_1"]
    table.remove("run_0")
    table.add("run_4")
    assert sorted(read_roster(table.file)) == ["run_1", "run_4"]
    table.close()


def test_where_the_system_has_no_memory_files_a_nameless_one_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(roster.os, "memfd_create", raising=False)
    table = Roster()
    table.add("run_1")

    assert read_roster(table.file) == ["run_1"]
    table.close()
