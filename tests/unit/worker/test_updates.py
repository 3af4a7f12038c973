from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from trigger_box.worker import updates
from trigger_box.worker.calls import AnswerError, CallError
from trigger_box.worker.updates import Updates


class Routes:
    def __init__(self) -> None:
        self.changes: list[tuple[str, Mapping[str, object]]] = []
        self.tags: list[list[str]] = []
        self.failure: Exception | None = None

    async def change_metadata(
        self,
        run_id: str,
        operations: Mapping[str, object],
        *,
        key: str,
    ) -> None:
        assert run_id == "run_1"
        self.changes.append((key, dict(operations)))
        if self.failure is not None:
            raise self.failure

    async def add_tags(self, run_id: str, tags: list[str]) -> None:
        assert run_id == "run_1"
        if self.failure is not None:
            raise self.failure
        self.tags.append(tags)


def a_set(key: str, value: object) -> dict[str, Any]:
    return {"type": "set", "key": key, "value": value}


def an_increment(key: str, value: float) -> dict[str, Any]:
    return {"type": "increment", "key": key, "value": value}


@pytest.fixture
def routes() -> Routes:
    return Routes()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def pending(routes: Routes, said: list[str]) -> Updates:
    return Updates("run_1", routes, on_refused=said.append)


async def test_what_is_left_at_the_end_travels_in_the_completion(
    routes: Routes, pending: Updates
) -> None:
    pending.change_metadata("self", a_set("a", 1))
    pending.change_metadata("root", a_set("b", 2))

    flushed = await pending.settle()

    assert flushed is not None
    assert json.loads(str(flushed["data"])) == {
        "operations": [a_set("a", 1)],
        "rootOperations": [a_set("b", 2)],
    }
    assert routes.changes == []
    assert await pending.settle() is None


async def test_neighbours_that_say_the_same_are_joined(pending: Updates) -> None:
    for value in (1, 2, 3):
        pending.change_metadata("self", a_set("a", value))
    for _ in range(4):
        pending.change_metadata("self", an_increment("n", 0.5))
    pending.change_metadata("self", an_increment("m", 1))
    pending.change_metadata("self", a_set("a", 4))

    flushed = await pending.settle()

    assert flushed is not None
    assert json.loads(str(flushed["data"]))["operations"] == [
        a_set("a", 3),
        an_increment("n", 2.0),
        an_increment("m", 1),
        a_set("a", 4),
    ]


async def test_a_flush_sends_and_forgets(routes: Routes, pending: Updates) -> None:
    pending.change_metadata("self", a_set("a", 1))
    pending.add_tags(["x", "y"])
    pending.add_tags(["y", "z"])

    await pending.flush()

    assert [operations for _key, operations in routes.changes] == [{"operations": [a_set("a", 1)]}]
    assert routes.tags == [["x", "y", "z"]]
    assert not pending.is_dirty


async def test_a_batch_whose_answer_was_lost_is_repeated_with_its_key_before_newer_ones(
    routes: Routes, pending: Updates
) -> None:
    pending.change_metadata("self", an_increment("n", 1))
    routes.failure = CallError("away")
    await pending.flush()
    pending.change_metadata("self", an_increment("n", 10))
    routes.failure = None

    await pending.flush()
    await pending.flush()

    (first_key, first), (again_key, again), (last_key, last) = routes.changes
    assert (first_key, first) == (again_key, again)
    assert last_key != first_key
    assert last == {"operations": [an_increment("n", 10)]}


async def test_a_lost_batch_comes_first_in_the_completion(routes: Routes, pending: Updates) -> None:
    pending.change_metadata("self", an_increment("n", 1))
    routes.failure = CallError("away")
    await pending.flush()
    pending.change_metadata("self", an_increment("n", 10))

    flushed = await pending.settle()

    assert flushed is not None
    assert json.loads(str(flushed["data"]))["operations"] == [
        an_increment("n", 1),
        an_increment("n", 10),
    ]


async def test_a_refusal_is_told_once_and_not_repeated(
    routes: Routes, pending: Updates, said: list[str]
) -> None:
    pending.change_metadata("self", a_set("a", 1))
    pending.add_tags(["x"])
    routes.failure = AnswerError(413, "Metadata exceeds maximum size")

    await pending.flush()
    await pending.flush()

    assert len(said) == 2
    assert "maximum size" in said[1]
    assert not pending.is_dirty


async def test_too_many_changes_between_flushes_are_dropped_with_a_word(
    pending: Updates, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updates, "METADATA_OPERATIONS_MAX", 3)

    for number in range(9):
        pending.change_metadata("self", a_set(str(number), number))

    assert len(said) == 1
    assert "later ones are dropped" in said[0]
