"""How long spans, logs and measurements are kept, and in which form.

A segment folder is a day: packed when it is over, removed as a whole when its time has come.

DuckDB forgets the same days when it is open; see ``reading.py``.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trigger_box.domain import limits
from trigger_box.telemetry.segments import POINTS, ROWS, day_of, days, pack, segments_of

DAY_MS: Final = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Cutoff:
    """Where keeping begins: the first kept day, and its first instant."""

    day: str
    instant_ms: int


def cutoff(now_ms: int, kept_days: int) -> Cutoff:
    """Return the oldest day that is kept: today and ``kept_days`` whole days before it."""
    instant_ms = now_ms - now_ms % DAY_MS - kept_days * DAY_MS
    return Cutoff(day_of(instant_ms), instant_ms)


def remove_old(folder: Path, oldest: Cutoff) -> bool:
    """Remove a bounded number of files that are too old; return whether more of them are left.

    Blocks. Safe to run again at any time.
    """
    removed = 0
    for day in days(folder):
        if day >= oldest.day:
            return False
        for path in sorted((folder / day).iterdir()):
            if removed >= limits.SEGMENT_FILES_REMOVED_MAX:
                return True
            path.unlink(missing_ok=True)
            removed += 1
        with suppress(OSError):  # something else lies in there: not ours to remove
            (folder / day).rmdir()
    return False


def pack_old(folder: Path, before_day: str) -> bool:
    """Pack one segment of an older day; return whether there may be more of them. Blocks.

    Nobody may write to those days any more: give it a day of grace.
    """
    for stream in (ROWS, POINTS):
        for segment in segments_of(folder, stream):
            if segment.day < before_day and not segment.is_packed:
                pack(folder, segment.name)
                return True
    return False
