"""Why a run is not running, as one sentence for people. Pure; the facts come from the engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from trigger_box.domain.runs import RunState
from trigger_box.domain.versions import PendingReason

_HOLDERS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Awaited:
    """Something a run's code waits for: a run or a token by its id, or an instant without one."""

    kind: str
    id: str
    until_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What keeps a run, as far as it is known.

    Args of note:
        lane_slots: slots of its queue, or of its concurrency key; None if it has no limit.
        holders: ids of runs that hold the slots it waits for.
        ahead: how many ready runs stand before it in its lane.
        is_worker_connected: None outside development, where nobody types a command to connect one.
        has_task: whether the version it is bound to, or else the current one, has its task.
        version: the version it is bound to, if it is.
        awaited: what its code waits for, a few of them; any one lets it go on.
    """

    state: RunState
    task: str
    status_reason: str | None
    queue_name: str
    concurrency_key: str | None
    due_at_ms: int | None
    attempt_number: int
    is_environment_paused: bool
    environment_slots: int
    environment_running: int
    is_queue_paused: bool
    lane_slots: int | None
    lane_running: int
    holders: tuple[str, ...]
    has_version: bool
    has_task: bool
    is_worker_connected: bool | None
    version: str | None
    ahead: int
    awaited: tuple[Awaited, ...] = ()

    @property
    def is_development(self) -> bool:
        """Whether versions come from somebody's machine; elsewhere they are deployed."""
        return self.is_worker_connected is not None


_PENDING: Final = {
    PendingReason.NO_WORKER: "none is in this environment yet",
    PendingReason.TASK_NEVER_REGISTERED: "no version has ever had the task '{task}'",
    PendingReason.TASK_NOT_IN_LATEST: "the current version has no task '{task}' any more",
    PendingReason.QUEUE_NOT_FOUND: "the current version declares no queue '{queue}'",
    PendingReason.NO_DEPLOYMENT: "the current version has no image to run",
}


_NO_VERSION: Final = {
    True: "No version is registered in this environment yet. Start one: 'trigger-box dev'.",
    False: "No version is deployed to this environment yet. It starts by itself once one is.",
}


NO_WORKER: Final = "No worker is connected. Start one with 'trigger-box dev'."
"""Nothing else keeps the run: the one thing to do is to start a dev process."""


def why_waiting(facts: Waiting) -> str | None:
    """Return why a run is not running, None if it is running or done. The nearest reason wins."""
    match facts.state:
        case RunState.DELAYED:
            return f"It is delayed until {_time(facts.due_at_ms)}."
        case RunState.RUN_CREATED:
            return _why_pending(facts)
        case RunState.QUEUED:
            return _why_queued(facts)
        case RunState.EXECUTING_WITH_WAITPOINTS if facts.awaited:
            return _why_awaiting(facts.awaited)
        case RunState.QUEUED_EXECUTING:
            return "What it waited for is done; it waits for a free slot to go on."
        case _:
            return None


def _why_awaiting(awaited: tuple[Awaited, ...]) -> str:
    first = awaited[0]
    if len(awaited) > 1:
        return f"It waits for the first of these: {'; '.join(map(_awaited, awaited))}."
    if first.kind == "DATETIME":
        return f"It waits until {_time(first.until_ms)}."
    return f"It waits for {_awaited(first)}."


def _awaited(one: Awaited) -> str:
    match one.kind:
        case "RUN":
            return f"the run {one.id}"
        case "DATETIME":
            return f"the instant {_time(one.until_ms)}"
        case _ if one.until_ms is None:
            return f"the token {one.id}"
        case _:
            return f"the token {one.id} (until {_time(one.until_ms)})"


def _why_pending(facts: Waiting) -> str:
    reason = "no version can run it"
    if facts.status_reason in _PENDING:
        template = _PENDING[PendingReason(facts.status_reason)]
        reason = template.format(task=facts.task, queue=facts.queue_name)
    how = "registered" if facts.is_development else "deployed"
    return f"It waits for a version: {reason}. It starts by itself once one that can is {how}."


def _why_queued(facts: Waiting) -> str:
    if facts.due_at_ms is not None:
        what = "tried again" if facts.attempt_number else "handed out again"
        return f"It will be {what} at {_time(facts.due_at_ms)}."
    if facts.is_environment_paused:
        return "Its environment is paused. Resume the environment to let it go."
    if facts.is_queue_paused:
        return f"Its queue '{facts.queue_name}' is paused. Resume the queue to let it go."
    if (missing := _missing_version(facts)) is not None:
        return missing
    if facts.environment_running >= facts.environment_slots:
        return (
            f"All {facts.environment_slots} slots of its environment are taken"
            f"{_held_by(facts.holders)}."
        )
    if facts.lane_slots is not None and facts.lane_running >= facts.lane_slots:
        key = "" if facts.concurrency_key is None else f" (key '{facts.concurrency_key}')"
        return (
            f"The limit of {facts.lane_slots} of its queue '{facts.queue_name}'{key} is reached"
            f"{_held_by(facts.holders)}."
        )
    if facts.is_worker_connected is False:
        return _missing_worker(facts)
    if facts.ahead:
        runs = "run is" if facts.ahead == 1 else "runs are"
        return f"{facts.ahead} {runs} ahead of it in its queue."
    if facts.version is not None:
        return f"It is next, once a worker with version {facts.version} asks for a run."
    return "It is next, once a worker asks for a run."


def _missing_version(facts: Waiting) -> str | None:
    if not facts.has_version:
        return _NO_VERSION[facts.is_development]
    if facts.has_task or facts.version is not None:
        return None
    how = "registered" if facts.is_development else "deployed"
    return (
        f"The current version has no task '{facts.task}'. "
        f"It starts by itself once one that has it is {how}."
    )


def _missing_worker(facts: Waiting) -> str:
    if facts.version is None:
        return NO_WORKER
    return (
        f"No worker that has version {facts.version} is connected. "
        "Start one with 'trigger-box dev'."
    )


def _held_by(holders: tuple[str, ...]) -> str:
    if not holders:
        return ""
    shown = ", ".join(holders[:_HOLDERS_SHOWN])
    return f", among others by {shown}" if len(holders) > _HOLDERS_SHOWN else f" by {shown}"


def _time(at_ms: int | None) -> str:
    assert at_ms is not None, "a run that waits for an instant has one"
    moment = datetime.fromtimestamp(at_ms / 1_000, UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
