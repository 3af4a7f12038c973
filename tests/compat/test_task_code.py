"""What TypeScript authors write into a task: hooks, middleware, locals, schemas, limits."""

from __future__ import annotations

from tests.compat.dev import DevSession

FULL_CIRCLE = [
    "everywhere begins",
    "middleware begins",
    "everywhere starts",
    "start",
    "run",
    "success",
    "complete",
    "middleware ends",
]


def test_hooks_and_middleware_run_in_order_and_share_locals(dev: DevSession):
    run = dev.api.finished(dev.api.trigger("hooked"))

    assert run["status"] == "COMPLETED"
    assert run["metadata"]["steps"] == FULL_CIRCLE


def test_a_failure_hook_runs_after_the_last_attempt_only(dev: DevSession):
    run = dev.api.finished(dev.api.trigger("hooked", {"fails": True}))

    assert run["status"] == "FAILED"
    assert run["attemptCount"] == 2
    assert run["metadata"]["gaveUpAt"] == [2]
    assert run["metadata"]["steps"][-3:] == ["run", "complete", "middleware ends"]


def test_catch_error_decides_about_the_retry(dev: DevSession):
    run = dev.api.finished(dev.api.trigger("caught"))

    assert run["status"] == "FAILED"
    assert run["attemptCount"] == 1
    assert run["metadata"]["caught"] == "seen by catchError"


def test_a_part_of_a_task_is_tried_again_without_a_new_attempt(dev: DevSession):
    run = dev.api.finished(dev.api.trigger("patient"))

    assert run["output"] == {"tries": 3}
    assert run["attemptCount"] == 1


def test_a_payload_that_the_schema_refuses_fails_without_a_retry(dev: DevSession):
    fits = dev.api.finished(dev.api.trigger("checked", {"amount": "7"}))
    refused = dev.api.finished(dev.api.trigger("checked", {"amount": "many"}))

    assert fits["output"] == {"amount": 7}
    assert refused["status"] == "FAILED"
    assert refused["attemptCount"] == 1
    assert refused["error"]["name"] == "TASK_INPUT_ERROR"
    assert "amount is no number" in refused["error"]["message"]


def test_the_context_tells_run_task_queue_and_place(dev: DevSession):
    run_id = dev.api.trigger("curious", tags=["seen"], test=True, maxAttempts=4, priority=2)
    run = dev.api.finished(run_id)
    ctx = run["output"]["ctx"]

    assert ctx["task"] == {"id": "curious", "filePath": "src/trigger/code.ts"} | {
        key: value for key, value in ctx["task"].items() if key == "exportName"
    }
    assert ctx["attempt"]["number"] == 1
    assert ctx["attempt"]["startedAt"]
    assert ctx["run"]["id"] == run_id
    assert ctx["run"]["tags"] == ["seen"]
    assert ctx["run"]["isTest"] is True
    assert ctx["run"]["isReplay"] is False
    assert ctx["run"]["maxAttempts"] == 4
    assert ctx["run"]["maxDuration"] == 60
    assert ctx["run"]["version"] == dev.version
    assert ctx["queue"]["name"] == "task/curious"
    assert ctx["environment"]["type"] == "DEVELOPMENT"
    assert ctx["project"]["ref"] == dev.made["ref"]
    assert ctx["machine"]["name"] == "small-2x"
    assert (ctx["machine"]["cpu"], ctx["machine"]["memory"]) == (1, 1)


def test_usage_is_measured_inside_a_task(dev: DevSession):
    run = dev.api.finished(dev.api.trigger("curious"))

    assert run["output"]["measuredMs"] >= 10
    assert run["output"]["soFarMs"] >= run["output"]["measuredMs"]
    assert run["durationMs"] > 0


def test_a_promise_that_nobody_caught_fails_the_attempt(dev: DevSession):
    run = dev.api.finished(dev.api.trigger("careless"))

    assert run["status"] == "FAILED"
    assert "nobody caught this" in run["error"]["message"]


def test_a_cancel_hook_runs_where_the_task_runs(dev: DevSession):
    heard = dev.talker.lines_heard
    run_id = dev.api.trigger("polite")
    dev.talker.heard(rf"{run_id}\.1 polite has begun", after=heard)

    dev.api.post(f"/api/v2/runs/{run_id}/cancel")

    dev.talker.heard("polite says good-bye", after=heard)
    assert dev.api.finished(run_id)["status"] == "CANCELED"


def test_a_task_may_not_work_for_longer_than_it_says(dev: DevSession):
    run = dev.api.finished(dev.api.trigger("too-long"))

    assert run["status"] == "TIMED_OUT"
