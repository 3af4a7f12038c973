"""How a new run comes into the store, inside the transaction of its trigger."""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from trigger_box.domain import limits
from trigger_box.domain.durations import ttl_at_ms
from trigger_box.domain.fairness import LaneKey
from trigger_box.domain.runs import RunState, RunStatus
from trigger_box.engine.changes import RUN_CREATED, RunName, record, snapshot_after
from trigger_box.engine.core import Core
from trigger_box.engine.packets import StoredPacket, insert_packet
from trigger_box.engine.placement import Wish, place
from trigger_box.engine.requests import TriggerRequest
from trigger_box.engine.traces import trace_of
from trigger_box.ids import RunId
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Row, Transaction

_encode: Final = msgspec.json.Encoder().encode
_decode_object: Final = msgspec.json.Decoder(dict[str, object]).decode
_PRIORITY_MS_MAX: Final = 2_147_483_647


class Prepared(msgspec.Struct, frozen=True):
    """A trigger request, checked, with its packets where they will lie."""

    request: TriggerRequest
    tags: tuple[str, ...]
    metadata: StoredPacket | None
    payload: StoredPacket


def make_run(core: Core, tx: Transaction, prepared: Prepared, *, now_ms: int) -> RunId:
    """Make a run: delayed, or ready in its lane.

    Raises:
        RefusedError: the version, the task in it, or the queue does not exist.
        NotFoundError: there is no such environment.
    """
    request = prepared.request
    environment_id = request.environment.id
    state = core.lanes.environment(tx, environment_id)
    parent = _parent(tx, request)
    lock_to_version = request.lock_to_version
    if lock_to_version is None and request.resume_parent and parent is not None:
        lock_to_version = parent["locked_version"]  # who waits for it runs the same code
    wish = Wish(request.task, request.queue_name, lock_to_version)
    placed = place(core, tx, state, wish)
    delay_until_ms = request.delay_until_ms
    if delay_until_ms is None and request.debounce is not None:
        delay_until_ms = now_ms + request.debounce.delay_ms
    if delay_until_ms is not None and delay_until_ms <= now_ms:
        delay_until_ms = None  # a date in the past means now
    is_delayed = delay_until_ms is not None
    run_id = core.ids.run()
    snapshot = snapshot_after(
        run_id,
        0,
        state=RunState.DELAYED if is_delayed else RunState.QUEUED,
        status=RunStatus.DELAYED if is_delayed else RunStatus.PENDING,
        attempt_number=0,
        description="Run was delayed" if is_delayed else "Run was queued",
        now_ms=now_ms,
    )
    ttl = placed.ttl if request.ttl is None else request.ttl or None
    expires_at_ms = None if is_delayed else ttl_at_ms(ttl, now_ms=now_ms)
    queue_timestamp_ms = delay_until_ms or now_ms
    # A negative priority would put the run into the future and act as a delay: upstream's accident.
    priority_ms = max(0, min(request.priority_ms, _PRIORITY_MS_MAX))
    tx.execute(
        sql.insert_run,
        {
            "id": run_id,
            "environment_id": environment_id,
            "number": core.lanes.next_number(state),
            "task": request.task,
            "state": snapshot.state.value,
            "status": snapshot.status.value,
            "queue_name": placed.queue_name,
            "queue_id": placed.queue_id,
            "concurrency_key": request.concurrency_key or "",
            "rank_ms": queue_timestamp_ms - priority_ms,
            "queue_timestamp_ms": queue_timestamp_ms,
            "priority_ms": priority_ms,
            "is_ready": 0 if is_delayed else 1,
            "due_at_ms": delay_until_ms,
            "ttl": ttl,
            "ttl_at_ms": expires_at_ms,
            "max_attempts": max_attempts(request.max_attempts),
            "max_duration_s": max_duration_s(request.max_duration_s),
            "machine": request.machine,
            "locked_worker_id": placed.locked_worker_id,
            "is_version_pinned": 0 if placed.locked_worker_id is None else 1,
            "locked_version": placed.locked_version,
            "replay_of_run_id": request.replay_of_run_id,
            "is_test": 1 if request.is_test else 0,
            "tags": _encode(prepared.tags).decode() if prepared.tags else "[]",
            "annotations": _annotations(request, parent),
            "sdk_version": request.sdk_version,
            "now_ms": now_ms,
            "queued_at_ms": None if is_delayed else now_ms,
            "delay_until_ms": delay_until_ms,
            **_idempotency(request, now_ms=now_ms),
            **_lineage(core, request, parent),
        },
    )
    record(tx, RunName(run_id, environment_id, request.task), snapshot, kind=RUN_CREATED)
    _insert_labels(tx, run_id, prepared)
    if is_delayed:
        tx.after_commit(partial(core.alarms.delays.ring_at, delay_until_ms))
    else:
        lane = LaneKey(environment_id, placed.queue_name, request.concurrency_key or "")
        core.lanes.shift(tx, lane, ready=1)
        if expires_at_ms is not None:
            tx.after_commit(partial(core.alarms.ttl.ring_at, expires_at_ms))
        if core.lanes.may_go(environment_id):
            tx.after_commit(partial(core.bus.wake, environment_id))
    return run_id


def _insert_labels(tx: Transaction, run_id: RunId, prepared: Prepared) -> None:
    insert_packet(tx, run_id, "PAYLOAD", prepared.payload)
    if prepared.metadata is not None:
        insert_packet(tx, run_id, "METADATA", prepared.metadata)
        insert_packet(tx, run_id, "SEED_METADATA", prepared.metadata)
    insert_tags(tx, run_id, prepared)


def insert_tags(tx: Transaction, run_id: RunId, prepared: Prepared) -> None:
    """Make a run be found by its tags."""
    for tag in prepared.tags:
        tx.execute(
            sql.insert_tag,
            {
                "environment_id": prepared.request.environment.id,
                "tag": tag,
                "run_id": run_id,
            },
        )


def _idempotency(request: TriggerRequest, *, now_ms: int) -> dict[str, object]:
    key, options = request.idempotency_key, request.idempotency_options
    return {
        "idempotency_key": key,
        "idempotency_expires_at_ms": (None if key is None else now_ms + request.idempotency_ttl_ms),
        "idempotency_options": (
            None
            if options is None
            else _encode({"key": options.key, "scope": options.scope}).decode()
        ),
    }


def _lineage(core: Core, request: TriggerRequest, parent: Row | None) -> dict[str, object]:
    inherited = None if parent is None else parent["trace_context"]
    trace = trace_of(core.ids, request.trace, inherited)
    return {
        "parent_run_id": None if parent is None else parent["id"],
        "root_run_id": None if parent is None else parent["root_run_id"] or parent["id"],
        "depth": 0 if parent is None else parent["depth"] + 1,
        "trace_id": trace.trace_id,
        "span_id": trace.span_id,
        "parent_span_id": trace.parent_span_id,
        "trace_context": trace.external,
    }


def max_duration_s(asked: float | None) -> int | None:
    """Return a limit on compute time clamped to what is allowed (run-engine 4.3)."""
    if asked is None:
        return None
    return max(limits.MAX_DURATION_S_MIN, min(round(asked), limits.MAX_DURATION_S_NONE))


def max_attempts(asked: int | None) -> int | None:
    """Return a number of attempts clamped to what is allowed."""
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
