"""Queues in people's hands: how they are named, and what goes over the wire (rest-api 13.7)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.sdk import ScriptedServer, ok, refused
from trigger_box import (
    NotFound,
    OptionError,
    QueueState,
    SyncInAsyncError,
    UnexpectedAnswer,
    queue,
    queues,
    task,
    using,
)


def a_queue(**changes: object) -> dict[str, object]:
    return {
        "id": "queue_1",
        "name": "mail",
        "type": "custom",
        "running": 1,
        "queued": 2,
        "paused": False,
        "concurrencyLimit": 5,
        "concurrency": {
            "current": 5,
            "base": 3,
            "override": 5,
            "overriddenAt": "2026-01-31T10:00:00.000Z",
            "overriddenBy": None,
        },
        **changes,
    }


def a_page(*names: str, number: int = 1, total: int = 1) -> dict[str, object]:
    pages = {"currentPage": number, "totalPages": total, "count": 9}
    return {"data": [a_queue(name=name) for name in names], "pagination": pages}


async def test_a_queue_is_read_with_all_the_server_tells() -> None:
    server = ScriptedServer(ok(a_queue()))
    async with server.client() as client:
        found = await client.queues.retrieve("queue_1")

    assert (found.name, found.running, found.queued, found.paused) == ("mail", 1, 2, False)
    assert found.concurrency is not None
    assert (found.concurrency.base, found.concurrency.override) == (3, 5)


@pytest.mark.parametrize(
    ("named", "path", "kind"),
    [
        (lambda: "queue_1", "/api/v1/queues/queue_1", "id"),
        (lambda: "task/send", "/api/v1/queues/send", "task"),
        (lambda: "mail", "/api/v1/queues/mail", "custom"),
        (lambda: queue("mail/out"), "/api/v1/queues/mail%252Fout", "custom"),
        (lambda: task("a/b")(lambda: None), "/api/v1/queues/a%252Fb", "task"),
        (lambda: QueueState.model_validate(a_queue()), "/api/v1/queues/queue_1", "id"),
    ],
    ids=["id", "name of a task's", "name", "declared", "task", "what was read"],
)
async def test_a_queue_is_named_by_whatever_stands_for_it(
    named: Callable[[], Any], path: str, kind: str
) -> None:
    server = ScriptedServer(ok(a_queue()))
    async with server.client() as client:
        await client.queues.retrieve(named())

    assert server.request.url.raw_path.decode() == f"{path}?type={kind}"


@pytest.mark.parametrize("named", [None, "", 5, ["mail"]])
async def test_what_is_no_queue_is_refused_before_any_request(named: Any) -> None:
    server = ScriptedServer(ok(a_queue()))
    async with server.client() as client:
        with pytest.raises(OptionError, match="must be a queue"):
            await client.queues.pause(named)

    assert server.requests == []


async def test_each_change_says_what_it_is() -> None:
    server = ScriptedServer(ok(a_queue()))
    async with server.client() as client:
        with using(client):
            await queues.pause("mail")
            await queues.resume("mail")
            await queues.override_limit("mail", 3)
            await queues.override_limit("task/send", percent=50)
            await queues.reset_limit("queue_1")

    sent = [(one.url.path, json.loads(one.content)) for one in server.requests]
    assert sent == [
        ("/api/v1/queues/mail/pause", {"type": "custom", "action": "pause"}),
        ("/api/v1/queues/mail/pause", {"type": "custom", "action": "resume"}),
        ("/api/v1/queues/mail/concurrency/override", {"type": "custom", "concurrencyLimit": 3}),
        ("/api/v1/queues/send/concurrency/override", {"type": "task", "percent": 50}),
        ("/api/v1/queues/queue_1/concurrency/reset", {"type": "id"}),
    ]


@pytest.mark.parametrize(
    "limits", [{}, {"limit": 1, "percent": 5}, {"limit": -1}, {"percent": 0}, {"percent": 100.1}]
)
async def test_a_limit_that_cannot_be_is_refused_before_any_request(limits: Any) -> None:
    server = ScriptedServer(ok(a_queue()))
    async with server.client() as client:
        with pytest.raises(OptionError, match=r"limit|percent"):
            await client.queues.override_limit("mail", **limits)

    assert server.requests == []


async def test_iterating_goes_through_all_pages() -> None:
    server = ScriptedServer(ok(a_page("a", "b", total=2)), ok(a_page("c", number=2, total=2)))
    async with server.client() as client:
        names = [one.name async for one in client.queues.list(limit=2)]

    assert names == ["a", "b", "c"]
    assert [one.url.params["page"] for one in server.requests] == ["1", "2"]
    assert server.requests[0].url.params["perPage"] == "2"


async def test_one_page_tells_which_comes_next() -> None:
    server = ScriptedServer(ok(a_page("a", number=2, total=3)))
    async with server.client() as client:
        page = await client.queues.list().page()

    assert (page.previous, page.next) == ("1", "3")


@pytest.mark.parametrize("limit", [0, 101])
async def test_a_page_has_bounds(limit: int) -> None:
    async with ScriptedServer(ok(a_page())).client() as client:
        with pytest.raises(OptionError, match="between 1 and 100"):
            await client.queues.list(limit=limit).page()


async def test_an_unknown_queue_is_not_found() -> None:
    async with ScriptedServer(refused(404, "queue-not-found")).client() as client:
        with pytest.raises(NotFound, match="queue-not-found"):
            await client.queues.retrieve("nope")


async def test_a_page_of_another_shape_is_told() -> None:
    async with ScriptedServer(ok({"data": []})).client() as client:
        with pytest.raises(UnexpectedAnswer):
            await client.queues.list().page()


def test_blocking_programs_have_the_same_calls() -> None:
    server = ScriptedServer(
        ok(a_page("a")), *(ok(a_queue()) for _ in range(4)), ok(a_queue(paused=True))
    )
    with server.blocking_client() as client:
        assert [one.name for one in client.queues.list()] == ["a"]
        assert client.queues.retrieve("mail").name == "mail"
        client.queues.override_limit("mail", 1)
        client.queues.reset_limit("mail")
        assert client.queues.resume("mail").paused is False
        assert client.queues.pause("mail").paused is True


async def test_a_blocking_call_inside_a_running_loop_is_refused() -> None:
    async with ScriptedServer(ok(a_queue())).client() as client:
        with using(client), pytest.raises(SyncInAsyncError, match=r"await queues\.pause"):
            queues.sync.pause("mail")
