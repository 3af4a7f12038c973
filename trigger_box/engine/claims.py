"""Taking runs from the queue, inside the writer's thread: choose a lane, bind its head, lease it.

Waiting for a run is ``dequeue.py``'s part. What a run is bound to at its first claim: run-engine 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec

from trigger_box.domain.fairness import LaneKey
from trigger_box.domain.machines import DEFAULT, machine_named
from trigger_box.domain.queues import task_queue
from trigger_box.domain.runs import LEASE_MS, RunEvent, RunState, RunStatus, next_state
from trigger_box.domain.versions import PendingReason
from trigger_box.engine import starts
from trigger_box.engine.changes import announce, take_snapshot
from trigger_box.engine.core import Core
from trigger_box.engine.executions import Dequeued, RunInfo
from trigger_box.engine.lanes import EnvironmentState
from trigger_box.engine.placement import ensure_queue
from trigger_box.engine.rows import RunFacts
from trigger_box.engine.starts import Begun
from trigger_box.engine.traces import context_of
from trigger_box.engine.versions import Task, Version
from trigger_box.ids import EnvironmentId, WorkerId
from trigger_box.store.queries import runs as sql
from trigger_box.store.queries import workers as workers_sql
from trigger_box.store.writer import Transaction

_encode: Final = msgspec.json.Encoder().encode
_decode_object: Final = msgspec.json.Decoder(dict[str, object]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a caller wants.

    Args of note:
        worker_ids: the versions it can run; None means any.
        starts: begin the attempt in the same step.
    """

    environment_id: EnvironmentId
    runner_id: str
    runs_max: int
    worker_ids: frozenset[WorkerId] | None = None
    starts: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that was taken, and its attempt if that has begun."""

    dequeued: Dequeued
    begun: Begun | None


def claim(core: Core, tx: Transaction, wanted: Claim) -> list[Claimed]:
    """Take up to ``runs_max`` runs, one lane after the other in fair turn."""
    state = core.lanes.environment(tx, wanted.environment_id)
    if state.is_archived:
        return []
    taken: list[Claimed] = []
    unsuited: list[LaneKey] = []
    while len(taken) < wanted.runs_max:
        lane = core.lanes.grant(tx, wanted.environment_id)
        if lane is None:
            break
        facts = _head_of(tx, state, lane, wanted)
        if facts is None:
            # Runs are there, but bound to versions that this caller has not got.
            core.lanes.shift(tx, lane, ready=1, running=-1)
            core.lanes.lines.set_aside(lane)
            unsuited.append(lane)
            continue
        claimed = _claim_one(core, tx, state, lane, facts, wanted)
        if claimed is not None:
            taken.append(claimed)
    for lane in unsuited:
        core.lanes.lines.refresh(lane)
    if core.lanes.may_go(wanted.environment_id) and taken:
        # Somebody else may take the next one: one wake-up leads to the next, so none is lost.
        tx.after_commit(partial(core.bus.wake, wanted.environment_id))
    return taken


def _head_of(
    tx: Transaction, state: EnvironmentState, lane: LaneKey, wanted: Claim
) -> RunFacts | None:
    parameters: dict[str, object] = {
        "environment_id": lane.environment_id,
        "queue_name": lane.queue_name,
        "concurrency_key": lane.concurrency_key,
        "limit": 1,
    }
    if wanted.worker_ids is None:
        row = tx.one(sql.lane_heads, parameters)
        assert row is not None, f"the lane {lane} counts a run that is not there"
    else:
        parameters["worker_ids"] = _encode(sorted(wanted.worker_ids)).decode()
        parameters["takes_unlocked"] = (
            1 if state.current_worker_id in wanted.worker_ids or not state.current_worker_id else 0
        )
        # In development a version ends with its process: a run that nobody pinned goes on with
        # the newest code. Elsewhere the binding stays for the run's whole life.
        parameters["relocks"] = 1 if state.is_development else 0
        row = tx.one(sql.lane_heads_for_workers, parameters)
    return None if row is None else RunFacts._make(row)


def _claim_one(
    core: Core,
    tx: Transaction,
    state: EnvironmentState,
    lane: LaneKey,
    facts: RunFacts,
    wanted: Claim,
) -> Claimed | None:
    version = _version_for(core, tx, state, facts, wanted)
    if version is None:
        _set_pending(core, tx, lane, facts, PendingReason.NO_WORKER)
        return None
    task = version.tasks.get(facts.task)
    if task is None:
        known = tx.one(
            workers_sql.task_was_registered,
            {"task": facts.task, "environment_id": facts.environment_id},
        )
        reason = (
            PendingReason.TASK_NEVER_REGISTERED
            if known is None
            else PendingReason.TASK_NOT_IN_LATEST
        )
        _set_pending(core, tx, lane, facts, reason)
        return None
    if lane.queue_name == task_queue(facts.task) and task.queue_name != lane.queue_name:
        _move(core, tx, lane, facts, task.queue_name)
        return None
    if lane.queue_name not in version.queue_names and not (
        state.is_development and lane.queue_name in state.queues
    ):
        _set_pending(core, tx, lane, facts, PendingReason.QUEUE_NOT_FOUND)
        return None
    return _bind(core, tx, facts, version, task, wanted)


def _version_for(
    core: Core, tx: Transaction, state: EnvironmentState, facts: RunFacts, wanted: Claim
) -> Version | None:
    locked = facts.locked_worker_id
    if locked is not None and (wanted.worker_ids is None or locked in wanted.worker_ids):
        return core.versions.of(tx, locked)
    if state.current_worker_id is None:
        return None
    return core.versions.of(tx, state.current_worker_id)


def _bind(
    core: Core, tx: Transaction, facts: RunFacts, version: Version, task: Task, wanted: Claim
) -> Claimed:
    now_ms = core.clock.now_ms()
    queue = ensure_queue(core, tx, facts.environment_id, facts.queue_name)
    machine = facts.machine or task.machine or DEFAULT.name
    max_duration_s = facts.max_duration_s or task.max_duration_s
    is_bound_anew = facts.locked_worker_id != version.id
    max_attempts = facts.trigger_max_attempts or task.attempts_max
    bound = facts._replace(
        queue_id=queue.id,
        machine=machine,
        max_duration_s=max_duration_s,
        locked_worker_id=version.id,
        # The policy is copied once, at the first claim under a version.
        retry_policy=task.retry if is_bound_anew else facts.retry_policy or task.retry,
        max_attempts=max_attempts if is_bound_anew else facts.max_attempts or max_attempts,
        started_at_ms=facts.started_at_ms or now_ms,
        runner_id=wanted.runner_id,
    )
    state = next_state(RunState.QUEUED, RunEvent.DEQUEUED)
    status = RunStatus.DEQUEUED
    number = facts.snapshot_number + 1
    snapshot = take_snapshot(
        tx,
        facts.id,
        number,
        state=state,
        status=status,
        attempt_number=facts.attempt_number,
        description="Run was dequeued for execution",
        runner_id=wanted.runner_id,
        now_ms=now_ms,
    )
    parameters: dict[str, object] = {
        "id": facts.id,
        "state": state.value,
        "status": status.value,
        "snapshot_number": number,
        "lease_expires_at_ms": now_ms + LEASE_MS[state],
        "runner_id": wanted.runner_id,
        "queue_id": queue.id,
        "locked_worker_id": version.id,
        "locked_version": version.version,
        "machine": machine,
        "max_attempts": bound.max_attempts,
        "retry_policy": bound.retry_policy,
        "max_duration_s": max_duration_s,
        "now_ms": now_ms,
    }
    info = RunInfo(id=facts.id, status=status, attempt_number=facts.attempt_number)
    begun: Begun | None = None
    if wanted.starts:
        begun = starts.begin(
            core,
            tx,
            bound._replace(snapshot_number=number, state=state.value),
            version,
            task,
            runner_id=wanted.runner_id,
            request_key=None,
            claim=parameters,
        )
    else:
        tx.execute(sql.claim, parameters)
        announce(tx, facts.environment_id, snapshot, facts.id, facts.task, now_ms=now_ms)
    dequeued = Dequeued(
        run=info,
        snapshot=snapshot,
        dequeued_at_ms=now_ms,
        task=facts.task,
        queue_name=facts.queue_name,
        worker_id=version.id,
        version=version.version,
        runtime=version.runtime,
        machine=machine_named(machine),
        attempt_number=facts.attempt_number + 1,
        is_test=bool(facts.is_test),
        is_replay=facts.replay_of_run_id is not None,
        annotations=_decode_object(facts.annotations),
        trace=context_of(facts.trace_id, facts.span_id, facts.trace_context),
    )
    return Claimed(dequeued, begun)


def _set_pending(
    core: Core, tx: Transaction, lane: LaneKey, facts: RunFacts, reason: PendingReason
) -> None:
    """Nothing can run it: it waits for a version, and says why."""
    now_ms = core.clock.now_ms()
    core.lanes.shift(tx, lane, running=-1)
    state = next_state(RunState.QUEUED, RunEvent.CANNOT_RUN)
    status = RunStatus.PENDING_VERSION
    tx.execute(
        sql.wait_for_version,
        {
            "id": facts.id,
            "state": state.value,
            "status": status.value,
            "status_reason": reason.value,
            "snapshot_number": facts.snapshot_number + 1,
            "now_ms": now_ms,
        },
    )
    snapshot = take_snapshot(
        tx,
        facts.id,
        facts.snapshot_number + 1,
        state=state,
        status=status,
        attempt_number=facts.attempt_number,
        description=f"Run is waiting for a version ({reason})",
        runner_id=None,
        now_ms=now_ms,
    )
    announce(tx, facts.environment_id, snapshot, facts.id, facts.task, now_ms=now_ms)


def _move(core: Core, tx: Transaction, lane: LaneKey, facts: RunFacts, queue_name: str) -> None:
    """Put a run that was triggered before its task was known into the queue its task declares."""
    core.lanes.shift(tx, lane, running=-1)
    queue = ensure_queue(core, tx, facts.environment_id, queue_name)
    tx.execute(sql.move_to_queue, {"id": facts.id, "queue_name": queue_name, "queue_id": queue.id})
    core.lanes.shift(tx, lane._replace(queue_name=queue_name), ready=1)
