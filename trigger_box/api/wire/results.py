"""How a run ended, in the shape that waiting code reads. Source: rest-api 13.3 (result)."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from trigger_box.domain import packets
from trigger_box.domain.failures import (
    ErrorCode,
    InternalError,
    StringError,
    TaskRunError,
    as_wire,
)
from trigger_box.domain.runs import RunStatus
from trigger_box.engine.reading import Run


class UsageOfRun(Struct, rename="camel"):
    """What a run used, in ms of execution."""

    duration_ms: int


class SucceededResult(Struct, rename="camel", kw_only=True):
    """The run completed. ``output`` is text in ``output_type``'s encoding; absent: undefined."""

    ok: bool = True
    id: str
    task_identifier: str
    output: str | UnsetType = UNSET
    output_type: str = packets.JSON
    usage: UsageOfRun


class FailedResult(Struct, rename="camel", kw_only=True):
    """The run did not complete."""

    ok: bool = False
    id: str
    task_identifier: str
    error: dict[str, object]
    usage: UsageOfRun


RunResult = SucceededResult | FailedResult


def run_result(run: Run) -> RunResult:
    """Return how a finished run ended."""
    usage = UsageOfRun(duration_ms=run.usage_ms)
    if run.is_successful:
        output = run.output
        return SucceededResult(
            id=run.id,
            task_identifier=run.task,
            output=UNSET if output is None or output.data is None else output.data,
            output_type=packets.JSON if output is None else output.type,
            usage=usage,
        )
    return FailedResult(
        id=run.id, task_identifier=run.task, error=as_wire(_error_of(run)), usage=usage
    )


def _error_of(run: Run) -> TaskRunError:
    if run.status is RunStatus.CANCELED:
        return InternalError(code=ErrorCode.TASK_RUN_CANCELLED)
    return run.error or StringError(raw=f"The run ended as {run.status}.")
