import asyncio
import errno
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from trigger_box.domain import limits
from trigger_box.domain.errors import NotFoundError, UnavailableError
from trigger_box.store.feed import Feed
from trigger_box.store.folder import DataFolder, FolderInUseError, FolderUnusableError
from trigger_box.store.migrate import NewerDatabaseError
from trigger_box.store.queries import store as sql
from trigger_box.store.store import Store
from trigger_box.store.writer import Change, Transaction


def news(number: int, environment_id: str | None = None) -> Change:
    return Change(
        seq=number, at_ms=0, environment_id=environment_id, subject="s", kind="k", body="{}"
    )


async def tell(store: Store, *subjects: str, environment_id: str | None = None) -> None:
    for subject in subjects:
        await store.write(
            lambda tx, subject=subject: tx.feed(
                at_ms=1, environment_id=environment_id, subject=subject, kind="k", body="{}"
            )
        )


async def test_what_was_written_is_there_after_closing_and_opening(tmp_path: Path) -> None:
    store = await Store.open(DataFolder(tmp_path))
    await tell(store, "a", "b")
    await store.close()

    store = await Store.open(DataFolder(tmp_path))
    try:
        assert [one.subject for one in await store.changes_after(0, limit=10)] == ["a", "b"]
        assert await store.last_change() == 2
    finally:
        await store.close()


async def test_the_folder_and_the_database_are_closed_to_others(tmp_path: Path) -> None:
    store = await Store.open(DataFolder(tmp_path / "data"))
    await store.close()

    for path, mode in (("", 0o700), ("keys", 0o700), ("box.db", 0o600)):
        assert stat.S_IMODE((tmp_path / "data" / path).stat().st_mode) == mode


async def test_in_a_folder_that_others_may_read_the_files_are_closed_from_the_first_start(
    tmp_path: Path,
) -> None:
    store = await Store.open(DataFolder(tmp_path))
    try:
        await tell(store, "a")
        for name in ("box.db", "box.db-wal", "box.db-shm"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    finally:
        await store.close()


async def test_a_full_disk_is_named_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)

    with pytest.raises(FolderUnusableError, match="No space left"):
        await Store.open(DataFolder(tmp_path))


async def test_a_second_store_on_the_folder_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    store = await Store.open(DataFolder(tmp_path))
    try:
        with pytest.raises(FolderInUseError, match=rf"process {os.getpid()}\) runs on"):
            await Store.open(DataFolder(tmp_path))
        await tell(store, "still here")
    finally:
        await store.close()


def test_a_second_process_is_refused_in_one_sentence(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from trigger_box.store.folder import DataFolder, FolderInUseError\n"
        "from trigger_box.store.store import Store\n"
        "try:\n"
        "    asyncio.run(Store.open(DataFolder(Path(sys.argv[1]))))\n"
        "except FolderInUseError as error:\n"
        "    print(error.message)\n"
    )

    async def hold() -> str:
        store = await Store.open(DataFolder(tmp_path))
        try:
            other = await asyncio.create_subprocess_exec(
                sys.executable, "-c", program, str(tmp_path), stdout=subprocess.PIPE
            )
            out, _ = await other.communicate()
            return out.decode()
        finally:
            await store.close()

    assert asyncio.run(hold()) == (
        f"Another trigger-box (process {os.getpid()}) runs on {tmp_path}. Stop it first, or choose "
        "another folder with --data-dir.\n"
    )


async def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    store = await Store.open(DataFolder(tmp_path))
    await store.close()
    database = sqlite3.connect(tmp_path / "box.db")
    database.execute("PRAGMA user_version = 999")
    database.close()

    with pytest.raises(NewerDatabaseError, match="schema 999"):
        await Store.open(DataFolder(tmp_path))

    database = sqlite3.connect(tmp_path / "box.db")
    assert database.execute("PRAGMA user_version").fetchone() == (999,)
    database.close()


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.create()
    folder.database.write_bytes(b"this is not a database, it is a sentence" * 100)

    with pytest.raises(UnavailableError, match=r"box\.db can't be opened: file is not a database"):
        await Store.open(folder)


async def test_a_folder_that_can_not_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tests run as root at times, who may write everywhere: so the system's answer is played.
    monkeypatch.setattr(os, "access", lambda *_: False)

    with pytest.raises(FolderUnusableError, match="no write permission"):
        await Store.open(DataFolder(tmp_path))


async def test_a_file_in_the_folders_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("I am a file")

    with pytest.raises(FolderUnusableError, match="Choose another one with --data-dir"):
        await Store.open(DataFolder(tmp_path / "data"))


async def test_closing_twice_is_allowed(tmp_path: Path) -> None:
    store = await Store.open(DataFolder(tmp_path))
    await store.close()

    await store.close()


async def test_readers_see_one_instant_and_cannot_write(tmp_path: Path) -> None:
    store = await Store.open(DataFolder(tmp_path))
    try:
        await tell(store, "a")
        async with store.readers.view() as view:
            first = list(await view.execute_fetchall(sql.last_change))
            await tell(store, "b")
            again = list(await view.execute_fetchall(sql.last_change))
            assert first[0]["seq"] == again[0]["seq"] == 1
        assert await store.last_change() == 2
        with pytest.raises(sqlite3.OperationalError):
            await store.readers.all("DELETE FROM changes")
    finally:
        await store.close()


async def test_the_newest_change_is_kept_so_that_seq_goes_on(tmp_path: Path) -> None:
    store = await Store.open(DataFolder(tmp_path))
    try:
        await tell(store, "a", "b", "c")

        def forget(tx: Transaction) -> int:
            return tx.execute(sql.delete_old_changes, {"before_ms": 1_000, "limit": 100})

        assert await store.write(forget) == 2
        await tell(store, "d")
        assert [one.seq for one in await store.changes_after(0, limit=9)] == [3, 4]
    finally:
        await store.close()


async def test_subscribers_hear_what_is_committed_and_theirs(tmp_path: Path) -> None:
    store = await Store.open(DataFolder(tmp_path))
    try:
        with (
            store.feed.subscribe() as everything,
            store.feed.subscribe(environment_id="e") as own,
        ):
            await tell(store, "a")
            await tell(store, "b", environment_id="e")

            assert [one.subject for one in await everything.next()] == ["a", "b"]
            assert [one.subject for one in await own.next()] == ["b"]
    finally:
        await store.close()


async def test_a_slow_subscriber_is_told_that_it_missed_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "FEED_SUBSCRIBER_ROWS_MAX", 3)
    feed = Feed()

    with feed.subscribe() as slow:
        feed.publish([news(n) for n in range(1, 6)])

        assert slow.overflowed
        assert [one.seq for one in await slow.next()] == [4, 5]


async def test_the_backlog_is_what_waits_for_the_disk(tmp_path: Path) -> None:
    store = await Store.open(DataFolder(tmp_path))
    try:
        pending = store.submit(lambda _: None)
        assert store.backlog == 1
        await pending
        assert store.backlog == 0
    finally:
        await store.close()


async def test_the_wal_is_moved_into_the_database_under_load(tmp_path: Path) -> None:
    store = await Store.open(DataFolder(tmp_path))
    try:
        before = (tmp_path / "box.db").stat().st_size

        def much(tx: Transaction) -> None:
            for number in range(600):
                tx.feed(at_ms=number, environment_id=None, subject="s", kind="k", body="x" * 500)

        for _ in range(4):
            await store.write(much)
        async with asyncio.timeout(10):
            while (tmp_path / "box.db").stat().st_size == before:
                await store.write(much)
    finally:
        await store.close()


async def test_a_blob_is_stored_once_and_found_again(tmp_path: Path) -> None:
    store = await Store.open(DataFolder(tmp_path))
    try:
        digest = store.blobs.put(b"hello")

        assert store.blobs.put(b"hello") == digest
        assert store.blobs.get(digest) == b"hello"
        assert list(store.blobs.digests()) == [digest]
        store.blobs.remove(digest)
        store.blobs.remove(digest)
        with pytest.raises(NotFoundError, match="is missing"):
            store.blobs.get(digest)
    finally:
        await store.close()
