"""What workers are told: values that the worker verbs return. Wire shapes live in ``api/wire``.

Structs, because a frozen dataclass takes five times as long to make, and a run needs dozens.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from trigger_box.domain.failures import TaskRunError
from trigger_box.domain.machines import Machine
from trigger_box.domain.packets import Packet
from trigger_box.domain.retries import RetryAsked
from trigger_box.domain.runs import RunState, RunStatus
from trigger_box.ids import EnvironmentId, RunId, SnapshotId, WaitpointId, WorkerId


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One numbered state of a run. ``id`` sorts as text in creation order within the run."""

    id: SnapshotId
    number: int
    state: RunState
    status: RunStatus
    attempt_number: int
    description: str
    runner_id: str | None
    created_at_ms: int


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The few facts about a run that every worker answer carries.

    ``attempt_number`` is 0 before the first attempt; in the answer to a completion it is the
    attempt that just ended.
    """

    id: RunId
    status: RunStatus
    attempt_number: int


class TraceContext(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run's spans belong. ``external`` is the caller's own trace, kept apart."""

    trace_id: str
    span_id: str
    external: dict[str, str] = msgspec.field(default_factory=dict[str, str])

    @property
    def traceparent(self) -> str:
        """Return the W3C header that makes worker spans children of the run's root span."""
        return f"00-{self.trace_id}-{self.span_id}-01"


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """All that user code and its worker need to know about an attempt (worker-protocol 3.3).

    ``max_attempts`` is set only when the trigger call asked for it: then, and only then, it
    overrides the task's own limit. ``idempotency_key`` is the user's own.
    """

    environment_id: EnvironmentId
    run_id: RunId
    task: str
    file_path: str
    export_name: str | None
    attempt_number: int
    attempt_started_at_ms: int
    payload: Packet
    metadata: Packet | None
    tags: tuple[str, ...]
    is_test: bool
    is_replay: bool
    created_at_ms: int
    started_at_ms: int
    idempotency_key: str | None
    idempotency_scope: str | None
    max_attempts: int | None
    max_duration_s: int | None
    priority_ms: int
    parent_run_id: RunId | None
    root_run_id: RunId | None
    usage_ms: int
    cost_in_cents: float
    base_cost_in_cents: float
    queue_id: str
    queue_name: str
    machine: Machine
    worker_id: WorkerId
    version: str
    trace: TraceContext


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an attempt's start. A repeated call gets an equal one."""

    run: RunInfo
    snapshot: Snapshot
    execution: Execution


class Dequeued(msgspec.Struct, frozen=True, kw_only=True):
    """A run handed to a worker. ``attempt_number`` is the one to come, or begun if ``started``."""

    run: RunInfo
    snapshot: Snapshot
    dequeued_at_ms: int
    task: str
    queue_name: str
    worker_id: WorkerId
    version: str
    runtime: str | None
    machine: Machine
    attempt_number: int
    is_test: bool
    is_replay: bool
    annotations: dict[str, object]
    trace: TraceContext
    started: Started | None = None


class SucceededAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """User code returned. ``flushed_metadata``: last operations (worker-protocol 3.4).

    ``usage_ms`` is None when the worker does not say how long the attempt has computed.
    """

    output: Packet
    usage_ms: int | None = None
    flushed_metadata: Packet | None = None


class FailedAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """User code, or the process around it, failed. ``retry`` is the worker's own decision.

    ``usage_ms`` is None when nobody says how long the attempt has computed: its process is gone.
    """

    error: TaskRunError
    retry: RetryAsked | None = None
    usage_ms: int | None = None
    flushed_metadata: Packet | None = None
    is_requeue_forced: bool = False


Completion = SucceededAttempt | FailedAttempt


class AttemptStatus(StrEnum):
    """What a worker does after a completion (worker-protocol 3.4)."""

    RUN_FINISHED = "RUN_FINISHED"
    RUN_PENDING_CANCEL = "RUN_PENDING_CANCEL"
    RETRY_QUEUED = "RETRY_QUEUED"
    RETRY_IMMEDIATELY = "RETRY_IMMEDIATELY"


class Completed(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a completion. ``next``: the next run, begun, if asked for and ready."""

    attempt_status: AttemptStatus
    run: RunInfo
    snapshot: Snapshot
    next: Dequeued | None = None


class CompletedWait(msgspec.Struct, frozen=True, kw_only=True):
    """A waitpoint that is complete, as a worker is told of it (run-engine 10.4).

    ``run_id`` is the run whose end completed it; ``due_at_ms`` the instant of a wait for one.
    """

    id: WaitpointId
    kind: str
    completed_at_ms: int
    output: Packet | None
    is_error: bool
    run_id: RunId | None = None
    due_at_ms: int | None = None
    idempotency_key: str | None = None


class LatestExecution(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of a run, as polling workers read it, with the waits that it says are over."""

    run: RunInfo
    snapshot: Snapshot
    waits: tuple[CompletedWait, ...] = ()
