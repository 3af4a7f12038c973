from __future__ import annotations

from trigger_box.api.dashboard.errors import shown_error
from trigger_box.domain.failures import (
    BuiltInError,
    Cause,
    CustomError,
    ErrorCode,
    InternalError,
    StringError,
)


def test_no_error_is_no_error() -> None:
    assert shown_error(None) is None


def test_what_a_task_raised_keeps_its_name_message_and_stack() -> None:
    error = shown_error(
        BuiltInError(name="TypeError", message="no", stack_trace="at run (tasks/a.ts:1:2)")
    )

    assert error is not None
    assert (error.name, error.message, error.code) == ("TypeError", "no", None)
    assert error.stack == "at run (tasks/a.ts:1:2)"


def test_what_lies_behind_an_error_is_shown_below_its_stack() -> None:
    error = shown_error(
        BuiltInError(
            name="SendError",
            message="no",
            stack_trace="at run",
            causes=(
                Cause(name="OSError", message="away", stack_trace="at connect\n"),
                Cause(message="out of paper"),
            ),
        )
    )

    assert error is not None
    assert error.stack == (
        "at run\n\nCaused by OSError: away\nat connect\n\nCaused by out of paper"
    )


def test_what_is_no_error_object_is_shown_as_its_text() -> None:
    for raised in (StringError(raw="out of paper"), CustomError(raw="out of paper")):
        error = shown_error(raised)

        assert error is not None
        assert (error.name, error.message, error.stack) == ("Error", "out of paper", None)


def test_an_error_of_the_box_says_what_its_code_means() -> None:
    error = shown_error(
        InternalError(code=ErrorCode.TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE, message="exit 3")
    )

    assert error is not None
    assert error.name == "Process exited with non zero code"
    assert error.message == "exit 3"
    assert error.code == "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE"
    assert error.hint


def test_a_meaning_is_not_told_twice() -> None:
    bare = shown_error(InternalError(code=ErrorCode.MAX_DURATION_EXCEEDED, message=None))

    assert bare is not None
    assert bare.message
    assert bare.hint is None
