"""Segment files: the truth about spans, logs and measurements. NDJSON, a folder a day.

A file is appended to by one start of the box (``segment_writer.py``), never changed afterwards,
packed once its day is over, and removed with its day. Whatever reads them copes with a torn line.
"""

from __future__ import annotations

import gzip
import os
import zlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

ROWS: Final = "rows"
POINTS: Final = "points"
SUFFIX: Final = ".ndjson"
PACKED: Final = ".gz"

_PACKING: Final = ".packing"
_PACK_LEVEL: Final = 4
_COPY_BYTES: Final = 1024 * 1024
_LAST_LINE_BYTES_MAX: Final = 2 * 1024 * 1024
_BITS_WITHIN_MS: Final = 12
_DAY_MS: Final = 24 * 3_600_000


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One file. ``name`` is its path below the segments folder, the same packed or not.

    Names sort by time. ``bytes`` is its size unpacked.
    """

    name: str
    bytes: int
    is_packed: bool

    @property
    def day(self) -> str:
        """Return the UTC day it belongs to, as ``2026-11-24``."""
        return self.name.partition("/")[0]


def day_of(instant_ms: int) -> str:
    """Return the UTC day of an instant, as ``2026-11-24``."""
    return datetime.fromtimestamp(instant_ms / 1000, UTC).strftime("%Y-%m-%d")


def days(folder: Path) -> list[str]:
    """Return the days that have a folder, oldest first."""
    with suppress(FileNotFoundError):
        return sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    return []


def segments_of(folder: Path, stream: str) -> list[Segment]:
    """Return the files of one stream (``ROWS`` or ``POINTS``), oldest first."""
    found: dict[str, Segment] = {}
    for day in days(folder):
        for path in (folder / day).glob(f"{stream}-*{SUFFIX}{PACKED}"):
            name = f"{day}/{path.name.removesuffix(PACKED)}"
            found[name] = Segment(name, _unpacked_bytes(path), is_packed=True)
        # Second, so that a plain file that packing has not removed yet wins.
        for path in (folder / day).glob(f"{stream}-*{SUFFIX}"):
            name = f"{day}/{path.name}"
            found[name] = Segment(name, path.stat().st_size, is_packed=False)
    return sorted(found.values())


def read_segment(folder: Path, name: str, *, at: int, size: int) -> bytes:
    """Return up to ``size`` bytes of a segment from ``at`` on, packed or not.

    Raises:
        FileNotFoundError: there is no such segment (any more).
        OSError: it can't be read, or its packed form is damaged.
    """
    try:
        with (folder / name).open("rb") as file:
            file.seek(at)
            return file.read(size)
    except FileNotFoundError:
        try:
            with gzip.open(folder / f"{name}{PACKED}") as packed:
                packed.seek(at)
                return packed.read(size)
        except (EOFError, zlib.error) as error:
            raise OSError(f"the packed segment {name} is damaged") from error


def pack(folder: Path, name: str) -> None:
    """Replace a segment by its packed form: about a twentieth. Blocks.

    A crash in between leaves the plain file, or both; then the plain one counts.
    """
    plain = folder / name
    temporary = plain.with_suffix(_PACKING)
    with plain.open("rb") as source, temporary.open("wb") as target:
        with gzip.GzipFile("", "wb", _PACK_LEVEL, target, mtime=0) as packed:
            while piece := source.read(_COPY_BYTES):
                packed.write(piece)
        target.flush()
        os.fsync(target.fileno())
    temporary.chmod(0o600)
    temporary.replace(plain.with_name(plain.name + PACKED))
    sync_folder(plain.parent)
    plain.unlink()


def last_seq(folder: Path) -> int:
    """Return a number that no row or point has passed before this start, 0 if there are none."""
    newest = 0
    for stream in (ROWS, POINTS):
        for segment in reversed(segments_of(folder, stream)):
            found = (
                _end_of_day(segment.day) << _BITS_WITHIN_MS
                if segment.is_packed
                else _last_seq_of(folder / segment.name)
            )
            if found is not None:
                newest = max(newest, found)
                break
    return newest


def first_seq_at(now_ms: int) -> int:
    """Return the lowest number that a row of this instant gets: numbers tell the time, roughly."""
    return now_ms << _BITS_WITHIN_MS


def instant_of_seq(seq: int) -> int:
    """Return the instant, in ms, that a number tells."""
    return seq >> _BITS_WITHIN_MS


class _Numbered(msgspec.Struct):
    seq: int


_NUMBERED: Final = msgspec.json.Decoder(_Numbered)


def seq_of(line: bytes) -> int | None:
    """Return the number in a segment line, or None if it is damaged."""
    try:
        return _NUMBERED.decode(line).seq
    except (msgspec.DecodeError, UnicodeError):
        return None


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _last_seq_of(path: Path) -> int | None:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LAST_LINE_BYTES_MAX))
        lines = file.read().split(b"\n")
    return next((seq for line in reversed(lines) if (seq := seq_of(line)) is not None), None)


def _end_of_day(day: str) -> int:
    begin = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    return int(begin.timestamp() * 1000) + _DAY_MS


def _unpacked_bytes(path: Path) -> int:
    """Return what gzip says at its end: the size, exact below 4 GiB, which a segment is."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) < 4:  # noqa: PLR2004 - bytes of a gzip size
            return 0
        file.seek(-4, os.SEEK_END)
        return int.from_bytes(file.read(4), "little")
