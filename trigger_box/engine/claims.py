"""Taking runs from the queue, inside the writer's thread: choose a lane, bind its head, lease it.

Waiting for a run is ``dequeue.py``'s part. What a run is bound to at its first claim: run-engine 6.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from trigger_box.domain import limits
from trigger_box.domain.fairness import LaneKey
from trigger_box.domain.machines import DEFAULT, machine_named
from trigger_box.domain.queues import task_queue
from trigger_box.domain.runs import LEASE_MS, RunEvent, RunState, RunStatus, next_state
from trigger_box.domain.versions import PendingReason
from trigger_box.engine.changes import record, snapshot_after
from trigger_box.engine.core import Core
from trigger_box.engine.executions import Dequeued, RunInfo, Snapshot
from trigger_box.engine.expiry import expire
from trigger_box.engine.heads import head_of
from trigger_box.engine.placement import ensure_queue
from trigger_box.engine.rows import RunFacts
from trigger_box.engine.starts import Begun, Start, begin, started
from trigger_box.engine.traces import context_of
from trigger_box.engine.versions import Task, Version
from trigger_box.ids import EnvironmentId, WorkerId
from trigger_box.store.queries import runs as sql
from trigger_box.store.queries import workers as workers_sql
from trigger_box.store.writer import Transaction

_LANE_HEAD: Final = sql.lane_head
_encode: Final = msgspec.json.Encoder().encode
_decode_object: Final = msgspec.json.Decoder(dict[str, object]).decode


class Claim(msgspec.Struct, frozen=True, kw_only=True):
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


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was taken: what its answer is made of. ``begun`` if its attempt runs already."""

    facts: RunFacts
    version: Version
    snapshot: Snapshot
    begun: Begun | None


async def handed_over(core: Core, claimed: Claimed) -> Dequeued:
    """Return what the worker is told. Made on the event loop: the writer has enough to do."""
    facts, version, snapshot = claimed.facts, claimed.version, claimed.snapshot
    return Dequeued(
        run=RunInfo(id=facts.id, status=snapshot.status, attempt_number=snapshot.attempt_number),
        snapshot=snapshot,
        dequeued_at_ms=snapshot.created_at_ms,
        task=facts.task,
        queue_name=facts.queue_name,
        worker_id=version.id,
        version=version.version,
        runtime=version.runtime,
        machine=machine_named(facts.machine),
        attempt_number=facts.attempt_number + 1,
        is_test=bool(facts.is_test),
        is_replay=facts.replay_of_run_id is not None,
        annotations=_decode_object(facts.annotations),
        trace=context_of(facts.trace_id, facts.span_id, facts.trace_context),
        started=None if claimed.begun is None else await started(core, claimed.begun),
    )


def claim(core: Core, tx: Transaction, wanted: Claim) -> list[Claimed]:
    """Take up to ``runs_max`` runs, one lane after the other in fair turn."""
    return _Claiming(core, tx, wanted).take()


class _Claiming:
    """One claim at work."""

    def __init__(self, core: Core, tx: Transaction, wanted: Claim) -> None:
        self._core = core
        self._tx = tx
        self._wanted = wanted
        self._lanes = core.lanes
        self._now_ms = core.clock.now_ms()
        self._state = core.lanes.environment(tx, wanted.environment_id)
        current = self._state.current_worker_id
        self._takes_unlocked = (
            wanted.worker_ids is None or current is None or current in wanted.worker_ids
        )

    def take(self) -> list[Claimed]:
        wanted = self._wanted
        taken: list[Claimed] = []
        if self._state.is_archived:
            return taken
        unsuited: list[LaneKey] = []
        expired = 0
        while len(taken) < wanted.runs_max:
            lane = self._lanes.grant(self._tx, wanted.environment_id)
            if lane is None:
                break
            facts = self._head_of(lane)
            if facts is None:
                # Runs are there, but bound to versions that this caller has not got.
                self._lanes.shift(self._tx, lane, ready=1, running=-1)
                self._lanes.lines.set_aside(lane)
                unsuited.append(lane)
                continue
            if facts.ttl_at_ms is not None and facts.ttl_at_ms <= self._now_ms:
                self._expire(lane, facts)
                expired += 1
                if expired < limits.SWEEP_ROWS_MAX:
                    continue
                # The others who write must have their turn; somebody looks again after them.
                self._tx.after_commit(partial(self._core.bus.wake, wanted.environment_id))
                break
            claimed = self._claim_one(lane, facts)
            if claimed is not None:
                taken.append(claimed)
        for lane in unsuited:
            self._lanes.lines.refresh(lane)
        return taken

    def _head_of(self, lane: LaneKey) -> RunFacts | None:
        parameters: dict[str, object] = {
            "environment_id": lane.environment_id,
            "queue_name": lane.queue_name,
            "concurrency_key": lane.concurrency_key,
        }
        row = self._tx.plain(_LANE_HEAD, parameters)
        assert row is not None, f"the lane {lane} counts a run that is not there"
        facts = RunFacts._make(row)
        if self._suits(facts):
            return facts
        # Bound to a version that this caller has not got: look further down the lane.
        assert self._wanted.worker_ids is not None, "who runs any version is suited by all"
        parameters["worker_ids"] = _encode(sorted(self._wanted.worker_ids)).decode()
        parameters["takes_unlocked"] = int(self._takes_unlocked)
        parameters["relocks"] = int(self._state.is_development)
        row = self._tx.plain(sql.lane_head_for_workers, parameters)
        return None if row is None else RunFacts._make(row)

    def _suits(self, facts: RunFacts) -> bool:
        """Return whether this caller may run a run: as ``lane_head_for_workers`` has it."""
        worker_ids, locked = self._wanted.worker_ids, facts.locked_worker_id
        if worker_ids is None or locked in worker_ids:
            return True
        if not self._takes_unlocked:
            return False
        # In development a version ends with its process: a run that nobody pinned goes on with
        # the newest code. Elsewhere the binding is for the run's whole life.
        return locked is None or (self._state.is_development and not facts.is_version_pinned)

    def _expire(self, lane: LaneKey, facts: RunFacts) -> None:
        """End a run that the keeper of ttls has not reached yet: it must not start any more."""
        self._lanes.shift(self._tx, lane, ready=1, running=-1)
        head = head_of(self._tx, facts.id, facts.environment_id)
        expire(self._core, self._tx, head, now_ms=self._now_ms)

    def _claim_one(self, lane: LaneKey, facts: RunFacts) -> Claimed | None:
        """Take a run; None if it went elsewhere: nothing can run it, or not from this queue."""
        version = self._version_for(facts)
        task = None if version is None else version.tasks.get(facts.task)
        if version is None or task is None:
            self._set_pending(lane, facts, self._why_not(version, facts))
            return None
        if lane.queue_name == task_queue(facts.task) and task.queue_name != lane.queue_name:
            self._move(lane, facts, task.queue_name)
            return None
        # A queue that only a caller named exists, in development, without any version's word.
        is_declared = lane.queue_name in version.queue_names
        if not is_declared and not (
            self._state.is_development and lane.queue_name in self._state.queues
        ):
            self._set_pending(lane, facts, PendingReason.QUEUE_NOT_FOUND)
            return None
        return self._bind(facts, version, task)

    def _version_for(self, facts: RunFacts) -> Version | None:
        worker_ids, locked = self._wanted.worker_ids, facts.locked_worker_id
        if locked is not None and (worker_ids is None or locked in worker_ids):
            return self._core.versions.of(self._tx, locked)
        current = self._state.current_worker_id
        return None if current is None else self._core.versions.of(self._tx, current)

    def _why_not(self, version: Version | None, facts: RunFacts) -> PendingReason:
        if version is None:
            return PendingReason.NO_WORKER
        known = self._tx.one(
            workers_sql.task_was_registered,
            {"task": facts.task, "environment_id": facts.environment_id},
        )
        if known is None:
            return PendingReason.TASK_NEVER_REGISTERED
        return PendingReason.TASK_NOT_IN_LATEST

    def _bind(self, facts: RunFacts, version: Version, task: Task) -> Claimed:
        """Bind a run to a version and its policies, lease it, and begin it if that is wanted."""
        core, wanted, now_ms = self._core, self._wanted, self._now_ms
        is_bound_anew = facts.locked_worker_id != version.id
        max_attempts = facts.trigger_max_attempts or task.attempts_max
        state = next_state(RunState.QUEUED, RunEvent.DEQUEUED)
        number = facts.snapshot_number + 1
        bound = facts._replace(
            state=state.value,
            snapshot_number=number,
            queue_id=ensure_queue(core, self._tx, facts.environment_id, facts.queue_name).id,
            machine=facts.machine or task.machine or DEFAULT.name,
            max_duration_s=facts.max_duration_s or task.max_duration_s,
            locked_worker_id=version.id,
            # The policies are copied once, at the first claim under a version.
            retry_policy=task.retry if is_bound_anew else facts.retry_policy,
            max_attempts=max_attempts if is_bound_anew else facts.max_attempts,
            started_at_ms=facts.started_at_ms or now_ms,
            runner_id=wanted.runner_id,
        )
        parameters: dict[str, object] = {
            "id": facts.id,
            "state": bound.state,
            "status": RunStatus.DEQUEUED.value,
            "snapshot_number": number,
            "lease_expires_at_ms": now_ms + LEASE_MS[state],
            "runner_id": wanted.runner_id,
            "queue_id": bound.queue_id,
            "locked_worker_id": version.id,
            "locked_version": version.version,
            "machine": bound.machine,
            "max_attempts": bound.max_attempts,
            "retry_policy": bound.retry_policy,
            "max_duration_s": bound.max_duration_s,
            "now_ms": now_ms,
        }
        if wanted.starts:
            # Two moves, one row: nobody could see the state between them, so only its number is
            # used up, and no snapshot is kept of it.
            start = Start(
                facts=bound,
                version=version,
                task=task,
                runner_id=wanted.runner_id,
                claim=parameters,
            )
            begun = begin(core, self._tx, start)
            return Claimed(facts=bound, version=version, snapshot=begun.snapshot, begun=begun)
        snapshot = snapshot_after(
            facts.id,
            facts.snapshot_number,
            state=state,
            status=RunStatus.DEQUEUED,
            attempt_number=facts.attempt_number,
            description="Run was dequeued for execution",
            runner_id=wanted.runner_id,
            now_ms=now_ms,
        )
        self._tx.execute(sql.claim, parameters)
        record(self._tx, facts, snapshot)
        return Claimed(facts=bound, version=version, snapshot=snapshot, begun=None)

    def _set_pending(self, lane: LaneKey, facts: RunFacts, reason: PendingReason) -> None:
        """Let a run that nothing can run wait for a version, and say why."""
        self._lanes.shift(self._tx, lane, running=-1)
        snapshot = snapshot_after(
            facts.id,
            facts.snapshot_number,
            state=next_state(RunState.QUEUED, RunEvent.CANNOT_RUN),
            status=RunStatus.PENDING_VERSION,
            attempt_number=facts.attempt_number,
            description=f"Run is waiting for a version ({reason})",
            now_ms=self._now_ms,
        )
        self._tx.execute(
            sql.wait_for_version,
            {
                "id": facts.id,
                "state": snapshot.state.value,
                "status": snapshot.status.value,
                "status_reason": reason.value,
                "snapshot_number": snapshot.number,
                "now_ms": snapshot.created_at_ms,
            },
        )
        record(self._tx, facts, snapshot)

    def _move(self, lane: LaneKey, facts: RunFacts, queue_name: str) -> None:
        """Put a run that was triggered before its task was known into its task's queue."""
        self._lanes.shift(self._tx, lane, running=-1)
        queue = ensure_queue(self._core, self._tx, facts.environment_id, queue_name)
        self._tx.execute(
            sql.move_to_queue, {"id": facts.id, "queue_name": queue_name, "queue_id": queue.id}
        )
        self._lanes.shift(self._tx, lane._replace(queue_name=queue_name), ready=1)
