"""Who is next: lines of ready runs, counted, and a fair choice among them. Pure, in memory.

The rule (run-engine 5.2, recommended): round-robin over environments with free slots, inside one
over queues with free slots, inside a queue over its concurrency keys; inside a lane by rank. Only
counts are kept here; which run heads a lane is the store's knowledge. Limits: run-engine 5.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from trigger_box.domain.queues import EnvironmentLimits, queue_slots


class LaneKey(NamedTuple):
    """One line of runs: an environment's queue, or one concurrency key of it ('' is none)."""

    environment_id: str
    queue_name: str
    concurrency_key: str


@dataclass(slots=True)
class Lane:
    """Counts of one lane: runs that may start now, and runs that hold a slot."""

    concurrency_key: str
    ready: int = 0
    running: int = 0


@dataclass(slots=True)
class QueueLines:
    """A queue: its limit, and a lane per key. ``turn`` holds the lanes that may go, in turn."""

    name: str
    limit: int | None = None
    is_paused: bool = False
    lanes: dict[str, Lane] = field(default_factory=dict[str, Lane])
    turn: dict[str, Lane] = field(default_factory=dict[str, Lane])

    @property
    def running(self) -> int:
        """Return how many of its runs hold a slot, over all keys."""
        return sum(lane.running for lane in self.lanes.values())

    @property
    def ready(self) -> int:
        """Return how many of its runs could start now, over all keys."""
        return sum(lane.ready for lane in self.lanes.values())


@dataclass(slots=True)
class EnvironmentLines:
    """An environment: its limit and its queues. ``turn`` holds queues with a lane that may go."""

    id: str
    limits: EnvironmentLimits
    running: int = 0
    ready: int = 0
    queues: dict[str, QueueLines] = field(default_factory=dict[str, QueueLines])
    turn: dict[str, QueueLines] = field(default_factory=dict[str, QueueLines])

    @property
    def slots(self) -> int:
        """Return how many of its runs may hold a slot at once."""
        return self.limits.slots

    @property
    def may_go(self) -> bool:
        """Return whether a run of this environment could start now."""
        return bool(self.turn) and self.running < self.slots

    @property
    def may_go_count(self) -> int:
        """Return how many of its runs could start now, if no queue's limit is in their way."""
        return min(self.ready, self.slots - self.running) if self.turn else 0


class Lines:
    """All lines of the box. Changed by one thread; others may look at ``may_go`` as a hint."""

    def __init__(self) -> None:
        self.environments: dict[str, EnvironmentLines] = {}
        self._turn: dict[str, EnvironmentLines] = {}

    def set_environment(self, environment_id: str, limits: EnvironmentLimits) -> EnvironmentLines:
        """Make an environment known, or change its limits. Nobody who runs is evicted."""
        lines = self.environments.get(environment_id)
        if lines is None:
            lines = self.environments[environment_id] = EnvironmentLines(environment_id, limits)
            return lines
        lines.limits = limits
        for queue in lines.queues.values():
            self._refresh_queue(lines, queue)
        self._refresh_environment(lines)
        return lines

    def set_queue(
        self, environment_id: str, name: str, *, limit: int | None, is_paused: bool
    ) -> None:
        """Set a queue's own limit and pause. The environment is known already."""
        lines = self.environments[environment_id]
        queue = lines.queues.get(name)
        if queue is None:
            queue = lines.queues[name] = QueueLines(name)
        queue.limit, queue.is_paused = limit, is_paused
        self._refresh_queue(lines, queue)
        self._refresh_environment(lines)

    def shift(self, lane_key: LaneKey, *, ready: int = 0, running: int = 0) -> None:
        """Add to a lane's counts. The environment is known already."""
        environment_id, name, concurrency_key = lane_key
        lines = self.environments[environment_id]
        queue = lines.queues.get(name)
        if queue is None:
            queue = lines.queues[name] = QueueLines(name)
        lane = queue.lanes.get(concurrency_key)
        if lane is None:
            lane = queue.lanes[concurrency_key] = Lane(concurrency_key)
        lane.ready += ready
        lane.running += running
        lines.running += running
        lines.ready += ready
        assert lane.ready >= 0, f"more runs left {lane_key} than were ready"
        assert lane.running >= 0, f"more slots of {lane_key} were freed than held"
        self._refresh_lane(lines, queue, lane)
        if not lane.ready and not lane.running:
            del queue.lanes[concurrency_key]  # keys come and go without number
            if not queue.lanes and queue.limit is None and not queue.is_paused:
                del lines.queues[name]
        self._refresh_environment(lines)

    def has_room(self, lane_key: LaneKey) -> bool:
        """Return whether one more run of this lane may hold a slot now."""
        environment_id, name, concurrency_key = lane_key
        lines = self.environments[environment_id]
        queue = lines.queues.get(name) or QueueLines(name)
        lane = queue.lanes.get(concurrency_key)
        slots = queue_slots(
            limit=queue.limit, environment_limit=lines.limits.limit, is_paused=queue.is_paused
        )
        return lines.running < lines.slots and (0 if lane is None else lane.running) < slots

    def grant(self, environment_id: str | None = None) -> LaneKey | None:
        """Choose the next lane, take one ready run and one slot of it; None when nobody may go.

        Args:
            environment_id: only this environment; None means all, each in its turn.
        """
        if environment_id is None:
            lines = next(iter(self._turn.values()), None)
        else:
            lines = self.environments.get(environment_id)
        if lines is None or not lines.may_go:
            return None
        queue = next(iter(lines.turn.values()))
        lane = next(iter(queue.turn.values()))
        # To the end of each line first: shift() may take them out of it.
        queue.turn[lane.concurrency_key] = queue.turn.pop(lane.concurrency_key)
        lines.turn[queue.name] = lines.turn.pop(queue.name)
        if lines.id in self._turn:
            self._turn[lines.id] = self._turn.pop(lines.id)
        lane_key = LaneKey(lines.id, queue.name, lane.concurrency_key)
        self.shift(lane_key, ready=-1, running=1)
        return lane_key

    def set_aside(self, lane_key: LaneKey) -> None:
        """Take a lane out of the turn until its counts change: its head suits nobody who asks."""
        lines = self.environments[lane_key.environment_id]
        queue = lines.queues.get(lane_key.queue_name)
        if queue is None:
            return
        queue.turn.pop(lane_key.concurrency_key, None)
        if not queue.turn:
            lines.turn.pop(queue.name, None)
        self._refresh_environment(lines)

    def refresh(self, lane_key: LaneKey) -> None:
        """Put a lane that was set aside back into its turn."""
        self.shift(lane_key)

    def counts(self) -> Iterator[tuple[LaneKey, int, int]]:
        """Yield each lane with its counts of ready and running runs."""
        for lines in self.environments.values():
            for queue in lines.queues.values():
                for lane in queue.lanes.values():
                    yield (
                        LaneKey(lines.id, queue.name, lane.concurrency_key),
                        lane.ready,
                        lane.running,
                    )

    def _refresh_lane(self, lines: EnvironmentLines, queue: QueueLines, lane: Lane) -> None:
        slots = queue_slots(
            limit=queue.limit, environment_limit=lines.limits.limit, is_paused=queue.is_paused
        )
        if lane.ready > 0 and lane.running < slots:
            queue.turn.setdefault(lane.concurrency_key, lane)
            lines.turn.setdefault(queue.name, queue)
        else:
            queue.turn.pop(lane.concurrency_key, None)
            if not queue.turn:
                lines.turn.pop(queue.name, None)

    def _refresh_queue(self, lines: EnvironmentLines, queue: QueueLines) -> None:
        for lane in queue.lanes.values():
            self._refresh_lane(lines, queue, lane)

    def _refresh_environment(self, lines: EnvironmentLines) -> None:
        if lines.may_go:
            self._turn.setdefault(lines.id, lines)
        else:
            self._turn.pop(lines.id, None)
