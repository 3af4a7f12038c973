"""The shapes of ``/dashboard/api``, page by page. Instants are ms since 1970 and end in ``AtMs``.

``web/openapi.json`` is the document made of these; the pages do not compile when they drift.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Raw, Struct

Language = Literal["typescript", "python"]
TaskKind = Literal["standard", "scheduled", "agent", "webhook"]
Status = Literal[
    "PENDING_VERSION",
    "DELAYED",
    "QUEUED",
    "DEQUEUED",
    "EXECUTING",
    "WAITING",
    "COMPLETED",
    "CANCELED",
    "FAILED",
    "TIMED_OUT",
    "CRASHED",
    "SYSTEM_FAILURE",
    "EXPIRED",
]


class Presence(Struct, rename="camel"):
    """Whether a development worker is connected."""

    is_connected: bool


class Version(Struct, rename="camel"):
    """The version that new runs go to."""

    version: str
    created_at_ms: int


class LastRun(Struct, rename="camel"):
    """The newest run of a task."""

    id: str
    status: Status
    created_at_ms: int


class TaskRow(Struct, rename="camel"):
    """A task in the list. ``hours``: 24 of completed, going on, canceled, failed; oldest first."""

    id: str
    kind: TaskKind
    language: Language | None
    file_path: str
    export_name: str | None
    description: str | None
    running_count: int
    queued_count: int
    hours: list[tuple[int, int, int, int]]
    last_run: LastRun | None
    success_ratio: float | None


class TasksPage(Struct, rename="camel"):
    """The tasks of an environment."""

    version: Version | None
    presence: Presence
    last_sign_in_by_cli_at_ms: int | None
    is_initialized: bool
    tasks: list[TaskRow]


class RunRow(Struct, rename="camel"):
    """A run in a list. Of two rows of a run the one with the higher ``version`` is newer."""

    id: str
    version: int
    status: Status
    is_cancellable: bool
    task: str
    task_kind: TaskKind
    language: Language | None
    task_version: str | None
    queue: str
    concurrency_key: str | None
    tags: list[str]
    is_test: bool
    parent_id: str | None
    attempt_number: int
    created_at_ms: int
    delay_until_ms: int | None
    queued_at_ms: int | None
    dequeued_at_ms: int | None
    started_at_ms: int | None
    finished_at_ms: int | None
    usage_ms: int


class RunsPage(Struct, rename="camel"):
    """A page of runs, newest first. ``is_total_floor``: there are at least ``total``."""

    runs: list[RunRow]
    next: str | None
    previous: str | None
    total: int
    is_total_floor: bool
    has_any_runs: bool


class RunCounts(Struct, rename="camel"):
    """How many runs go on, wait, and failed in the last week; counted up to a bound."""

    active: int
    queued: int
    failed: int


class FilterValues(Struct):
    """Values that a filter can have."""

    values: list[str]


class Packet(Struct, rename="camel"):
    """A payload, output or metadata. ``text`` is cut when ``is_partial``."""

    type: str
    size_bytes: int
    text: str | None
    is_partial: bool


class RunError(Struct):
    """Why a run or an attempt failed."""

    name: str
    message: str
    stack: str | None
    code: str | None
    hint: str | None


class Attempt(Struct, rename="camel"):
    """One try of a run."""

    number: int
    outcome: Literal["running", "completed", "failed", "canceled"]
    started_at_ms: int
    finished_at_ms: int | None
    is_warm: bool
    retry_at_ms: int | None
    error: RunError | None


class Check(Struct, rename="camel"):
    """Something that could keep a run from running, and whether it does."""

    is_ok: bool
    title: str
    fact: str


class RunsLink(Struct):
    """A link to a list of runs: the query of the runs page."""

    label: str
    query: str


class Why(Struct, rename="camel"):
    """Why a run is not running.

    Attributes:
        title: a sentence; or the beginning of one that ``at_ms`` ends.
        place: its place in its queue, counted from 1.
        needs_worker: whether a dev process is all that is missing.
    """

    title: str
    detail: str
    at_ms: int | None
    checks: list[Check]
    place: int | None
    show_runs: RunsLink | None
    needs_worker: bool


class RelatedRun(Struct, rename="camel"):
    """A run beside the one that is shown."""

    id: str
    task: str
    status: Status
    created_at_ms: int


class ShownKey(Struct, rename="camel"):
    """An idempotency key and what it still does."""

    key: str
    scope: str | None
    state: Literal["active", "released", "expired"]
    expires_at_ms: int | None


class RunDetail(Struct, rename="camel"):
    """The facts of a run beyond its row."""

    triggered_by: str | None
    priority_s: float
    ttl: str | None
    max_attempts: int | None
    max_duration_s: int | None
    machine: str | None
    idempotency_key: ShownKey | None
    is_version_locked: bool
    is_current_version: bool
    sdk_version: str | None
    cli_version: str | None
    queue_running: int
    queue_limit: int | None
    is_queue_paused: bool
    worker: str | None
    trace_id: str
    span_id: str


class RunPage(Struct, rename="camel"):
    """All that the page of a run shows but its trace."""

    run: RunRow
    why: Why | None
    attempts: list[Attempt]
    payload: Packet
    output: Packet | None
    metadata: Packet | None
    error: RunError | None
    context: Raw | None
    root: RelatedRun | None
    parent: RelatedRun | None
    replayed_from: RelatedRun | None
    children: list[RelatedRun]
    children_total: int
    detail: RunDetail


class TracedRun(Struct, rename="camel"):
    """What the timeline needs of a run in a trace."""

    status: Status
    language: Language | None
    queued_at_ms: int | None
    dequeued_at_ms: int | None
    started_at_ms: int | None
    finished_at_ms: int | None


class TraceNode(Struct, rename="camel"):
    """A row of the trace. ``end_ms`` null: it goes on; equal to ``start_ms``: an instant."""

    id: str
    parent_id: str | None
    run_id: str
    kind: Literal[
        "run", "attempt", "span", "log", "error", "wait", "retry", "http", "db", "ai", "tag"
    ]
    title: str
    note: str | None
    start_ms: float
    end_ms: float | None
    level: Literal["trace", "debug", "info", "warn", "error"] | None
    is_error: bool
    is_canceled: bool
    run: TracedRun | None


class Trace(Struct, rename="camel"):
    """The tree of a run, flat. ``removed_at_ms``: its rows were removed by retention since then."""

    nodes: list[TraceNode]
    total: int
    is_partial: bool
    is_loading: bool
    removed_at_ms: int | None


class SpanEvent(Struct, rename="camel"):
    """Something that happened at one instant inside a span."""

    name: str
    at_ms: float
    attributes: Raw


class SpanDetail(Struct):
    """A row of the trace with all it has."""

    id: str
    attributes: Raw
    events: list[SpanEvent]


class RecentPayload(Struct):
    """A payload that a task was run with."""

    run: RelatedRun
    payload: Packet


class TaskPage(Struct, rename="camel"):
    """What the test page needs of a task."""

    id: str
    kind: TaskKind
    language: Language | None
    file_path: str
    description: str | None
    version: str | None
    versions: list[str]
    queue: str
    queue_running: int
    queue_limit: int | None
    queues: list[str]
    machine: str | None
    max_attempts: int | None
    max_duration_s: int | None
    ttl: str | None
    payload_schema: Raw | None
    recent: list[RecentPayload]


class MadeRun(Struct):
    """The run that was made or changed."""

    id: str


class RootKey(Struct):
    """An environment's key, masked."""

    obfuscated: str


class ShownRootKey(Struct):
    """An environment's key, in clear."""

    key: str


class FoundRun(Struct):
    """Where a run lives."""

    organization: str
    project: str
    environment: str
    id: str


class FoundTask(Struct, rename="camel"):
    """A task that the palette found."""

    id: str
    kind: TaskKind
    file_path: str


class Findings(Struct):
    """What the palette found."""

    tasks: list[FoundTask]
    runs: list[RelatedRun]


class MadeProject(Struct):
    """The project that was made."""

    ref: str
