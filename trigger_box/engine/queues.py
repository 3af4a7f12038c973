"""The verbs on queues: list, pause, resume, override their limit (run-engine 5.5, rest-api 13.7).

A limit is one column, and what people set wins over what code declares; the effective one is
computed in ``lanes.Queue``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from trigger_box.domain.errors import InvalidError, NotFoundError
from trigger_box.engine.blocking import give_slots_back
from trigger_box.engine.core import Core
from trigger_box.engine.lanes import EnvironmentState, Queue
from trigger_box.ids import EnvironmentId, QueueId
from trigger_box.store.queries import queues as sql
from trigger_box.store.writer import Transaction

_PERCENT_MAX: Final = 100


class QueueNotKnownError(NotFoundError):
    """Queue not found"""  # noqa: D415 - the wire's own words

    code = "queue_not_found"


class NotOverriddenError(InvalidError):
    """Queue is not overridden"""  # noqa: D415 - the wire's own words

    code = "queue_not_overridden"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """A queue as people see it. ``limit`` is what holds now; None: only the environment's."""

    id: QueueId
    name: str
    is_virtual: bool
    is_paused: bool
    limit: int | None
    base_limit: int | None
    override_limit: int | None
    overridden_at_ms: int | None
    overridden_by: str | None
    running: int
    queued: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePage:
    """A page of queues by name, and how many there are in all."""

    queues: tuple[QueueView, ...]
    total: int


async def list_queues(
    core: Core, environment_id: EnvironmentId, *, offset: int, limit: int
) -> QueuePage:
    """Return queues of an environment, by name."""
    return await core.store.write(
        partial(_list, core, environment_id, slice(offset, offset + limit))
    )


def _list(core: Core, environment_id: EnvironmentId, part: slice, tx: Transaction) -> QueuePage:
    state = core.lanes.environment(tx, environment_id)
    names = sorted(state.queues)
    return QueuePage(
        queues=tuple(_view(core, state, state.queues[name]) for name in names[part]),
        total=len(names),
    )


async def get_queue(
    core: Core,
    environment_id: EnvironmentId,
    *,
    name: str | None = None,
    queue_id: str | None = None,
) -> QueueView:
    """Return one queue, by its full name (``task/x`` for a task's own) or its id.

    Raises:
        QueueNotKnownError: there is none.
    """

    def find(tx: Transaction) -> QueueView:
        state = core.lanes.environment(tx, environment_id)
        return _view(core, state, _queue(state, name=name, queue_id=queue_id))

    return await core.store.write(find)


async def set_paused(
    core: Core, environment_id: EnvironmentId, queue_id: str, *, is_paused: bool
) -> QueueView:
    """Pause or resume a queue. Runs that run go on; queued ones keep their place.

    Raises:
        QueueNotKnownError: there is none.
    """
    return await _change(
        core, environment_id, queue_id, lambda _, queue: replace(queue, is_paused=is_paused)
    )


async def override_limit(  # noqa: PLR0913 - one of two limits, and who set it
    core: Core,
    environment_id: EnvironmentId,
    queue_id: str,
    *,
    limit: int | None = None,
    percent: float | None = None,
    by: str | None = None,
) -> QueueView:
    """Set a queue's limit by hand, absolute or in percent of the environment's; deploys keep it.

    Raises:
        QueueNotKnownError: there is none.
        InvalidError: neither or both are given, or one is out of range.
    """
    if (limit is None) == (percent is None):
        raise InvalidError("Give either a concurrency limit or a percentage.")
    if percent is not None and not 0 < percent <= _PERCENT_MAX:
        raise InvalidError("The percentage must be above 0 and at most 100.")

    def change(state: EnvironmentState, queue: Queue) -> Queue:
        most = state.limits.limit
        if limit is not None and not 0 <= limit <= most:
            raise InvalidError(
                f"The concurrency limit must be between 0 and the environment's, {most}."
            )
        return replace(
            queue,
            override_limit=limit,
            override_percent=percent,
            overridden_at_ms=core.clock.now_ms(),
            overridden_by=by,
        )

    return await _change(core, environment_id, queue_id, change)


async def reset_limit(core: Core, environment_id: EnvironmentId, queue_id: str) -> QueueView:
    """Give a queue back the limit its code declares.

    Raises:
        QueueNotKnownError: there is none.
        NotOverriddenError: nobody has set it by hand.
    """

    def change(_: EnvironmentState, queue: Queue) -> Queue:
        if not queue.is_overridden:
            raise NotOverriddenError
        return replace(
            queue,
            override_limit=None,
            override_percent=None,
            overridden_at_ms=None,
            overridden_by=None,
        )

    return await _change(core, environment_id, queue_id, change)


async def _change(
    core: Core,
    environment_id: EnvironmentId,
    queue_id: str,
    change: Callable[[EnvironmentState, Queue], Queue],
) -> QueueView:
    return await core.store.write(partial(_change_now, core, environment_id, queue_id, change))


def _change_now(
    core: Core,
    environment_id: EnvironmentId,
    queue_id: str,
    change: Callable[[EnvironmentState, Queue], Queue],
    tx: Transaction,
) -> QueueView:
    state = core.lanes.environment(tx, environment_id)
    queue = change(state, _queue(state, queue_id=queue_id))
    tx.execute(
        sql.set_queue,
        {
            "id": queue.id,
            "paused": int(queue.is_paused),
            "override_limit": queue.override_limit,
            "override_percent": queue.override_percent,
            "overridden_at_ms": queue.overridden_at_ms,
            "overridden_by": queue.overridden_by,
        },
    )
    core.lanes.put_queue(tx, environment_id, queue)
    give_slots_back(core, tx, environment_id)
    tx.feed(
        at_ms=core.clock.now_ms(),
        environment_id=environment_id,
        subject=queue.id,
        kind="queue.changed",
        body=f'{{"id":"{queue.id}"}}',
    )
    tx.after_commit(partial(core.bus.wake_all, environment_id))
    return _view(core, state, queue)


def _queue(
    state: EnvironmentState, *, name: str | None = None, queue_id: str | None = None
) -> Queue:
    if name is not None:
        queue = state.queues.get(name)
    else:
        queue = next((one for one in state.queues.values() if one.id == queue_id), None)
    if queue is None:
        raise QueueNotKnownError
    return queue


def _view(core: Core, state: EnvironmentState, queue: Queue) -> QueueView:
    lines = core.lanes.lines.environments[state.id].queues.get(queue.name)
    return QueueView(
        id=queue.id,
        name=queue.name,
        is_virtual=queue.is_virtual,
        is_paused=queue.is_paused,
        limit=queue.limit(state.limits.limit),
        base_limit=queue.base_limit,
        override_limit=queue.limit(state.limits.limit) if queue.is_overridden else None,
        overridden_at_ms=queue.overridden_at_ms,
        overridden_by=queue.overridden_by,
        running=0 if lines is None else lines.running,
        queued=0 if lines is None else lines.ready,
    )
