"""Registered versions as the engine needs them: tasks, queues, policies. Immutable, so cached.

Making one lives in ``workers.py``; which one is current is in ``lanes.EnvironmentState``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from trigger_box.domain import limits
from trigger_box.domain.machines import PRESETS, smallest_preset
from trigger_box.domain.retries import RetryPolicy
from trigger_box.ids import EnvironmentId, WorkerId
from trigger_box.store.queries import workers as sql
from trigger_box.store.writer import Row, Transaction


class _WireOutOfMemory(msgspec.Struct):
    machine: str | None = None


class WireRetry(msgspec.Struct, rename="camel"):
    """A retry policy as registrations carry it (``RetryOptions``)."""

    max_attempts: int | None = None
    factor: float | None = None
    min_timeout_in_ms: float | None = None
    max_timeout_in_ms: float | None = None
    randomize: bool | None = None
    out_of_memory: _WireOutOfMemory | None = None


class WireMachine(msgspec.Struct):
    """A machine as registrations carry it."""

    preset: str | None = None
    cpu: float | None = None
    memory: float | None = None


_decode_retry: Final = msgspec.json.Decoder(WireRetry).decode
_decode_machine: Final = msgspec.json.Decoder(WireMachine).decode


def policy_of(text: str | None) -> RetryPolicy | None:
    """Return a stored retry policy, typed; missing fields get the defaults (run-engine 7.4)."""
    if text is None:
        return None
    wire = _decode_retry(text)
    default = RetryPolicy()
    machine = None if wire.out_of_memory is None else wire.out_of_memory.machine
    return RetryPolicy(
        attempts_max=default.attempts_max if wire.max_attempts is None else wire.max_attempts,
        factor=default.factor if wire.factor is None else wire.factor,
        delay_ms_min=(
            default.delay_ms_min
            if wire.min_timeout_in_ms is None
            else round(wire.min_timeout_in_ms)
        ),
        delay_ms_max=(
            default.delay_ms_max
            if wire.max_timeout_in_ms is None
            else round(wire.max_timeout_in_ms)
        ),
        is_randomized=default.is_randomized if wire.randomize is None else wire.randomize,
        out_of_memory_machine=machine if machine in PRESETS else None,
    )


def machine_of(text: str | None) -> str | None:
    """Return the preset that a task's machine setting means, None if it has none."""
    if text is None:
        return None
    wire = _decode_machine(text)
    if wire.preset in PRESETS:
        return wire.preset
    return smallest_preset(cpu=wire.cpu, memory=wire.memory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task of a version, with what its runs are bound to."""

    slug: str
    file_path: str
    export_name: str | None
    queue_name: str
    retry: str | None
    attempts_max: int | None
    machine: str | None
    max_duration_s: int | None
    ttl: str | None
    trigger_source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A registered worker: immutable."""

    id: WorkerId
    environment_id: EnvironmentId
    version: str
    content_hash: str
    runtime: str | None
    runtime_version: str | None
    sdk_version: str | None
    cli_version: str | None
    created_at_ms: int
    tasks: dict[str, Task]
    queue_names: frozenset[str]


class Versions:
    """A bounded cache of versions. Used in the writer's thread."""

    def __init__(self) -> None:
        self._cached: dict[WorkerId, Version] = {}

    def of(self, tx: Transaction, worker_id: WorkerId) -> Version | None:
        """Return a version, None if there is no such worker."""
        version = self._cached.get(worker_id)
        if version is not None:
            return version
        row = tx.one(sql.worker, {"worker_id": worker_id})
        if row is None:
            return None
        version = _version(
            row,
            tx.all(sql.worker_tasks, {"worker_id": worker_id}),
            tx.all(sql.worker_queues, {"worker_id": worker_id}),
        )
        while len(self._cached) >= limits.VERSIONS_CACHED_MAX:
            del self._cached[next(iter(self._cached))]
        self._cached[worker_id] = version
        # A registration that is undone takes its id with it: nobody asks for that id again.
        return version


def _version(row: Row, tasks: list[Row], queues: list[Row]) -> Version:
    return Version(
        id=row["id"],
        environment_id=row["environment_id"],
        version=row["version"],
        content_hash=row["content_hash"],
        runtime=row["runtime"],
        runtime_version=row["runtime_version"],
        sdk_version=row["sdk_version"],
        cli_version=row["cli_version"],
        created_at_ms=row["created_at_ms"],
        tasks={task["slug"]: _task(task) for task in tasks},
        queue_names=frozenset(queue["name"] for queue in queues),
    )


def _task(row: Row) -> Task:
    policy = policy_of(row["retry"])
    return Task(
        slug=row["slug"],
        file_path=row["file_path"],
        export_name=row["export_name"],
        queue_name=row["queue_name"],
        retry=row["retry"],
        attempts_max=None if policy is None else policy.attempts_max,
        machine=machine_of(row["machine"]),
        max_duration_s=row["max_duration_s"],
        ttl=row["ttl"],
        trigger_source=row["trigger_source"],
    )
