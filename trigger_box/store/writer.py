"""The one writer: a thread that owns the only connection that changes the database.

Whatever waits shares one commit. Each change runs inside its own savepoint, so a change that fails
harms only itself; answers leave after the disk has everything. Reads live in ``readers.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final, TypeVar

import msgspec

from trigger_box.domain import limits
from trigger_box.domain.errors import StoreFullError, UnavailableError
from trigger_box.store.queries import store as sql
from trigger_box.store.statements import Parameters, Statement, Statements

T = TypeVar("T")
Row = sqlite3.Row

_INSERT_CHANGE: Final = Statement(sql.insert_change)
_STATEMENTS: Final = Statements()
_NONE: Final[Parameters] = {}
_OWN_SAVEPOINT: Final = "SAVEPOINT change"
_KEEP: Final = "RELEASE change"
_UNDO: Final = "ROLLBACK TO change"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the change feed. ``seq`` orders everything that ever happened in this box."""

    seq: int
    at_ms: int
    environment_id: str | None
    subject: str
    kind: str
    body: str


class Transaction:
    """What a change may do, inside the writer's thread. Valid only during that change."""

    __slots__ = ("_connection", "_cursor", "_undo", "after", "changes")

    def __init__(self, connection: sqlite3.Connection, cursor: sqlite3.Cursor) -> None:
        self._connection = connection
        self._cursor = cursor
        self._undo: list[Callable[[], None]] = []
        self.after: list[Callable[[], None]] = []
        self.changes: list[Change] = []

    def execute(self, query: str, parameters: Parameters | None = None) -> int:
        """Run one statement; return how many rows it changed."""
        statement = _STATEMENTS[query]
        return self._cursor.execute(statement.text, statement.values(parameters or _NONE)).rowcount

    def plain(self, query: str, parameters: Parameters | None = None) -> tuple[Any, ...] | None:
        """Run one statement; return its first row as a plain tuple: for the hottest queries."""
        statement = _STATEMENTS[query]
        found = self._cursor.execute(statement.text, statement.values(parameters or _NONE))
        row: tuple[Any, ...] | None = found.fetchone()
        return row

    def plain_all(self, query: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """Run one statement; return all its rows, bounded by itself, as plain tuples."""
        statement = _STATEMENTS[query]
        found = self._cursor.execute(statement.text, statement.values(parameters or _NONE))
        return found.fetchall()

    def one(self, query: str, parameters: Parameters | None = None) -> Row | None:
        """Run one statement; return its first row, or None."""
        statement = _STATEMENTS[query]
        found = self._connection.execute(statement.text, statement.values(parameters or _NONE))
        row: Row | None = found.fetchone()
        return row

    def all(self, query: str, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement; return all its rows. The query itself bounds them with a LIMIT."""
        statement = _STATEMENTS[query]
        values = statement.values(parameters or _NONE)
        return self._connection.execute(statement.text, values).fetchall()

    def many(self, query: str, rows: list[Parameters]) -> None:
        """Run one statement once per set of parameters."""
        self._connection.executemany(query, rows)

    def feed(
        self, *, at_ms: int, environment_id: str | None, subject: str, kind: str, body: str
    ) -> None:
        """Add a row to the change feed; its readers hear of it after the commit."""
        # In the order in which the query names them.
        values = (at_ms, environment_id, subject, kind, body)
        cursor = self._cursor.execute(_INSERT_CHANGE.text, values)
        assert cursor.lastrowid is not None
        self.changes.append(
            Change(
                seq=cursor.lastrowid,
                at_ms=at_ms,
                environment_id=environment_id,
                subject=subject,
                kind=kind,
                body=body,
            )
        )

    def after_commit(self, act: Callable[[], None]) -> None:
        """Call ``act`` on the event loop once the disk has this change. It must not block."""
        self.after.append(act)

    def on_undo(self, act: Callable[[], None]) -> None:
        """Call ``act`` in the writer's thread if this change is undone: for state in memory."""
        self._undo.append(act)

    def undo(self) -> None:
        """Put back what this change did to memory, last first."""
        for act in reversed(self._undo):
            act()


@dataclass(slots=True)
class _Waiting:
    change: Callable[[Transaction], Any]
    future: asyncio.Future[Any]
    transaction: Transaction | None = None
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Takes changes from the event loop, one thread, group commit."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        loop: asyncio.AbstractEventLoop,
        on_committed: Callable[[list[Change]], None],
    ) -> None:
        self._connection = connection
        # One cursor without the rows' names: the plainest statements need no more, and it is never
        # left half read, since each execute() starts it anew.
        self._cursor = connection.cursor()
        self._cursor.row_factory = None
        self._loop = loop
        self._on_committed = on_committed
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._has_ended = False
        self.waiting = 0
        """Changes handed over and not settled yet. Loop side only."""

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def write(self, change: Callable[[Transaction], T]) -> asyncio.Future[T]:
        """Hand over one change; the future settles after the commit, or with the change's error.

        Raises:
            UnavailableError: too many changes wait already, or the box is stopping; nothing was
            accepted.
        """
        if self.waiting >= limits.WRITER_QUEUE_MAX:
            raise UnavailableError("The box has more to store than its disk can take right now.")
        if self._has_ended:
            raise UnavailableError("The box is stopping.")
        future: asyncio.Future[T] = self._loop.create_future()
        self.waiting += 1
        self._queue.put(_Waiting(change, future))
        return future

    async def stop(self) -> None:
        """Finish what waits, then end the thread. Nothing more is taken from now on."""
        self._has_ended = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        ended = False
        while not ended:
            first = self._queue.get()
            if first is None:
                return
            batch = [first]
            while len(batch) < limits.WRITER_BATCH_MAX and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    ended = True
                    break
                batch.append(following)
            try:
                self._commit(batch)
            except Exception as error:  # noqa: BLE001 - a dead thread would leave all waiting
                self._give_up(batch, error)
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody is waiting
                self._loop.call_soon_threadsafe(self._settle, batch)

    def _commit(self, batch: list[_Waiting]) -> None:
        """Run a batch and commit it: at first as if nothing would fail, which is nearly always so.

        A savepoint keeps a copy of every page that a change touches, and costs as much as the
        change. So the batch runs without; a change that fails before it has written (a stale call,
        a refused one) needs nothing put back. If one fails after it has written, everything is
        undone and the batch runs anew, each change in its own savepoint. Changes are functions of
        the store and may run twice: nobody has heard of the first time.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            for waiting in batch:
                waiting.error = _foreign(error)
            return
        done: list[_Waiting] = []
        for waiting in batch:
            if waiting.future.cancelled():
                continue  # nobody waits for the answer and nothing has been promised
            before = self._connection.total_changes
            transaction = waiting.transaction = Transaction(self._connection, self._cursor)
            try:
                waiting.result = waiting.change(transaction)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the caller
                transaction.undo()
                waiting.error = _foreign(error)
                if self._connection.in_transaction and self._connection.total_changes == before:
                    continue
                self._take_back(done)
                self._commit_apart(batch)
                return
            done.append(waiting)
        self._finish(done)

    def _take_back(self, done: list[_Waiting]) -> None:
        """Undo a batch: what was written, and what was done to memory, last first."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        for waiting in reversed(done):
            assert waiting.transaction is not None
            waiting.transaction.undo()
            waiting.transaction = None

    def _commit_apart(self, batch: list[_Waiting]) -> None:
        """Run a batch with each change in its own savepoint: one that fails harms only itself."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        done: list[_Waiting] = []
        for waiting in batch:
            waiting.error = waiting.transaction = None
            if waiting.future.cancelled():
                continue
            transaction = waiting.transaction = Transaction(connection, self._cursor)
            connection.execute(_OWN_SAVEPOINT)
            try:
                waiting.result = waiting.change(transaction)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the caller
                transaction.undo()
                waiting.error = _foreign(error)
                if not connection.in_transaction:
                    # A full disk can make SQLite roll everything back by itself.
                    self._fail_all(done, waiting.error)
                    connection.execute("BEGIN IMMEDIATE")
                    done.clear()
                    continue
                connection.execute(_UNDO)
            else:
                done.append(waiting)
            connection.execute(_KEEP)
        self._finish(done)

    def _finish(self, done: list[_Waiting]) -> None:
        """Put everything on disk; if that fails, nothing was promised and all are told."""
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._fail_all(done, _foreign(error))

    def _give_up(self, batch: list[_Waiting], error: Exception) -> None:
        """Fail a whole batch after something nobody foresaw: nothing of it is promised."""
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        self._fail_all([one for one in batch if one.error is None], _foreign(error))

    @staticmethod
    def _fail_all(done: list[_Waiting], error: BaseException) -> None:
        for waiting in reversed(done):
            waiting.error = error
            if waiting.transaction is not None:
                waiting.transaction.undo()

    def _settle(self, batch: list[_Waiting]) -> None:
        self.waiting -= len(batch)
        changes: list[Change] = []
        for waiting in batch:
            if waiting.error is None and waiting.transaction is not None:
                changes.extend(waiting.transaction.changes)
                # Wake first: what must follow a commit happens without an await in between.
                for act in waiting.transaction.after:
                    self._act(act)
        if changes:
            self._on_committed(changes)
        for waiting in batch:
            if waiting.future.done():
                continue
            if waiting.error is not None:
                waiting.future.set_exception(waiting.error)
            else:
                waiting.future.set_result(waiting.result)

    def _act(self, act: Callable[[], None]) -> None:
        """Call what follows a commit; its failure must not keep the others' answers back."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 - reported, and nobody else is harmed
            self._loop.call_exception_handler(
                {"message": "what follows a commit has failed", "exception": error}
            )


def _foreign(error: BaseException) -> BaseException:
    """Turn SQLite's own complaints about the disk into ours; leave everything else as it is."""
    if isinstance(error, sqlite3.OperationalError):
        text = str(error)
        if "disk is full" in text or "disk I/O error" in text:
            full = (
                StoreFullError()
                if "full" in text
                else UnavailableError(f"The disk failed: {text}.")
            )
            full.__cause__ = error
            return full
        if "readonly" in text:
            readonly = UnavailableError("The data folder can't be written to.")
            readonly.__cause__ = error
            return readonly
    return error
