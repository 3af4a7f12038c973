"""What tests build again and again: a core on a real store, environments, versions, requests."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.support.clock import ManualClock
from trigger_box.access.actors import SLUGS, Environment, EnvironmentType
from trigger_box.clock import Clock
from trigger_box.domain.packets import Packet
from trigger_box.engine.core import Core, open_core
from trigger_box.engine.executions import Dequeued, Started, SucceededAttempt
from trigger_box.engine.trigger import TriggerRequest
from trigger_box.engine.workers import QueueDeclaration, Registration, TaskDeclaration
from trigger_box.ids import (
    EnvironmentId,
    IdSource,
    OrganizationId,
    ProjectId,
    ProjectRef,
)
from trigger_box.store.folder import DataFolder
from trigger_box.store.store import Store


@asynccontextmanager
async def a_core(folder: Path, *, clock: Clock | None = None, seed: int = 1) -> AsyncIterator[Core]:
    """Open a core on a real store in ``folder``; close it at the end."""
    clock = clock or ManualClock()
    store = await Store.open(DataFolder(folder))
    try:
        ids = IdSource(clock, random.Random(seed))  # noqa: S311 - a test repeats by its seed
        yield await open_core(store, clock=clock, ids=ids)
    finally:
        await store.close()


async def an_environment(
    core: Core,
    kind: EnvironmentType = EnvironmentType.DEVELOPMENT,
    *,
    concurrency_limit: int = 100,
    burst_factor: float = 1.0,
) -> Environment:
    """Make an organization, a project and one environment of it."""
    environment = Environment(
        id=core.ids.environment(),
        type=kind,
        slug=SLUGS[kind],
        branch_name=None,
        parent_id=None,
        owner_id=None,
        project_id=core.ids.project(),
        project_ref=core.ids.project_ref(),
        project_slug="shop",
        project_name="Shop",
        organization_id=core.ids.organization(),
        organization_slug="acme",
        organization_title="Acme",
    )
    await core.store.write(
        lambda tx: _insert_environment(tx, core, environment, concurrency_limit, burst_factor)
    )
    return environment


def _insert_environment(
    tx: Any, core: Core, environment: Environment, limit: int, burst_factor: float
) -> None:
    now_ms = core.clock.now_ms()
    tx.execute(
        "INSERT INTO organizations VALUES (:id, :slug, 'Acme', :now)",
        {"id": environment.organization_id, "slug": environment.organization_id, "now": now_ms},
    )
    tx.execute(
        "INSERT INTO projects (id, ref, organization_id, slug, name, created_at_ms)"
        " VALUES (:id, :ref, :organization, 'shop', 'Shop', :now)",
        {
            "id": environment.project_id,
            "ref": environment.project_ref,
            "organization": environment.organization_id,
            "now": now_ms,
        },
    )
    tx.execute(
        "INSERT INTO environments (id, project_id, type, slug, concurrency_limit, burst_factor,"
        " created_at_ms) VALUES (:id, :project, :type, :slug, :limit, :burst, :now)",
        {
            "id": environment.id,
            "project": environment.project_id,
            "type": str(environment.type),
            "slug": environment.slug,
            "limit": limit,
            "burst": burst_factor,
            "now": now_ms,
        },
    )


def a_task(task: str = "send-email", **fields: Any) -> TaskDeclaration:
    """Return a task declaration; ``retry`` and others as JSON text."""
    return TaskDeclaration(id=task, file_path=f"tasks/{task}.py", **fields)


def a_registration(
    *tasks: TaskDeclaration, content_hash: str = "hash-1", queues: tuple[QueueDeclaration, ...] = ()
) -> Registration:
    """Return a registration of these tasks, or of one called send-email."""
    return Registration(
        content_hash=content_hash, tasks=tasks or (a_task(),), queues=queues, runtime="python"
    )


def a_request(environment: Environment, task: str = "send-email", **fields: Any) -> TriggerRequest:
    """Return a trigger request with a small payload."""
    request = TriggerRequest(
        environment=environment, task=task, payload=Packet('{"to":"a@b.c"}', "application/json")
    )
    return replace(request, **fields)


def a_success(output: str = '"ok"', usage_ms: int = 5) -> SucceededAttempt:
    """Return the report of an attempt that went well."""
    return SucceededAttempt(output=Packet(output), usage_ms=usage_ms)


@dataclass(frozen=True)
class Handed:
    """A run in a worker's hands."""

    dequeued: Dequeued
    started: Started


__all__ = [
    "EnvironmentId",
    "EnvironmentType",
    "Handed",
    "ManualClock",
    "OrganizationId",
    "ProjectId",
    "ProjectRef",
    "a_core",
    "a_registration",
    "a_request",
    "a_success",
    "a_task",
    "an_environment",
]
