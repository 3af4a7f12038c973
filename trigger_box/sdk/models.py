"""Runs and queues as the server tells about them (rest-api 13.3, 13.7).

pydantic reads them, so import this late.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

R = TypeVar("R")

RunStatus = Literal[
    "PENDING_VERSION",
    "QUEUED",
    "DEQUEUED",
    "EXECUTING",
    "WAITING",
    "COMPLETED",
    "CANCELED",
    "FAILED",
    "CRASHED",
    "SYSTEM_FAILURE",
    "DELAYED",
    "EXPIRED",
    "TIMED_OUT",
]

FINAL_STATUSES: Final[frozenset[RunStatus]] = frozenset(
    ("COMPLETED", "CANCELED", "FAILED", "CRASHED", "SYSTEM_FAILURE", "EXPIRED", "TIMED_OUT")
)


class _Wire(BaseModel):
    """A frozen value in the wire's spelling; keys this SDK does not know are left out."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore"
    )


class ErrorCause(_Wire):
    """One link of the chain behind an error, the nearest first."""

    message: str
    name: str | None = None
    stack_trace: str | None = None


class RunError(_Wire):
    """Why a run did not succeed.

    Attributes:
        name: the exception's type, where there was one.
        stack_trace: the traceback as the worker wrote it.
    """

    message: str
    name: str | None = None
    stack_trace: str | None = None
    causes: list[ErrorCause] = Field(default_factory=list[ErrorCause])


class RunEnvironment(_Wire):
    """The environment a listed run belongs to."""

    id: str
    name: str
    user: str | None = None


class RunSchedule(_Wire):
    """The schedule that triggered a run."""

    id: str
    external_id: str | None = None
    deduplication_key: str | None = None


class RunSummary(_Wire):
    """What lists tell about a run. Costs are in cents, ``duration_ms`` is execution time."""

    id: str
    status: RunStatus
    task_id: str = Field(alias="taskIdentifier")
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    delayed_until: datetime | None = None
    expired_at: datetime | None = None
    idempotency_key: str | None = None
    version: str | None = None
    is_test: bool = False
    ttl: str | None = None
    tags: list[str] = Field(default_factory=list[str])
    metadata: dict[str, Any] = Field(default_factory=dict[str, Any])
    region: str | None = None
    depth: int = 0
    duration_ms: float = 0
    cost_in_cents: float = 0
    base_cost_in_cents: float = 0
    env: RunEnvironment | None = None

    @property
    def is_final(self) -> bool:
        """Whether the run has ended, whichever way."""
        return self.status in FINAL_STATUSES

    @property
    def is_success(self) -> bool:
        """Whether the run completed."""
        return self.status == "COMPLETED"


class RelatedRuns(_Wire):
    """The runs around a run."""

    root: RunSummary | None = None
    parent: RunSummary | None = None
    children: list[RunSummary] = Field(default_factory=list[RunSummary])


class Run(RunSummary, Generic[R]):
    """One run. ``output`` has its task's type when it was asked for through the task's handle."""

    payload: Any = None
    output: R | None = None
    error: RunError | None = None
    attempt_count: int = 0
    batch_id: str | None = None
    trigger_function: str | None = None
    schedule: RunSchedule | None = None
    related_runs: RelatedRuns = Field(default_factory=RelatedRuns)
    payload_presigned_url: str | None = Field(default=None, repr=False)
    output_presigned_url: str | None = Field(default=None, repr=False)


class QueueConcurrency(_Wire):
    """A queue's limit: what holds, what its code declares, and what somebody set instead.

    None means no limit of its own: the environment's holds.
    """

    current: int | None = None
    base: int | None = None
    override: int | None = None
    overridden_at: datetime | None = None
    overridden_by: str | None = None


class QueueState(_Wire):
    """A queue as it is now.

    Attributes:
        type: ``task`` for a task's own queue, whose ``name`` is the task's id.
        running: runs that hold one of its places.
        queued: runs that could start now if there were room.
    """

    id: str
    name: str
    type: Literal["task", "custom"]
    running: int
    queued: int
    paused: bool
    concurrency_limit: int | None = None
    concurrency: QueueConcurrency | None = None
