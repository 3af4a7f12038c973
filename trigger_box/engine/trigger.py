"""The verb "trigger": one transaction makes the run, or finds the one that is there already.

Order of work: run-engine 4. Which queue a run goes to lives in ``placement.py``, keys in
``idempotency.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Final

import msgspec

from trigger_box.access.actors import Environment
from trigger_box.domain import limits
from trigger_box.domain.durations import ttl_at_ms
from trigger_box.domain.errors import RefusedError, TooLargeError
from trigger_box.domain.fairness import LaneKey
from trigger_box.domain.labels import clean_tags
from trigger_box.domain.packets import Packet
from trigger_box.domain.runs import RunState, RunStatus
from trigger_box.engine import idempotency
from trigger_box.engine.changes import RUN_CREATED, announce, take_snapshot
from trigger_box.engine.core import Core
from trigger_box.engine.packets import StoredPacket, insert_packet, put_away
from trigger_box.engine.placement import place
from trigger_box.engine.traces import Trace, trace_of
from trigger_box.ids import RunId
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Row, Transaction

__all__ = ["IdempotencyOptions", "Trace", "TriggerRequest", "Triggered", "trigger"]

_encode: Final = msgspec.json.Encoder().encode
_decode_object: Final = msgspec.json.Decoder(dict[str, object]).decode


class RunNotWantedError(RefusedError):
    """The run can't be made."""

    code = "trigger_refused"


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
        ttl: a duration text, None for the task's; see ``durations.ttl_text``.
        priority_ms: how much earlier it stands in line; below 0 counts as 0.
        source: sdk, api, cli, mcp, dashboard. action: trigger, replay, test.
        request_key: equal on all tries of one client call (rest-api 10.1).
        resume_parent: the parent waits for this run (comes with the next release: refused).
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """The run that was made, or, with ``is_cached``, the one its idempotency key had already."""

    run_id: RunId
    is_cached: bool


async def trigger(core: Core, request: TriggerRequest) -> Triggered:
    """Make a run. When this returns, the disk has it.

    Raises:
        RefusedError: a rule says no (tags, version, queue); the message names it.
        TooLargeError: the metadata is over its limit.
        NotFoundError: there is no such environment.
        UnavailableError: the box can't store more right now; nothing was accepted.
    """
    if request.resume_parent:
        raise RunNotWantedError(
            "Waiting for a child run (triggerAndWait) comes with the next release of trigger-box. "
            "Trigger without waiting, or poll the child run."
        )
    tags = clean_tags(request.tags)
    metadata = request.metadata
    stored_metadata: StoredPacket | None = None
    if metadata is not None and metadata.data is not None:
        stored_metadata = await put_away(core.store, metadata)
        if stored_metadata.bytes > limits.METADATA_BYTES_MAX:
            raise TooLargeError(
                f"Metadata exceeds maximum size of {limits.METADATA_BYTES_MAX} bytes"
            )
    payload = await put_away(core.store, request.payload)
    change = partial(_trigger, core, request, tags, payload, stored_metadata)
    return await core.store.write(change)


def _trigger(
    core: Core,
    request: TriggerRequest,
    tags: tuple[str, ...],
    payload: StoredPacket,
    metadata: StoredPacket | None,
    tx: Transaction,
) -> Triggered:
    environment_id = request.environment.id
    now_ms = core.clock.now_ms()
    request_hash: str | None = None
    if request.request_key is not None:
        request_hash = idempotency.request_hash(request.request_key, environment_id, request.task)
        made = idempotency.run_of_request(tx, request_hash, now_ms=now_ms)
        if made is not None:
            return Triggered(run_id=made, is_cached=False)
    if request.idempotency_key is not None:
        kept = idempotency.run_of_key(
            tx, environment_id, request.task, request.idempotency_key, now_ms=now_ms
        )
        if kept is not None:
            return Triggered(run_id=kept, is_cached=True)

    state = core.lanes.environment(tx, environment_id)
    parent = _parent(tx, request)
    placed = place(core, tx, state, request.task, request.queue_name, request.lock_to_version)
    ttl = request.ttl or placed.ttl
    delay_until_ms = request.delay_until_ms
    is_delayed = delay_until_ms is not None and delay_until_ms > now_ms
    if not is_delayed:
        delay_until_ms = None
    queue_timestamp_ms = now_ms if delay_until_ms is None else delay_until_ms
    priority_ms = max(0, min(request.priority_ms, 2_147_483_647))
    run_state = RunState.DELAYED if is_delayed else RunState.QUEUED
    status = RunStatus.DELAYED if is_delayed else RunStatus.PENDING
    run_id = core.ids.run()
    trace = trace_of(core.ids, request.trace, None if parent is None else parent["trace_context"])
    lane = LaneKey(environment_id, placed.queue_name, request.concurrency_key or "")
    options = request.idempotency_options
    tx.execute(
        sql.insert_run,
        {
            "id": run_id,
            "environment_id": environment_id,
            "number": core.lanes.next_number(state),
            "task": request.task,
            "state": run_state,
            "status": status,
            "queue_name": lane.queue_name,
            "queue_id": placed.queue_id,
            "concurrency_key": lane.concurrency_key,
            "rank_ms": queue_timestamp_ms - priority_ms,
            "queue_timestamp_ms": queue_timestamp_ms,
            "priority_ms": priority_ms,
            "is_ready": 0 if is_delayed else 1,
            "due_at_ms": delay_until_ms,
            "ttl": ttl,
            "ttl_at_ms": None if is_delayed else ttl_at_ms(ttl, now_ms=now_ms),
            "max_attempts": _max_attempts(request.max_attempts),
            "max_duration_s": max_duration_s(request.max_duration_s),
            "machine": request.machine,
            "idempotency_key": request.idempotency_key,
            "idempotency_expires_at_ms": (
                None if request.idempotency_key is None else now_ms + request.idempotency_ttl_ms
            ),
            "idempotency_options": (
                None
                if options is None
                else _encode({"key": options.key, "scope": options.scope}).decode()
            ),
            "locked_worker_id": placed.locked_worker_id,
            "is_version_pinned": 0 if placed.locked_worker_id is None else 1,
            "locked_version": placed.locked_version,
            "parent_run_id": None if parent is None else parent["id"],
            "root_run_id": None if parent is None else parent["root_run_id"] or parent["id"],
            "depth": 0 if parent is None else parent["depth"] + 1,
            "replay_of_run_id": request.replay_of_run_id,
            "trace_id": trace.trace_id,
            "span_id": trace.span_id,
            "parent_span_id": trace.parent_span_id,
            "trace_context": trace.external,
            "is_test": 1 if request.is_test else 0,
            "tags": _encode(tags).decode() if tags else "[]",
            "annotations": _annotations(request, parent),
            "sdk_version": request.sdk_version,
            "now_ms": now_ms,
            "queued_at_ms": None if is_delayed else now_ms,
            "delay_until_ms": delay_until_ms,
        },
    )
    snapshot = take_snapshot(
        tx,
        run_id,
        1,
        state=run_state,
        status=status,
        attempt_number=0,
        description="Run was delayed" if is_delayed else "Run was queued",
        runner_id=None,
        now_ms=now_ms,
    )
    insert_packet(tx, run_id, "PAYLOAD", payload)
    if metadata is not None:
        insert_packet(tx, run_id, "METADATA", metadata)
        insert_packet(tx, run_id, "SEED_METADATA", metadata)
    for tag in tags:
        tx.execute(sql.insert_tag, {"environment_id": environment_id, "tag": tag, "run_id": run_id})
    if request_hash is not None:
        idempotency.remember_request(tx, request_hash, run_id, now_ms=now_ms)
    announce(tx, environment_id, snapshot, run_id, request.task, now_ms=now_ms, kind=RUN_CREATED)
    if is_delayed:
        tx.after_commit(partial(core.alarms.delays.ring_at, delay_until_ms))
    else:
        core.lanes.shift(tx, lane, ready=1)
        if core.lanes.may_go(environment_id):
            tx.after_commit(partial(core.bus.wake, environment_id))
    return Triggered(run_id=run_id, is_cached=False)


def max_duration_s(asked: float | None) -> int | None:
    """Return a limit on compute time clamped to what is allowed (run-engine 4.3)."""
    if asked is None:
        return None
    return max(limits.MAX_DURATION_S_MIN, min(round(asked), limits.MAX_DURATION_S_NONE))


def _max_attempts(asked: int | None) -> int | None:
    return None if asked is None else max(1, min(asked, limits.ATTEMPTS_MAX))


def _parent(tx: Transaction, request: TriggerRequest) -> Row | None:
    """Return the parent, if it is a run of this environment; an unknown one is ignored."""
    if request.parent_run_id is None:
        return None
    return tx.one(
        sql.lineage, {"id": request.parent_run_id, "environment_id": request.environment.id}
    )


def _annotations(request: TriggerRequest, parent: Row | None) -> str:
    root = request.source
    if parent is not None:
        inherited = _decode_object(parent["annotations"]).get("rootTriggerSource")
        if isinstance(inherited, str):
            root = inherited
    return _encode(
        {
            "triggerSource": request.source,
            "triggerAction": request.action,
            "rootTriggerSource": root,
        }
    ).decode()
