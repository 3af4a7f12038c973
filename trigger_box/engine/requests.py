"""What a trigger call may ask for, and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from trigger_box.access.actors import Environment
from trigger_box.domain import limits
from trigger_box.domain.debounce import Debounce
from trigger_box.domain.packets import Packet
from trigger_box.engine.traces import Trace
from trigger_box.ids import RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyOptions:
    """The user's own key and its scope (run, attempt, global): kept to be shown."""

    key: str
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerRequest:
    """A call that wants a run.

    Args of note:
        tags: as they came in; blank ones are dropped.
        delay_until_ms: an instant; in the past it means now.
        ttl: a duration text, "" for never, None for the task's; see ``durations.ttl_text``.
        debounce: share one delayed run with other triggers; its delay counts if there is no other.
        priority_ms: how much earlier it stands in line; below 0 counts as 0.
        source: sdk, api, cli, mcp, dashboard. action: trigger, replay, test.
        request_key: equal on all tries of one client call (rest-api 10.1).
        one_time_token_hash: of a public token that is good for one run (rest-api 5.3).
        resume_parent: the parent waits for this run, and gets its output.
    """

    environment: Environment
    task: str
    payload: Packet
    queue_name: str | None = None
    concurrency_key: str | None = None
    idempotency_key: str | None = None
    idempotency_ttl_ms: int = limits.IDEMPOTENCY_KEY_TTL_MS
    idempotency_options: IdempotencyOptions | None = None
    delay_until_ms: int | None = None
    debounce: Debounce | None = None
    ttl: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Packet | None = None
    max_attempts: int | None = None
    max_duration_s: float | None = None
    machine: str | None = None
    priority_ms: int = 0
    parent_run_id: str | None = None
    resume_parent: bool = False
    lock_to_version: str | None = None
    is_test: bool = False
    source: str = "api"
    action: str = "trigger"
    trace: Trace = field(default_factory=Trace)
    sdk_version: str | None = None
    request_key: str | None = None
    replay_of_run_id: RunId | None = None
    one_time_token_hash: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """The run that was made, or, with ``is_cached``, the one its idempotency key had already.

    ``is_repeated``: the same client call has had this answer before, and may not have got it.
    """

    run_id: RunId
    is_cached: bool
    is_repeated: bool = False
