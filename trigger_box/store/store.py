"""The store as the rooms above see it: open, write, read, listen, close."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from typing import Final, Self, TypeVar

from trigger_box.domain.errors import StoreFullError, UnavailableError
from trigger_box.store.blobs import Blobs
from trigger_box.store.connections import open_writer
from trigger_box.store.disk import Disk
from trigger_box.store.feed import Feed
from trigger_box.store.folder import DataFolder, FolderLock
from trigger_box.store.migrate import migrate
from trigger_box.store.queries import store as sql
from trigger_box.store.readers import Readers
from trigger_box.store.writer import Change, Transaction, Writer

T = TypeVar("T")

_CHANGES_PER_CHECKPOINT: Final = 1_000
_WAL_FRAMES_MAX: Final = 16_384  # 64 MiB


class Store:
    """One data folder, opened. Made by ``Store.open``; used from one event loop."""

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder
        self.disk = Disk(folder)
        self.blobs = Blobs(folder.blobs, on_full=self.disk.failed)
        self.feed = Feed()
        self.readers = Readers()
        self._lock = FolderLock(folder)
        self._writer: Writer | None = None
        self._connection: sqlite3.Connection | None = None
        self._checkpointer: _Checkpointer | None = None
        self._looking = asyncio.Lock()

    @classmethod
    async def open(cls, folder: DataFolder) -> Self:
        """Open a data folder: lock it, bring its schema up to date, start the writer.

        Raises:
            FolderUnusableError: the folder can't be created or written to.
            FolderInUseError: another box runs on it.
            NewerDatabaseError: a newer program wrote it.
        """
        store = cls(folder)
        folder.create()
        store._lock.acquire()
        try:
            await store._start()
        except BaseException:
            await store.close()
            raise
        return store

    async def _start(self) -> None:
        try:
            connection = open_writer(self.folder.database)
            self._connection = connection
            migrate(connection)
        except sqlite3.Error as error:
            raise UnavailableError(
                f"The database {self.folder.database} can't be opened: {error}."
            ) from error
        self.folder.database.chmod(0o600)
        await self.readers.open(self.folder.database)
        self._checkpointer = _Checkpointer(self.folder)
        self._checkpointer.start()
        writer = Writer(
            connection, loop=asyncio.get_running_loop(), on_committed=self._on_committed
        )
        writer.start()
        self._writer = writer

    async def close(self) -> None:
        """Finish what waits, then close everything and give the lock back. Safe to call twice."""
        if self._writer is not None:
            await self._writer.stop()
            self._writer = None
        if self._checkpointer is not None:
            await asyncio.to_thread(self._checkpointer.stop)
            self._checkpointer = None
        await self.readers.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._lock.release()

    async def write(self, change: Callable[[Transaction], T]) -> T:
        """Run one change in the writer's thread; return its result once the disk has it.

        ``change`` sees the newest state, must not block on anything else, and either happens as a
        whole or not at all. Errors it raises come back from here.

        Raises:
            UnavailableError: the writer has too much to do, or the disk failed.
            StoreFullError: the disk is full; nothing was stored.
        """
        try:
            return await self.submit(change)
        except StoreFullError:
            self.disk.failed()
            raise

    async def look_at_disk(self) -> None:
        """Check that the disk takes something again, if it was full.

        Raises:
            StoreFullError: it does not.
        """
        if self.disk.is_full and not self._looking.locked():
            async with self._looking:
                if await asyncio.to_thread(self.disk.has_room):
                    await self.write(_touch)
                    self.disk.worked()
        if self.disk.is_full:
            raise StoreFullError

    def submit(self, change: Callable[[Transaction], T]) -> asyncio.Future[T]:
        """Hand over one change without waiting; otherwise like ``write``.

        Cancelling the future keeps a change that has not begun from happening, and no other.
        """
        assert self._writer is not None, "the store is open"
        return self._writer.write(change)

    @property
    def backlog(self) -> int:
        """Return how many changes wait for the disk."""
        return 0 if self._writer is None else self._writer.waiting

    async def changes_after(
        self, seq: int, *, limit: int, environment_id: str | None = None
    ) -> list[Change]:
        """Return changes after a bookmark, oldest first, at most ``limit`` rows looked at."""
        rows = await self.readers.all(sql.changes_after, {"seq": seq, "limit": limit})
        return [
            Change(
                seq=row["seq"],
                at_ms=row["at_ms"],
                environment_id=row["environment_id"],
                subject=row["subject"],
                kind=row["kind"],
                body=row["body"],
            )
            for row in rows
            if environment_id is None or row["environment_id"] == environment_id
        ]

    async def last_change(self) -> int:
        """Return the ``seq`` of the newest change, 0 if there is none."""
        row = await self.readers.one(sql.last_change)
        return 0 if row is None else int(row["seq"])

    def _on_committed(self, changes: list[Change]) -> None:
        self.disk.worked()
        self.feed.publish(changes)
        if self._checkpointer is not None:
            self._checkpointer.count(len(changes))


def _touch(tx: Transaction) -> None:
    """Write something that nobody sees: a commit like any other."""
    nothing = {"at_ms": 0, "environment_id": None, "subject": "", "kind": "", "body": ""}
    tx.execute(sql.insert_change, nothing)
    tx.execute(sql.take_back_change)


class _Checkpointer:
    """Moves pages from the WAL into the database on its own connection, so commits need not.

    It is woken every so many changes and never polls. While it lags behind a steady load the WAL
    grows; past a bound it waits for the readers and starts the WAL anew.
    """

    def __init__(self, folder: DataFolder) -> None:
        self._database = folder.database
        self._wake = threading.Event()
        self._ended = False
        self._since = 0
        self._thread = threading.Thread(target=self._run, name="store-checkpoint", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def count(self, changes: int) -> None:
        """Count committed changes; wake the thread when enough have come together."""
        self._since += changes
        if self._since >= _CHANGES_PER_CHECKPOINT:
            self._since = 0
            self._wake.set()

    def stop(self) -> None:
        self._ended = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        connection = sqlite3.connect(self._database, isolation_level=None)
        try:
            connection.execute("PRAGMA busy_timeout = 250")
            while True:
                self._wake.wait()
                self._wake.clear()
                if self._ended:
                    return
                # A full or failing disk is the writer's to report; here the next wake tries again.
                with contextlib.suppress(sqlite3.OperationalError):
                    self._checkpoint(connection)
        finally:
            connection.close()

    @staticmethod
    def _checkpoint(connection: sqlite3.Connection) -> None:
        _, in_wal, moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if in_wal != moved and in_wal > _WAL_FRAMES_MAX:
            connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
