"""The SDK and a real box in one process: what one writes, the other reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from tests.integration.api.life import a_version, completed, started, taken
from tests.support.box import ORIGIN, TestBox, a_box
from trigger_box import (
    AbortTaskRunError,
    AsyncTriggerBox,
    AuthenticationError,
    Context,
    Err,
    NotFound,
    Ok,
    Unprocessable,
    retry,
)
from trigger_box.sdk.failures import describe_failure
from trigger_box.sdk.registry import REGISTRY
from trigger_box.sdk.task import AsyncTask
from trigger_box.sdk.task_decorator import task


class InProcess:
    """An ``HttpFactory`` for an application in this process."""

    def __init__(self, box: TestBox) -> None:
        self._box = box

    def blocking(self) -> httpx.Client:
        raise NotImplementedError("an application in process answers async calls only")

    def asynchronous(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=self._box.app))  # type: ignore[arg-type]


class Welcome(BaseModel):
    to: str


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[TestBox]:
    async with a_box(tmp_path) as opened:
        yield opened


@pytest.fixture
def client(box: TestBox) -> AsyncTriggerBox:
    return client_of(box, box.project.keys["dev"])  # type: ignore[union-attr]


def client_of(box: TestBox, key: str) -> AsyncTriggerBox:
    return AsyncTriggerBox(
        secret_key=key, base_url=ORIGIN, http=InProcess(box), retry=retry.policy(1)
    )


@pytest.fixture
def welcome() -> Any:
    @task("integration/welcome")
    async def welcome(payload: Welcome) -> None: ...

    yield welcome
    del REGISTRY.tasks[welcome.id]


async def test_a_run_is_made_and_read_back(
    client: AsyncTriggerBox, welcome: AsyncTask[Welcome, None]
) -> None:
    handle = await client.tasks.trigger(
        welcome,
        Welcome(to="ada"),
        tags=["b", "a"],
        metadata={"step": 1},
        ttl="1h",
        idempotency_key="once",
    )
    again = await client.tasks.trigger(welcome, Welcome(to="ada"), idempotency_key="once")
    run = await handle.retrieve()

    assert (handle.is_cached, again.is_cached, again.id) == (False, True, handle.id)
    assert handle.public_access_token is not None
    assert run.task_id == "integration/welcome"
    assert run.payload == {"to": "ada"}
    assert run.tags == ["a", "b"]
    assert run.metadata == {"step": 1}
    assert run.ttl == "1h"
    assert run.idempotency_key == "once"
    assert not run.is_final


async def test_a_large_payload_arrives_whole(client: AsyncTriggerBox) -> None:
    text = "ż" * 100_000

    handle = await client.tasks.trigger("large", {"text": text})

    assert (await handle.retrieve()).payload == {"text": text}


async def test_a_cancelled_run_is_an_error_when_its_result_is_asked_for(
    client: AsyncTriggerBox,
) -> None:
    handle = await client.tasks.trigger("a", {})

    await handle.cancel()
    result = await handle.result(timeout=5)

    assert isinstance(result, Err)
    assert result.task_id == "a"


async def test_a_delayed_run_can_be_rescheduled_and_any_run_replayed(
    client: AsyncTriggerBox,
) -> None:
    handle = await client.tasks.trigger("a", {"n": 1}, delay="1h")

    later = await client.runs.reschedule(handle, delay="2h")
    copy = await client.runs.replay(handle)

    assert later.status == "DELAYED"
    assert later.delayed_until is not None
    assert (await copy.retrieve()).payload == {"n": 1}
    with pytest.raises(Exception, match=r"HTTP 4\d\d"):
        await client.runs.reschedule(copy, delay="1h")


async def test_runs_are_listed_page_by_page_and_by_filter(client: AsyncTriggerBox) -> None:
    made = [(await client.tasks.trigger("many", {"n": n}, tags=[f"n{n % 2}"])).id for n in range(5)]

    every = [run.id async for run in client.runs.list(task="many", limit=2)]
    odd = [run.id async for run in client.runs.list(tag="n1", period="1d")]

    assert every == made[::-1]
    assert odd == [made[3], made[1]]


async def test_what_the_box_refuses_has_its_exception(
    box: TestBox, client: AsyncTriggerBox
) -> None:
    with pytest.raises(NotFound):
        await client.runs.retrieve("run_00000000000000000000000000")
    with pytest.raises(AuthenticationError):
        await client_of(box, "tr_dev_000000000000000000000000").runs.retrieve("run_1")
    with pytest.raises(Unprocessable):
        await client.tasks.trigger("a", {}, version="19700101.1")


async def test_a_worker_made_of_the_sdks_parts_and_a_caller_understand_each_other(
    box: TestBox, client: AsyncTriggerBox
) -> None:
    @task("integration/shout")
    async def shout(payload: Welcome, *, ctx: Context) -> Welcome:
        return Welcome(to=f"{payload.to} of {ctx.run.id}")

    del REGISTRY.tasks[shout.id]
    await a_version(box, shout.id)
    handle = await client.tasks.trigger(shout, Welcome(to="żółw"))

    [message] = await taken(box.dev)
    begun = await started(box.dev, message)
    execution = begun["execution"]
    context = Context.from_execution(execution)
    payload = shout.decode_payload(execution["run"]["payload"], execution["run"]["payloadType"])
    output = shout.encode_output(await shout(payload, ctx=context))
    said = {"ok": True, "output": output.data, "outputType": output.type}
    await completed(box.dev, begun, said)

    assert await handle.result() == Ok(
        Welcome(to=f"żółw of {handle.id}"), id=handle.id, task_id=shout.id
    )


async def test_an_error_of_the_sdk_comes_back_as_it_was_told(
    box: TestBox, client: AsyncTriggerBox
) -> None:
    await a_version(box, "failing")
    handle = await client.tasks.trigger("failing")

    [message] = await taken(box.dev)
    error = describe_failure(AbortTaskRunError("user left"))
    await completed(box.dev, await started(box.dev, message), {"ok": False, "error": error})
    result = await handle.result()

    assert isinstance(result, Err)
    assert (result.error.name, result.error.message) == ("AbortTaskRunError", "user left")
    assert (await handle.retrieve()).status == "FAILED"


async def test_queues_are_listed_paused_and_limited(box: TestBox, client: AsyncTriggerBox) -> None:
    await a_version(box, "hello")
    await client.tasks.trigger("hello", queue="mail/out")

    async with client:
        listed = [one async for one in client.queues.list(limit=1)]
        paused = await client.queues.pause("mail/out")
        limited = await client.queues.override_limit("task/hello", percent=20)
        reset = await client.queues.reset_limit(limited)

    assert [(one.name, one.type, one.queued) for one in listed] == [
        ("mail/out", "custom", 1),
        ("hello", "task", 0),
    ]
    assert (paused.name, paused.paused) == ("mail/out", True)
    assert (limited.concurrency_limit, reset.concurrency_limit) == (5, None)
