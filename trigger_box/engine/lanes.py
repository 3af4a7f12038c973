"""The counts of ready runs and held slots, in memory: loaded at open, kept by the writer's thread.

Each change here registers its own undo with the transaction, so a change that is rolled back
leaves no trace. The rule of choice is ``domain/fairness.py``; the truth is the store, and tests
hold the two equal (run-engine 26.1).
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from trigger_box.domain.errors import NotFoundError
from trigger_box.domain.fairness import LaneKey, Lines
from trigger_box.domain.queues import EnvironmentLimits, effective_limit
from trigger_box.ids import EnvironmentId, QueueId, RunId, WorkerId
from trigger_box.store.queries import queues as sql
from trigger_box.store.queries import runs as runs_sql
from trigger_box.store.queries import waits as waits_sql
from trigger_box.store.store import Store
from trigger_box.store.writer import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What is stored about a queue. ``base_limit`` is what code declares."""

    id: QueueId
    name: str
    is_virtual: bool
    base_limit: int | None = None
    is_paused: bool = False
    override_limit: int | None = None
    override_percent: float | None = None
    overridden_at_ms: int | None = None
    overridden_by: str | None = None

    @property
    def is_overridden(self) -> bool:
        """Return whether people have set its limit by hand."""
        return self.override_limit is not None or self.override_percent is not None

    def limit(self, environment_limit: int) -> int | None:
        """Return its own limit as it holds now, None for none."""
        return effective_limit(
            base=self.base_limit,
            override=self.override_limit,
            override_percent=self.override_percent,
            environment_limit=environment_limit,
        )


@dataclass(slots=True)
class EnvironmentState:
    """What is stored about an environment and changes while runs go through it."""

    id: EnvironmentId
    is_development: bool
    limits: EnvironmentLimits
    is_archived: bool
    current_worker_id: WorkerId | None
    last_number: int
    queues: dict[str, Queue] = field(default_factory=dict[str, Queue])


class Resuming(NamedTuple):
    """A run whose waits are over and that has no slot: it keeps the rank it was queued with."""

    rank_ms: int
    run_id: RunId
    lane: LaneKey


class Lanes:
    """Counts, limits and pointers per environment. Mutated only inside the writer's thread."""

    def __init__(self) -> None:
        self.lines = Lines()
        self._resuming: dict[str, list[Resuming]] = {}
        self._environments: dict[str, EnvironmentState] = {}

    async def load(self, store: Store) -> None:
        """Count everything anew from the store, before anybody writes."""
        await store.write(self._load)

    def _load(self, tx: Transaction) -> None:
        for row in tx.all(sql.ready_lanes):
            lane = LaneKey(row["environment_id"], row["queue_name"], row["concurrency_key"])
            self.environment(tx, EnvironmentId(lane.environment_id))
            self.lines.shift(lane, ready=row["runs"])
        for row in tx.all(sql.held_lanes):
            lane = LaneKey(row["environment_id"], row["queue_name"], row["concurrency_key"])
            self.environment(tx, EnvironmentId(lane.environment_id))
            self.lines.shift(lane, running=row["runs"])

        for row in tx.all(waits_sql.resuming):
            lane = LaneKey(row["environment_id"], row["queue_name"], row["concurrency_key"])
            self.environment(tx, EnvironmentId(lane.environment_id))
            self._queue_resume(Resuming(row["rank_ms"], row["id"], lane))

    def environment(self, tx: Transaction, environment_id: EnvironmentId) -> EnvironmentState:
        """Return an environment's state, read from the store the first time.

        Raises:
            NotFoundError: there is no such environment.
        """
        known = self._environments.get(environment_id)
        if known is not None:
            return known
        row = tx.one(sql.environment_limits, {"environment_id": environment_id})
        if row is None:
            raise NotFoundError("Environment not found")
        newest = tx.one(runs_sql.newest_number, {"environment_id": environment_id})
        state = EnvironmentState(
            id=environment_id,
            is_development=row["type"] == "DEVELOPMENT",
            limits=EnvironmentLimits(
                limit=row["concurrency_limit"],
                burst_factor=row["burst_factor"],
                is_paused=bool(row["paused"]),
            ),
            is_archived=row["archived_at_ms"] is not None,
            current_worker_id=row["current_worker_id"],
            last_number=0 if newest is None else newest["number"],
        )
        self.lines.set_environment(environment_id, state.limits)
        for queue in tx.all(sql.queues_of, {"environment_id": environment_id}):
            self._put_queue(
                environment_id,
                Queue(
                    id=queue["id"],
                    name=queue["name"],
                    is_virtual=queue["type"] == "VIRTUAL",
                    base_limit=queue["concurrency_limit"],
                    is_paused=bool(queue["paused"]),
                    override_limit=queue["override_limit"],
                    override_percent=queue["override_percent"],
                    overridden_at_ms=queue["overridden_at_ms"],
                    overridden_by=queue["overridden_by"],
                ),
                into=state,
            )
        self._environments[environment_id] = state
        # A read-only load stays right even if this transaction is undone.
        return state

    def next_number(self, state: EnvironmentState) -> int:
        """Return the next run number. A number whose run is undone is left out: nobody saw it."""
        state.last_number += 1
        return state.last_number

    def shift(self, tx: Transaction, lane: LaneKey, *, ready: int = 0, running: int = 0) -> None:
        """Add to a lane's counts.

        The environment may be new to this process: none of its runs was ready or held at the
        start if all of them waited for an instant.
        """
        self.environment(tx, EnvironmentId(lane.environment_id))
        self.lines.shift(lane, ready=ready, running=running)
        tx.on_undo(partial(self.lines.shift, lane, ready=-ready, running=-running))

    def grant(self, tx: Transaction, environment_id: EnvironmentId | None) -> LaneKey | None:
        """Choose the next lane fairly; count one of its runs as running."""
        lane = self.lines.grant(environment_id)
        if lane is not None:
            tx.on_undo(partial(self.lines.shift, lane, ready=1, running=-1))
        return lane

    def has_room(self, tx: Transaction, lane: LaneKey) -> bool:
        """Return whether one more run of a lane may hold a slot now."""
        self.environment(tx, EnvironmentId(lane.environment_id))
        return self.lines.has_room(lane)

    def is_full(self, environment_id: str) -> bool:
        """Return whether no more runs of a known environment may hold a slot now."""
        lines = self.lines.environments[environment_id]
        return lines.running >= lines.slots

    def resuming(self, environment_id: str) -> list[Resuming]:
        """Return runs whose waits are over and that have no slot yet, in their old order."""
        return list(self._resuming.get(environment_id, ()))

    def queue_resume(self, tx: Transaction, waiting: Resuming) -> None:
        """Let a run whose waits are over stand in line for a slot, before all new ones."""
        self._queue_resume(waiting)
        tx.on_undo(partial(self._leave_resume, waiting))

    def leave_resume(self, tx: Transaction, lane: LaneKey, run_id: RunId) -> None:
        """Take a run out of that line: it has its slot, or wants none any more."""
        for waiting in self._resuming.get(lane.environment_id, ()):
            if waiting.run_id == run_id:
                self._leave_resume(waiting)
                tx.on_undo(partial(self._queue_resume, waiting))
                return

    def _queue_resume(self, waiting: Resuming) -> None:
        insort(self._resuming.setdefault(waiting.lane.environment_id, []), waiting)

    def _leave_resume(self, waiting: Resuming) -> None:
        line = self._resuming[waiting.lane.environment_id]
        line.remove(waiting)
        if not line:
            del self._resuming[waiting.lane.environment_id]

    def may_go(self, environment_id: str) -> bool:
        """Return whether a run of this environment could start now. A hint outside the writer."""
        lines = self.lines.environments.get(environment_id)
        return lines is not None and lines.may_go

    def may_go_count(self, environment_id: str) -> int:
        """Return how many runs of this environment could start now, at most. A hint, as above."""
        lines = self.lines.environments.get(environment_id)
        return 0 if lines is None else lines.may_go_count

    def is_outdated(self, environment_id: str, worker_ids: frozenset[WorkerId]) -> bool:
        """Return whether a development worker lacks the newest version. A hint, as ``may_go``."""
        state = self._environments.get(environment_id)
        return (
            state is not None and state.is_development and state.current_worker_id not in worker_ids
        )

    def set_limits(
        self, tx: Transaction, state: EnvironmentState, limits: EnvironmentLimits
    ) -> None:
        """Take over an environment's new limits; the caller stores them."""
        tx.on_undo(partial(self._set_limits, state, state.limits))
        self._set_limits(state, limits)

    def _set_limits(self, state: EnvironmentState, limits: EnvironmentLimits) -> None:
        state.limits = limits
        self.lines.set_environment(state.id, limits)
        for queue in state.queues.values():  # percentages follow the environment's limit
            self._put_queue(state.id, queue, into=state)

    def set_current_worker(
        self, tx: Transaction, state: EnvironmentState, worker_id: WorkerId
    ) -> None:
        """Take over the version that unlocked runs go to; the caller stores it."""
        before = state.current_worker_id
        state.current_worker_id = worker_id
        tx.on_undo(partial(setattr, state, "current_worker_id", before))

    def put_queue(self, tx: Transaction, environment_id: EnvironmentId, queue: Queue) -> None:
        """Take over a new queue, or new facts about one; the caller stores them."""
        state = self.environment(tx, environment_id)
        before = state.queues.get(queue.name)
        self._put_queue(environment_id, queue, into=state)
        tx.on_undo(partial(self._put_back, state, queue.name, before))

    def _put_queue(self, environment_id: str, queue: Queue, *, into: EnvironmentState) -> None:
        into.queues[queue.name] = queue
        self.lines.set_queue(
            environment_id,
            queue.name,
            limit=queue.limit(into.limits.limit),
            is_paused=queue.is_paused,
        )

    def _put_back(self, state: EnvironmentState, name: str, before: Queue | None) -> None:
        if before is None:
            del state.queues[name]
            self.lines.set_queue(state.id, name, limit=None, is_paused=False)
        else:
            self._put_queue(state.id, before, into=state)
