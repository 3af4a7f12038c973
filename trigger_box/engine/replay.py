"""The verb "replay": a new run from an old one's input (run-engine 16, rest-api 13.3)."""

from __future__ import annotations

from dataclasses import dataclass

from trigger_box.access.actors import Environment
from trigger_box.domain import limits
from trigger_box.domain.packets import NOTHING, Packet
from trigger_box.engine import stored_packets
from trigger_box.engine.core import Core
from trigger_box.engine.reading import Run, get_run
from trigger_box.engine.trigger import Trace, Triggered, TriggerRequest, trigger

LATEST = "latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOverrides:
    """What the new run does not take from the old one. None: as it was.

    Never taken over: idempotency key, delay, ttl, parent, attempts, priority, and the version,
    unless ``lock_to_version`` asks for one.
    """

    payload: Packet | None = None
    metadata: Packet | None = None
    tags: tuple[str, ...] | None = None
    queue_name: str | None = None
    concurrency_key: str | None = None
    machine: str | None = None
    lock_to_version: str | None = None
    delay_until_ms: int | None = None
    ttl: str | None = None
    idempotency_key: str | None = None
    idempotency_ttl_ms: int = limits.IDEMPOTENCY_KEY_TTL_MS
    max_attempts: int | None = None
    max_duration_s: float | None = None
    priority_ms: int = 0
    is_test: bool | None = None


NOTHING_CHANGED = ReplayOverrides()


async def replay(  # noqa: PLR0913 - whose, which, what else, and who asks
    core: Core,
    environment: Environment,
    run_id: str,
    overrides: ReplayOverrides = NOTHING_CHANGED,
    *,
    source: str = "api",
    request_key: str | None = None,
    into: Environment | None = None,
) -> Triggered:
    """Make a new run with an old run's payload, seed metadata, tags, queue, key and machine.

    It runs in the same environment, or in ``into``: another one of the same project.

    Raises:
        RunNotFoundError: no such run in this environment.
        RefusedError: a rule says no, as for every trigger.
    """
    run = await get_run(core, environment.id, run_id)
    lock = overrides.lock_to_version
    target = into or environment
    payload = overrides.payload or run.payload or NOTHING
    await stored_packets.lend(core, environment.id, target.id, payload)
    request = TriggerRequest(
        environment=target,
        task=run.task,
        payload=payload,
        metadata=overrides.metadata or run.seed_metadata,
        tags=run.tags if overrides.tags is None else overrides.tags,
        queue_name=overrides.queue_name or await _queue_if_it_exists(core, target, run),
        concurrency_key=overrides.concurrency_key or run.concurrency_key,
        machine=overrides.machine or run.machine,
        lock_to_version=None if lock == LATEST else lock,
        delay_until_ms=overrides.delay_until_ms,
        ttl=overrides.ttl,
        idempotency_key=overrides.idempotency_key,
        idempotency_ttl_ms=overrides.idempotency_ttl_ms,
        max_attempts=overrides.max_attempts,
        max_duration_s=overrides.max_duration_s,
        priority_ms=overrides.priority_ms,
        is_test=run.is_test if overrides.is_test is None else overrides.is_test,
        source=source,
        action="replay",
        trace=Trace(),
        request_key=request_key,
        replay_of_run_id=run.id,
    )
    return await trigger(core, request)


async def _queue_if_it_exists(core: Core, environment: Environment, run: Run) -> str | None:
    """Return the old run's queue, unless it is gone: then the task's own is taken."""
    state_queues = await core.store.write(
        lambda tx: core.lanes.environment(tx, environment.id).queues
    )
    return run.queue_name if run.queue_name in state_queues else None
