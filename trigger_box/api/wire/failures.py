"""Why a run failed, as the public API tells it: a message, and where known a name and a stack.

Internal errors carry a code that means little to people: the well-known ones are told in words.
Source: rest-api 9 (error objects) and run-engine 24.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from trigger_box.domain.failures import (
    BuiltInError,
    Cause,
    CustomError,
    ErrorCode,
    InternalError,
    StringError,
    TaskRunError,
)

_C = ErrorCode

_SENTENCES: Final[Mapping[ErrorCode, str]] = {
    _C.COULD_NOT_FIND_EXECUTOR: "The worker has no task with this id. It may run an older version.",
    _C.COULD_NOT_FIND_TASK: "The version has no task with this id.",
    _C.COULD_NOT_IMPORT_TASK: "The file of the task could not be imported.",
    _C.GRACEFUL_EXIT_TIMEOUT: "The process did not stop in time and was ended.",
    _C.MAX_DURATION_EXCEEDED: "The run took longer than its maximum duration.",
    _C.TASK_INPUT_ERROR: "The payload could not be read by the task.",
    _C.TASK_OUTPUT_ERROR: "The output of the task could not be stored.",
    _C.TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE: "The task's process ended with an error.",
    _C.TASK_PROCESS_MAYBE_OOM_KILLED: (
        "The task's process was killed, most likely for want of memory. Try a larger machine."
    ),
    _C.TASK_PROCESS_OOM_KILLED: (
        "The task's process was killed for want of memory. Try a larger machine."
    ),
    _C.TASK_PROCESS_SIGSEGV: "The task's process crashed with a segmentation fault.",
    _C.TASK_PROCESS_SIGTERM: "The task's process was ended from outside.",
    _C.TASK_RUN_CANCELLED: "The run was cancelled.",
    _C.TASK_RUN_DEQUEUED_MAX_RETRIES: "The run was handed out too often without being started.",
    _C.TASK_RUN_HEARTBEAT_TIMEOUT: "The worker gave no sign of life for too long.",
    _C.TASK_RUN_STALLED_EXECUTING: "The worker gave no sign of life for too long.",
    _C.TASK_RUN_STALLED_EXECUTING_WITH_WAITPOINTS: "The worker gave no sign of life while waiting.",
    _C.TASK_RUN_UNCAUGHT_EXCEPTION: "An exception was raised outside of the task's own call.",
}


class ErrorCause(Struct, rename="camel"):
    """An exception behind the one that a run failed with."""

    message: str
    name: str | UnsetType = UNSET
    stack_trace: str | UnsetType = UNSET


class RunError(Struct, rename="camel"):
    """Why a run failed."""

    message: str
    name: str | UnsetType = UNSET
    stack_trace: str | UnsetType = UNSET
    causes: list[ErrorCause] | UnsetType = UNSET


def run_error(error: TaskRunError) -> RunError:
    """Return an error as the public API tells it."""
    match error:
        case BuiltInError():
            return RunError(
                message=error.message,
                name=error.name,
                stack_trace=error.stack_trace or UNSET,
                causes=[_cause(cause) for cause in error.causes] or UNSET,
            )
        case StringError() | CustomError():
            return RunError(message=error.raw)
        case InternalError():
            return RunError(
                message=error.message
                or _SENTENCES.get(error.code, f"trigger.dev internal error ({error.code})"),
                name=error.code,
                stack_trace=error.stack_trace or UNSET,
            )


def _cause(cause: Cause) -> ErrorCause:
    return ErrorCause(
        message=cause.message,
        name=cause.name or UNSET,
        stack_trace=cause.stack_trace or UNSET,
    )
