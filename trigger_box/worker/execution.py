"""One attempt inside the executor: payload in, user code, completion out.

Returns the ``completion`` of attempts/complete (worker-protocol 3.4). Processes, signals and
clean-up between runs are in ``executor.py``.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, cast

from trigger_box.clock import Clock
from trigger_box.ids import IdSource
from trigger_box.sdk.declaration import DeclaredTask
from trigger_box.sdk.errors import (
    CompleteTaskWithOutput,
    DefinitionError,
    OutputError,
    RunCancelled,
)
from trigger_box.sdk.failures import describe_failure, describe_internal
from trigger_box.sdk.places import is_ours
from trigger_box.sdk.registry import REGISTRY
from trigger_box.sdk.retries import RetryPolicy, decide_retry
from trigger_box.sdk.secrets import SecretMask
from trigger_box.worker.attempt_runtime import AttemptRuntime
from trigger_box.worker.attributes import Scalar, flattened
from trigger_box.worker.discovery import Problem
from trigger_box.worker.environment import process_environment
from trigger_box.worker.limits import OUTPUT_BYTES_MAX
from trigger_box.worker.loop_owner import LoopOwner

Wire = dict[str, Any]

_OUTPUT_SHOWN_BYTES_MAX: Final = 16 * 1024
_ASYNCIO: Final = Path(asyncio.__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended.

    Attributes:
        output_attributes: the output, flattened for the attempt's span.
        is_cancelled: user code stopped because it was asked to.
    """

    completion: Wire
    output_attributes: Mapping[str, Scalar]
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRules:
    """What the version's registration said about retries of this task.

    Attributes:
        policy: the task's own policy or the project's default, in the wire's shape.
        is_enabled: False in development unless the project's configuration says otherwise.
    """

    policy: Wire | None
    is_enabled: bool


def execute(  # noqa: PLR0913 - each is one thing an attempt needs
    execution: Wire,
    *,
    runtime: AttemptRuntime,
    loop: LoopOwner,
    problems: Sequence[Problem],
    retry: RetryRules,
    clock: Clock,
    ids: IdSource,
) -> Outcome:
    """Run the task of one attempt and return how it ended. Never raises what user code raised."""
    run_id = str(execution["run"]["id"])
    task_id = str(execution["task"]["id"])
    started_s = time.monotonic()
    task = REGISTRY.tasks.get(task_id)
    if task is None:
        return _missing(run_id, task_id, problems)
    try:
        outcome = _call(task, execution, runtime, loop)
    except (RunCancelled, asyncio.CancelledError) as error:
        outcome = (
            _cancelled(run_id)
            if runtime.cancel_signal.cancelled
            else _failed(error, execution, retry, clock, ids)
        )
    except SystemExit as error:
        outcome = _exited(run_id, error)
    except BaseException as error:  # noqa: BLE001 - whatever user code raises is the run's outcome
        outcome = _failed(error, execution, retry, clock, ids)
    outcome.completion["usage"] = {"durationMs": round((time.monotonic() - started_s) * 1000)}
    outcome.completion["taskIdentifier"] = task_id
    return outcome


def _call(task: DeclaredTask, execution: Wire, runtime: AttemptRuntime, loop: LoopOwner) -> Outcome:
    run = execution["run"]
    payload = task.decode_payload(run.get("payload"), run.get("payloadType") or "application/json")
    try:
        made = task.invoke(payload, context=runtime.context, signal=runtime.cancel_signal)
        value = (
            loop.run(made, is_cancelled=runtime.cancel_signal.cancelled) if task.is_async else made
        )
    except CompleteTaskWithOutput as done:
        value = done.output
    packet = task.encode_output(value)
    size = packet.size
    if size > OUTPUT_BYTES_MAX:
        raise OutputError(
            f"The output of {task.id!r} has {size} bytes; the limit is {OUTPUT_BYTES_MAX}."
            " Store it somewhere and return a link."
        )
    completion: Wire = {"ok": True, "id": str(run["id"]), "outputType": packet.type}
    if packet.data is not None:
        completion["output"] = packet.data
    return Outcome(completion=completion, output_attributes=_shown(packet.data, packet.type))


def _shown(data: str | None, packet_type: str) -> Mapping[str, Scalar]:
    if data is None or len(data) > _OUTPUT_SHOWN_BYTES_MAX:
        return {}
    value: Any = data if packet_type == "text/plain" else json.loads(data)
    if packet_type == "application/super+json" and isinstance(value, dict):
        value = cast("Wire", value).get("json")
    return flattened({"$output": value})


def _failed(
    error: BaseException, execution: Wire, retry: RetryRules, clock: Clock, ids: IdSource
) -> Outcome:
    error.__traceback__ = _users_part(error.__traceback__)
    completion: Wire = {
        "ok": False,
        "id": str(execution["run"]["id"]),
        "error": describe_failure(error, SecretMask(process_environment())),
    }
    if retry.policy is not None and not isinstance(error, DefinitionError):
        wish = decide_retry(
            error,
            policy=_policy(retry.policy),
            attempt_number=int(execution["attempt"]["number"]),
            run_max_attempts=execution["run"].get("maxAttempts"),
            retries_enabled=retry.is_enabled,
            now_ms=clock.now_ms(),
            random_unit=ids.random_unit(),
        )
        if wish is not None:
            completion["retry"] = wish.to_wire()
    if "retry" not in completion:
        completion["skippedRetrying"] = True
    return Outcome(completion=completion, output_attributes={})


def _users_part(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback from the first frame that is neither ours nor asyncio's."""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not is_ours(file) and Path(file).parent != _ASYNCIO:
            return trace
        trace = trace.tb_next
    return None


def prepare_tasks() -> None:
    """Build what tasks build at their first run, once for all forks. Mistakes show in the run."""
    for task in REGISTRY.tasks.values():
        with suppress(DefinitionError):
            task.payload_adapter()
            task.output_json_schema()


def _policy(wire: Wire) -> RetryPolicy:
    default = RetryPolicy()
    return RetryPolicy(
        max_attempts=int(wire.get("maxAttempts", default.max_attempts)),
        factor=float(wire.get("factor", default.factor)),
        min_delay_ms=int(wire.get("minTimeoutInMs", default.min_delay_ms)),
        max_delay_ms=int(wire.get("maxTimeoutInMs", default.max_delay_ms)),
        jitter=bool(wire.get("randomize", default.jitter)),
    )


def _cancelled(run_id: str) -> Outcome:
    outcome = _internal(run_id, "TASK_RUN_CANCELLED", "The run was cancelled.")
    return Outcome(completion=outcome.completion, output_attributes={}, is_cancelled=True)


def _exited(run_id: str, error: SystemExit) -> Outcome:
    code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    message = f"The task ended the process: exit code {code}."
    if isinstance(error.code, str):
        message += f" {error.code}"
    return _internal(run_id, "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE", message)


def _missing(run_id: str, task_id: str, problems: Sequence[Problem]) -> Outcome:
    if not problems:
        return _internal(
            run_id, "COULD_NOT_FIND_TASK", f"There is no task {task_id!r} in this version."
        )
    places = "; ".join(
        f"{problem.file}:{problem.line}: {problem.message}" for problem in problems[:3]
    )
    return _internal(
        run_id,
        "COULD_NOT_IMPORT_TASK",
        f"The task {task_id!r} was not found, and not all modules could be imported: {places}",
    )


def _internal(run_id: str, code: str, message: str) -> Outcome:
    return Outcome(
        completion={
            "ok": False,
            "id": run_id,
            "error": describe_internal(code, message, SecretMask(process_environment())),
        },
        output_attributes={},
    )
