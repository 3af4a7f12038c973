import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_box.domain import limits
from trigger_box.domain.failures import (
    BuiltInError,
    Cause,
    CustomError,
    ErrorCode,
    InternalError,
    Retry,
    StringError,
    TaskRunError,
    as_wire,
    from_wire,
    is_out_of_memory,
    retry_of,
    status_of_failure,
    trimmed,
)
from trigger_box.domain.runs import RunStatus

texts = st.text(max_size=30)
errors: st.SearchStrategy[TaskRunError] = st.one_of(
    st.builds(
        BuiltInError,
        name=texts.filter(bool),
        message=texts,
        stack_trace=texts,
        causes=st.lists(
            st.builds(Cause, name=st.none() | texts, message=texts, stack_trace=st.none() | texts),
            max_size=3,
        ).map(tuple),
    ),
    st.builds(StringError, raw=texts),
    st.builds(CustomError, raw=texts.filter(bool)),
    st.builds(
        InternalError,
        code=st.sampled_from(ErrorCode),
        message=st.one_of(st.none(), texts),
        stack_trace=st.one_of(st.none(), texts),
    ),
)


@given(error=errors)
def test_an_error_survives_the_wire(error: TaskRunError) -> None:
    assert from_wire(as_wire(error)) == error


def test_an_unknown_code_becomes_one_the_clients_know() -> None:
    error = from_wire({"type": "INTERNAL_ERROR", "code": "SOMETHING_NEW", "message": "m"})

    assert error == InternalError(code=ErrorCode.UNSPECIFIED_ERROR, message="m")


@pytest.mark.parametrize("wire", [{}, {"type": 5}, {"type": "NEW", "message": "it broke"}])
def test_an_unknown_shape_is_kept_as_a_sentence(wire: dict[str, object]) -> None:
    assert isinstance(from_wire(wire), StringError)


def test_the_one_code_with_a_zero_is_spelt_as_on_the_wire() -> None:
    assert ErrorCode.TASK_HAS_NO_EXECUTION_SNAPSHOT.value == "TASK_HAS_N0_EXECUTION_SNAPSHOT"


@pytest.mark.parametrize(
    ("code", "retry", "status"),
    [
        ("TASK_RUN_CANCELLED", Retry.NEVER, RunStatus.CANCELED),
        ("TASK_PROCESS_MAYBE_OOM_KILLED", Retry.OUT_OF_MEMORY, RunStatus.CRASHED),
        ("TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE", Retry.LOOKUP, RunStatus.CRASHED),
        ("TASK_PROCESS_SIGTERM", Retry.LOOKUP, RunStatus.SYSTEM_FAILURE),
        ("TASK_MIDDLEWARE_ERROR", Retry.LOOKUP, RunStatus.COMPLETED_WITH_ERRORS),
        ("TASK_OUTPUT_ERROR", Retry.IF_SENT, RunStatus.COMPLETED_WITH_ERRORS),
        ("TASK_RUN_CRASHED", Retry.IF_SENT, RunStatus.CRASHED),
        ("TASK_RUN_STALLED_EXECUTING", Retry.IF_SENT, RunStatus.COMPLETED_WITH_ERRORS),
        ("POD_EVICTED", Retry.IF_SENT, RunStatus.SYSTEM_FAILURE),
        ("TASK_RUN_DEQUEUED_MAX_RETRIES", Retry.NEVER, RunStatus.SYSTEM_FAILURE),
        ("UNSPECIFIED_ERROR", Retry.NEVER, RunStatus.SYSTEM_FAILURE),
    ],
)
def test_each_code_means_what_the_table_says(code: str, retry: Retry, status: RunStatus) -> None:
    error = InternalError(code=ErrorCode(code))

    assert retry_of(error) is retry
    assert status_of_failure(error) is status


@pytest.mark.parametrize(
    "error",
    [
        InternalError(code=ErrorCode.TASK_PROCESS_OOM_KILLED),
        InternalError(code=ErrorCode.TASK_PROCESS_MAYBE_OOM_KILLED),
        InternalError(
            code=ErrorCode.TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE,
            message="Process exited with code -1 after signal SIGKILL.",
        ),
        InternalError(
            code=ErrorCode.TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE,
            message="Process exited with code -1 after signal SIGABRT.",
            stack_trace="FATAL ERROR: Reached heap limit Allocation failed",
        ),
        BuiltInError(name="Error", message="ffmpeg was killed with signal SIGKILL"),
        BuiltInError(name="Error", message="MANUAL_OOM_KILL_ERROR"),
    ],
)
def test_memory_that_ran_out_is_recognised(error: TaskRunError) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        InternalError(
            code=ErrorCode.TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE,
            message="Process exited with code 1.",
        ),
        InternalError(
            code=ErrorCode.TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE,
            message="Process exited with code -1 after signal SIGABRT.",
        ),
        InternalError(code=ErrorCode.TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE),
        BuiltInError(name="Error", message="SIGKILL"),
        StringError(raw="TASK_PROCESS_OOM_KILLED"),
    ],
)
def test_other_deaths_are_not_taken_for_memory(error: TaskRunError) -> None:
    assert not is_out_of_memory(error)


def test_long_messages_and_deep_stacks_are_cut() -> None:
    stack = "\n".join(f"    at f{n} (file.ts:{n})" for n in range(200))
    error = BuiltInError(name="Error", message="m" * 5_000, stack_trace=stack)

    kept = trimmed(error)

    assert isinstance(kept, BuiltInError)
    assert kept.message == "m" * limits.ERROR_MESSAGE_CHARACTERS_MAX + "...[truncated]"
    lines = kept.stack_trace.split("\n")
    assert len(lines) == limits.STACK_FRAMES_MAX + 1
    assert lines[4] == "    at f4 (file.ts:4)"
    assert lines[5] == "    ... 150 more frames ..."
    assert lines[-1] == "    at f199 (file.ts:199)"


def test_of_many_long_causes_the_nearest_are_kept_and_cut() -> None:
    cause = Cause(name="KeyError", message="m" * 5_000, stack_trace="at f\n" * 10_000)

    kept = trimmed(BuiltInError(name="Error", message="m", causes=(cause,) * 100))

    assert isinstance(kept, BuiltInError)
    assert len(kept.causes) == limits.ERROR_CAUSES_MAX
    assert kept.causes[0].message == "m" * limits.ERROR_MESSAGE_CHARACTERS_MAX + "...[truncated]"
    assert len(kept.causes[0].stack_trace or "") < 5_000


@pytest.mark.parametrize("causes", [None, "x", {"name": "x"}, [None, 5, "x"]])
def test_causes_that_are_none_are_left_out(causes: object) -> None:
    error = from_wire({"type": "BUILT_IN_ERROR", "name": "E", "message": "m", "causes": causes})

    assert error == BuiltInError(name="E", message="m")


def test_a_long_line_of_a_stack_is_cut() -> None:
    kept = trimmed(InternalError(code=ErrorCode.TASK_RUN_CRASHED, stack_trace="x" * 4_000))

    assert isinstance(kept, InternalError)
    assert kept.stack_trace == "x" * limits.STACK_LINE_CHARACTERS_MAX + "...[truncated]"


@given(error=errors)
def test_null_bytes_are_removed_everywhere(error: TaskRunError) -> None:
    assert "\\u0000" not in json.dumps(as_wire(trimmed(error)))


def test_json_that_is_too_long_to_keep_becomes_a_sentence() -> None:
    assert isinstance(trimmed(CustomError(raw='"' + "x" * 20_000 + '"')), StringError)
    assert trimmed(CustomError(raw='{"a":1}')) == CustomError(raw='{"a":1}')
