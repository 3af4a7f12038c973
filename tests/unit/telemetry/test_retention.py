from __future__ import annotations

from pathlib import Path

import pytest

from trigger_box.domain import limits
from trigger_box.telemetry.retention import DAY_MS, cutoff, pack_old, remove_old

NOW_MS = 1_767_225_600_000 + 5 * 3_600_000  # 2026-01-01 05:00


def a_day(folder: Path, day: str, files: int = 1) -> Path:
    (folder / day).mkdir()
    for number in range(files):
        (folder / day / f"rows-{number:016d}.ndjson").write_text("{}\n")
    return folder / day


def test_today_and_so_many_days_before_are_kept() -> None:
    oldest = cutoff(NOW_MS, kept_days=2)

    assert oldest.day == "2025-12-30"
    assert oldest.instant_ms % DAY_MS == 0


def test_older_days_are_removed_whole(tmp_path: Path) -> None:
    gone = a_day(tmp_path, "2025-12-29")
    kept = a_day(tmp_path, "2025-12-30")

    assert remove_old(tmp_path, cutoff(NOW_MS, kept_days=2)) is False

    assert not gone.exists()
    assert kept.exists()


def test_much_is_removed_in_several_bites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SEGMENT_FILES_REMOVED_MAX", 2)
    gone = a_day(tmp_path, "2025-12-01", files=5)
    oldest = cutoff(NOW_MS, kept_days=2)

    assert remove_old(tmp_path, oldest) is True
    assert len(list(gone.iterdir())) == 3
    assert remove_old(tmp_path, oldest) is True
    assert remove_old(tmp_path, oldest) is False
    assert not gone.exists()


def test_an_empty_folder_is_fine(tmp_path: Path) -> None:
    assert remove_old(tmp_path / "none", cutoff(NOW_MS, kept_days=2)) is False


def test_days_that_are_over_are_packed_one_file_at_a_time(tmp_path: Path) -> None:
    a_day(tmp_path, "2025-12-31", files=2)
    a_day(tmp_path, "2026-01-01")

    bites = 0
    while pack_old(tmp_path, "2026-01-01"):
        bites += 1

    assert bites == 2
    assert [path.suffix for path in (tmp_path / "2025-12-31").iterdir()] == [".gz", ".gz"]
    assert [path.suffix for path in (tmp_path / "2026-01-01").iterdir()] == [".ndjson"]
