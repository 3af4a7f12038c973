"""One ``dev`` per project folder and branch: a newer one ends the older."""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

_POLITE_S: Final = 5.0
_FIRM_S: Final = 2.0
_LOOK_S: Final = 0.05


class DevLockError(Exception):
    """Another ``dev`` for this folder and branch does not end."""


class DevLock:
    """Holds the place of the one ``dev``. The lock itself is the kernel's, so a crash frees it."""

    def __init__(self, file: int) -> None:
        self._file = file

    @classmethod
    def take(cls, folder: Path, branch: str | None, *, state_folder: Path) -> Self:
        """Return the lock; end whoever holds it first.

        Raises:
            DevLockError: the other one does not go away.
        """
        state_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = hashlib.sha256(f"{folder.resolve()}\n{branch or ''}".encode()).hexdigest()[:24]
        file = os.open(state_folder / f"dev-{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _take_over(file)
        except BaseException:
            os.close(file)
            raise
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        return cls(file)

    def release(self) -> None:
        """Leave the place."""
        os.close(self._file)


def _take_over(file: int) -> None:
    if _try(file):
        return
    for number, patience_s in ((signal.SIGTERM, _POLITE_S), (signal.SIGKILL, _FIRM_S)):
        # Read each time: between two looks a third `dev` may have taken the place.
        pid = _holder(file)
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if _try(file):
                return
            time.sleep(_LOOK_S)
    raise DevLockError(
        "another `dev` for this folder and branch does not end"
        + (f" (process {pid})" if (pid := _holder(file)) else "")
    )


def _try(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: int) -> int | None:
    text = os.pread(file, 32, 0).decode("ascii", "replace").strip()
    return int(text) if text.isdigit() and int(text) > 1 else None
