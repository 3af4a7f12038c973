from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.support.clock import ManualClock
from trigger_box.domain import limits
from trigger_box.telemetry.segment_writer import SegmentWriter, TelemetryBusyError
from trigger_box.telemetry.segments import (
    POINTS,
    ROWS,
    day_of,
    last_seq,
    pack,
    read_segment,
    segments_of,
)


def a_writer(folder: Path) -> SegmentWriter:
    writer = SegmentWriter(folder, ManualClock())
    writer.start()
    return writer


def line(seq: int, text: str = "") -> bytes:
    return b'{"seq":%d,"message":"%b"}\n' % (seq, text.encode())


def test_lines_are_in_the_days_file_when_the_writer_has_stopped(tmp_path: Path) -> None:
    writer = a_writer(tmp_path)
    writer.put(ROWS, day="2026-01-01", seq=1, lines=line(1) + line(2))
    writer.put(POINTS, day="2026-01-01", seq=3, lines=line(3))
    writer.put(ROWS, day="2026-01-02", seq=4, lines=line(4))
    writer.stop()

    rows = segments_of(tmp_path, ROWS)

    assert [segment.day for segment in rows] == ["2026-01-01", "2026-01-02"]
    assert (tmp_path / rows[0].name).read_bytes() == line(1) + line(2)
    assert writer.rows_files == [segment.name for segment in rows]
    assert writer.bytes_waiting == 0
    assert [segment.day for segment in segments_of(tmp_path, POINTS)] == ["2026-01-01"]


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    writer = a_writer(tmp_path)
    writer.put(ROWS, day="2026-01-01", seq=1, lines=line(1))
    writer.stop()

    (segment,) = segments_of(tmp_path, ROWS)
    assert (tmp_path / segment.name).stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_full_is_followed_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEGMENT_BYTES_MAX", 100)
    monkeypatch.setattr("trigger_box.telemetry.segment_writer._WRITE_BYTES_MAX", 1)
    writer = a_writer(tmp_path)
    for seq in range(1, 11):
        writer.put(ROWS, day="2026-01-01", seq=seq, lines=line(seq, "x" * 20))
    writer.stop()

    segments = segments_of(tmp_path, ROWS)

    assert len(segments) > 1
    assert all(segment.bytes <= 100 for segment in segments)
    assert b"".join((tmp_path / s.name).read_bytes() for s in segments) == b"".join(
        line(seq, "x" * 20) for seq in range(1, 11)
    )


def test_the_last_number_is_found_behind_a_torn_line(tmp_path: Path) -> None:
    assert last_seq(tmp_path) == 0
    day = tmp_path / "2026-01-01"
    day.mkdir()
    (day / "rows-0000000000000001.ndjson").write_bytes(line(1) + line(17) + b'{"seq":18,"mess')
    (day / "points-0000000000000001.ndjson").write_bytes(line(12))

    assert last_seq(tmp_path) == 17


class HeardLog:
    """A log that tells when the disk was said to have failed, and to have recovered."""

    def __init__(self) -> None:
        self.failed = threading.Event()
        self.recovered = threading.Event()

    def error(self, event: str, **_: object) -> None:
        assert event == "telemetry.disk_failed"
        self.failed.set()

    def warning(self, event: str, **_: object) -> None:
        assert event == "telemetry.disk_recovered"
        self.recovered.set()


def test_a_disk_that_fails_and_recovers_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = HeardLog()
    monkeypatch.setattr("trigger_box.telemetry.segment_writer._log", heard)
    monkeypatch.setattr("trigger_box.telemetry.segment_writer._PAUSE_S", 0.01)
    folder = tmp_path / "segments"
    folder.write_text("a file where a folder should be")
    writer = a_writer(folder)

    writer.put(ROWS, day="2026-01-01", seq=1, lines=line(1))
    assert heard.failed.wait(10)
    assert writer.bytes_waiting == len(line(1))
    folder.unlink()
    assert heard.recovered.wait(10)
    writer.stop()

    assert writer.failure is None
    assert writer.bytes_lost == 0
    (segment,) = segments_of(folder, ROWS)
    assert (folder / segment.name).read_bytes() == line(1)


def test_what_can_not_be_written_before_the_stop_is_counted_as_lost(tmp_path: Path) -> None:
    folder = tmp_path / "segments"
    folder.write_text("a file where a folder should be")
    writer = a_writer(folder)
    writer.put(ROWS, day="2026-01-01", seq=1, lines=line(1))
    writer.stop()

    assert writer.bytes_lost == len(line(1))
    assert writer.bytes_waiting == 0


def test_a_queue_that_is_full_refuses_before_anything_is_taken(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, ManualClock())
    writer.check_room(10 * limits.TELEMETRY_QUEUE_BYTES_MAX)  # alone, whatever it is

    writer.put(ROWS, day="2026-01-01", seq=1, lines=line(1))

    writer.check_room(1_000)
    with pytest.raises(TelemetryBusyError):
        writer.check_room(limits.TELEMETRY_QUEUE_BYTES_MAX)


def test_days_are_in_utc() -> None:
    assert day_of(1_767_225_600_000) == "2026-01-01"
    assert day_of(1_767_225_599_999) == "2025-12-31"


def a_segment(folder: Path, *lines: bytes, day: str = "2026-01-01") -> str:
    name = f"{day}/rows-{1:016d}.ndjson"
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"".join(lines))
    return name


def test_a_packed_segment_keeps_its_name_its_size_and_its_lines(tmp_path: Path) -> None:
    lines = [line(seq, "the same words again and again") for seq in range(1, 1_001)]
    name = a_segment(tmp_path, *lines)
    (before,) = segments_of(tmp_path, ROWS)

    pack(tmp_path, name)

    (after,) = segments_of(tmp_path, ROWS)
    (file,) = (tmp_path / "2026-01-01").iterdir()
    assert (after.name, after.bytes, after.is_packed) == (before.name, before.bytes, True)
    assert file.stat().st_size < before.bytes / 10
    assert file.stat().st_mode & 0o777 == 0o600
    whole = b"".join(lines)
    assert read_segment(tmp_path, name, at=0, size=10**9) == whole
    assert read_segment(tmp_path, name, at=1_000, size=500) == whole[1_000:1_500]
    assert read_segment(tmp_path, name, at=len(whole), size=500) == b""


def test_while_both_forms_are_there_the_plain_one_counts(tmp_path: Path) -> None:
    name = a_segment(tmp_path, line(1))
    pack(tmp_path, name)
    a_segment(tmp_path, line(1), line(2))

    (segment,) = segments_of(tmp_path, ROWS)

    assert not segment.is_packed
    assert read_segment(tmp_path, name, at=0, size=100) == line(1) + line(2)


def test_a_packed_segment_that_is_cut_off_is_an_error_of_the_disk(tmp_path: Path) -> None:
    name = a_segment(tmp_path, *(line(seq) for seq in range(100)))
    pack(tmp_path, name)
    path = tmp_path / f"{name}.gz"
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(OSError, match="damaged"):
        read_segment(tmp_path, name, at=0, size=10_000)


def test_numbers_go_on_after_the_day_of_a_packed_segment(tmp_path: Path) -> None:
    pack(tmp_path, a_segment(tmp_path, line(5)))

    assert last_seq(tmp_path) == (1_767_225_600_000 + 24 * 3_600_000) << 12
