from __future__ import annotations

import pytest

from trigger_box.api.problems import BodyError, NotJsonError
from trigger_box.api.wire.worker_calls import (
    completion_of,
    parse_complete,
    parse_dequeue,
    parse_start,
)
from trigger_box.domain.failures import BuiltInError, ErrorCode, InternalError, StringError
from trigger_box.domain.packets import Packet
from trigger_box.engine.executions import Completion, FailedAttempt, SucceededAttempt


def told(body: bytes) -> Completion:
    return completion_of(parse_complete(body))


def test_a_dequeue_of_the_npm_cli_names_its_version() -> None:
    body = parse_dequeue(b'{"currentWorker":"worker_1","oldWorkers":["worker_0"]}')

    assert body.current_worker == "worker_1"
    assert body.old_workers == ["worker_0"]
    assert not body.start


def test_a_dequeue_may_have_no_body() -> None:
    assert parse_dequeue(b"").current_worker is None


@pytest.mark.parametrize("body", [b"", b"{}", b'{"isWarmStart":false}'])
def test_a_start_says_little(body: bytes) -> None:
    assert parse_start(body).is_warm_start is False


def test_a_success_keeps_its_output_as_it_came() -> None:
    completion = told(
        b'{"completion":{"ok":true,"id":"run_1","output":"{\\"json\\":1.0}",'
        b'"outputType":"application/super+json","usage":{"durationMs":12.6},'
        b'"flushedMetadata":{"data":"{}","dataType":"application/json"},"metadata":{}}}'
    )

    assert completion == SucceededAttempt(
        output=Packet('{"json":1.0}', "application/super+json"),
        usage_ms=13,
        flushed_metadata=Packet("{}"),
    )


def test_a_failure_carries_its_error_and_the_worker_s_wish() -> None:
    completion = told(
        b'{"completion":{"ok":false,"id":"run_1","error":{"type":"BUILT_IN_ERROR","name":"E",'
        b'"message":"m","stackTrace":"s"},"retry":{"timestamp":1767225600000,"delay":500},'
        b'"skippedRetrying":false}}'
    )

    assert isinstance(completion, FailedAttempt)
    assert completion.error == BuiltInError(name="E", message="m", stack_trace="s")
    assert completion.retry is not None
    assert completion.retry.delay_ms == 500


@pytest.mark.parametrize(
    ("error", "read"),
    [
        (b'{"type":"INTERNAL_ERROR","code":"TASK_PROCESS_OOM_KILLED"}',
         InternalError(code=ErrorCode.TASK_PROCESS_OOM_KILLED)),
        (b'{"type":"INTERNAL_ERROR","code":"NEW"}',
         InternalError(code=ErrorCode.UNSPECIFIED_ERROR)),
        (b'{"type":"STRING_ERROR","raw":"no"}', StringError(raw="no")),
        (b'{"type":"SOMETHING_NEW"}', StringError(raw="Unknown error")),
    ],
)  # fmt: skip
def test_an_error_is_never_dropped_for_its_shape(error: bytes, read: object) -> None:
    completion = told(b'{"completion":{"ok":false,"error":' + error + b"}}")

    assert isinstance(completion, FailedAttempt)
    assert completion.error == read


def test_a_completion_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(BodyError, match="completion"):
        parse_complete(b"{}")
    with pytest.raises(BodyError, match=r"completion\.ok"):
        parse_complete(b'{"completion":{"ok":"yes"}}')
    with pytest.raises(NotJsonError):
        parse_complete(b"ok")
