"""Whether the disk takes what is written: noted when a write fails, and said once, not per write.

Only a full disk is looked after here: it is what passes by itself once somebody has made room.
"""

from __future__ import annotations

import os
import shutil
from threading import Lock
from typing import Final

from trigger_box import log
from trigger_box.store.folder import DataFolder

_log = log.get("store")

ROOM_BYTES: Final = 4 * 1024 * 1024
"""A disk is taken for full until so much is free: else it would be full and not in turns."""
_PROBE: Final = ".room"


class Disk:
    """The disk under a data folder. Thread-safe: packets are stored in threads of their own."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._lock = Lock()
        self.is_full = False

    def failed(self) -> None:
        """Note that something could not be stored for want of room."""
        with self._lock:
            if self.is_full:
                return
            self.is_full = True
        _log.error(
            "store.disk_full",
            folder=str(self._folder.root),
            free_bytes=self._free_bytes(),
            next_step="Free some space. Nothing new is stored until then; then the box goes on.",
        )

    def worked(self) -> None:
        """Note that something was stored: the trouble is over if there is room for more."""
        if not self.is_full or self._free_bytes() < ROOM_BYTES:
            return
        with self._lock:
            self.is_full = False
        _log.warning("store.disk_recovered", free_bytes=self._free_bytes())

    def has_room(self) -> bool:
        """Return whether a file can grow. Blocks: call it in a thread."""
        probe = self._folder.run / _PROBE
        try:
            with probe.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, ROOM_BYTES)
        except OSError:
            return False
        finally:
            probe.unlink(missing_ok=True)
        return True

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self._folder.root).free
