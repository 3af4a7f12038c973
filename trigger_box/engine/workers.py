"""The verb "register": a set of tasks becomes a version that runs can go to.

Source: cli-protocol 7 and 12, run-engine 5.5 and 15. In development a new version is current at
once; the runs that waited for it are looked at again in the same transaction (``waiting.py``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial

from trigger_box.access.actors import Environment, EnvironmentType
from trigger_box.domain import limits
from trigger_box.domain.errors import InvalidError
from trigger_box.domain.queues import declared_limit, queue_name, task_queue
from trigger_box.domain.versions import day_of, next_version
from trigger_box.engine.core import Core
from trigger_box.engine.lanes import EnvironmentState
from trigger_box.engine.placement import ensure_queue
from trigger_box.engine.versions import Version
from trigger_box.engine.waiting import release_pending
from trigger_box.ids import EnvironmentId, WorkerId
from trigger_box.store.queries import queues as queues_sql
from trigger_box.store.queries import workers as sql
from trigger_box.store.writer import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDeclaration:
    """A queue as code declares it. ``limit`` None: no limit of its own."""

    name: str
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDeclaration:
    """A task as code declares it. ``retry``, ``machine``, ``payload_schema`` are JSON text.

    ``queue_name`` None means the task's own queue, which then has ``queue_limit``. With a name,
    ``queue_limit`` counts only if ``has_queue_limit``: else the queue's own declaration does.
    """

    id: str
    file_path: str
    export_name: str | None = None
    description: str | None = None
    queue_name: str | None = None
    queue_limit: int | None = None
    has_queue_limit: bool = False
    retry: str | None = None
    machine: str | None = None
    max_duration_s: int | None = None
    ttl: str | None = None
    trigger_source: str = "STANDARD"
    payload_schema: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a worker registers. ``metadata`` is the whole body's metadata, as sent."""

    content_hash: str
    tasks: tuple[TaskDeclaration, ...]
    queues: tuple[QueueDeclaration, ...] = ()
    sdk_version: str | None = None
    cli_version: str | None = None
    runtime: str | None = None
    runtime_version: str | None = None
    metadata: str = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The version that stands for a registration; ``is_new`` unless it was there already."""

    worker_id: WorkerId
    version: str
    content_hash: str
    is_new: bool


async def register(core: Core, environment: Environment, registration: Registration) -> Registered:
    """Register a version, and make it current in development.

    The same content as the current version's is that version: nothing changes.

    Raises:
        InvalidError: two tasks share an id, one has none, or there are too many.
    """
    _check(registration)
    return await core.store.write(partial(_register, core, environment, registration))


def _check(registration: Registration) -> None:
    if len(registration.tasks) > limits.TASKS_PER_VERSION_MAX:
        raise InvalidError(
            f"A version can have {limits.TASKS_PER_VERSION_MAX} tasks, "
            f"this one has {len(registration.tasks)}."
        )
    counts = Counter(task.id for task in registration.tasks)
    if "" in counts:
        raise InvalidError("A task has an empty id. Give it a name.")
    doubles = sorted(task for task, count in counts.items() if count > 1)
    if doubles:
        files = sorted(task.file_path for task in registration.tasks if task.id == doubles[0])
        raise InvalidError(
            f"Two tasks have the id '{doubles[0]}' (in {' and '.join(files)}). "
            "Task ids must be unique: rename one of them.",
            tasks=doubles,
        )


def _register(
    core: Core, environment: Environment, registration: Registration, tx: Transaction
) -> Registered:
    state = core.lanes.environment(tx, environment.id)
    current = (
        None if state.current_worker_id is None else core.versions.of(tx, state.current_worker_id)
    )
    if current is not None and current.content_hash == registration.content_hash:
        return Registered(
            worker_id=current.id,
            version=current.version,
            content_hash=current.content_hash,
            is_new=False,
        )
    now_ms = core.clock.now_ms()
    worker_id = core.ids.worker()
    version_name = _next_version(tx, environment.id, now_ms)
    tx.execute(
        sql.insert_worker,
        {
            "id": worker_id,
            "environment_id": environment.id,
            "version": version_name,
            "content_hash": registration.content_hash,
            "sdk_version": registration.sdk_version,
            "cli_version": registration.cli_version,
            "runtime": registration.runtime,
            "runtime_version": registration.runtime_version,
            "metadata": registration.metadata,
            "now_ms": now_ms,
        },
    )
    _insert_tasks(tx, worker_id, registration)
    _upsert_queues(core, tx, state, worker_id, registration)
    version = core.versions.of(tx, worker_id)
    assert version is not None, "it was inserted just now"
    if environment.type is EnvironmentType.DEVELOPMENT:
        make_current(core, tx, state, version)
    tx.feed(
        at_ms=now_ms,
        environment_id=environment.id,
        subject=worker_id,
        kind="worker.registered",
        body=f'{{"id":"{worker_id}","version":"{version_name}"}}',
    )
    return Registered(
        worker_id=worker_id,
        version=version_name,
        content_hash=registration.content_hash,
        is_new=True,
    )


def make_current(core: Core, tx: Transaction, state: EnvironmentState, version: Version) -> None:
    """Send unlocked runs to this version from now on, those that waited for one included."""
    tx.execute(sql.set_current_worker, {"environment_id": state.id, "worker_id": version.id})
    core.lanes.set_current_worker(tx, state, version.id)
    release_pending(core, tx, state, version)
    tx.after_commit(partial(core.bus.wake_all, state.id))


def _next_version(tx: Transaction, environment_id: EnvironmentId, now_ms: int) -> str:
    day = day_of(now_ms)
    rows = tx.all(
        sql.versions_of_day,
        {"environment_id": environment_id, "first": f"{day}.", "after": f"{day}/"},
    )
    return next_version((row["version"] for row in rows), now_ms=now_ms)


def queue_of(task: TaskDeclaration) -> str:
    """Return the name of the queue a declared task goes to."""
    if task.queue_name is None:
        return task_queue(task.id)
    return queue_name(task.queue_name, task=task.id)


def _insert_tasks(tx: Transaction, worker_id: WorkerId, registration: Registration) -> None:
    tx.many(
        sql.insert_worker_task,
        [
            {
                "worker_id": worker_id,
                "slug": task.id,
                "file_path": task.file_path,
                "export_name": task.export_name,
                "description": task.description,
                "queue_name": queue_of(task),
                "retry": task.retry,
                "machine": task.machine,
                "max_duration_s": task.max_duration_s,
                "ttl": task.ttl,
                "trigger_source": task.trigger_source,
                "payload_schema": task.payload_schema,
            }
            for task in registration.tasks
        ],
    )


def _upsert_queues(
    core: Core,
    tx: Transaction,
    state: EnvironmentState,
    worker_id: WorkerId,
    registration: Registration,
) -> None:
    declared: dict[str, int | None] = {}
    for task in registration.tasks:
        name = queue_of(task)
        if task.queue_name is None or task.has_queue_limit:
            declared[name] = task.queue_limit
        else:
            declared.setdefault(name, None)
    for queue in registration.queues:
        declared[queue_name(queue.name, task=queue.name)] = queue.limit
    for name, asked in declared.items():
        limit = declared_limit(asked, environment_limit=state.limits.limit)
        queue = ensure_queue(core, tx, state.id, name, limit=limit)
        if queue.base_limit != limit:
            tx.execute(queues_sql.set_queue_limit, {"id": queue.id, "concurrency_limit": limit})
            core.lanes.put_queue(tx, state.id, replace(queue, base_limit=limit))
        tx.execute(sql.insert_worker_queue, {"worker_id": worker_id, "name": name})
