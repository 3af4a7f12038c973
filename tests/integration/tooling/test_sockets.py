from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.tooling.live import Open, opened
from tests.support.box import TestBox, a_box
from trigger_box.api.worker import sockets
from trigger_box.ids import RunId

RUN = RunId("run_1")


@asynccontextmanager
async def a_socket(box: TestBox, slug: str = "dev") -> AsyncIterator[Open]:
    """Open a socket as the npm CLI does, up to the point where it names its namespace."""
    assert box.project is not None
    key = box.project.keys[slug]
    query = "EIO=4&transport=websocket"
    async with opened(box.app, "websocket", "/socket.io/", key, query=query) as socket:
        assert (await socket.next())["type"] == "websocket.accept"
        hello = await socket.text()
        assert hello[0] == "0"
        assert json.loads(hello[1:])["pingInterval"] == 25_000
        yield socket


def say(socket: Open, text: str) -> None:
    socket.put({"type": "websocket.receive", "text": text})


async def join(socket: Open) -> None:
    say(socket, "40/dev-worker,")
    assert (await socket.text()).startswith("40/dev-worker,{")


async def follow(socket: Open, *run_ids: str, event: str = "run:subscribe") -> None:
    value = {"version": "1", "runFriendlyIds": list(run_ids)}
    # With an acknowledgement, so that the test knows when it has been taken.
    say(socket, f"42/dev-worker,7{json.dumps([event, value])}")
    assert await socket.text() == "43/dev-worker,7[]"


async def test_a_worker_hears_of_runs_that_it_follows_and_of_no_others(tmp_path: Path):
    async with a_box(tmp_path) as box, a_socket(box) as socket:
        await join(socket)
        await follow(socket, RUN)
        environment_id = box.environments["dev"].id
        box.rooms.core.bus.notify(environment_id, RunId("run_2"))
        box.rooms.core.bus.notify(environment_id, RUN)

        heard = await socket.text()

        assert heard == '42/dev-worker,["run:notify",{"version":"1","run":{"friendlyId":"run_1"}}]'


async def test_a_worker_hears_nothing_of_a_run_it_has_let_go(tmp_path: Path):
    async with a_box(tmp_path) as box, a_socket(box) as socket:
        await join(socket)
        await follow(socket, RUN, "run_2")
        await follow(socket, RUN, event="run:unsubscribe")
        environment_id = box.environments["dev"].id
        box.rooms.core.bus.notify(environment_id, RUN)
        box.rooms.core.bus.notify(environment_id, RunId("run_2"))

        assert "run_2" in await socket.text()


async def test_following_a_run_twice_is_following_it_once(tmp_path: Path):
    async with a_box(tmp_path) as box, a_socket(box) as socket:
        await join(socket)
        await follow(socket, RUN)
        await follow(socket, RUN)
        box.rooms.core.bus.notify(box.environments["dev"].id, RUN)
        assert "run_1" in await socket.text()

        await follow(socket, "run_2")  # the next thing said is its acknowledgement


async def test_a_wrong_key_is_refused_and_the_connection_stays(tmp_path: Path):
    async with a_box(tmp_path) as box:
        query = "EIO=4&transport=websocket"
        async with opened(
            box.app, "websocket", "/socket.io/", "tr_dev_wrong", query=query
        ) as socket:
            await socket.next()
            await socket.text()
            say(socket, "40/dev-worker,")

            assert await socket.text() == '44/dev-worker,{"message":"Invalid API key"}'


async def test_only_development_workers_may_join(tmp_path: Path):
    async with a_box(tmp_path) as box, a_socket(box, "prod") as socket:
        say(socket, "40/dev-worker,")

        assert (await socket.text()).startswith("44/dev-worker,")


async def test_another_namespace_is_refused(tmp_path: Path):
    async with a_box(tmp_path) as box, a_socket(box) as socket:
        say(socket, "40/nowhere,")

        assert await socket.text() == '44/nowhere,{"message":"Invalid namespace"}'


@pytest.mark.parametrize("text", ['42/dev-worker,["run:subscribe"', "42/dev-worker,{}"])
async def test_a_broken_packet_ends_the_connection(tmp_path: Path, text: str):
    async with a_box(tmp_path) as box, a_socket(box) as socket:
        await join(socket)
        say(socket, text)
        # opened() asserts that the app has returned.


async def test_events_of_an_unexpected_shape_are_ignored(tmp_path: Path):
    async with a_box(tmp_path) as box, a_socket(box) as socket:
        await join(socket)
        for value in ("7", "null", '{"runFriendlyIds":"run_1"}', '{"runFriendlyIds":[1,null]}'):
            say(socket, f'42/dev-worker,["run:subscribe",{value}]')

        await follow(socket, RUN)


async def test_a_box_that_stops_ends_its_sockets_without_a_goodbye(tmp_path: Path):
    async with a_box(tmp_path) as box, a_socket(box) as socket:
        await join(socket)

        await box.rooms.streams.close()

        assert box.rooms.streams.open_count == 0


async def test_a_silent_client_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sockets, "PING_S", 0.01)
    monkeypatch.setattr(sockets, "PONG_S_MAX", 0.05)
    async with a_box(tmp_path) as box:
        assert box.project is not None
        key = box.project.keys["dev"]
        async with opened(box.app, "websocket", "/socket.io/", key) as socket:
            await socket.next()
            await socket.text()
            assert await socket.text() == "2"
            say(socket, "3")
            assert await socket.text() == "2"
            async with asyncio.timeout(5):
                await socket.ended.wait()
