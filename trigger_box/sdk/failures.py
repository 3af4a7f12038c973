"""How an exception becomes the error stored on a run (``TaskRunError``, rest-api 9).

Type, message, notes, a traceback with lines of code, and the chain of causes; cut to the server's
limits (run-engine 7.7), and with secrets of the environment masked.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Final, Literal, NotRequired, TypedDict, cast

from trigger_box.sdk.errors import (
    ApiError,
    OutOfMemoryError,
    OutputError,
    PayloadError,
    SubtaskError,
    UnreadablePayloadError,
    UnsendableError,
)
from trigger_box.sdk.limits import (
    CAUSES_MAX,
    ERROR_MESSAGE_CHARACTERS_MAX,
    ERROR_NAME_BYTES_MAX,
    ERROR_STACK_BYTES_MAX,
    STACK_FRAMES_FIRST,
    STACK_FRAMES_LAST,
    STACK_LINE_CHARACTERS_MAX,
)
from trigger_box.sdk.places import is_ours
from trigger_box.sdk.secrets import SecretMask

PAYLOAD_ERROR_NAME: Final = "TaskPayloadParsedError"
"""The name both languages use for a payload that does not fit its task (python-sdk 21)."""

_CUT: Final = "… (cut)"


class Cause(TypedDict):
    """One link of the chain behind an error, the nearest first."""

    name: NotRequired[str]
    message: str
    stackTrace: NotRequired[str]


class BuiltInError(TypedDict):
    """An exception that the task raised."""

    type: Literal["BUILT_IN_ERROR"]
    name: str
    message: str
    stackTrace: str
    causes: NotRequired[list[Cause]]


class InternalError(TypedDict):
    """Something that happened to the run, by a code of run-engine 24."""

    type: Literal["INTERNAL_ERROR"]
    code: str
    message: NotRequired[str]
    stackTrace: NotRequired[str]


TaskRunError = BuiltInError | InternalError


def describe_failure(error: BaseException, mask: SecretMask | None = None) -> TaskRunError:
    """Return ``error`` as the wire carries it.

    Args:
        mask: secrets to keep out; ``SecretMask(os.environ)`` in a task's process.
    """
    hide = mask or SecretMask({})
    message, stack = _message(error, hide), _stack(error, hide)
    match error:
        case MemoryError() | OutOfMemoryError():
            # The engine counts this code as out-of-memory, and may retry on a larger machine.
            return _internal("TASK_PROCESS_OOM_KILLED", message, stack)
        case UnreadablePayloadError():
            return _internal("TASK_INPUT_ERROR", message, stack)
        case UnsendableError():
            return _internal("TASK_OUTPUT_ERROR", message, stack)
        case _:
            pass
    described = BuiltInError(
        type="BUILT_IN_ERROR", name=_name(error), message=message, stackTrace=stack
    )
    causes = [
        Cause(name=_name(cause), message=_message(cause, hide), stackTrace=_stack(cause, hide))
        for cause, _ in zip(_causes(error), range(CAUSES_MAX), strict=False)
    ]
    if causes:
        described["causes"] = causes
    return described


def describe_internal(code: str, message: str, mask: SecretMask | None = None) -> InternalError:
    """Return an error without an exception: a code of run-engine 24 and a sentence."""
    hide = mask or SecretMask({})
    return InternalError(
        type="INTERNAL_ERROR", code=code, message=_cut_message(hide.apply(_clean(message)))
    )


def _internal(code: str, message: str, stack: str) -> InternalError:
    return InternalError(type="INTERNAL_ERROR", code=code, message=message, stackTrace=stack)


def _name(error: BaseException) -> str:
    match error:
        case PayloadError():
            return PAYLOAD_ERROR_NAME
        case ApiError():
            return "TriggerApiError"
        case SubtaskError():
            return "SubtaskUnwrapError"
        case OutputError():
            return "OutputError"
        case _:
            return _cut_bytes(_clean(type(error).__qualname__), ERROR_NAME_BYTES_MAX)


def _message(error: BaseException, mask: SecretMask) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a broken __str__ must not hide the error it belongs to
        text = f"<{type(error).__qualname__}.__str__ failed>"
    notes = cast("list[object]", getattr(error, "__notes__", None) or [])
    whole = "\n".join([text, *(str(note) for note in notes)])
    return _cut_message(mask.apply(_clean(whole)))


def _cut_message(text: str) -> str:
    if len(text) <= ERROR_MESSAGE_CHARACTERS_MAX:
        return text
    return text[:ERROR_MESSAGE_CHARACTERS_MAX] + _CUT


def _stack(error: BaseException, mask: SecretMask) -> str:
    """Return the traceback, without our own frames around the user's."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if not is_ours(frame.filename)
    ]
    if not frames:
        return ""
    lines = ["Traceback (most recent call last):"]
    hidden = len(frames) - STACK_FRAMES_FIRST - STACK_FRAMES_LAST
    if hidden > 0:
        lines += _frame_lines(frames[:STACK_FRAMES_FIRST])
        lines.append(f"  … {hidden} frames left out …")
        frames = frames[-STACK_FRAMES_LAST:]
    lines += _frame_lines(frames)
    masked = (mask.apply(_clean(line))[:STACK_LINE_CHARACTERS_MAX] for line in lines)
    return _cut_bytes("\n".join(masked), ERROR_STACK_BYTES_MAX)


def _frame_lines(frames: list[traceback.FrameSummary]) -> Iterator[str]:
    for entry in traceback.StackSummary.from_list(frames).format():
        yield from entry.rstrip("\n").split("\n")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions behind ``error``: causes, contexts and the members of groups."""
    seen = {id(error)}
    waiting = [error]
    while waiting:
        here = waiting.pop(0)
        behind: list[BaseException] = []
        if isinstance(here, BaseExceptionGroup):
            group = cast("BaseExceptionGroup[BaseException]", here)
            behind += group.exceptions
        if here.__cause__ is not None:
            behind.append(here.__cause__)
        elif here.__context__ is not None and not here.__suppress_context__:
            behind.append(here.__context__)
        for exception in behind:
            if id(exception) not in seen:
                seen.add(id(exception))
                waiting.append(exception)
                yield exception


def _clean(text: str) -> str:
    """Return text that any store takes: no null bytes, no lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _cut_bytes(text: str, bytes_max: int) -> str:
    raw = text.encode()
    if len(raw) <= bytes_max:
        return text
    return raw[: bytes_max - len(_CUT.encode())].decode("utf-8", "ignore") + _CUT
