"""This room alone, on a real store, with passwords that cost little."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.clock import ManualClock
from trigger_box.access.access import Access, open_access
from trigger_box.access.actors import NewProject, User
from trigger_box.access.passwords import Cost
from trigger_box.ids import IdSource
from trigger_box.store.folder import DataFolder
from trigger_box.store.store import Store

LIGHT = Cost(passes=1, memory_kib=64, lanes=1)
EMAIL = "ada@example.com"
PASSWORD = "a long enough password"
HERE = "192.0.2.1"


@dataclass(frozen=True, kw_only=True)
class Opened:
    """An open store with this room on it."""

    store: Store
    access: Access
    clock: ManualClock

    async def owner(self) -> User:
        """Return the first account, made with ``PASSWORD`` if need be."""
        return await self.access.create_user(EMAIL, password=PASSWORD)

    async def project(self, name: str = "Shop") -> NewProject:
        """Return a new project of the first account."""
        return await self.access.create_project(await self.owner(), name=name)


@asynccontextmanager
async def opened(folder: Path, clock: ManualClock | None = None) -> AsyncIterator[Opened]:
    """Open the room on a data folder."""
    clock = clock or ManualClock()
    store = await Store.open(DataFolder(folder))
    try:
        ids = IdSource(clock, random.Random(11))  # noqa: S311 - repeatable on purpose
        access = await open_access(store, clock, ids, store.folder.keys, password_cost=LIGHT)
        try:
            yield Opened(store=store, access=access, clock=clock)
        finally:
            access.close()
    finally:
        await store.close()


def everything_on_disk(folder: Path) -> bytes:
    """Return the bytes of every file of a data folder but its key files."""
    return b"".join(
        path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.parent.name != "keys"
    )
