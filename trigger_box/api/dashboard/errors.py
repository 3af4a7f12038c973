"""Errors of runs and attempts as pages show them: name, message, stack, and what they mean."""

from __future__ import annotations

from dataclasses import replace

from msgspec import UNSET

from trigger_box.api.dashboard.shapes import RunError
from trigger_box.api.wire.failures import RunError as ToldError
from trigger_box.api.wire.failures import run_error
from trigger_box.domain.failures import InternalError, TaskRunError


def shown_error(error: TaskRunError | None) -> RunError | None:
    """Return an error for people, None if there is none."""
    if error is None:
        return None
    told = run_error(error)
    stack = _with_causes(told)
    if not isinstance(error, InternalError):
        name = "Error" if told.name is UNSET else told.name
        return RunError(name=name, message=told.message, stack=stack, code=None, hint=None)
    meaning = run_error(replace(error, message=None)).message
    is_new = meaning != told.message and str(error.code) not in meaning
    return RunError(
        name=_title(error),
        message=told.message,
        stack=stack,
        code=str(error.code),
        hint=meaning if is_new else None,
    )


def _title(error: InternalError) -> str:
    return str(error.code).removeprefix("TASK_").replace("_", " ").capitalize()


def _with_causes(told: ToldError) -> str | None:
    """Return the stack, and below it those of the exceptions behind the error."""
    parts = [] if told.stack_trace is UNSET else [told.stack_trace.rstrip()]
    for cause in () if told.causes is UNSET else told.causes:
        head = cause.message if cause.name is UNSET else f"{cause.name}: {cause.message}"
        parts.append(f"Caused by {head}")
        if cause.stack_trace is not UNSET:
            parts[-1] += f"\n{cause.stack_trace.rstrip()}"
    return "\n\n".join(part for part in parts if part) or None
