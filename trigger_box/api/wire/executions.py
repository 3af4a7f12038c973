"""What workers are told, as JSON values: snapshots, handed-out runs, begun and ended attempts.

Plain dicts for the encoder, built in one pass: three of these shapes are on the hot path. Optional
keys are left out, never null: the npm client reads a null date as 1970 (rest-api 15.3).

Source: worker-protocol 3.2 to 3.4 and cli-protocol 7, 8; proved by tests/compat.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from trigger_box.access.actors import Environment
from trigger_box.domain import packets
from trigger_box.domain.instants import iso
from trigger_box.domain.machines import Machine
from trigger_box.engine.executions import (
    Completed,
    CompletedWait,
    Dequeued,
    Execution,
    LatestExecution,
    RunInfo,
    Snapshot,
    Started,
    TraceContext,
)

Json = dict[str, Any]

_VERSION: Final = "1"
_STREAMS_VERSION: Final = "v1"
_ANNOTATIONS_REQUIRED: Final = frozenset({"triggerSource", "triggerAction", "rootTriggerSource"})


def snapshot(value: Snapshot) -> Json:
    """Return a snapshot. Inside the box its id has one form, so both keys carry it."""
    return {
        "id": value.id,
        "friendlyId": value.id,
        "executionStatus": value.state,
        "description": value.description,
        "createdAt": iso(value.created_at_ms),
    }


def run_info(value: RunInfo) -> Json:
    """Return the few facts about a run that every worker answer carries."""
    return {
        "id": value.id,
        "friendlyId": value.id,
        "status": value.status,
        "attemptNumber": value.attempt_number,
    }


def run_execution_data(value: LatestExecution) -> Json:
    """Return the newest snapshot of a run, for workers that poll."""
    return {
        "version": _VERSION,
        "snapshot": snapshot(value.snapshot),
        "run": run_info(value.run),
        "completedWaitpoints": [_completed_wait(one) for one in value.waits],
    }


def _completed_wait(value: CompletedWait) -> Json:
    told: Json = {
        "id": value.id,
        "friendlyId": value.id,
        "type": value.kind,
        "completedAt": iso(value.completed_at_ms),
        "outputIsError": value.is_error,
    }
    if value.run_id is not None:
        told["completedByTaskRun"] = {"id": value.run_id, "friendlyId": value.run_id}
    if value.due_at_ms is not None:
        told["completedAfter"] = iso(value.due_at_ms)
    if value.idempotency_key is not None:
        told["idempotencyKey"] = value.idempotency_key
    if value.output is not None:
        told["outputType"] = value.output.type
        if value.output.data is not None:
            told["output"] = value.output.data
    return told


def machine_preset(value: Machine) -> Json:
    """Return a machine preset: cpu in cores, memory in GB."""
    return {
        "name": value.name,
        "cpu": value.cpu,
        "memory": value.memory,
        "centsPerMs": value.cents_per_ms,
    }


def dequeued_message(
    value: Dequeued, environment: Environment, variables: Mapping[str, str]
) -> Json:
    """Return a run as it is handed to a worker; ``start`` only if its attempt has begun.

    Args:
        environment: the one the run belongs to.
        variables: what user code finds in its environment; used only if the attempt has begun.
    """
    run: Json = {
        "id": value.run.id,
        "friendlyId": value.run.id,
        "isTest": value.is_test,
        "isReplay": value.is_replay,
        "machine": machine_preset(value.machine),
        "attemptNumber": value.attempt_number,
        "masterQueue": environment.id,
        "traceContext": _trace_context(value.trace),
    }
    # The client refuses the whole answer when an annotation that it requires is missing.
    if value.annotations.keys() >= _ANNOTATIONS_REQUIRED:
        run["annotations"] = value.annotations
    worker: Json = {
        "id": value.worker_id,
        "friendlyId": value.worker_id,
        "version": value.version,
    }
    if value.runtime is not None:
        worker["runtime"] = value.runtime
    message: Json = {
        "version": _VERSION,
        "snapshot": snapshot(value.snapshot),
        "dequeuedAt": iso(value.dequeued_at_ms),
        "completedWaitpoints": [],
        "backgroundWorker": worker,
        "deployment": {},
        "run": run,
        "environment": {"id": environment.id, "type": environment.type},
        "organization": {"id": environment.organization_id},
        "project": {"id": environment.project_id},
    }
    if value.started is not None:
        message["start"] = started(value.started, environment, variables)
    return message


def started(value: Started, environment: Environment, variables: Mapping[str, str]) -> Json:
    """Return the answer to an attempt's start: everything that user code and its worker need."""
    return {
        "run": run_info(value.run),
        "snapshot": snapshot(value.snapshot),
        "execution": _execution(value.execution, environment),
        "envVars": variables,
    }


def completed(value: Completed, environment: Environment, variables: Mapping[str, str]) -> Json:
    """Return the answer to a completion; ``next`` (ours) only if the next run came with it."""
    answer: Json = {
        "result": {
            "attemptStatus": value.attempt_status,
            "snapshot": snapshot(value.snapshot),
            "run": run_info(value.run),
        }
    }
    if value.next is not None:
        message = dequeued_message(value.next, environment, variables)
        answer["next"] = {"start": message.pop("start", None), "message": message}
    return answer


def _execution(value: Execution, environment: Environment) -> Json:
    task: Json = {"id": value.task, "filePath": value.file_path}
    if value.export_name is not None:
        task["exportName"] = value.export_name
    return {
        "task": task,
        "attempt": {
            "number": value.attempt_number,
            "startedAt": iso(value.attempt_started_at_ms),
        },
        "run": _run(value),
        "queue": {"id": value.queue_id, "name": value.queue_name},
        "environment": _environment(environment),
        "organization": {
            "id": environment.organization_id,
            "slug": environment.organization_slug,
            "name": environment.organization_title,
        },
        "project": {
            "id": environment.project_id,
            "ref": environment.project_ref,
            "slug": environment.project_slug,
            "name": environment.project_name,
        },
        "machine": machine_preset(value.machine),
    }


def _run(value: Execution) -> Json:
    run: Json = {
        "id": value.run_id,
        # No data means "undefined", which this required key spells as an empty text.
        "payload": value.payload.data or "",
        "payloadType": value.payload.type,
        "tags": value.tags,
        "isTest": value.is_test,
        "isReplay": value.is_replay,
        "createdAt": iso(value.created_at_ms),
        "startedAt": iso(value.started_at_ms),
        "version": value.version,
        "priority": value.priority_ms / 1_000,
        "durationMs": value.usage_ms,
        "costInCents": value.cost_in_cents,
        "baseCostInCents": value.base_cost_in_cents,
        "traceContext": _trace_context(value.trace),
        "realtimeStreamsVersion": _STREAMS_VERSION,
    }
    if value.idempotency_key is not None:
        run["idempotencyKey"] = value.idempotency_key
    if value.idempotency_scope is not None:
        run["idempotencyKeyScope"] = value.idempotency_scope
    if value.max_attempts is not None:
        run["maxAttempts"] = value.max_attempts
    if value.max_duration_s is not None:
        run["maxDuration"] = value.max_duration_s
    if value.parent_run_id is not None:
        run["parentTaskRunId"] = value.parent_run_id
    if value.root_run_id is not None:
        run["rootTaskRunId"] = value.root_run_id
    metadata = value.metadata
    if metadata is not None and metadata.data and metadata.type == packets.JSON:
        # The stored text goes into the answer as it is: no parsing, no rounding of numbers.
        run["metadata"] = msgspec.Raw(metadata.data.encode())
    return run


def _environment(environment: Environment) -> Json:
    shape: Json = {
        "id": environment.id,
        "slug": environment.slug,
        "type": environment.type,
    }
    if environment.branch_name is not None:
        shape["branchName"] = environment.branch_name
    return shape


def _trace_context(trace: TraceContext) -> Json:
    context: Json = {"traceparent": trace.traceparent}
    if trace.external:
        context["external"] = trace.external
    return context
