from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from trigger_box.api.wire.runs import (
    RelatedRuns,
    api_status,
    metadata_value,
    packet_value,
    run_answer,
    statuses_named,
)
from trigger_box.domain.failures import BuiltInError
from trigger_box.domain.packets import Packet
from trigger_box.domain.runs import RunState, RunStatus
from trigger_box.engine.reading import Run
from trigger_box.ids import EnvironmentId, RunId

RUN = Run(
    id=RunId("run_1"),
    environment_id=EnvironmentId("env_1"),
    number=1,
    task="hello",
    state=RunState.QUEUED,
    status=RunStatus.PENDING,
    status_reason=None,
    snapshot_number=1,
    attempt_number=0,
    queue_name="task/hello",
    queue_id=None,
    concurrency_key=None,
    priority_ms=0,
    ttl=None,
    ttl_at_ms=None,
    due_at_ms=None,
    max_attempts=None,
    max_duration_s=None,
    machine=None,
    idempotency_key=None,
    idempotency_scope=None,
    idempotency_expires_at_ms=None,
    worker_id=None,
    version=None,
    is_version_pinned=False,
    runner_id=None,
    parent_run_id=None,
    root_run_id=None,
    depth=0,
    replay_of_run_id=None,
    resume_parent=False,
    trace_id="t",
    span_id="s",
    parent_span_id=None,
    external_trace={},
    is_test=False,
    tags=("b", "a"),
    annotations={},
    sdk_version=None,
    created_at_ms=1_767_225_600_001,
    updated_at_ms=1_767_225_600_001,
    queued_at_ms=None,
    delay_until_ms=None,
    started_at_ms=None,
    executed_at_ms=None,
    completed_at_ms=None,
    expired_at_ms=None,
    usage_ms=0,
    cost_in_cents=0,
    base_cost_in_cents=0,
)
ENDED = replace(
    RUN,
    state=RunState.FINISHED,
    status=RunStatus.COMPLETED_SUCCESSFULLY,
    completed_at_ms=1_767_225_605_000,
    output=Packet('{"json":{"ok":true}}', "application/super+json"),
)


def shown(run: Run, *, is_current: bool = True) -> dict[str, Any]:
    answer = run_answer(
        run, RelatedRuns(), is_current=is_current, presigned_url=lambda path: f"signed:{path}"
    )
    return msgspec.json.decode(msgspec.json.encode(answer))


def test_what_has_not_happened_is_left_out_never_null() -> None:
    body = shown(RUN)

    assert None not in body.values()
    assert not {"startedAt", "finishedAt", "delayedUntil", "expiredAt", "ttl"} & body.keys()
    assert not {"version", "idempotencyKey", "payload", "output", "error", "metadata"} & body.keys()
    assert body["relatedRuns"] == {}
    assert body["attempts"] == []


def test_dates_have_milliseconds_and_a_z() -> None:
    assert shown(RUN)["createdAt"] == "2026-01-01T00:00:00.001Z"


def test_tags_are_sorted() -> None:
    assert shown(RUN)["tags"] == ["a", "b"]


@pytest.mark.parametrize(
    ("status", "current", "legacy"),
    [
        (RunStatus.PENDING, "QUEUED", "QUEUED"),
        (RunStatus.DEQUEUED, "DEQUEUED", "EXECUTING"),
        (RunStatus.WAITING_TO_RESUME, "WAITING", "FROZEN"),
        (RunStatus.COMPLETED_WITH_ERRORS, "FAILED", "FAILED"),
        (RunStatus.CANCELED, "CANCELED", "CANCELED"),
    ],
)
def test_clients_without_the_version_header_get_older_words(
    status: RunStatus, current: str, legacy: str
) -> None:
    assert api_status(status, is_current=True) == current
    assert api_status(status, is_current=False) == legacy


def test_every_status_has_a_word_and_can_be_filtered_by_it() -> None:
    for status in RunStatus:
        assert statuses_named(api_status(status, is_current=True)) == {status}


@pytest.mark.parametrize("status", [RunStatus.EXPIRED, RunStatus.TIMED_OUT, RunStatus.CRASHED])
def test_polls_for_the_end_of_a_run_that_never_ran_well_do_end(status: RunStatus) -> None:
    body = shown(replace(RUN, state=RunState.FINISHED, status=status))

    assert body["isCompleted"] is True
    assert body["isFailed"] is True
    assert body["isSuccess"] is False


def test_an_output_is_shown_only_once_the_run_has_completed() -> None:
    failed = replace(ENDED, status=RunStatus.COMPLETED_WITH_ERRORS)

    assert shown(ENDED)["output"] == {"ok": True}
    assert "output" not in shown(failed)


def test_an_uploaded_packet_is_named_by_a_signed_address() -> None:
    body = shown(replace(ENDED, payload=Packet("a/b.json", "application/store")))

    assert body["payloadPresignedUrl"] == "signed:a/b.json"
    assert "payload" not in body


def test_an_error_tells_its_name_and_stack() -> None:
    error = BuiltInError(name="ValueError", message="no", stack_trace="at x")

    assert shown(replace(RUN, error=error))["error"] == {
        "message": "no",
        "name": "ValueError",
        "stackTrace": "at x",
    }


@pytest.mark.parametrize(
    ("packet", "json"),
    [
        (Packet('{"b":1.0,"a":12345678901234567890}'), b'{"b":1.0,"a":12345678901234567890}'),
        (Packet('{"json":[1,{"z":0,"a":0}],"meta":{}}', "application/super+json"),
         b'[1,{"z":0,"a":0}]'),
        (Packet('{"json":null}', "application/super+json"), b"null"),
        (Packet('{"json":"\\ud800"}', "application/super+json"), b'"\\ud800"'),
        (Packet('"\\ud800"'), b'"\\ud800"'),
        (Packet("plain", "text/plain"), b'"plain"'),
        (Packet("not json"), b'"not json"'),
        (Packet("NaN"), b'"NaN"'),
        (Packet("not json", "application/super+json"), b'"not json"'),
        (Packet("<x/>", "application/xml"), b'"<x/>"'),
    ],
)  # fmt: skip
def test_a_packet_is_shown_as_the_value_it_holds(packet: Packet, json: bytes) -> None:
    value = packet_value(packet)

    assert value is not UNSET
    assert bytes(value) == json


@pytest.mark.parametrize(
    "packet",
    [None, Packet(None), Packet(""), Packet('{"meta":{}}', "application/super+json")],
)
def test_undefined_is_no_value(packet: Packet | None) -> None:
    assert packet_value(packet) is UNSET


def test_metadata_is_shown_without_what_old_clients_keep_there() -> None:
    value = metadata_value(Packet('{"a":1,"$$streams":["x"],"$$streamsVersion":"v1"}'))

    assert value is not UNSET
    assert bytes(value) == b'{"a":1}'
