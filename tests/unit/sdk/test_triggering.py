"""Trigger calls as they look on the wire (rest-api 13.1 and the vectors of 18)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from tests.support.sdk import EPOCH, KEY, RecordingRuntime, ScriptedServer, ok, refused
from trigger_box import (
    NotFound,
    OptionError,
    PayloadError,
    RunHandle,
    UnexpectedAnswer,
    configure,
    idempotency_keys,
    queue,
    task,
    tasks,
    using,
)
from trigger_box.sdk.runtime import running

MADE = ok({"id": "run_1", "isCached": False}, {"x-trigger-jwt": "token"})
K1 = "6ab9f1eb8f7d3388f4f9d586f66e99fd54080df2c446f0e58668b09c08a16dd0"


class Welcome(BaseModel):
    to: str


def sent_options(server: ScriptedServer) -> dict[str, Any]:
    return server.body()["options"]


async def triggered(server: ScriptedServer, payload: object = None, **options: Any) -> Any:
    return await server.client().tasks.trigger("t", payload, **options)


async def test_a_trigger_with_every_kind_of_option_is_the_npm_clients_request() -> None:
    server = ScriptedServer(MADE)

    @task("my/task", serializer="superjson")
    async def my_task(payload: dict[str, Any]) -> None: ...

    with using(server.client()):
        await my_task.trigger(
            {"a": 1, "d": EPOCH},
            tags=["x"],
            delay="1h",
            idempotency_key="k1",
            queue="q1",
            concurrency_key=5,
        )

    assert server.request.method == "POST"
    assert server.request.url.raw_path == b"/api/v1/tasks/my%2Ftask/trigger"
    assert server.body() == {
        "payload": '{"json":{"a":1,"d":"1970-01-01T00:00:00.000Z"},'
        '"meta":{"values":{"d":["Date"]}}}',
        "options": {
            "queue": {"name": "q1"},
            "concurrencyKey": 5,
            "payloadType": "application/super+json",
            "payloadSize": 80,
            "idempotencyKey": K1,
            "idempotencyKeyOptions": {"key": "k1", "scope": "run"},
            "delay": "1h",
            "tags": ["x"],
        },
    }


async def test_every_call_carries_the_headers_of_the_protocol() -> None:
    server = ScriptedServer(MADE)

    await triggered(server, extra_headers={"x-mine": "1"})

    headers = server.request.headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["content-type"] == "application/json"
    assert headers["x-trigger-api-version"] == "2025-07-16"
    assert headers["x-trigger-source"] == "sdk"
    assert headers["trigger-version"]
    assert headers["user-agent"].startswith("trigger-box-python/")
    assert len(headers["x-trigger-request-idempotency-key"]) == 36
    assert headers["x-mine"] == "1"
    assert "x-trigger-worker" not in headers
    assert "traceparent" not in headers


async def test_json_payloads_are_sent_as_they_were_written() -> None:
    server = ScriptedServer(MADE)

    @task("welcome")
    async def welcome(payload: Welcome) -> None: ...

    with using(server.client()):
        await welcome.trigger(Welcome(to="ada"))
        await welcome.trigger({"to": "ada"})

    for request in server.requests:
        assert request.content.startswith(b'{"payload":{"to":"ada"},"options":')
    assert server.body()["options"] == {"payloadType": "application/json", "payloadSize": 12}


async def test_a_task_without_a_payload_sends_none() -> None:
    server = ScriptedServer(MADE)

    await triggered(server)

    assert "payload" in server.body()
    assert server.body()["payload"] is None

    @task("nothing")
    async def nothing() -> None: ...

    with using(server.client()):
        await nothing.trigger()
        await tasks.trigger("nothing")

    assert "payload" not in server.body(1)
    assert "payload" not in server.body(2)


async def test_a_payload_that_does_not_fit_makes_no_request() -> None:
    server = ScriptedServer(MADE)

    @task("welcome")
    async def welcome(payload: Welcome) -> None: ...

    with using(server.client()):
        for bad in ({}, {"to": 7}, {"to": "\ud800"}):
            with pytest.raises(PayloadError):
                await welcome.trigger(bad)
        with pytest.raises(PayloadError, match="NaN"):
            await tasks.trigger("anything", {"x": float("nan")})
        with pytest.raises(PayloadError, match="base64"):
            await tasks.trigger("anything", b"raw")

    assert server.requests == []


async def test_a_task_by_id_is_not_checked_unless_a_type_is_given() -> None:
    server = ScriptedServer(MADE)

    await triggered(server, {"anything": [1]})
    await triggered(server, Welcome(to="a"), payload_type=Welcome)

    assert server.body(0)["payload"] == {"anything": [1]}
    assert server.body(1)["payload"] == {"to": "a"}
    with pytest.raises(PayloadError, match="'t' can't be sent"):
        await triggered(server, {}, payload_type=Welcome)


async def test_a_handle_says_what_was_made() -> None:
    server = ScriptedServer(ok({"id": "run_9", "isCached": True}, {"x-trigger-jwt": "jwt"}))

    handle = await triggered(server)

    assert isinstance(handle, RunHandle)
    assert (handle.id, handle.task_id, handle.is_cached) == ("run_9", "t", True)
    assert handle.public_access_token == "jwt"
    assert "jwt" not in repr(handle)


async def test_an_answer_without_an_id_is_unexpected() -> None:
    with pytest.raises(UnexpectedAnswer):
        await triggered(ScriptedServer(ok({"ok": True})))


@pytest.mark.parametrize(
    ("options", "wire"),
    [
        ({"delay": 90}, {"delay": "90s"}),
        ({"delay": datetime(2027, 1, 1, tzinfo=UTC)}, {"delay": "2027-01-01T00:00:00.000Z"}),
        ({"ttl": "1h30m"}, {"ttl": "1h30m"}),
        ({"ttl": timedelta(minutes=2)}, {"ttl": 120}),
        ({"idempotency_key_ttl": "1h30m"}, {"idempotencyKeyTTL": "5400s"}),
        ({"idempotency_key": "x" * 64}, {"idempotencyKey": "x" * 64}),
        ({"queue": "q"}, {"queue": {"name": "q"}}),
        ({"concurrency_key": "user"}, {"concurrencyKey": "user"}),
        ({"max_attempts": 5}, {"maxAttempts": 5}),
        ({"priority": 1.5}, {"priority": 1.5}),
        ({"tags": "one"}, {"tags": ["one"]}),
        ({"tags": ["a", "b", "a"]}, {"tags": ["a", "b"]}),
        ({"metadata": {"a": {"b": [1]}}}, {"metadata": {"a": {"b": [1]}}}),
        ({"max_duration": "5m"}, {"maxDuration": 300}),
        ({"max_duration": None}, {"maxDuration": 2_147_483_647}),
        ({"machine": "large-1x"}, {"machine": "large-1x"}),
        ({"region": "eu"}, {"region": "eu"}),
        ({"version": "20260131.1"}, {"lockToVersion": "20260131.1"}),
        ({"external_deployment_id": "abc"}, {"externalDeploymentId": "abc"}),
        ({"test": True}, {"test": True}),
        ({"delay": None, "tags": None, "test": False, "priority": 0}, {"priority": 0}),
    ],
)
async def test_each_option_has_its_place_on_the_wire(
    options: dict[str, Any], wire: dict[str, Any]
) -> None:
    server = ScriptedServer(MADE)

    await triggered(server, {}, **options)

    assert sent_options(server) == {
        "payloadType": "application/json",
        "payloadSize": 2,
        **wire,
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"delay": datetime(2027, 1, 1)}, "delay=.*no time zone"),  # noqa: DTZ001 - what is tested
        ({"delay": "soon"}, "delay='soon'"),
        ({"ttl": "x"}, "ttl='x'"),
        ({"tags": [f"t{n}" for n in range(11)]}, "10 tags; these are 11"),
        ({"tags": ["x" * 129]}, "1 to 128"),
        ({"tags": ["ok", " "]}, "1 to 128"),
        ({"tags": 5}, "Tags are one text or a list of texts, not 5"),
        ({"tags": {"a": 1}}, "Tags are one text or a list of texts"),
        ({"tags": [["a"]]}, "is a list, and each tag is a text"),
        ({"metadata": [1]}, "must be a mapping"),
        ({"max_attempts": "3"}, "max_attempts='3' must be a whole number"),
        ({"metadata": {"n": float("nan")}}, "metadata can't be sent: n: NaN"),
        ({"metadata": {"x": "y" * 262_144}}, "the limit is 262144"),
        ({"max_attempts": 0}, "max_attempts=0"),
        ({"max_duration": 1}, "max_duration=1"),
        ({"queue": "no spaces"}, "'no spaces'"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"concurency_key": 1}, "Unknown trigger options: concurency_key"),
    ],
)
async def test_an_option_out_of_range_makes_no_request(options: dict[str, Any], words: str) -> None:
    server = ScriptedServer(MADE)

    with pytest.raises(OptionError, match=words):
        await triggered(server, **options)
    assert server.requests == []


async def test_options_can_be_bound_and_a_call_may_replace_them() -> None:
    server = ScriptedServer(MADE)

    @task("welcome")
    async def welcome(payload: Welcome) -> None: ...

    later = welcome.options(delay="1m", tags=["bulk"])
    with using(server.client()):
        await later.trigger({"to": "a"})
        await later.options(priority=3).trigger({"to": "a"}, delay="2m")
        await welcome.trigger({"to": "a"})

    def labels(index: int) -> dict[str, Any]:
        sent: dict[str, Any] = server.body(index)["options"]
        return {key: sent[key] for key in ("delay", "tags", "priority") if key in sent}

    assert labels(0) == {"delay": "1m", "tags": ["bulk"]}
    assert labels(1) == {"delay": "2m", "tags": ["bulk"], "priority": 3}
    assert labels(2) == {}


async def test_an_unpacked_task_is_triggered_with_its_parameters() -> None:
    server = ScriptedServer(MADE)

    @task("resize", unpack=True)
    async def resize(url: str, width: int = 800) -> None: ...

    with using(server.client()):
        await resize.options(delay="1m").trigger("u", width=5)

    assert server.body()["payload"] == {"url": "u", "width": 5}
    assert sent_options(server)["delay"] == "1m"


def test_blocking_twins_send_the_same_requests() -> None:
    server = ScriptedServer(MADE)
    mail = queue("mail")

    @task("welcome", queue=mail)
    def welcome(payload: Welcome) -> None: ...

    @task("resize", unpack=True)
    def resize(url: str) -> None: ...

    with server.client() as client, using(client):
        welcome.options(tags="a").sync.trigger({"to": "ada"}, queue=mail)
        resize.sync.trigger(url="u")
        tasks.sync.trigger(welcome, Welcome(to="bob"))
        client.tasks.sync.trigger("welcome", {"to": "cleo"})

    assert server.body(0) == {
        "payload": {"to": "ada"},
        "options": {
            "payloadType": "application/json",
            "payloadSize": 12,
            "queue": {"name": "mail"},
            "tags": ["a"],
        },
    }
    assert [server.body(n)["payload"] for n in (1, 2, 3)] == [
        {"url": "u"},
        {"to": "bob"},
        {"to": "cleo"},
    ]


async def test_a_run_made_inside_a_run_says_so() -> None:
    server = ScriptedServer(MADE)
    configure(secret_key=KEY, base_url="http://box.test", http=server)

    with running(RecordingRuntime()):
        await tasks.trigger("child", {}, idempotency_key="k")

    headers = server.request.headers
    assert headers["x-trigger-worker"] == "true"
    assert headers["x-trigger-engine-version"] == "V2"
    assert headers["x-trigger-span-parent-as-link"] == "1"
    assert headers["traceparent"] == f"00-{'1' * 32}-{'2' * 16}-01"
    assert sent_options(server)["parentRunId"] == "run_abc"
    key = sent_options(server)["idempotencyKey"]
    with running(RecordingRuntime()):
        assert key == idempotency_keys.create("k")


async def test_an_isolated_client_does_not_tell_another_server_about_the_run() -> None:
    server = ScriptedServer(MADE)

    with running(RecordingRuntime()):
        await triggered(server)

    assert "x-trigger-worker" not in server.request.headers
    assert "traceparent" not in server.request.headers
    assert "parentRunId" not in sent_options(server)


async def test_a_large_payload_goes_through_the_packet_store_without_the_key() -> None:
    large = "x" * 140_000
    server = ScriptedServer(
        ok({"presignedUrl": "http://blobs.test/up?signature=s", "storagePath": "trigger/p.json"}),
        httpx.Response(200),
        MADE,
    )

    await triggered(server, {"text": large})

    reserve, upload, trigger = server.requests
    assert reserve.method == "PUT"
    assert reserve.url.raw_path.startswith(b"/api/v2/packets/trigger%2Fpacket_")
    assert reserve.url.raw_path.endswith(b"%2Fpayload.json")
    assert str(upload.url) == "http://blobs.test/up?signature=s"
    assert upload.headers["content-type"] == "application/json"
    assert "authorization" not in upload.headers
    assert json.loads(upload.content) == {"text": large}
    assert json.loads(trigger.content) == {
        "payload": "trigger/p.json",
        "options": {"payloadType": "application/store", "payloadSize": 140_011},
    }


async def test_a_server_without_a_packet_store_gets_the_payload_itself() -> None:
    server = ScriptedServer(refused(404), MADE)

    await triggered(server, {"text": "x" * 140_000})

    assert len(server.body()["payload"]["text"]) == 140_000


async def test_a_payload_that_no_body_holds_needs_the_packet_store() -> None:
    server = ScriptedServer(refused(404))

    with pytest.raises(NotFound):
        await triggered(server, {"text": "x" * 3_000_000})


async def test_a_failed_upload_triggers_nothing() -> None:
    server = ScriptedServer(
        ok({"presignedUrl": "http://blobs.test/up", "storagePath": "p"}), refused(403)
    )

    with pytest.raises(Exception, match="403"):
        await triggered(server, {"text": "x" * 140_000})
    assert len(server.requests) == 2
