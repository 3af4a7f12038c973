"""The unmodified npm SDK in a plain Node process, with runs executed by the npm CLI's ``dev``."""

from __future__ import annotations

from typing import Any

from tests.compat.conftest import Sdk
from tests.compat.dev import DevSession


def trigger(sdk: Sdk, task: str, payload: object = None, **options: object) -> str:
    return sdk("tasks.trigger", task, payload if payload is not None else {}, options)["id"]


def poll(sdk: Sdk, run_id: str) -> dict[str, Any]:
    """Wait for a run with the SDK's own polling."""
    return sdk("runs.poll", run_id, {"pollIntervalMs": 100})


def test_a_triggered_run_comes_back_with_its_output(dev: DevSession, sdk: Sdk):
    handle = sdk("tasks.trigger", "greet", {"name": "Ada", "born": {"$date": "1815-12-10"}})

    run = poll(sdk, handle["id"])

    assert handle["publicAccessToken"].count(".") == 2
    assert run["status"] == "COMPLETED"
    assert run["isSuccess"]
    # A Date travels as a Date: the SDK's own encoding reaches the task unchanged.
    assert run["output"]["bornIsDate"]
    assert run["version"] == dev.version


def test_a_run_that_failed_tells_its_error(dev: DevSession, sdk: Sdk):
    run = poll(sdk, trigger(sdk, "hopeless"))

    assert run["status"] == "FAILED"
    assert run["isFailed"]
    assert run["error"]["message"] == "this never works"
    assert run["attemptCount"] == 2
    assert dev.version == run["version"]


def test_the_same_idempotency_key_is_the_same_run(sdk: Sdk):
    first = trigger(sdk, "greet", {"name": "Ada"}, idempotencyKey="order-1", delay="1h")
    again = trigger(sdk, "greet", {"name": "Ada"}, idempotencyKey="order-1", delay="1h")
    other = trigger(sdk, "greet", {"name": "Ada"}, idempotencyKey="order-2", delay="1h")

    assert again == first
    assert other != first
    assert sdk("runs.retrieve", first)["idempotencyKey"] == "order-1"


def test_a_key_made_by_the_sdk_is_known_by_its_own_words(sdk: Sdk):
    key = sdk("idempotencyKeys.create", "invoice-7", {"scope": "global"})
    first = trigger(sdk, "greet", {"name": "Ada"}, idempotencyKey=key, delay="1h")
    again = trigger(sdk, "greet", {"name": "Ada"}, idempotencyKey=key, delay="1h")

    assert again == first


def test_triggers_with_one_debounce_key_share_a_run(sdk: Sdk):
    def debounced(name: str, mode: str) -> str:
        option = {"key": f"greet-{mode}", "delay": "1h", "mode": mode, "maxDelay": "2h"}
        return trigger(sdk, "greet", {"name": name}, debounce=option)

    leading = {debounced("Ada", "leading"), debounced("Bob", "leading")}
    trailing = {debounced("Ada", "trailing"), debounced("Bob", "trailing")}
    payloads = [sdk("runs.retrieve", *one)["payload"]["name"] for one in (leading, trailing)]

    assert (len(leading), len(trailing)) == (1, 1)
    assert payloads == ["Ada", "Bob"]


def test_runs_are_listed_by_tag_status_and_task(sdk: Sdk):
    wanted = trigger(sdk, "greet", {"name": "Ada"}, tags=["customer_7"], delay="1h")
    trigger(sdk, "greet", {"name": "Ada"}, tags=["customer_8"], delay="1h")
    trigger(sdk, "flaky", {}, tags=["customer_7"], delay="1h")

    by_tag = sdk("runs.list", {"tag": ["customer_7"], "taskIdentifier": ["greet"]})
    by_status = sdk("runs.list", {"status": ["DELAYED"], "limit": 1})
    none = sdk("runs.list", {"tag": ["customer_7"], "status": ["COMPLETED"]})

    assert [run["id"] for run in by_tag["data"]] == [wanted]
    assert by_tag["data"][0]["tags"] == ["customer_7"]
    assert len(by_status["data"]) == 1
    assert by_status["pagination"]["next"]
    assert none["data"] == []


def test_pages_of_runs_follow_each_other(sdk: Sdk):
    ids = [trigger(sdk, "greet", {"name": "x"}, tags=["paged"], delay="1h") for _ in range(3)]

    first = sdk("runs.list", {"tag": ["paged"], "limit": 2})
    second = sdk("runs.list", {"tag": ["paged"], "limit": 2, "after": first["pagination"]["next"]})

    listed = [run["id"] for run in (*first["data"], *second["data"])]
    assert listed == ids[::-1]


def test_a_run_is_cancelled(sdk: Sdk):
    run_id = trigger(sdk, "greet", {"name": "Ada"}, delay="1h")

    cancelled = sdk("runs.cancel", run_id)

    assert cancelled["id"] == run_id
    assert sdk("runs.retrieve", run_id)["status"] == "CANCELED"


def test_a_delayed_run_is_put_on_another_date(dev: DevSession, sdk: Sdk):
    run_id = trigger(sdk, "greet", {"name": "Ada"}, delay="1h")
    assert sdk("runs.retrieve", run_id)["status"] == "DELAYED"

    moved = sdk("runs.reschedule", run_id, {"delay": "1s"})

    assert moved["id"] == run_id
    assert poll(sdk, run_id)["status"] == "COMPLETED"
    assert dev.version


def test_a_run_is_replayed_with_its_payload(dev: DevSession, sdk: Sdk):
    run_id = trigger(sdk, "greet", {"name": "Ada", "born": {"$date": "1815-12-10"}})
    first = poll(sdk, run_id)

    again = poll(sdk, sdk("runs.replay", run_id)["id"])

    assert again["id"] != run_id
    assert again["output"] == first["output"]
    assert again["payload"] == first["payload"]
    assert dev.version == again["version"]


def test_metadata_given_with_the_trigger_can_be_read(sdk: Sdk):
    run_id = trigger(
        sdk, "greet", {"name": "Ada"}, metadata={"customer": {"id": 7}, "list": [1]}, delay="1h"
    )

    assert sdk("runs.retrieve", run_id)["metadata"] == {"customer": {"id": 7}, "list": [1]}


def test_an_unknown_run_is_told_at_once(sdk: Sdk):
    error = sdk.refused("runs.retrieve", "run_00000000000000000000000000")

    assert error["kind"] == "NotFoundError"
    assert error["status"] == 404


def test_too_many_tags_are_refused_with_the_number(sdk: Sdk):
    error = sdk.refused("tasks.trigger", "greet", {}, {"tags": [f"tag_{n}" for n in range(11)]})

    assert error["kind"] == "UnprocessableEntityError"
    assert "11" in error["message"]


def test_a_big_payload_and_a_big_output_travel_whole(dev: DevSession, sdk: Sdk):
    # Above 128 KiB the SDK uploads the payload first, and the worker the output.
    name = "Ada " * 50_000

    run = poll(sdk, trigger(sdk, "greet", {"name": name}))

    assert run["status"] == "COMPLETED"
    assert run["payload"] == {"name": name}
    assert name in str(run["output"])
    assert run["version"] == dev.version


def test_queues_are_read_paused_and_limited(dev: DevSession, sdk: Sdk):
    own = {"type": "task", "name": "greet"}
    named = {"type": "custom", "name": "mail/out"}
    trigger(sdk, "greet", {"name": "Ada"}, queue="mail/out", delay="1h")

    listed = sdk("queues.list", {"page": 1, "perPage": 100})
    paused = sdk("queues.pause", named)
    waiting = trigger(sdk, "greet", {"name": "Ada"}, queue="mail/out")
    read = sdk("queues.retrieve", named)
    by_id = sdk("queues.retrieve", read["id"])
    sdk("queues.resume", named)
    run = poll(sdk, waiting)
    limited = sdk("queues.overrideConcurrencyLimit", own, 3)
    reset = sdk("queues.resetConcurrencyLimit", own)

    assert {("greet", "task"), ("mail/out", "custom")} <= {
        (one["name"], one["type"]) for one in listed["data"]
    }
    assert listed["pagination"]["currentPage"] == 1
    assert paused["paused"]
    assert (read["queued"], by_id["name"]) == (1, "mail/out")
    assert run["version"] == dev.version
    assert limited["concurrency"]["override"] == limited["concurrencyLimit"] == 3
    assert reset["concurrency"]["override"] is None
