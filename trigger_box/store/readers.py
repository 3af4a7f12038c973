"""The readers: a few aiosqlite connections that never wait for the writer and never write."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite

from trigger_box.domain import limits
from trigger_box.store.connections import reader_statements

Row = sqlite3.Row


class Readers:
    """A small pool. One query, or several over one consistent view with ``view()``."""

    def __init__(self) -> None:
        self._idle: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        self._all: list[aiosqlite.Connection] = []

    async def open(self, path: Path) -> None:
        """Open the connections. On failure whatever was opened is closed again.

        An aiosqlite connection owns a thread that keeps the process alive: never leave one behind.
        """
        try:
            for _ in range(limits.READERS):
                connection = await aiosqlite.connect(
                    f"file:{path}?mode=ro", uri=True, isolation_level=None, cached_statements=256
                )
                self._all.append(connection)
                connection.row_factory = sqlite3.Row
                for statement in reader_statements():
                    await connection.execute(statement)
                self._idle.put_nowait(connection)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close all connections."""
        for connection in self._all:
            await connection.close()
        self._all.clear()

    async def one(self, query: str, parameters: Mapping[str, object] | None = None) -> Row | None:
        """Return the first row of one query, or None."""
        async with self._borrow() as connection, connection.execute(query, parameters) as cursor:
            return await cursor.fetchone()

    async def all(self, query: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """Return all rows of one query. The query itself bounds them with a LIMIT."""
        async with self._borrow() as connection:
            return list(await connection.execute_fetchall(query, parameters))

    @asynccontextmanager
    async def view(self) -> AsyncGenerator[aiosqlite.Connection]:
        """Lend a connection inside one read transaction: all its queries see the same instant."""
        async with self._borrow() as connection:
            await connection.execute("BEGIN")
            try:
                yield connection
            finally:
                await connection.execute("ROLLBACK")

    @asynccontextmanager
    async def _borrow(self) -> AsyncGenerator[aiosqlite.Connection]:
        connection = await self._idle.get()
        try:
            yield connection
        finally:
            self._idle.put_nowait(connection)
