"""Which runs are in flight, in memory that another process can read after this one was killed.

A fixed table in an anonymous file that is mapped by both sides: writing costs no call, so it can be
exact at a thousand runs a second. The reader is ``watchdog.py``.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path
from typing import Final

from trigger_box.worker.limits import ROSTER_RUNS_MAX

_CELL_BYTES: Final = 64
_SIZE: Final = ROSTER_RUNS_MAX * _CELL_BYTES
_EMPTY: Final = b"\0" * _CELL_BYTES


class Roster:
    """The table of runs in flight; this side writes.

    Attributes:
        file: the open file, to be passed to the reader.
    """

    def __init__(self) -> None:
        self.file = _anonymous_file()
        os.ftruncate(self.file, _SIZE)
        self._table = mmap.mmap(self.file, _SIZE)
        self._cells: dict[str, int] = {}
        self._free = list(range(ROSTER_RUNS_MAX - 1, -1, -1))

    def add(self, run_id: str) -> None:
        """A run is in flight. Beyond ``ROSTER_RUNS_MAX`` the box's own watch has to do."""
        name = run_id.encode()
        if not self._free or len(name) > _CELL_BYTES or run_id in self._cells:
            return
        cell = self._free.pop()
        self._cells[run_id] = cell
        self._put(cell, name.ljust(_CELL_BYTES, b"\0"))

    def remove(self, run_id: str) -> None:
        """It is not any more."""
        cell = self._cells.pop(run_id, None)
        if cell is not None:
            self._put(cell, _EMPTY)
            self._free.append(cell)

    def close(self) -> None:
        """Forget everything."""
        self._table.close()
        os.close(self.file)

    def _put(self, cell: int, content: bytes) -> None:
        self._table[cell * _CELL_BYTES : (cell + 1) * _CELL_BYTES] = content


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("trigger-box-roster")
    file, name = tempfile.mkstemp(prefix="trigger-box-roster-")
    Path(name).unlink()
    return file


def read_roster(file: int) -> list[str]:
    """Return the runs in a roster's file."""
    os.lseek(file, 0, os.SEEK_SET)
    content = b""
    while len(content) < _SIZE:
        part = os.read(file, _SIZE - len(content))
        if not part:
            break
        content += part
    cells = (
        content[start : start + _CELL_BYTES].rstrip(b"\0")
        for start in range(0, len(content), _CELL_BYTES)
    )
    return [cell.decode("utf-8", "replace") for cell in cells if cell]
