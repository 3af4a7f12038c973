"""Rows of the store as typed tuples: exactly the columns of the query that is named beside each.

Tuples, because a frozen dataclass of forty fields costs more than the query that fills it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from trigger_box.domain.fairness import LaneKey
from trigger_box.domain.runs import RunState, RunStatus
from trigger_box.ids import EnvironmentId, RunId, WorkerId

# Calling an enumeration costs ten times as much as looking its member up.
_STATES: Final = {state.value: state for state in RunState}
_COMPLETED: Final = RunStatus.COMPLETED_SUCCESSFULLY.value
_STATUSES: Final = {status.value: status for status in RunStatus}


class RunHead(NamedTuple):
    """What decides about a run that exists: ``runs.head``."""

    id: RunId
    environment_id: EnvironmentId
    task: str
    state: str
    is_parked: int
    outcome: str | None
    snapshot_number: int
    attempt_number: int
    attempts_forgiven: int
    dispatch_failures: int
    queue_name: str
    concurrency_key: str
    priority_ms: int
    is_ready: int
    delay_until_ms: int | None
    ttl: str | None
    max_attempts: int | None
    retry_policy: str | None
    machine: str | None
    locked_worker_id: WorkerId | None
    runner_id: str | None
    started_at_ms: int | None
    completed_at_ms: int | None
    usage_ms: int
    cost_in_cents: float
    parent_run_id: RunId | None
    root_run_id: RunId | None
    is_awaited: int
    has_waited: int

    @property
    def run_state(self) -> RunState:
        """Return the stored state, typed."""
        return _STATES[self.state]

    @property
    def final_status(self) -> RunStatus | None:
        """Return the outcome, typed."""
        return None if self.outcome is None else _STATUSES[self.outcome]

    @property
    def has_failed(self) -> bool:
        """Return whether it ended otherwise than well."""
        return self.outcome is not None and self.outcome != _COMPLETED

    @property
    def lane(self) -> LaneKey:
        """Return the lane it stands in, or whose slot it holds."""
        return LaneKey(self.environment_id, self.queue_name, self.concurrency_key)


class RunFacts(NamedTuple):
    """What a worker is told about a run: ``runs.facts`` and the lane queries."""

    id: RunId
    environment_id: EnvironmentId
    task: str
    state: str
    is_parked: int
    outcome: str | None
    snapshot_number: int
    attempt_number: int
    attempts_forgiven: int
    queue_name: str
    queue_id: str | None
    concurrency_key: str
    locked_worker_id: WorkerId | None
    is_version_pinned: int
    runner_id: str | None
    max_attempts: int | None
    trigger_max_attempts: int | None
    retry_policy: str | None
    max_duration_s: int | None
    machine: str | None
    is_test: int
    replay_of_run_id: RunId | None
    tags: str
    annotations: str
    idempotency_key: str | None
    idempotency_options: str | None
    priority_ms: int
    parent_run_id: RunId | None
    root_run_id: RunId | None
    trace_id: str
    span_id: str
    trace_context: str | None
    created_at_ms: int
    ttl_at_ms: int | None
    started_at_ms: int | None
    usage_ms: int
    cost_in_cents: float
    base_cost_in_cents: float


class PacketRow(NamedTuple):
    """What an attempt starts with: ``runs.input_packets``."""

    kind: str
    type: str
    data: str | None
    blob: str | None


HEAD_COLUMNS: Final = len(RunHead._fields)
"""Where the attempt begins in a row of ``runs.head_with_attempt``."""


class AttemptRow(NamedTuple):
    """One attempt: ``runs.attempt``."""

    number: int
    runner_id: str | None
    snapshot_number: int
    start_key: str | None
    complete_key: str | None
    complete_snapshot_number: int | None
    complete_status: str | None
    result_snapshot_number: int | None
    next_run_id: RunId | None
    started_at_ms: int
    ended_at_ms: int | None
