"""Why an attempt failed: the error values of the wire, and what each code means for the run.

Source: run-engine 24 (codes), 7.5 (what counts as out-of-memory), 7.7 (how much is kept). The enum
of codes is closed in the clients: an unknown code breaks their validation, so none is invented.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import Final, cast

from trigger_box.domain import limits
from trigger_box.domain.runs import RunStatus


class ErrorCode(StrEnum):
    """Codes of internal errors. Closed: clients refuse others."""

    BATCH_ITEM_COULD_NOT_TRIGGER = "BATCH_ITEM_COULD_NOT_TRIGGER"
    CONFIGURED_INCORRECTLY = "CONFIGURED_INCORRECTLY"
    COULD_NOT_FIND_EXECUTOR = "COULD_NOT_FIND_EXECUTOR"
    COULD_NOT_FIND_TASK = "COULD_NOT_FIND_TASK"
    COULD_NOT_IMPORT_TASK = "COULD_NOT_IMPORT_TASK"
    DISK_SPACE_EXCEEDED = "DISK_SPACE_EXCEEDED"
    GRACEFUL_EXIT_TIMEOUT = "GRACEFUL_EXIT_TIMEOUT"
    HANDLE_ERROR_ERROR = "HANDLE_ERROR_ERROR"
    MAX_DURATION_EXCEEDED = "MAX_DURATION_EXCEEDED"
    OUTDATED_SDK_VERSION = "OUTDATED_SDK_VERSION"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    POD_EVICTED = "POD_EVICTED"
    POD_UNKNOWN_ERROR = "POD_UNKNOWN_ERROR"
    RECURSIVE_WAIT_DEADLOCK = "RECURSIVE_WAIT_DEADLOCK"
    TASK_ALREADY_RUNNING = "TASK_ALREADY_RUNNING"
    TASK_DEQUEUED_INVALID_STATE = "TASK_DEQUEUED_INVALID_STATE"
    TASK_DEQUEUED_QUEUE_NOT_FOUND = "TASK_DEQUEUED_QUEUE_NOT_FOUND"
    TASK_DID_CONCURRENT_WAIT = "TASK_DID_CONCURRENT_WAIT"
    TASK_EXECUTION_ABORTED = "TASK_EXECUTION_ABORTED"
    TASK_EXECUTION_FAILED = "TASK_EXECUTION_FAILED"
    TASK_HAS_NO_EXECUTION_SNAPSHOT = "TASK_HAS_N0_EXECUTION_SNAPSHOT"  # spelt so on the wire
    TASK_INPUT_ERROR = "TASK_INPUT_ERROR"
    TASK_MIDDLEWARE_ERROR = "TASK_MIDDLEWARE_ERROR"
    TASK_OUTPUT_ERROR = "TASK_OUTPUT_ERROR"
    TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE = "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE"
    TASK_PROCESS_MAYBE_OOM_KILLED = "TASK_PROCESS_MAYBE_OOM_KILLED"
    TASK_PROCESS_OOM_KILLED = "TASK_PROCESS_OOM_KILLED"
    TASK_PROCESS_SIGKILL_TIMEOUT = "TASK_PROCESS_SIGKILL_TIMEOUT"
    TASK_PROCESS_SIGSEGV = "TASK_PROCESS_SIGSEGV"
    TASK_PROCESS_SIGTERM = "TASK_PROCESS_SIGTERM"
    TASK_RUN_CANCELLED = "TASK_RUN_CANCELLED"
    TASK_RUN_CRASHED = "TASK_RUN_CRASHED"
    TASK_RUN_DEQUEUED_MAX_RETRIES = "TASK_RUN_DEQUEUED_MAX_RETRIES"
    TASK_RUN_HEARTBEAT_TIMEOUT = "TASK_RUN_HEARTBEAT_TIMEOUT"
    TASK_RUN_STALLED_EXECUTING = "TASK_RUN_STALLED_EXECUTING"
    TASK_RUN_STALLED_EXECUTING_WITH_WAITPOINTS = "TASK_RUN_STALLED_EXECUTING_WITH_WAITPOINTS"
    TASK_RUN_UNCAUGHT_EXCEPTION = "TASK_RUN_UNCAUGHT_EXCEPTION"
    UNSPECIFIED_ERROR = "UNSPECIFIED_ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One of the exceptions behind an exception."""

    name: str | None = None
    message: str
    stack_trace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltInError:
    """An exception of user code, with its stack, and what lies behind it, the nearest first."""

    name: str
    message: str
    stack_trace: str = ""
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StringError:
    """A plain sentence."""

    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomError:
    """Something that was thrown and is no exception: JSON text."""

    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalError:
    """Something the platform or the controller found wrong."""

    code: ErrorCode
    message: str | None = None
    stack_trace: str | None = None


TaskRunError = BuiltInError | StringError | CustomError | InternalError


class Retry(Enum):
    """Whether an error may be tried again (run-engine 24)."""

    NEVER = "never"
    IF_SENT = "if the worker sent a retry"
    LOOKUP = "by the locked policy, even if the worker sent no retry"
    OUT_OF_MEMORY = "only by the out-of-memory rule"


_C = ErrorCode
_R = Retry
_ST = RunStatus

_RULES: Final[Mapping[ErrorCode, tuple[Retry, RunStatus]]] = {
    _C.TASK_RUN_CANCELLED: (_R.NEVER, _ST.CANCELED),
    _C.MAX_DURATION_EXCEEDED: (_R.NEVER, _ST.TIMED_OUT),
    _C.TASK_PROCESS_OOM_KILLED: (_R.OUT_OF_MEMORY, _ST.CRASHED),
    _C.TASK_PROCESS_MAYBE_OOM_KILLED: (_R.OUT_OF_MEMORY, _ST.CRASHED),
    _C.TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE: (_R.LOOKUP, _ST.CRASHED),
    _C.TASK_PROCESS_SIGSEGV: (_R.LOOKUP, _ST.CRASHED),
    _C.TASK_PROCESS_SIGTERM: (_R.LOOKUP, _ST.SYSTEM_FAILURE),
    _C.TASK_RUN_UNCAUGHT_EXCEPTION: (_R.LOOKUP, _ST.COMPLETED_WITH_ERRORS),
    _C.TASK_MIDDLEWARE_ERROR: (_R.LOOKUP, _ST.COMPLETED_WITH_ERRORS),
    _C.TASK_INPUT_ERROR: (_R.IF_SENT, _ST.COMPLETED_WITH_ERRORS),
    _C.TASK_OUTPUT_ERROR: (_R.IF_SENT, _ST.COMPLETED_WITH_ERRORS),
    _C.HANDLE_ERROR_ERROR: (_R.IF_SENT, _ST.CRASHED),
    _C.TASK_RUN_CRASHED: (_R.IF_SENT, _ST.CRASHED),
    _C.TASK_RUN_STALLED_EXECUTING: (_R.IF_SENT, _ST.COMPLETED_WITH_ERRORS),
    _C.TASK_RUN_STALLED_EXECUTING_WITH_WAITPOINTS: (_R.IF_SENT, _ST.COMPLETED_WITH_ERRORS),
    _C.GRACEFUL_EXIT_TIMEOUT: (_R.IF_SENT, _ST.SYSTEM_FAILURE),
    _C.POD_EVICTED: (_R.IF_SENT, _ST.SYSTEM_FAILURE),
    _C.POD_UNKNOWN_ERROR: (_R.IF_SENT, _ST.SYSTEM_FAILURE),
    _C.TASK_EXECUTION_ABORTED: (_R.IF_SENT, _ST.SYSTEM_FAILURE),
    _C.TASK_EXECUTION_FAILED: (_R.IF_SENT, _ST.SYSTEM_FAILURE),
    _C.DISK_SPACE_EXCEEDED: (_R.NEVER, _ST.CRASHED),
    _C.OUTDATED_SDK_VERSION: (_R.NEVER, _ST.CRASHED),
    _C.RECURSIVE_WAIT_DEADLOCK: (_R.NEVER, _ST.COMPLETED_WITH_ERRORS),
}
_OTHERWISE: Final = (_R.NEVER, _ST.SYSTEM_FAILURE)
_USER_CODE: Final = (_R.IF_SENT, _ST.COMPLETED_WITH_ERRORS)


def retry_of(error: TaskRunError) -> Retry:
    """Return whether this error may be tried again."""
    if isinstance(error, InternalError):
        return _RULES.get(error.code, _OTHERWISE)[0]
    return _USER_CODE[0]


def status_of_failure(error: TaskRunError) -> RunStatus:
    """Return the final status of a run that gave up with this error."""
    if isinstance(error, InternalError):
        return _RULES.get(error.code, _OTHERWISE)[1]
    return _USER_CODE[1]


MANUAL_OUT_OF_MEMORY: Final = "MANUAL_OOM_KILL_ERROR"
_FFMPEG_KILLED: Final = re.compile(r"ffmpeg was killed with signal SIGKILL", re.IGNORECASE)
_HEAP: Final = re.compile(r"heap out of memory|heap limit|Allocation failed", re.IGNORECASE)


def is_out_of_memory(error: TaskRunError) -> bool:
    """Return whether this error means that memory ran out (run-engine 7.5)."""
    match error:
        case InternalError(code=ErrorCode.TASK_PROCESS_OOM_KILLED):
            return True
        case InternalError(code=ErrorCode.TASK_PROCESS_MAYBE_OOM_KILLED):
            return True
        case InternalError(code=ErrorCode.TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE):
            message = error.message or ""
            if "-1" not in message:
                return False
            return "SIGKILL" in message or (
                "SIGABRT" in message and _HEAP.search(error.stack_trace or message) is not None
            )
        case BuiltInError():
            return (
                error.message == MANUAL_OUT_OF_MEMORY
                or _FFMPEG_KILLED.search(error.message) is not None
            )
        case _:
            return False


_CUT: Final = "...[truncated]"
_BUILT_IN_NAME_MAX: Final = 1024
_STACK_CHARACTERS_MAX: Final = 16 * 1024
_CAUSE_STACK_CHARACTERS_MAX: Final = 4 * 1024
_FIRST_FRAMES: Final = 5


def _cut(text: str, maximum: int) -> str:
    text = text.replace("\0", "")
    return text if len(text) <= maximum else text[:maximum] + _CUT


def _cut_stack(stack: str, characters_max: int = _STACK_CHARACTERS_MAX) -> str:
    lines = [
        _cut(line, limits.STACK_LINE_CHARACTERS_MAX) for line in stack.replace("\0", "").split("\n")
    ]
    if len(lines) > limits.STACK_FRAMES_MAX:
        last = limits.STACK_FRAMES_MAX - _FIRST_FRAMES
        left_out = len(lines) - limits.STACK_FRAMES_MAX
        lines = [
            *lines[:_FIRST_FRAMES],
            f"    ... {left_out} more frames ...",
            *lines[-last:],
        ]
    return _cut("\n".join(lines), characters_max)


def _cut_cause(cause: Cause) -> Cause:
    name, stack = cause.name, cause.stack_trace
    return Cause(
        name=None if name is None else _cut(name, _BUILT_IN_NAME_MAX),
        message=_cut(cause.message, limits.ERROR_MESSAGE_CHARACTERS_MAX),
        stack_trace=None if stack is None else _cut_stack(stack, _CAUSE_STACK_CHARACTERS_MAX),
    )


def trimmed(error: TaskRunError) -> TaskRunError:
    """Return the error cut to what is kept (run-engine 7.7): messages, stacks, no null bytes."""
    characters = limits.ERROR_MESSAGE_CHARACTERS_MAX
    match error:
        case BuiltInError():
            return BuiltInError(
                name=_cut(error.name, _BUILT_IN_NAME_MAX),
                message=_cut(error.message, characters),
                stack_trace=_cut_stack(error.stack_trace),
                causes=tuple(_cut_cause(each) for each in error.causes[: limits.ERROR_CAUSES_MAX]),
            )
        case StringError():
            return StringError(raw=_cut(error.raw, characters))
        case CustomError():
            # JSON text: cutting it would break it, so a long one becomes a plain sentence.
            if len(error.raw) <= _STACK_CHARACTERS_MAX:
                return CustomError(raw=error.raw.replace("\0", ""))
            return StringError(raw=_cut(error.raw, characters))
        case InternalError():
            return replace(
                error,
                message=None if error.message is None else _cut(error.message, characters),
                stack_trace=None if error.stack_trace is None else _cut_stack(error.stack_trace),
            )


def as_wire(error: TaskRunError) -> dict[str, object]:
    """Return the error as the wire's object (rest-api 9), absent keys left out."""
    match error:
        case BuiltInError():
            built_in: dict[str, object] = {
                "type": "BUILT_IN_ERROR",
                "name": error.name,
                "message": error.message,
                "stackTrace": error.stack_trace,
            }
            if error.causes:
                built_in["causes"] = [_cause_as_wire(cause) for cause in error.causes]
            return built_in
        case StringError():
            return {"type": "STRING_ERROR", "raw": error.raw}
        case CustomError():
            return {"type": "CUSTOM_ERROR", "raw": error.raw}
        case InternalError():
            wire: dict[str, object] = {"type": "INTERNAL_ERROR", "code": str(error.code)}
            if error.message is not None:
                wire["message"] = error.message
            if error.stack_trace is not None:
                wire["stackTrace"] = error.stack_trace
            return wire


def _cause_as_wire(cause: Cause) -> dict[str, str]:
    told = {"name": cause.name, "message": cause.message, "stackTrace": cause.stack_trace}
    return {key: text for key, text in told.items() if text is not None}


def from_wire(wire: Mapping[str, object]) -> TaskRunError:
    """Return the error that a wire object tells of. Never fails: a worker's result is not dropped.

    An unknown code becomes UNSPECIFIED_ERROR, an unknown shape a sentence.
    """

    def text(key: str) -> str | None:
        return _text(wire, key)

    match text("type"):
        case "BUILT_IN_ERROR":
            return BuiltInError(
                name=text("name") or "Error",
                message=text("message") or "",
                stack_trace=text("stackTrace") or "",
                causes=_causes(wire.get("causes")),
            )
        case "STRING_ERROR":
            return StringError(raw=text("raw") or "")
        case "CUSTOM_ERROR":
            return CustomError(raw=text("raw") or "null")
        case "INTERNAL_ERROR":
            named = text("code") or ""
            code = ErrorCode(named) if named in _ALL_CODES else ErrorCode.UNSPECIFIED_ERROR
            return InternalError(code=code, message=text("message"), stack_trace=text("stackTrace"))
        case _:
            return StringError(raw=text("message") or text("raw") or "Unknown error")


def _text(wire: Mapping[str, object], key: str) -> str | None:
    value = wire.get(key)
    return value if isinstance(value, str) else None


def _causes(wire: object) -> tuple[Cause, ...]:
    if not isinstance(wire, list):
        return ()
    told = [
        cast("Mapping[str, object]", each)
        for each in cast("list[object]", wire)
        if isinstance(each, Mapping)
    ]
    return tuple(
        Cause(
            name=_text(each, "name"),
            message=_text(each, "message") or "",
            stack_trace=_text(each, "stackTrace"),
        )
        for each in told
    )


_ALL_CODES: Final = frozenset(str(code) for code in ErrorCode)
