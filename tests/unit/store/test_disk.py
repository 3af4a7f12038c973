import errno
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from trigger_box.domain.errors import StoreFullError
from trigger_box.store import blobs as blobs_module
from trigger_box.store import disk as disk_module
from trigger_box.store.folder import DataFolder
from trigger_box.store.store import Store
from trigger_box.store.writer import Transaction

TELL = {"environment_id": None, "subject": "x", "kind": "thing.happened"}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(DataFolder(tmp_path))
    yield store
    await store.close()


def pages_max(store: Store, pages: int) -> None:
    """Let the database grow to so many pages and no further, as a disk that is full would."""
    assert store._connection is not None
    store._connection.execute(f"PRAGMA max_page_count = {pages}")


async def tell(store: Store, text: str = "") -> None:
    def change(tx: Transaction) -> None:
        tx.feed(at_ms=1, body=text, **TELL)

    await store.write(change)


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]


async def test_a_full_disk_is_said_once_however_many_writes_fail(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    pages_max(store, 1)
    for _ in range(50):
        with pytest.raises(StoreFullError):
            await tell(store, "x" * 100_000)

    assert store.disk.is_full
    assert said(capsys) == ["store.disk_full"]

    pages_max(store, 10_000)
    await tell(store, "x" * 100_000)
    await tell(store)

    assert not store.disk.is_full
    assert said(capsys) == ["store.disk_recovered"]


async def test_a_disk_with_hardly_any_room_is_still_taken_for_full(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store.disk.failed()
    with monkeypatch.context() as patch:
        patch.setattr(disk_module, "ROOM_BYTES", 1 << 62)
        await tell(store)

        assert store.disk.is_full
        with pytest.raises(StoreFullError):
            await store.look_at_disk()

    await store.look_at_disk()

    assert not store.disk.is_full
    assert said(capsys) == ["store.disk_full", "store.disk_recovered"]


async def test_looking_at_the_disk_leaves_nothing_behind(store: Store) -> None:
    await tell(store)
    before = await store.last_change()
    store.disk.failed()

    await store.look_at_disk()
    await tell(store)

    assert await store.last_change() == before + 1
    assert len(await store.changes_after(0, limit=10)) == 2
    assert sorted(path.name for path in store.folder.run.iterdir()) == ["box.lock"]


async def test_nobody_looks_at_a_disk_that_works(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "posix_fallocate")

    await store.look_at_disk()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
async def test_a_packet_that_finds_no_room_leaves_nothing_behind(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(blobs_module.os, "fsync", full)
    with pytest.raises(StoreFullError):
        store.blobs.put(b"packet")
    piecewise = store.blobs.begin()
    piecewise.add(b"packet")
    with pytest.raises(StoreFullError):
        piecewise.keep()
    piecewise.drop()

    assert store.disk.is_full
    assert list(store.blobs.digests()) == []
    assert [path for path in store.folder.blobs.rglob("*") if path.is_file()] == []
