import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from trigger_box.domain import limits
from trigger_box.domain.errors import StoreFullError, UnavailableError
from trigger_box.store.connections import open_writer
from trigger_box.store.writer import Change, Transaction, Writer

INSERT = "INSERT INTO t (a) VALUES (:a)"


class Disk:
    """A writer on a small table of its own, with what it has published."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = open_writer(path)
        self.connection.execute("CREATE TABLE t (a INTEGER UNIQUE) STRICT")
        self.connection.execute(
            "CREATE TABLE changes (seq INTEGER PRIMARY KEY, at_ms, environment_id, subject, kind,"
            " body)"
        )
        self.published: list[Change] = []
        self.writer = Writer(
            self.connection,
            loop=asyncio.get_running_loop(),
            on_committed=self.published.extend,
        )
        self.writer.start()

    def rows(self) -> list[int]:
        reader = sqlite3.connect(self.path)
        try:
            return [row[0] for row in reader.execute("SELECT a FROM t ORDER BY a")]
        finally:
            reader.close()


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[Disk]:
    disk = Disk(tmp_path / "t.db")
    yield disk
    await disk.writer.stop()
    disk.connection.close()


def insert(number: int, *, then: Callable[[], None] | None = None) -> Callable[[Transaction], int]:
    def change(tx: Transaction) -> int:
        tx.execute(INSERT, {"a": number})
        if then is not None:
            then()
        return number

    return change


def refuse() -> None:
    raise ValueError("no")


async def test_an_answer_comes_after_the_disk_has_the_change(disk: Disk) -> None:
    assert await disk.writer.write(insert(1)) == 1

    assert disk.rows() == [1]


async def test_changes_that_wait_share_one_commit(disk: Disk) -> None:
    commits: list[str] = []
    disk.connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)

    await asyncio.gather(*(disk.writer.write(insert(n)) for n in range(50)))

    assert disk.rows() == list(range(50))
    assert len(commits) < 50


async def test_a_change_that_fails_harms_only_itself(disk: Disk) -> None:
    results = await asyncio.gather(
        disk.writer.write(insert(1)),
        disk.writer.write(insert(2, then=refuse)),
        disk.writer.write(insert(1)),
        disk.writer.write(insert(3)),
        return_exceptions=True,
    )

    assert disk.rows() == [1, 3]
    assert [type(one) for one in results] == [int, ValueError, sqlite3.IntegrityError, int]


async def test_a_failed_change_is_undone_in_memory_last_step_first(disk: Disk) -> None:
    undone: list[int] = []

    def change(tx: Transaction) -> None:
        tx.on_undo(lambda: undone.append(1))
        tx.on_undo(lambda: undone.append(2))
        refuse()

    with pytest.raises(ValueError, match="no"):
        await disk.writer.write(change)

    assert undone == [2, 1]


async def test_news_and_wake_ups_follow_the_commit_and_only_it(disk: Disk) -> None:
    woken: list[list[int]] = []

    def change(number: int, *, fails: bool) -> Callable[[Transaction], None]:
        def act(tx: Transaction) -> None:
            tx.execute(INSERT, {"a": number})
            tx.feed(at_ms=number, environment_id=None, subject=str(number), kind="k", body="{}")
            tx.after_commit(lambda: woken.append(disk.rows()))
            if fails:
                refuse()

        return act

    await asyncio.gather(
        disk.writer.write(change(1, fails=False)),
        disk.writer.write(change(2, fails=True)),
        return_exceptions=True,
    )

    assert woken == [[1]]
    assert [(one.seq, one.subject) for one in disk.published] == [(1, "1")]


async def test_when_the_commit_fails_all_are_told_and_nothing_is_promised(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    undone: list[int] = []

    def change(number: int) -> Callable[[Transaction], None]:
        def act(tx: Transaction) -> None:
            tx.execute(INSERT, {"a": number})
            tx.feed(at_ms=0, environment_id=None, subject="s", kind="k", body="{}")
            tx.on_undo(lambda: undone.append(number))

        return act

    class Failing:
        """The connection, but its next commit meets a failing disk."""

        def __init__(self) -> None:
            self.in_the_way = 1

        def __getattr__(self, name: str) -> object:
            return getattr(disk.connection, name)

        def execute(self, sql: str, *parameters: object) -> object:
            if sql == "COMMIT" and self.in_the_way:
                self.in_the_way -= 1
                raise sqlite3.OperationalError("disk I/O error")
            return disk.connection.execute(sql, *parameters)

    monkeypatch.setattr(disk.writer, "_connection", Failing())
    results = await asyncio.gather(
        *(disk.writer.write(change(n)) for n in range(3)), return_exceptions=True
    )
    failed = [one for one in results if isinstance(one, UnavailableError)]

    assert failed
    assert sorted(undone) == [n for n, one in enumerate(results) if one is not None]
    assert disk.rows() == [n for n, one in enumerate(results) if one is None]
    assert len(disk.published) == len(results) - len(failed)
    await disk.writer.write(insert(100))
    assert 100 in disk.rows()


async def test_a_full_disk_leaves_nothing_half_written_and_passes(disk: Disk) -> None:
    disk.connection.execute("CREATE TABLE big (b BLOB)")
    pages = disk.connection.execute("PRAGMA page_count").fetchone()[0]
    disk.connection.execute(f"PRAGMA max_page_count = {pages + 4}")

    def fill(tx: Transaction) -> None:
        tx.execute(INSERT, {"a": 7})
        tx.execute("INSERT INTO big VALUES (:b)", {"b": b"x" * 100_000})

    with pytest.raises(StoreFullError) as caught:
        await disk.writer.write(fill)
    assert caught.value.message == (
        "The disk is full: nothing was stored. Free some space, then try again."
    )
    assert disk.rows() == []

    disk.connection.execute("PRAGMA max_page_count = 10000")
    await disk.writer.write(fill)
    assert disk.rows() == [7]


async def test_a_full_disk_harms_only_those_who_need_room(disk: Disk) -> None:
    disk.connection.execute("CREATE TABLE big (b BLOB)")
    pages = disk.connection.execute("PRAGMA page_count").fetchone()[0]
    disk.connection.execute(f"PRAGMA max_page_count = {pages + 4}")

    def fill(tx: Transaction) -> None:
        tx.execute("INSERT INTO big VALUES (:b)", {"b": b"x" * 100_000})

    results = await asyncio.gather(
        disk.writer.write(insert(1)),
        disk.writer.write(fill),
        disk.writer.write(insert(2)),
        return_exceptions=True,
    )

    assert isinstance(results[1], StoreFullError)
    told = [one for one in (results[0], results[2]) if isinstance(one, int)]
    assert disk.rows() == told


async def test_a_change_nobody_waits_for_any_more_does_not_happen(disk: Disk) -> None:
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(_: Transaction) -> None:
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()

    holding = disk.writer.write(hold)
    given_up = disk.writer.write(insert(1))
    given_up.cancel()
    gate.set()
    await holding
    await disk.writer.write(insert(2))

    assert disk.rows() == [2]


async def test_too_much_waiting_is_refused_at_once(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WRITER_QUEUE_MAX", 1)
    first = disk.writer.write(insert(1))

    with pytest.raises(UnavailableError, match="more to store than its disk can take"):
        disk.writer.write(insert(2))

    await first
    assert disk.writer.waiting == 0
    assert await disk.writer.write(insert(3)) == 3


async def test_after_the_end_nothing_is_taken(disk: Disk) -> None:
    last = disk.writer.write(insert(1))
    await disk.writer.stop()

    assert await last == 1
    with pytest.raises(UnavailableError, match="stopping"):
        disk.writer.write(insert(2))


async def test_a_wake_up_that_fails_keeps_no_answer_back(disk: Disk) -> None:
    problems: list[str] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: problems.append(context["message"])
    )

    def change(tx: Transaction) -> int:
        tx.after_commit(refuse)
        return 1

    assert await disk.writer.write(change) == 1
    assert problems == ["what follows a commit has failed"]


async def test_something_nobody_foresaw_is_told_and_the_writer_lives_on(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(disk.writer, "_commit", broken)
        with pytest.raises(RuntimeError, match="a bug"):
            await disk.writer.write(insert(1))

    assert await disk.writer.write(insert(2)) == 2
    assert disk.rows() == [2]


async def test_a_change_that_fails_after_writing_harms_only_itself(disk: Disk) -> None:
    memory: list[int] = []

    def remembered(number: int) -> Callable[[Transaction], int]:
        def change(tx: Transaction) -> int:
            tx.execute(INSERT, {"a": number})
            memory.append(number)
            tx.on_undo(memory.pop)
            if number == 3:
                refuse()
            return number

        return change

    answers = await asyncio.gather(
        *(disk.writer.write(remembered(number)) for number in range(6)), return_exceptions=True
    )

    assert [answer for answer in answers if not isinstance(answer, ValueError)] == [0, 1, 2, 4, 5]
    assert disk.rows() == [0, 1, 2, 4, 5]
    assert memory == [0, 1, 2, 4, 5]


async def test_a_change_that_fails_before_writing_costs_the_others_nothing(disk: Disk) -> None:
    runs: list[int] = []

    def counted(number: int) -> Callable[[Transaction], None]:
        def change(tx: Transaction) -> None:
            runs.append(number)
            if number == 1:
                refuse()
            tx.execute(INSERT, {"a": number})

        return change

    await asyncio.gather(
        *(disk.writer.write(counted(number)) for number in range(3)), return_exceptions=True
    )

    assert disk.rows() == [0, 2]
    assert runs == [0, 1, 2]
