"""Errors of runs and attempts as pages show them: name, message, stack, and what they mean."""

from __future__ import annotations

from dataclasses import replace

from msgspec import UNSET

from trigger_box.api.dashboard.shapes import RunError
from trigger_box.api.wire.failures import run_error
from trigger_box.domain.failures import InternalError, TaskRunError


def shown_error(error: TaskRunError | None) -> RunError | None:
    """Return an error for people, None if there is none."""
    if error is None:
        return None
    told = run_error(error)
    stack = None if told.stack_trace is UNSET else told.stack_trace or None
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
