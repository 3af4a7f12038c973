"""Where calls go: the environment, configure, using, and isolated clients."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.support.sdk import KEY, RecordingRuntime, ScriptedServer, a_run, ok, refused
from trigger_box import (
    AsyncTriggerBox,
    ConnectionFailed,
    NotConfigured,
    RunCancelled,
    SyncInAsyncError,
    TriggerBox,
    configure,
    retry,
    runs,
    tasks,
    using,
)
from trigger_box.sdk.client import current_client
from trigger_box.sdk.environment import read_settings
from trigger_box.sdk.runtime import running

URL = "http://env.test"


def a_server() -> ScriptedServer:
    return ScriptedServer(ok(a_run()))


async def test_the_environment_is_read_at_call_time(monkeypatch: pytest.MonkeyPatch) -> None:
    server = a_server()
    configure(http=server)
    with pytest.raises(NotConfigured, match="TRIGGER_API_URL"):
        await runs.retrieve("run_1")
    monkeypatch.setenv("TRIGGER_API_URL", f"{URL}/")
    with pytest.raises(NotConfigured, match="TRIGGER_SECRET_KEY"):
        await runs.retrieve("run_1")
    monkeypatch.setenv("TRIGGER_SECRET_KEY", "tr_dev_env")

    await runs.retrieve("run_1")

    assert str(server.request.url) == f"{URL}/api/v3/runs/run_1"
    assert server.request.headers["authorization"] == "Bearer tr_dev_env"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TRIGGER_SECRET_KEY": "a", "TRIGGER_ACCESS_TOKEN": "b"}, {"secret_key": "a"}),
        ({"TRIGGER_SECRET_KEY": "", "TRIGGER_ACCESS_TOKEN": "b"}, {"secret_key": "b"}),
        ({"TRIGGER_PREVIEW_BRANCH": "x", "TRIGGER_DEV_BRANCH": "y"}, {"preview_branch": "x"}),
        ({"VERCEL_GIT_COMMIT_REF": "v", "TRIGGER_DEV_BRANCH": "y"}, {"preview_branch": "v"}),
        ({"TRIGGER_DEV_BRANCH": "y"}, {"preview_branch": "y"}),
        ({"TRIGGER_DEV_BRANCH": "default"}, {"preview_branch": None}),
        ({"TRIGGER_VERSION": "20260131.1"}, {"version": "20260131.1"}),
        ({"TRIGGER_EXTERNAL_DEPLOYMENT_ID": "d"}, {"external_deployment_id": "d"}),
        ({"GITHUB_SHA": "abc"}, {"external_deployment_id": None}),
        (
            {"GITHUB_SHA": "abc", "TRIGGER_AUTOMATIC_SKEW_VERSION_PROTECTION": "true"},
            {"external_deployment_id": "abc"},
        ),
    ],
)
def test_the_variables_are_the_npm_clients(
    environment: dict[str, str], expected: dict[str, str | None]
) -> None:
    settings = read_settings(environment)

    assert {name: getattr(settings, name) for name in expected} == expected


async def test_configure_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIGGER_API_URL", URL)
    monkeypatch.setenv("TRIGGER_SECRET_KEY", "tr_dev_env")
    server = a_server()

    configure(secret_key="tr_dev_own", headers={"x-mine": "1"}, preview_branch="b", http=server)
    await runs.retrieve("run_1")

    assert str(server.request.url).startswith(URL)
    assert server.request.headers["authorization"] == "Bearer tr_dev_own"
    assert server.request.headers["x-mine"] == "1"
    assert server.request.headers["x-trigger-branch"] == "b"


async def test_the_version_of_the_environment_locks_triggers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRIGGER_VERSION", "20260131.1")
    server = ScriptedServer(ok({"id": "run_1"}))
    configure(secret_key=KEY, base_url=URL, http=server)

    await tasks.trigger("a")
    await tasks.trigger("a", version="20260131.2")
    await server.client().tasks.trigger("a")

    locked = [server.body(n)["options"].get("lockToVersion") for n in range(3)]
    assert locked == ["20260131.1", "20260131.2", None]


async def test_using_sends_the_calls_of_a_block_to_another_client() -> None:
    first, second = a_server(), a_server()
    configure(secret_key=KEY, base_url=URL, http=first)

    with using(second.client()) as client:
        assert current_client() is client
        await asyncio.create_task(runs.retrieve("run_1"))
    await runs.retrieve("run_1")

    assert (len(first.requests), len(second.requests)) == (1, 1)


async def test_a_client_made_by_hand_knows_nothing_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRIGGER_API_URL", URL)
    monkeypatch.setenv("TRIGGER_SECRET_KEY", "tr_dev_env")
    monkeypatch.setenv("TRIGGER_PREVIEW_BRANCH", "b")
    server = a_server()

    await server.client().runs.retrieve("run_1")

    assert server.request.url.host == "box.test"
    assert server.request.headers["authorization"] == f"Bearer {KEY}"
    assert "x-trigger-branch" not in server.request.headers


async def test_the_clients_of_a_run_go_before_the_processs() -> None:
    server = a_server()
    own = server.client().within_run()

    with running(RecordingRuntime(own_client=own)):
        assert current_client() is own
        await runs.retrieve("run_1")

    assert server.request.headers["x-trigger-worker"] == "true"


def test_the_blocking_client_has_the_same_methods_without_await(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRIGGER_SECRET_KEY", "tr_dev_env")
    server = ScriptedServer(ok({"id": "run_1"}), ok(a_run()), ok(a_run()))

    with server.blocking_client() as client:
        handle = client.tasks.trigger("send-welcome", {"to": "a@b.c"})
        assert client.runs.retrieve(handle).id == "run_1"
        with using(client):
            assert runs.sync.retrieve("run_1").id == "run_1"

    assert {each.url.host for each in server.requests} == {"box.test"}
    assert {each.headers["authorization"] for each in server.requests} == {f"Bearer {KEY}"}


async def test_the_blocking_client_never_blocks_an_event_loop() -> None:
    with a_server().blocking_client() as client, pytest.raises(SyncInAsyncError):
        client.runs.retrieve("run_1")


def both_kinds(**options: str) -> list[AsyncTriggerBox | TriggerBox]:
    return [AsyncTriggerBox(**options), TriggerBox(**options)]


@pytest.mark.parametrize("url", ["box.example", "ftp://x", "", "localhost:3030"])
def test_an_address_that_is_no_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(NotConfigured):
        AsyncTriggerBox(secret_key=KEY, base_url=url)
    if url:
        with pytest.raises(NotConfigured, match="http://"):
            configure(base_url=url)


@pytest.mark.parametrize("key", ["", "tr_dev_a b", "tr_dev_a\n", "tr_dev_ż"])
def test_a_key_that_no_header_takes_is_refused_and_never_shown(key: str) -> None:
    with pytest.raises(NotConfigured) as caught:
        AsyncTriggerBox(secret_key=key, base_url=URL)
    assert "tr_dev" not in str(caught.value)


def test_nothing_that_is_printed_shows_the_key() -> None:
    for client in both_kinds(secret_key=KEY, base_url=URL):
        assert KEY not in repr(client)
        assert KEY not in repr(client.line().settings)


async def test_a_lost_connection_is_tried_again_by_both_drivers() -> None:
    replies = (httpx.ConnectError("refused"), httpx.ReadTimeout(""), ok(a_run()))

    assert (await ScriptedServer(*replies).client().runs.retrieve("run_1")).id == "run_1"
    with ScriptedServer(*replies).client() as client:
        run = await asyncio.to_thread(client.runs.sync.retrieve, "run_1")
    assert run.id == "run_1"


async def test_a_server_that_is_away_is_told_with_its_address() -> None:
    server = ScriptedServer(httpx.ConnectError("refused"))

    with pytest.raises(ConnectionFailed, match=r"GET http://box\.test/api/v3/runs/run_1 after 5"):
        await server.client().runs.retrieve("run_1")


async def test_a_client_may_try_once_only() -> None:
    server = ScriptedServer(refused(503))

    with pytest.raises(Exception, match="503"):
        await server.client(retry=retry.policy(1)).runs.retrieve("run_1")
    assert len(server.requests) == 1


def test_a_cancelled_run_makes_no_more_blocking_calls() -> None:
    server = a_server()
    configure(secret_key=KEY, base_url=URL, http=server)
    runtime = RecordingRuntime()

    with running(runtime):
        runtime.cancel_signal.cancel("by Ada")
        with pytest.raises(RunCancelled, match="by Ada"):
            runs.sync.retrieve("run_1")

    assert server.requests == []


def test_a_pause_between_tries_ends_when_the_run_is_cancelled() -> None:
    runtime = RecordingRuntime()

    def cancel(_: httpx.Request) -> httpx.Response:
        runtime.cancel_signal.cancel("by Ada")
        return refused(503)

    configure(
        secret_key=KEY,
        base_url=URL,
        http=ScriptedServer(cancel),
        retry=retry.policy(5, min_delay="10m", max_delay="10m"),
    )

    with running(runtime), pytest.raises(RunCancelled):
        runs.sync.retrieve("run_1")


async def test_closing_a_client_twice_or_unused_does_no_harm() -> None:
    async with a_server().client() as client:
        await client.runs.retrieve("run_1")
    await client.aclose()
    client.close()
    unused = a_server().client()
    await unused.aclose()
    unused.close()


async def test_a_closed_client_opens_again_when_it_is_used() -> None:
    server = a_server()
    client = server.client()
    await client.runs.retrieve("run_1")
    await client.aclose()

    assert (await client.runs.retrieve("run_1")).id == "run_1"


def test_each_event_loop_has_connections_of_its_own() -> None:
    opened: list[Any] = []

    class Counting(ScriptedServer):
        def asynchronous(self) -> httpx.AsyncClient:
            opened.append(super().asynchronous())
            return opened[-1]

    client = Counting(ok(a_run())).client()

    async def twice() -> None:
        await client.runs.retrieve("run_1")
        await client.runs.retrieve("run_1")

    asyncio.run(twice())
    asyncio.run(twice())

    assert len(opened) == 2
    assert all(each.is_closed for each in opened)
