"""Tasks in real executor processes: payload in, output or error out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.integration.worker.a_worker import POLICY, a_project, a_worker
from tests.integration.worker.dev_box import FakeBox, FakeRun, a_fake_box
from trigger_box.worker import limits


async def finish(box: FakeBox, task: str, payload: Any = None, **extra: Any) -> FakeRun:
    run = box.trigger(task, payload, **extra)
    async with asyncio.timeout(20):
        await run.finished.wait()
    return run


async def test_async_and_blocking_tasks_return_their_output(tmp_path: Path) -> None:
    a_project(
        tmp_path,
        example="""
        @task("double")
        async def double(payload: int, *, ctx: Context) -> dict:
            await asyncio.sleep(0)
            return {"twice": 2 * payload, "run": ctx.run.id, "attempt": ctx.attempt.number}

        @task("shout")
        def shout(payload: str) -> str:
            return payload.upper()

        @task("nothing")
        def nothing():
            pass
        """,
    )
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()

        doubled = await finish(box, "double", 21)
        shouted = await finish(box, "shout", "hi")
        empty = await finish(box, "nothing")

    assert doubled.completion["ok"] is True
    assert doubled.completion["output"] == (f'{{"twice":42,"run":"{doubled.id}","attempt":1}}')
    assert doubled.completion["outputType"] == "application/json"
    assert doubled.completion["usage"]["durationMs"] >= 0
    assert shouted.completion["output"] == '"HI"'
    assert empty.completion["ok"] is True
    assert "output" not in empty.completion


async def test_a_payload_that_does_not_fit_fails_the_run_without_a_retry(tmp_path: Path) -> None:
    a_project(tmp_path, example='@task("double")\ndef double(payload: int): return 2 * payload')
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version(retries={"double": POLICY})

        run = await finish(box, "double", "many")

    assert run.error["name"] == "TaskPayloadParsedError"
    assert "retry" not in run.completion
    assert run.attempt == 1


async def test_a_payload_that_was_uploaded_apart_and_is_gone_fails_the_run(tmp_path: Path) -> None:
    a_project(tmp_path, example='@task("count")\ndef count(payload): return len(payload)')
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()
        run = box.trigger("count", "trigger/gone.json", payloadType="application/store")
        async with asyncio.timeout(20):
            await run.finished.wait()

    assert run.error["code"] == "TASK_INPUT_ERROR"
    assert "can't be fetched" in run.error["message"]


async def test_a_failed_attempt_is_tried_again_by_the_tasks_policy(tmp_path: Path) -> None:
    a_project(
        tmp_path,
        example="""
        @task("flaky")
        def flaky(payload: int, *, ctx: Context):
            if ctx.attempt.number < payload:
                raise ValueError(f"attempt {ctx.attempt.number}")
            return ctx.attempt.number
        """,
    )
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version(retries={"flaky": POLICY})

        run = await finish(box, "flaky", 3)
        hopeless = await finish(box, "flaky", 9)

    assert [completion["ok"] for completion in run.completions] == [False, False, True]
    assert run.completions[0]["retry"]["delay"] == 10
    assert run.completions[0]["error"]["message"] == "attempt 1"
    assert "tasks/example.py" in run.completions[0]["error"]["stackTrace"]
    assert "trigger_box/worker" not in run.completions[0]["error"]["stackTrace"]
    assert len(hopeless.completions) == POLICY["maxAttempts"]


async def test_retries_can_be_off_in_development(tmp_path: Path) -> None:
    a_project(tmp_path, example='@task("fails")\ndef fails(): raise ValueError("no")')
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version(retries={"fails": POLICY}, retries_enabled=False)

        run = await finish(box, "fails")

    assert len(run.completions) == 1
    assert run.completion["skippedRetrying"] is True


async def test_errors_that_users_raise_on_purpose(tmp_path: Path) -> None:
    a_project(
        tmp_path,
        example="""
        @task("aborts")
        def aborts(): raise AbortTaskRunError("user left")

        @task("completes")
        async def completes(): raise CompleteTaskWithOutput({"early": True})

        @task("memory")
        def memory(): raise OutOfMemoryError("too much")

        @task("exits")
        def exits(): sys.exit(3)
        """,
    )
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version(retries=dict.fromkeys(("aborts", "exits"), POLICY))

        aborted = await finish(box, "aborts")
        completed = await finish(box, "completes")
        memory = await finish(box, "memory")
        exited = await finish(box, "exits")

    assert aborted.error["message"] == "user left"
    assert "retry" not in aborted.completion
    assert completed.completion["output"] == '{"early":true}'
    assert memory.error["code"] == "TASK_PROCESS_OOM_KILLED"
    assert exited.error["code"] == "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE"
    assert "exit code 3" in exited.error["message"]


async def test_an_output_that_cannot_be_sent_names_the_limit(tmp_path: Path) -> None:
    a_project(
        tmp_path,
        example="""
        @task("large")
        def large(): return "x" * (10 * 1024 * 1024 + 1)

        @task("odd")
        def odd(): return {"file": b"bytes"}
        """,
    )
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()

        large = await finish(box, "large")
        odd = await finish(box, "odd")

    assert str(limits.OUTPUT_BYTES_MAX) in large.error["message"]
    assert odd.error["code"] == "TASK_OUTPUT_ERROR"
    assert "base64" in odd.error["message"]


async def test_a_task_that_is_not_there_says_why(tmp_path: Path) -> None:
    a_project(tmp_path, good='@task("good")\ndef good(): return 1')
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()
        missing = await finish(box, "renamed")
        a_project(tmp_path, bad='@task("bad")\ndef bad(): return 1\nimport nothing_like_this')
        await worker.add_version("worker_2")
        box.current = "worker_2"
        broken = await finish(box, "bad")
        others = await finish(box, "good")

    assert missing.error["code"] == "COULD_NOT_FIND_TASK"
    assert broken.error["code"] == "COULD_NOT_IMPORT_TASK"
    assert "tasks/bad.py:6" in broken.error["message"]
    assert others.completion["ok"] is True


async def test_variables_of_a_run_hold_for_that_run_only(tmp_path: Path) -> None:
    a_project(
        tmp_path,
        example="""
        @task("look")
        def look():
            os.environ["LEFT_BEHIND"] = "1"
            return {key: os.environ.get(key) for key in ("SECRET", "MINE", "LOCAL")}

        @task("after")
        def after():
            return sorted(os.environ.keys() & {"SECRET", "LEFT_BEHIND"})
        """,
    )
    async with a_fake_box() as box, a_worker(box, tmp_path, runs_max=1) as worker:
        await worker.add_version(
            variables={"LOCAL": "from .env", "MINE": "own"}, pinned=frozenset({"LOCAL"})
        )
        box.run_variables = {"SECRET": "s3cret", "LOCAL": "from the box"}
        during = await finish(box, "look")
        box.run_variables = {}
        after = await finish(box, "after")

    assert during.completion["output"] == ('{"SECRET":"s3cret","MINE":"own","LOCAL":"from .env"}')
    assert after.completion["output"] == "[]"


async def test_metadata_and_tags_reach_the_run(tmp_path: Path) -> None:
    a_project(
        tmp_path,
        example="""
        @task("reports")
        async def reports(payload: float):
            metadata.set("step", "one").increment("count", 2)
            metadata.parent.set("child", "here")
            tags.add("user_1", "user_2")
            await asyncio.sleep(payload)
            metadata.set("step", "two")
            return metadata.current()
        """,
    )
    async with a_fake_box() as box, a_worker(box, tmp_path) as worker:
        await worker.add_version()

        quick = await finish(box, "reports", 0)
        slow = await finish(box, "reports", 2.2)

    assert quick.metadata_calls == []
    assert quick.completion["flushedMetadata"]["dataType"] == "application/json"
    assert '"value":"two"' in quick.completion["flushedMetadata"]["data"]
    assert quick.tags == ["user_1", "user_2"]
    assert quick.completion["output"] == '{"step":"two","count":2,"child":"here"}'
    assert slow.metadata_calls[0]["operations"][0] == {"type": "set", "key": "step", "value": "one"}
    assert slow.metadata_calls[0]["parentOperations"][0]["key"] == "child"
    assert slow.completion["flushedMetadata"]["data"] == (
        '{"operations":[{"type":"set","key":"step","value":"two"}]}'
    )
