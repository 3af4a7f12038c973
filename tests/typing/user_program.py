# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""A program as users write it, checked strictly. Each ignore is an error that must be found.

It is read by type checkers only; nothing here runs.
"""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, assert_type

from pydantic import BaseModel

from trigger_box import (
    AbortTaskRunError,
    AsyncTriggerBox,
    CancelSignal,
    Context,
    Debounce,
    Err,
    Ok,
    QueueState,
    Result,
    Run,
    RunHandle,
    RunStatus,
    RunSummary,
    TriggerBox,
    configure,
    ctx,
    idempotency_keys,
    logger,
    metadata,
    queue,
    queues,
    retry,
    runs,
    tags,
    task,
    tasks,
    using,
)
from trigger_box.config import Build, Config, ext


class Welcome(BaseModel):
    to: str
    remind_after: timedelta = timedelta(days=1)


class Sent(BaseModel):
    message_id: str


mail = queue("mail", concurrency_limit=5)


@task(
    "send-welcome",
    queue=mail,
    machine="small-2x",
    retry=retry.policy(max_attempts=5, min_delay="2s", max_delay="1m"),
    max_duration="10m",
)
async def send_welcome(payload: Welcome, *, ctx: Context) -> Sent:
    metadata.set("step", "first mail").increment("sent")
    with logger.span("deliver", to=payload.to) as span:
        span.set_attribute("attempt", ctx.attempt.number)
    tags.add("user_1")
    if ctx.run.is_test:
        raise AbortTaskRunError("user left")
    handle = await send_reminder.trigger(payload, idempotency_key="reminder")
    assert_type(handle, RunHandle[Welcome, Sent])
    return Sent(message_id=handle.id)


@task("send-reminder")
def send_reminder(payload: Welcome) -> Sent:
    return Sent(message_id=payload.to)


@task("tidy-up", retry=None, max_duration=None)
def tidy_up(*, signal: CancelSignal) -> int:
    while not signal.wait(1):
        pass
    return 1


@task("ping")
async def ping() -> None:
    logger.info("ping", run=ctx.run.id)


@task("count")
async def count(payload: list[int]) -> dict[str, int]:
    return {"sum": sum(payload)}


@task("resize", unpack=True)
async def resize(url: str, width: int = 800) -> str:
    return f"{url}?w={width}"


@task("shrink", unpack=True)
def shrink(url: str) -> str:
    return url


async def from_an_async_program() -> None:
    handle = await send_welcome.trigger(Welcome(to="a@b.c"), delay="1h", tags=["user_1"])
    assert_type(handle, RunHandle[Welcome, Sent])
    assert_type(await send_welcome.trigger({"to": "a@b.c"}), RunHandle[Welcome, Sent])
    assert_type(await tidy_up.trigger(priority=5), RunHandle[None, int])
    assert_type(await ping.trigger(), RunHandle[None, None])
    assert_type(await count.trigger([1, 2]), RunHandle[list[int], dict[str, int]])
    await tidy_up.trigger(debounce=Debounce("tidy", "5s", mode="trailing", max_delay="1m"))
    assert_type(await resize.trigger("u", width=5), RunHandle[dict[str, Any], str])
    assert_type(await resize.options(delay=60).trigger(url="u"), RunHandle[dict[str, Any], str])
    assert_type(
        await send_welcome.options(ttl="1h").trigger(Welcome(to="a")), RunHandle[Welcome, Sent]
    )

    run = await handle.retrieve()
    assert_type(run, Run[Sent])
    assert_type(run.output, Sent | None)
    assert_type(run.status, RunStatus)

    result = await handle.result(timeout="5m")
    assert_type(result, Result[Sent])
    match result:
        case Ok(output):
            assert_type(output, Sent)
        case Err(error):
            assert_type(error.message, str)
    assert_type(result.unwrap(), Sent)
    assert_type(await handle.result().unwrap(), Sent)
    if isinstance(result, Ok):
        assert_type(result.output, Sent)
    if result.ok is True:
        assert_type(result.output, Sent)

    by_id = await tasks.trigger("anything", {"a": 1}, idempotency_key=["a", "b"])
    assert_type(by_id, RunHandle[dict[str, int], Any])
    assert_type(await tasks.trigger(send_welcome, Welcome(to="a")), RunHandle[Welcome, Sent])
    assert_type(await tasks.trigger("anything"), RunHandle[Any, Any])

    assert_type(await runs.retrieve("run_1"), Run[Any])
    assert_type(await runs.retrieve(handle), Run[Sent])
    async for each in runs.list(status=["FAILED"], task=send_welcome, period="7d", limit=50):
        assert_type(each, RunSummary)
    page = await runs.list(queue=mail).page()
    assert_type(page.items, list[RunSummary])
    assert_type(await runs.replay(handle, version="latest"), RunHandle[Any, Any])
    assert_type(await runs.cancel(handle), None)
    assert_type(await runs.poll("run_1", interval=2), Run[Any])
    assert_type(await runs.reschedule("run_1", delay=timedelta(hours=1)), Run[Any])

    async for one in queues.list(limit=10):
        assert_type(one, QueueState)
    assert_type(await queues.pause(mail), QueueState)
    assert_type(await queues.override_limit(send_welcome, 3), QueueState)
    assert_type(await queues.override_limit("mail", percent=50), QueueState)
    assert_type(await queues.reset_limit("queue_1"), QueueState)

    async with AsyncTriggerBox(secret_key="tr_dev_x", base_url="http://box.test") as client:
        assert_type(
            await client.tasks.trigger(send_reminder, Welcome(to="a")), RunHandle[Welcome, Sent]
        )
        with using(client):
            await ping.trigger()


def from_a_blocking_program() -> None:
    configure(base_url="http://box.test", retry=retry.policy(3))
    handle = send_welcome.sync.trigger(
        {"to": "a@b.c"}, idempotency_key=idempotency_keys.create("x")
    )
    assert_type(handle, RunHandle[Welcome, Sent])
    assert_type(handle.sync.retrieve(), Run[Sent])
    assert_type(handle.sync.result(timeout=5), Result[Sent])
    assert_type(resize.sync.trigger("u"), RunHandle[dict[str, Any], str])
    assert_type(tidy_up.sync.trigger(), RunHandle[None, int])
    for each in runs.sync.list(tag="a"):
        assert_type(each, RunSummary)
    assert_type(runs.sync.retrieve(handle), Run[Sent])
    assert_type(queues.sync.resume(mail), QueueState)
    assert_type(tasks.sync.trigger("a", 5, payload_type=int), RunHandle[int, Any])

    with TriggerBox(secret_key="tr_dev_x", base_url="http://box.test") as client:
        assert_type(client.tasks.trigger(send_reminder, Welcome(to="a")), RunHandle[Welcome, Sent])
        assert_type(client.runs.retrieve(handle), Run[Sent])


async def in_place() -> None:
    assert_type(send_reminder(Welcome(to="a")), Sent)
    running: Coroutine[Any, Any, Sent] = send_welcome(Welcome(to="a"))
    assert_type(await running, Sent)
    assert_type(await ping(), None)
    assert_type(tidy_up(signal=CancelSignal()), int)
    assert_type(await resize("u"), str)
    assert_type(shrink("u"), str)


async def mistakes() -> None:
    await send_welcome.trigger(3)  # pyright: ignore[reportArgumentType, reportCallIssue]
    await send_welcome.trigger("a@b.c")  # pyright: ignore[reportArgumentType, reportCallIssue]
    await send_welcome.trigger()  # pyright: ignore[reportCallIssue]
    await send_welcome.trigger(Welcome(to="a"), dealy="1h")  # pyright: ignore[reportCallIssue]
    await send_welcome.trigger(Welcome(to="a"), delay=[1])  # pyright: ignore[reportCallIssue, reportArgumentType]
    await resize.trigger(width=5)  # pyright: ignore[reportCallIssue]
    await resize.trigger("u", hight=5)  # pyright: ignore[reportCallIssue]
    send_reminder(3)  # pyright: ignore[reportArgumentType]
    _ = ping.trigger().id  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
    runs.list(status="BROKEN")  # pyright: ignore[reportArgumentType]
    task("x", retries=3)  # pyright: ignore[reportCallIssue]
    handle = await ping.trigger()
    _ = handle.output  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]


config = Config(
    project="proj_x",
    dirs=["tasks"],
    retries=retry.defaults(dev=False, max_attempts=3),
    build=Build(extensions=[ext.apt("libmagic1"), ext.ffmpeg(), ext.playwright(["chromium"])]),
)
