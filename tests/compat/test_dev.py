"""The unmodified npm CLI's ``dev`` against a real box: what its user sees must just work.

The tests share one session per version, in the order they stand here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.compat.box import eventually
from tests.compat.dev import DevSession

TASKS = "src/trigger/tasks.ts"
WORDING = "src/trigger/wording.ts"
BROKEN = "src/trigger/broken.ts"


def messages_of(spans: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for span in spans:
        yield span["data"]["level"], span["data"]["message"]
        yield from messages_of(span["children"])


def test_a_run_executes_and_returns_its_output(dev: DevSession):
    run = dev.api.finished(dev.api.trigger("greet", {"name": "Ada"}))

    assert run["status"] == "COMPLETED"
    assert run["output"] == {
        "greeting": "Hello Ada",
        "bornIsDate": False,
        "attempt": 1,
        "environment": "DEVELOPMENT",
    }
    assert run["version"] == dev.version
    assert run["attemptCount"] == 1
    assert dev.is_connected


def test_a_task_that_fails_is_tried_again_until_it_works(dev: DevSession):
    run = dev.api.finished(dev.api.trigger("flaky"))

    assert run["status"] == "COMPLETED"
    assert run["output"] == {"attempts": 3}
    assert run["attemptCount"] == 3


def test_a_task_that_always_fails_ends_with_its_own_error(dev: DevSession):
    run = dev.api.finished(dev.api.trigger("hopeless"))

    assert run["status"] == "FAILED"
    assert run["attemptCount"] == 2
    assert run["error"]["name"] == "TypeError"
    assert run["error"]["message"] == "this never works"
    assert "tasks.ts" in run["error"]["stackTrace"]


def test_a_task_that_aborts_is_not_tried_again(dev: DevSession):
    run = dev.api.finished(dev.api.trigger("final"))

    assert run["status"] == "FAILED"
    assert run["attemptCount"] == 1


def test_the_trigger_calls_own_attempts_win_over_the_tasks(dev: DevSession):
    run = dev.api.finished(dev.api.trigger("hopeless", maxAttempts=3))

    assert run["attemptCount"] == 3


def test_a_task_can_trigger_another_and_not_wait_for_it(dev: DevSession):
    run = dev.api.finished(dev.api.trigger("parent", {"name": "Grace"}))
    child = dev.api.finished(run["output"]["child"])

    assert child["output"]["greeting"] == "Hello Grace"
    assert child["depth"] == 1
    assert child["relatedRuns"]["parent"]["id"] == run["id"]
    assert child["relatedRuns"]["root"]["id"] == run["id"]


def test_metadata_and_tags_set_inside_a_task_arrive(dev: DevSession):
    run = dev.api.finished(dev.api.trigger("parent", {"name": "Grace"}, tags=["from-outside"]))

    assert run["metadata"] == {"step": "done", "children": 1}
    assert run["tags"] == ["from-inside", "from-outside"]


def test_logs_and_spans_of_a_run_can_be_read(dev: DevSession):
    run_id = dev.api.trigger("greet", {"name": "Ada"})
    dev.api.finished(run_id)

    def everything() -> set[tuple[str, str]] | None:
        trace = dev.api.get(f"/api/v1/runs/{run_id}/trace")["trace"]
        told = set(messages_of([trace["rootSpan"]]))
        return told if {"a warning", "a span of its own"} <= {text for _, text in told} else None

    told = eventually(everything, otherwise=lambda: dev.api.get(f"/api/v1/runs/{run_id}/trace"))

    assert ("LOG", "plain words for Ada") in told
    assert ("WARN", "a warning") in told
    assert any(text == "Attempt 1" for _, text in told)


def test_a_running_task_is_cancelled_at_once(dev: DevSession):
    run_id = dev.api.trigger("endless")
    dev.api.executing(run_id)
    dev.talker.heard(rf"{run_id}\.1 endless has begun")

    dev.api.post(f"/api/v2/runs/{run_id}/cancel")

    # Without a notification the CLI would look after five seconds only.
    run = dev.api.finished(run_id, within_s=4)
    assert run["status"] == "CANCELED"
    assert run["isCancelled"]


def test_a_run_can_be_cancelled_before_a_worker_takes_it(dev: DevSession):
    run_id = dev.api.trigger("greet", {"name": "Ada"}, delay="1h")
    dev.api.post(f"/api/v2/runs/{run_id}/cancel")

    assert dev.api.run(run_id)["status"] == "CANCELED"


def test_without_sockets_a_cancel_is_still_noticed(dev: DevSession):
    with dev.gate.without_websockets():
        dev.talker.heard("Connection was lost")
        run_id = dev.api.trigger("endless")
        dev.api.executing(run_id)
        dev.talker.heard(rf"{run_id}\.1 endless has begun")

        dev.api.post(f"/api/v2/runs/{run_id}/cancel")

        assert dev.api.finished(run_id, within_s=10)["status"] == "CANCELED"
    dev.talker.heard("Connection was restored")


def test_a_saved_file_is_a_new_version_that_new_runs_use(dev: DevSession):
    older = dev.version
    endless = dev.api.trigger("endless")
    dev.api.executing(endless)
    heard = dev.edit(WORDING, 'export const wording = "Good day";\n')
    newer = dev.rebuilt(after=heard)

    run = dev.api.finished(dev.api.trigger("greet", {"name": "Ada"}))

    assert newer != older
    assert run["version"] == newer
    assert run["output"]["greeting"] == "Good day Ada"
    # What runs on the older version goes on, and can still be reached.
    assert dev.api.run(endless)["status"] == "EXECUTING"
    dev.api.post(f"/api/v2/runs/{endless}/cancel")
    assert dev.api.finished(endless, within_s=10)["version"] == older


def test_a_refused_registration_is_shown_and_mended_by_the_next_save(dev: DevSession):
    heard = dev.edit(
        BROKEN,
        'import { schedules } from "@trigger.dev/sdk";\n'
        'export const nightly = schedules.task({ id: "nightly", cron: "every day",\n'
        "  run: async () => {} });\n",
    )
    dev.talker.heard("the cron 'every day' is not valid", after=heard)
    heard = dev.edit(
        BROKEN,
        'import { task } from "@trigger.dev/sdk";\n'
        'export const mended = task({ id: "mended", run: async () => "mended" });\n',
    )
    dev.rebuilt(after=heard)

    run = dev.api.finished(dev.api.trigger("mended"))

    assert run["output"] == "mended"


def test_a_run_of_an_unknown_task_waits_until_the_task_is_there(dev: DevSession):
    run_id = dev.api.trigger("later", {"name": "Ada"})
    dev.api.run_when(run_id, lambda run: run["status"] == "PENDING_VERSION")
    heard = dev.edit(
        BROKEN,
        'import { task } from "@trigger.dev/sdk";\n'
        'export const later = task({ id: "later", run: async () => "here" });\n',
    )
    dev.rebuilt(after=heard)

    assert dev.api.finished(run_id)["output"] == "here"
