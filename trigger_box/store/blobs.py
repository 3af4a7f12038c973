"""Big packets as files, named by the SHA-256 of their bytes. Written once, never changed.

A blob is on disk before the transaction that names it commits; one that no row names is removed
by the retention keeper.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from trigger_box.domain.errors import NotFoundError, StoreFullError

_DIGEST: Final = re.compile(r"^[0-9a-f]{64}$")
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_OnFull = Callable[[], None]


class Blobs:
    """A folder of immutable blobs. All methods block: call them in a thread.

    Args:
        on_full: told when the disk is full, in that thread.
    """

    def __init__(self, folder: Path, *, on_full: _OnFull) -> None:
        self._folder = folder
        self._on_full = on_full

    def put(self, data: bytes) -> str:
        """Store ``data`` durably; return its digest (64 hex digits). The same data is stored once.

        Raises:
            StoreFullError: the disk is full; nothing was stored.
        """
        digest = hashlib.sha256(data).hexdigest()
        path = self.path(digest)
        if path.exists():
            return digest
        temporary = path.with_name(f".{digest}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            with _disk_full_is_ours(self._on_full):
                path.parent.mkdir(mode=0o700, exist_ok=True)
                with temporary.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.rename(path)
                _sync_folder(path.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return digest

    def begin(self) -> NewBlob:
        """Begin a blob whose bytes come piece by piece. End it with ``keep`` or ``drop``.

        Raises:
            StoreFullError: the disk is full.
        """
        return NewBlob(self._folder, on_full=self._on_full)

    def get(self, digest: str) -> bytes:
        """Return a blob's bytes.

        Raises:
            NotFoundError: there is no such blob.
        """
        try:
            return self.path(digest).read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError(f"The stored packet {digest[:12]}… is missing.") from error

    def remove(self, digest: str) -> None:
        """Remove a blob; do nothing if it is gone already."""
        self.path(digest).unlink(missing_ok=True)

    def digests(self) -> Iterator[str]:
        """Yield the digest of every blob."""
        for folder in self._folder.iterdir():
            if folder.is_dir():
                for entry in folder.iterdir():
                    if _DIGEST.match(entry.name):
                        yield entry.name

    def path(self, digest: str) -> Path:
        """Return where a blob lies. Two levels, so that no folder gets too long."""
        assert _DIGEST.match(digest), "a digest is 64 hex digits"
        return self._folder / digest[:2] / digest


class NewBlob:
    """A blob that is still being written, under a name nobody looks for. All methods block."""

    def __init__(self, folder: Path, *, on_full: _OnFull) -> None:
        self._folder = folder
        self._on_full = on_full
        self._hash = hashlib.sha256()
        self.bytes = 0
        self._path = folder / f".new.{os.getpid()}.{os.urandom(8).hex()}"
        with _disk_full_is_ours(on_full):
            self._file = self._path.open("wb")

    def add(self, piece: bytes) -> None:
        """Append bytes.

        Raises:
            StoreFullError: the disk is full; nothing is kept.
        """
        with _disk_full_is_ours(self._on_full):
            self._file.write(piece)
        self._hash.update(piece)
        self.bytes += len(piece)

    def keep(self) -> str:
        """Make it durable under its digest; return the digest.

        Raises:
            StoreFullError: the disk is full; nothing is kept.
        """
        digest = self._hash.hexdigest()
        path = self._folder / digest[:2] / digest
        with _disk_full_is_ours(self._on_full):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            path.parent.mkdir(mode=0o700, exist_ok=True)
            self._path.rename(path)
            _sync_folder(path.parent)
        return digest

    def drop(self) -> None:
        """Forget it. Safe after ``keep``, which it does not undo."""
        # On a full disk closing fails, too: it writes what is left in its buffer.
        with suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)


@contextmanager
def _disk_full_is_ours(on_full: _OnFull) -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        on_full()
        raise StoreFullError from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
