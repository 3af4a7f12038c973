from __future__ import annotations

import msgspec

from trigger_box.api.wire.failures import run_error
from trigger_box.domain.failures import BuiltInError, Cause, ErrorCode, InternalError, TaskRunError


def told(error: TaskRunError) -> object:
    return msgspec.to_builtins(run_error(error))


def test_an_exception_is_told_with_what_lies_behind_it() -> None:
    error = BuiltInError(
        name="SendError",
        message="no",
        stack_trace="at run",
        causes=(
            Cause(name="OSError", message="away", stack_trace="at connect"),
            Cause(message="out of paper"),
        ),
    )

    assert told(error) == {
        "name": "SendError",
        "message": "no",
        "stackTrace": "at run",
        "causes": [
            {"name": "OSError", "message": "away", "stackTrace": "at connect"},
            {"message": "out of paper"},
        ],
    }


def test_an_exception_without_causes_has_no_such_key() -> None:
    assert told(BuiltInError(name="E", message="m")) == {"name": "E", "message": "m"}


def test_an_internal_error_without_words_is_told_in_words() -> None:
    assert told(InternalError(code=ErrorCode.MAX_DURATION_EXCEEDED)) == {
        "name": "MAX_DURATION_EXCEEDED",
        "message": "The run took longer than its maximum duration.",
    }
