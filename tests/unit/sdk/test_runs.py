"""Looking at runs and acting on them (rest-api 13.3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, ValidationError

from tests.support.sdk import ScriptedServer, a_run, ok, refused
from trigger_box import (
    Err,
    NotFound,
    Ok,
    OptionError,
    PayloadError,
    RunStatus,
    SubtaskError,
    TriggerBoxError,
    UnexpectedAnswer,
    WaitTimeout,
    queue,
    runs,
    task,
    using,
)
from trigger_box.sdk.models import Run


class Sent(BaseModel):
    message_id: str


@pytest.fixture
def send() -> Any:
    @task("send")
    async def send(payload: str) -> Sent:
        return Sent(message_id=payload)

    return send


def query(server: ScriptedServer) -> dict[str, str]:
    return dict(server.requests[-1].url.params)


async def test_a_run_is_read_with_everything_the_server_tells() -> None:
    server = ScriptedServer(
        ok(
            a_run(
                status="FAILED",
                payload={"a": 1},
                error={"message": "bad", "name": "ValueError", "stackTrace": "…"},
                metadata={"step": 1},
                startedAt="2026-01-31T10:00:01.000Z",
                relatedRuns={"parent": a_run(id="run_0"), "children": [a_run(id="run_2")]},
                schedule={"id": "sched_1", "generator": {"type": "CRON"}},
            )
        )
    )

    run = await server.client().runs.retrieve("run_1")

    assert server.request.url.raw_path == b"/api/v3/runs/run_1"
    assert run.task_id == "send-welcome"
    assert run.payload == {"a": 1}
    assert run.started_at == datetime(2026, 1, 31, 10, 0, 1, tzinfo=UTC)
    assert run.error is not None
    assert (run.error.name, run.error.message) == ("ValueError", "bad")
    assert run.related_runs.parent is not None
    assert run.related_runs.parent.id == "run_0"
    assert run.related_runs.children[0].id == "run_2"
    assert run.schedule is not None
    assert run.schedule.id == "sched_1"
    assert run.is_final
    assert not run.is_success


@pytest.mark.parametrize(
    ("status", "is_final"),
    [
        ("PENDING_VERSION", False),
        ("QUEUED", False),
        ("DEQUEUED", False),
        ("EXECUTING", False),
        ("WAITING", False),
        ("DELAYED", False),
        ("COMPLETED", True),
        ("CANCELED", True),
        ("FAILED", True),
        ("CRASHED", True),
        ("SYSTEM_FAILURE", True),
        ("EXPIRED", True),
        ("TIMED_OUT", True),
    ],
)
def test_each_status_is_final_or_not(status: RunStatus, is_final: bool) -> None:
    assert Run[Any].model_validate(a_run(status=status)).is_final is is_final


def test_runs_can_not_be_changed() -> None:
    run = Run[Any].model_validate(a_run())

    with pytest.raises(ValidationError):
        run.status = "QUEUED"  # type: ignore[misc]


async def test_a_run_through_a_tasks_handle_has_that_tasks_output(send: Any) -> None:
    server = ScriptedServer(
        ok({"id": "run_1", "isCached": False}), ok(a_run(output={"message_id": "m"}))
    )

    with using(server.client()):
        handle = await send.trigger("x")
    run = await handle.retrieve()
    again = await runs_of(server).retrieve(handle)

    assert run.output == Sent(message_id="m")
    assert again.output == Sent(message_id="m")


def runs_of(server: ScriptedServer) -> Any:
    return server.client().runs


async def test_an_output_that_does_not_fit_the_task_is_unexpected(send: Any) -> None:
    server = ScriptedServer(ok({"id": "run_1"}), ok(a_run(output={"other": 1})))

    with using(server.client()):
        handle = await send.trigger("x")

    with pytest.raises(UnexpectedAnswer, match="message_id"):
        await handle.retrieve()


async def test_stored_payloads_and_outputs_are_fetched_without_the_key() -> None:
    server = ScriptedServer(
        ok(
            a_run(
                payloadPresignedUrl="http://blobs.test/p", outputPresignedUrl="http://blobs.test/o"
            )
        ),
        httpx.Response(200, text="hello", headers={"content-type": "text/plain"}),
        httpx.Response(
            200,
            content=b'{"json":{"n":"5"},"meta":{"values":{"n":["bigint"]}}}',
            headers={"content-type": "application/super+json"},
        ),
    )

    run = await runs_of(server).retrieve("run_1")

    assert (run.payload, run.output) == ("hello", {"n": 5})
    assert all("authorization" not in request.headers for request in server.requests[1:])


async def test_an_unknown_run_is_not_found() -> None:
    server = ScriptedServer(refused(404, "Not found", x_should_retry="false"))

    with pytest.raises(NotFound, match="Not found"):
        await runs_of(server).retrieve("run_x")


async def test_an_answer_of_another_shape_is_unexpected() -> None:
    with pytest.raises(UnexpectedAnswer, match="status"):
        await runs_of(ScriptedServer(ok({"id": "run_1"}))).retrieve("run_1")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"status": "FAILED"}, {"filter[status]": "FAILED"}),
        ({"status": ["FAILED", "CRASHED"]}, {"filter[status]": "FAILED,CRASHED"}),
        ({"task": "a"}, {"filter[taskIdentifier]": "a"}),
        ({"version": "20260131.1"}, {"filter[version]": "20260131.1"}),
        ({"tag": ("a", "b")}, {"filter[tag]": "a,b"}),
        ({"queue": "task/a"}, {"filter[queue]": "task/a"}),
        ({"machine": ["micro"]}, {"filter[machine]": "micro"}),
        ({"region": "eu"}, {"filter[region]": "eu"}),
        ({"bulk_action": "bulk_1"}, {"filter[bulkAction]": "bulk_1"}),
        ({"schedule": "sched_1"}, {"filter[schedule]": "sched_1"}),
        ({"batch": "batch_1"}, {"filter[batch]": "batch_1"}),
        ({"is_test": False}, {"filter[isTest]": "false"}),
        ({"error": "error_1"}, {"filter[error]": "error_1"}),
        (
            {"created_after": datetime(2026, 1, 1, tzinfo=UTC)},
            {"filter[createdAt][from]": "2026-01-01T00:00:00.000Z"},
        ),
        (
            {"created_before": datetime(2026, 1, 1, tzinfo=UTC)},
            {"filter[createdAt][to]": "2026-01-01T00:00:00.000Z"},
        ),
        ({"period": "7d"}, {"filter[createdAt][period]": "604800s"}),
        ({"limit": 100}, {"page[size]": "100"}),
        ({"after": "c"}, {"page[after]": "c"}),
        ({"before": "c"}, {"page[before]": "c"}),
    ],
)
async def test_each_filter_has_its_place_in_the_query(
    filters: dict[str, Any], expected: dict[str, str]
) -> None:
    server = ScriptedServer(ok({"data": [], "pagination": {}}))

    await runs_of(server).list(**filters).page()

    assert query(server) == expected


async def test_tasks_and_queues_can_be_given_as_they_are(send: Any) -> None:
    server = ScriptedServer(ok({"data": [], "pagination": {}}))
    mail = queue("mail")

    await runs_of(server).list(task=send, queue=[mail, send]).page()

    assert query(server) == {"filter[taskIdentifier]": "send", "filter[queue]": "mail,task/send"}


@pytest.mark.parametrize(
    "filters",
    [
        {"limit": 0},
        {"limit": 101},
        {"tag": "a,b"},
        {"after": "a", "before": "b"},
        {"stattus": "FAILED"},
        {"created_after": datetime(2026, 1, 1)},  # noqa: DTZ001 - what is tested
        {"queue": [7]},
    ],
)
async def test_a_filter_that_can_not_be_sent_is_refused(filters: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        await runs_of(ScriptedServer(ok({}))).list(**filters).page()


PAGES = (
    ok({"data": [a_run(id="run_3"), a_run(id="run_2")], "pagination": {"next": "two"}}),
    ok({"data": [a_run(id="run_1")], "pagination": {"previous": "one"}}),
)


async def test_iterating_goes_through_all_pages() -> None:
    server = ScriptedServer(*PAGES)

    ids = [run.id async for run in runs_of(server).list(status="COMPLETED", limit=2)]

    assert ids == ["run_3", "run_2", "run_1"]
    assert query(server) == {
        "filter[status]": "COMPLETED",
        "page[size]": "2",
        "page[after]": "two",
    }


def test_the_blocking_twin_iterates_too() -> None:
    server = ScriptedServer(*PAGES)

    with server.client() as client:
        ids = [run.id for run in client.runs.sync.list()]

    assert ids == ["run_3", "run_2", "run_1"]


async def test_one_page_says_where_the_next_begins() -> None:
    page = await runs_of(ScriptedServer(*PAGES)).list().page()

    assert [run.id for run in page.items] == ["run_3", "run_2"]
    assert (page.next, page.previous) == ("two", None)


async def test_a_list_that_does_not_move_on_is_not_read_for_ever() -> None:
    server = ScriptedServer(ok({"data": [], "pagination": {"next": "same"}}))

    with pytest.raises(TriggerBoxError, match="does not move on"):
        _ = [run async for run in runs_of(server).list()]
    assert len(server.requests) == 2


async def test_cancel_replay_and_reschedule_send_what_the_routes_take() -> None:
    server = ScriptedServer(
        ok({"id": "run_1"}), ok({"id": "run_9"}), ok({"id": "run_9"}), ok(a_run(status="DELAYED"))
    )
    of = runs_of(server)

    await of.cancel("run_1")
    plain = await of.replay("run_1")
    changed = await of.replay(
        "run_1",
        payload={"a": 1},
        tags="x",
        queue="q",
        version="latest",
        delay="1h",
        idempotency_key="k",
    )
    rescheduled = await of.reschedule("run_1", delay="2h")

    assert [(each.method, each.url.path) for each in server.requests] == [
        ("POST", "/api/v2/runs/run_1/cancel"),
        ("POST", "/api/v1/runs/run_1/replay"),
        ("POST", "/api/v1/runs/run_1/replay"),
        ("POST", "/api/v1/runs/run_1/reschedule"),
    ]
    assert server.requests[1].content == b""
    body = server.body(2)
    assert len(body.pop("idempotencyKey")) == 64
    assert body == {
        "payload": {"a": 1},
        "payloadType": "application/json",
        "tags": ["x"],
        "queue": "q",
        "version": "latest",
        "delay": "1h",
    }
    assert server.body(3) == {"delay": "2h"}
    assert (plain.id, changed.id, rescheduled.status) == ("run_9", "run_9", "DELAYED")


async def test_a_replay_that_can_not_be_sent_makes_no_request() -> None:
    server = ScriptedServer(ok({"id": "run_9"}))

    with pytest.raises(PayloadError, match="NaN"):
        await runs_of(server).replay("run_1", payload=float("nan"))
    assert server.requests == []


def statuses(*names: str) -> Iterator[httpx.Response]:
    for name in names:
        yield ok(a_run(status=name, output={"message_id": "m"} if name == "COMPLETED" else None))


async def test_a_result_is_waited_for(send: Any) -> None:
    server = ScriptedServer(ok({"id": "run_1"}), *statuses("QUEUED", "EXECUTING", "COMPLETED"))

    with using(server.client()):
        handle = await send.trigger("x")
    result = await handle.result(timeout=10)

    assert result == Ok(Sent(message_id="m"), id="run_1", task_id="send-welcome")
    match result:
        case Ok(output):
            assert output.message_id == "m"
        case Err():
            pytest.fail("it completed")
    assert result.ok
    assert result.error is None
    assert result.unwrap() == Sent(message_id="m")


async def test_a_result_can_be_unwrapped_in_one_go(send: Any) -> None:
    server = ScriptedServer(ok({"id": "run_1"}), *statuses("COMPLETED"))

    with using(server.client()):
        handle = await send.trigger("x")

    assert await handle.result().unwrap() == Sent(message_id="m")
    assert await runs_of(server).result(handle).unwrap() == Sent(message_id="m")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": "FAILED", "error": {"message": "bad"}}, "bad"),
        ({"status": "CANCELED"}, "The run ended as CANCELED."),
        ({"status": "EXPIRED"}, "The run ended as EXPIRED."),
    ],
)
async def test_a_run_that_failed_is_an_error_that_unwraps_to_an_exception(
    changes: dict[str, Any], message: str
) -> None:
    server = ScriptedServer(ok(a_run(**changes)))

    result = await runs_of(server).result("run_1")

    assert isinstance(result, Err)
    assert not result.ok
    assert result.output is None
    assert result.error.message == message
    with pytest.raises(SubtaskError, match="run_1") as caught:
        result.unwrap()
    assert (caught.value.run_id, caught.value.task_id) == ("run_1", "send-welcome")
    assert caught.value.cause.message == message


async def test_waiting_for_a_result_ends_in_time() -> None:
    server = ScriptedServer(*statuses("EXECUTING"))

    with pytest.raises(WaitTimeout, match="within 0 s: it is EXECUTING"):
        await runs_of(server).result("run_1", timeout=0)


async def test_polling_asks_at_an_interval_until_the_end() -> None:
    server = ScriptedServer(*statuses("QUEUED", "QUEUED", "EXPIRED"))

    run = await runs_of(server).poll("run_1", interval=0.001)

    assert run.status == "EXPIRED"
    assert len(server.requests) == 3
    with pytest.raises(OptionError, match="interval=0"):
        runs_of(server).poll("run_1", interval=0)


def test_blocking_twins_do_the_same() -> None:
    @task("send")
    def send(payload: str) -> Sent: ...  # type: ignore[empty-body]

    server = ScriptedServer(
        ok({"id": "run_1"}),
        ok(a_run(output={"message_id": "m"})),
        ok(a_run(output={"message_id": "m"})),
        ok({"id": "run_1"}),
        ok(a_run(output={"message_id": "m"})),
        ok({"id": "run_2"}),
        ok(a_run(status="DELAYED")),
        ok(a_run()),
        ok(a_run()),
        ok({"id": "run_1"}),
    )

    with server.client() as client, using(client):
        handle = send.sync.trigger("x")
        assert handle.sync.retrieve().output == Sent(message_id="m")
        assert handle.sync.result(timeout=5).unwrap() == Sent(message_id="m")
        handle.sync.cancel()
        assert runs.sync.retrieve(handle).output == Sent(message_id="m")
        assert runs.sync.replay(handle, tags="x").id == "run_2"
        assert runs.sync.reschedule("run_1", delay=5).status == "DELAYED"
        assert runs.sync.result("run_1").ok
        assert runs.sync.poll("run_1", interval=0.001, timeout=1).is_success
        runs.sync.cancel(handle.sync)
        assert (handle.sync.id, repr(handle.sync)) == ("run_1", "<run run_1 of send>")

    assert len(server.requests) == 10


async def test_a_handle_can_cancel_its_run(send: Any) -> None:
    server = ScriptedServer(ok({"id": "run_1"}))

    with using(server.client()):
        handle = await send.trigger("x")
    await handle.cancel()

    assert server.requests[-1].url.path == "/api/v2/runs/run_1/cancel"


async def test_an_empty_run_id_is_refused() -> None:
    with pytest.raises(OptionError, match="empty"):
        runs.retrieve("")
