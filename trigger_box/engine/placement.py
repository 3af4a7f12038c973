"""Which queue and version a new run goes to. Inside the transaction that makes it.

Source: run-engine 4 (step 6) and 4.2 with its recommendation: an undeclared queue name is made a
queue in development, and refused with the known names elsewhere.
"""

from __future__ import annotations

import msgspec

from trigger_box.domain import limits
from trigger_box.domain.errors import RefusedError
from trigger_box.domain.queues import TASK_QUEUE_PREFIX, queue_name, task_queue
from trigger_box.engine.core import Core
from trigger_box.engine.lanes import EnvironmentState, Queue
from trigger_box.engine.versions import Version
from trigger_box.ids import EnvironmentId, QueueId, WorkerId
from trigger_box.store.queries import queues as sql
from trigger_box.store.queries import workers as workers_sql
from trigger_box.store.writer import Transaction


class VersionNotFoundError(RefusedError):
    """No version of that name is registered in this environment."""

    code = "version_not_found"


class QueueNotFoundError(RefusedError):
    """No version declares this queue."""

    code = "queue_not_declared"


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """Where a new run goes. ``queue_id`` is None until some version declares the queue."""

    queue_name: str
    queue_id: QueueId | None
    ttl: str | None
    locked_worker_id: WorkerId | None = None
    locked_version: str | None = None


class Wish(msgspec.Struct, frozen=True):
    """Where a trigger call wants its run: the task, a queue by name, a version by name."""

    task: str
    queue_name: str | None = None
    lock_to_version: str | None = None


def place(core: Core, tx: Transaction, state: EnvironmentState, wish: Wish) -> Placed:
    """Return the queue, version and default ttl of a new run.

    Raises:
        RefusedError: the version, the task in it, or the queue does not exist.
    """
    task = wish.task
    asked = None if wish.queue_name is None else queue_name(wish.queue_name, task=task)
    if wish.lock_to_version is not None:
        return _place_locked(core, tx, state, Wish(task, asked, wish.lock_to_version))
    version = (
        None if state.current_worker_id is None else core.versions.of(tx, state.current_worker_id)
    )
    known_task = None if version is None else version.tasks.get(task)
    name = asked or (task_queue(task) if known_task is None else known_task.queue_name)
    queue = state.queues.get(name)
    # A task's own queue needs no declaration: the task may come with the next version.
    if queue is None and asked is not None and not asked.startswith(TASK_QUEUE_PREFIX):
        queue = _undeclared(core, tx, state, version, asked)
    ttl = None if known_task is None else known_task.ttl
    if ttl is None and state.is_development:
        ttl = limits.DEV_TTL
    return Placed(queue_name=name, queue_id=None if queue is None else queue.id, ttl=ttl)


def _place_locked(core: Core, tx: Transaction, state: EnvironmentState, wish: Wish) -> Placed:
    task, asked, lock_to_version = wish.task, wish.queue_name, wish.lock_to_version
    row = tx.one(
        workers_sql.worker_of_version, {"environment_id": state.id, "version": lock_to_version}
    )
    version = None if row is None else core.versions.of(tx, row["id"])
    if version is None:
        raise VersionNotFoundError(
            f"Task locked to version '{lock_to_version}', but no worker found with that version."
        )
    known_task = version.tasks.get(task)
    if asked is not None and asked not in version.queue_names:
        raise QueueNotFoundError(
            f"Specified queue '{asked}' not found or not associated with locked version "
            f"'{lock_to_version}'."
        )
    if known_task is None:
        raise VersionNotFoundError(
            f"Task '{task}' not found on locked version '{lock_to_version}'."
        )
    name = asked or known_task.queue_name
    queue = state.queues.get(name)
    ttl = known_task.ttl or (limits.DEV_TTL if state.is_development else None)
    return Placed(
        queue_name=name,
        queue_id=None if queue is None else queue.id,
        ttl=ttl,
        locked_worker_id=version.id,
        locked_version=version.version,
    )


def _undeclared(
    core: Core, tx: Transaction, state: EnvironmentState, version: Version | None, name: str
) -> Queue | None:
    if state.is_development:
        return ensure_queue(core, tx, state.id, name)
    if version is None:
        return None  # nothing is known yet: the run waits for a version that declares it
    known = sorted(version.queue_names)
    shown = ", ".join(known[: limits.NAMES_SHOWN_MAX])
    more = len(known) - limits.NAMES_SHOWN_MAX
    raise QueueNotFoundError(
        f"Queue '{name}' is not declared by version {version.version}. Declared queues: {shown}"
        + (f" and {more} more." if more > 0 else "."),
        queue=name,
    )


def ensure_queue(
    core: Core,
    tx: Transaction,
    environment_id: EnvironmentId,
    name: str,
    *,
    limit: int | None = None,
) -> Queue:
    """Return a queue of this environment, made now if there is none."""
    state = core.lanes.environment(tx, environment_id)
    queue = state.queues.get(name)
    if queue is not None:
        return queue
    queue = Queue(
        id=core.ids.queue(),
        name=name,
        is_virtual=name.startswith(TASK_QUEUE_PREFIX),
        base_limit=limit,
    )
    tx.execute(
        sql.insert_queue,
        {
            "id": queue.id,
            "environment_id": environment_id,
            "name": name,
            "type": "VIRTUAL" if queue.is_virtual else "NAMED",
            "concurrency_limit": limit,
            "now_ms": core.clock.now_ms(),
        },
    )
    core.lanes.put_queue(tx, environment_id, queue)
    return queue
