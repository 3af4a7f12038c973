"""How the worker takes runs and gives results, whatever the box can do, and when it is away."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.integration.worker.a_worker import a_project, a_worker
from tests.integration.worker.dev_box import FakeBox, a_fake_box, attributes
from tests.integration.worker.test_processes import finish
from trigger_box.worker.reports import RunSucceeded

TASKS = """
@task("noop")
def noop(payload: int): return payload

@task("talks")
async def talks():
    print("printed")
    print("to stderr", file=sys.stderr)
    logger.info("logged", user={"id": 7}, items=["a"])
    logging.getLogger("app").warning("standard %s", "logging", extra={"order": 1})
    warnings.warn("careful")
    subprocess.run(["sh", "-c", "echo from a child"])
    with logger.span("step", size=3):
        print("inside")
    try:
        with logger.span("broken"):
            raise ValueError("oops")
    except ValueError:
        logger.exception("caught")
    return {"done": True, "nested": {"list": [1, 2]}}

@task("dies-in-a-span")
def dies_in_a_span():
    span = logger.span("open").__enter__()
    print("last line", flush=True)
    os._exit(1)
"""


async def finish_all(box: FakeBox, count: int) -> None:
    runs = [box.trigger("noop", number) for number in range(count)]
    async with asyncio.timeout(30):
        for run in runs:
            await run.finished.wait()
    assert [run.completion["output"] for run in runs] == [str(number) for number in range(count)]
    assert all(len(run.completions) == 1 for run in runs)


async def test_a_backlog_is_worked_off_with_about_one_call_a_run(tmp_path: Path) -> None:
    a_project(tmp_path, example=TASKS)
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()

        await finish_all(box, 200)

        calls = [call for call in box.calls if "/dequeue" in call or "/attempts/" in call]
    assert len(calls) < 1.5 * 200
    assert not any(call.endswith("/attempts/start") for call in calls)


async def test_a_box_that_knows_only_the_npm_protocol_is_enough(tmp_path: Path) -> None:
    a_project(tmp_path, example=TASKS)
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        box.knows_extras = False
        await worker.add_version()

        await finish_all(box, 20)


async def test_no_more_runs_are_taken_than_may_run_at_once(tmp_path: Path) -> None:
    a_project(
        tmp_path, example='@task("waits")\nasync def waits(payload): await asyncio.sleep(payload)'
    )
    async with a_fake_box() as box, a_worker(box, tmp_path, runs_max=3) as worker:
        await worker.add_version()
        long = [box.trigger("waits", 60) for _ in range(3)]
        late = box.trigger("waits", 0)
        async with asyncio.timeout(10):
            for run in long:
                await run.started.wait()

        assert not late.started.is_set()
        long[0].move("FINISHED")
        box.tell(long[0])
        async with asyncio.timeout(10):
            await late.finished.wait()


async def test_many_long_runs_get_a_process_each(tmp_path: Path) -> None:
    a_project(tmp_path, example='@task("waits")\ndef waits(payload): time.sleep(payload)')
    async with a_fake_box() as box, a_worker(box, tmp_path, runs_max=12) as worker:
        await worker.add_version()
        runs = [box.trigger("waits", 1.5) for _ in range(12)]

        async with asyncio.timeout(20):
            for run in runs:
                await run.started.wait()

        assert not any(run.finished.is_set() for run in runs)


@pytest.mark.parametrize("part", ["attempts/complete", "dequeue", "background-workers"])
async def test_a_box_that_fails_for_a_moment_loses_nothing(tmp_path: Path, part: str) -> None:
    a_project(tmp_path, example=TASKS)
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        box.failing[part] = 2
        await worker.add_version()

        run = await finish(box, "noop", 5)
        await worker.reports.wait_for(lambda event: isinstance(event, RunSucceeded))

    assert run.completion["output"] == "5"
    assert len(run.completions) == 1


async def test_repeats_of_a_completion_carry_the_same_key(tmp_path: Path) -> None:
    a_project(tmp_path, example=TASKS)
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        box.failing["attempts/complete"] = 2
        await worker.add_version()

        await finish(box, "noop", 5)

        keys = {
            headers["x-trigger-request-idempotency-key"]
            for call, headers in zip(box.calls, box.headers, strict=True)
            if "attempts/complete" in call
        }
    assert len(keys) == 1


async def test_what_a_task_says_arrives_with_level_fields_and_span(tmp_path: Path) -> None:
    a_project(tmp_path, example=TASKS)
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()
        run = await finish(box, "talks")
        await box.wait_for_telemetry(lambda: "caught" in box.texts() and len(box.spans) >= 3)

    logs = {log["body"]["stringValue"]: log for log in box.logs}
    spans = {span["name"]: span for span in box.spans}
    severities = {text: log["severityText"] for text, log in logs.items()}
    warned = next(text for text in logs if "careful" in text)
    assert severities["printed"] == "Log"
    assert severities["to stderr"] == "warn"
    assert severities["logged"] == "info"
    assert severities["standard logging"] == "warn"
    assert severities[warned] == "warn"
    assert severities["from a child"] == "Log"
    assert severities["caught"] == "error"
    assert attributes(logs["logged"])["user.id"] == "7"
    assert attributes(logs["logged"])["items.[0]"] == "a"
    assert attributes(logs["standard logging"])["order"] == "1"
    assert attributes(logs["standard logging"])["logger"] == "app"
    assert attributes(logs["logged"])["$metadata.ctx.run.id"] == run.id
    assert logs["inside"]["spanId"] == spans["step"]["spanId"]
    assert logs["printed"]["spanId"] == spans["Attempt 1"]["spanId"]
    assert spans["step"]["parentSpanId"] == spans["Attempt 1"]["spanId"]
    assert spans["broken"]["status"]["code"] == 2
    assert spans["broken"]["events"][0]["name"] == "exception"
    assert spans["Attempt 1"]["parentSpanId"] == "b" * 16
    assert spans["Attempt 1"]["traceId"] == "a" * 32
    assert attributes(spans["Attempt 1"])["$output.nested.list.[1]"] == "2"
    assert attributes(spans["Attempt 1"])["$entity.type"] == "attempt"


async def test_a_span_is_announced_while_it_is_open(tmp_path: Path) -> None:
    a_project(
        tmp_path, example='@task("waits")\nasync def waits(payload): await asyncio.sleep(payload)'
    )
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()
        run = box.trigger("waits", 1)
        await box.wait_for_telemetry(lambda: bool(box.spans))
        partial = dict(box.spans[0])
        async with asyncio.timeout(10):
            await run.finished.wait()
        await box.wait_for_telemetry(lambda: len(box.spans) == 2)

    final = box.spans[1]
    assert attributes(partial)["$span.partial"] is True
    assert attributes(partial)["$span.span_id"] == final["spanId"]
    assert partial["spanId"] != final["spanId"]
    assert "$span.partial" not in attributes(final)


async def test_what_was_said_before_a_crash_is_not_lost(tmp_path: Path) -> None:
    a_project(tmp_path, example=TASKS)
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()
        await finish(box, "dies-in-a-span")
        await box.wait_for_telemetry(
            lambda: (
                "last line" in box.texts()
                and {"open", "Attempt 1"} <= {span["name"] for span in box.spans}
            )
        )

    names = {span["name"]: span for span in box.spans}
    assert "$span.partial" not in attributes(names["open"])


async def test_too_many_lines_are_dropped_and_counted(tmp_path: Path) -> None:
    a_project(tmp_path, example='@task("loud")\ndef loud():\n    for n in range(7_000): print(n)')
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()
        await finish(box, "loud")
        await box.wait_for_telemetry(lambda: any("dropped" in text for text in box.texts()))

    assert 5_000 <= len(box.logs) < 7_000


async def test_telemetry_that_cannot_be_sent_does_not_hold_up_runs(tmp_path: Path) -> None:
    a_project(tmp_path, example=TASKS)
    async with (
        a_fake_box() as box,
        a_worker(box, tmp_path, telemetry_url="http://127.0.0.1:9") as worker,
    ):
        await worker.add_version()

        await finish_all(box, 20)


async def test_the_box_is_told_that_a_worker_is_here(tmp_path: Path) -> None:
    a_project(tmp_path, example=TASKS)
    async with a_fake_box() as box, a_worker(box, tmp_path):
        await box.news_open.wait()

        assert box.presence_open == 1
        assert box.headers[-1]["x-trigger-box-worker"].startswith("python/")
        assert box.headers[-1]["authorization"] == "Bearer tr_dev_secret"
