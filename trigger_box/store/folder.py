"""The data folder: its layout, its permissions, and the lock that keeps a second box out."""

from __future__ import annotations

import errno
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trigger_box.domain.errors import ConflictError, UnavailableError

_SHOWN_MAX: Final = 200
_REASONS: Final = {
    errno.EEXIST: "it is a file, not a folder",
    errno.ENOTDIR: "it is a file, not a folder",
    errno.ENAMETOOLONG: "its path is too long for this file system",
    errno.ENOENT: "it can't be made here",
    errno.EACCES: "no write permission for this user",
    errno.EPERM: "no write permission for this user",
    errno.EROFS: "this file system is read-only",
    errno.ELOOP: "its links lead in a circle",
}
"""What the file system's own words mean for people."""


class FolderInUseError(ConflictError):
    """Another trigger-box runs on this data folder. Stop it first, or choose another folder."""

    code = "folder_in_use"


class FolderUnusableError(UnavailableError):
    """The data folder can't be used."""

    code = "folder_unusable"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Where everything of a box lies. All of it belongs to one user and is closed to others."""

    root: Path

    @property
    def database(self) -> Path:
        """Return the path of the truth."""
        return self.root / "box.db"

    @property
    def blobs(self) -> Path:
        """Return the folder of packets, by digest."""
        return self.root / "blobs"

    @property
    def segments(self) -> Path:
        """Return the folder of spans and logs, by day."""
        return self.root / "segments"

    @property
    def history(self) -> Path:
        """Return the path of the DuckDB file; it can be rebuilt."""
        return self.root / "history.duckdb"

    @property
    def keys(self) -> Path:
        """Return the folder of secrets that never enter the database."""
        return self.root / "keys"

    @property
    def run(self) -> Path:
        """Return the folder of what only matters while a box runs: lock, address."""
        return self.root / "run"

    def create(self) -> None:
        """Make the folders, closed to other users.

        Raises:
            FolderUnusableError: it can't be created or written to.
        """
        try:
            for folder in (self.root, self.blobs, self.segments, self.keys, self.run):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not os.access(self.root, os.W_OK):
                raise PermissionError(errno.EACCES, "", str(self.root))
            if not self.database.exists():
                # SQLite gives its other files the mode of this one.
                self.database.touch(mode=0o600)
        except OSError as error:
            raise self.unusable(error) from error

    def unusable(self, error: OSError) -> FolderUnusableError:
        """Return what to tell people about an error of the file system."""
        reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
        place = error.filename if isinstance(error.filename, str) else str(self.root)
        if error.errno in {errno.EEXIST, errno.ENOTDIR}:
            place = next((str(p) for p in (Path(place), *Path(place).parents) if _is_odd(p)), place)
            if Path(place).is_symlink():
                reason = "it is a link to something that is not there"
        where = reason if Path(place) == self.root else f"{place}: {reason}"
        return FolderUnusableError(
            f"The data folder {_short(str(self.root))} can't be used: {_short(where)}. "
            "Choose another one with --data-dir."
        )


def _is_odd(path: Path) -> bool:
    """Return whether something stands where a folder should."""
    return os.path.lexists(path) and not path.is_dir()


def _short(text: str) -> str:
    return (
        text if len(text) <= _SHOWN_MAX else f"{text[: _SHOWN_MAX // 2]}…{text[-_SHOWN_MAX // 2 :]}"
    )


class FolderLock:
    """One box per data folder. The kernel drops the lock when the process ends, however it ends."""

    def __init__(self, folder: DataFolder) -> None:
        self._path = folder.run / "box.lock"
        self._folder = folder
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            FolderInUseError: another process holds it.
            FolderUnusableError: the file system refuses the lock's file.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._folder.unusable(error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise FolderInUseError(
                f"Another trigger-box (process {holder}) runs on {self._folder.root}. "
                "Stop it first, or choose another folder with --data-dir."
            ) from error
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(descriptor)
            raise self._folder.unusable(error) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
