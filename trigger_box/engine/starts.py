"""How an attempt begins, inside the writer's thread, and what its worker is told.

Whether it may begin is decided by ``attempts.start`` and ``claims.claim``.
"""

from __future__ import annotations

from typing import Final

import msgspec

from trigger_box.domain.limits import MAX_DURATION_S_NONE
from trigger_box.domain.machines import machine_named
from trigger_box.domain.packets import NOTHING
from trigger_box.domain.runs import LEASE_MS, RunEvent, RunState, RunStatus, next_state
from trigger_box.engine.changes import record, snapshot_after
from trigger_box.engine.core import Core
from trigger_box.engine.executions import Execution, RunInfo, Snapshot, Started
from trigger_box.engine.packets import fetch
from trigger_box.engine.rows import PacketRow, RunFacts
from trigger_box.engine.traces import context_of
from trigger_box.engine.versions import Task, Version
from trigger_box.ids import RunId
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction

_decode_tags: Final = msgspec.json.Decoder(tuple[str, ...]).decode
_decode_options: Final = msgspec.json.Decoder(dict[str, str]).decode


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that runs: everything its answer is made of."""

    facts: RunFacts
    snapshot: Snapshot
    attempt_number: int
    attempt_started_at_ms: int
    version: Version
    task: Task
    packets: list[PacketRow]


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt begins with.

    Args of note:
        facts: the run, in a state that may start.
        request_key: the start call's key: a repeated call is known by it.
        claim: parameters of the claim that this start is folded into: one UPDATE writes both.
    """

    facts: RunFacts
    version: Version
    task: Task
    runner_id: str
    request_key: str | None = None
    is_warm: bool = False
    claim: dict[str, object] | None = None


def begin(core: Core, tx: Transaction, start: Start) -> Begun:
    """Begin the next attempt of a run."""
    facts = start.facts
    now_ms = core.clock.now_ms()
    snapshot = snapshot_after(
        facts.id,
        facts.snapshot_number,
        state=next_state(RunState(facts.state), RunEvent.STARTED),
        status=RunStatus.EXECUTING,
        attempt_number=facts.attempt_number + 1,
        description="Attempt created, starting execution",
        runner_id=start.runner_id,
        now_ms=now_ms,
    )
    parameters = {} if start.claim is None else start.claim
    parameters.update(
        id=facts.id,
        state=snapshot.state.value,
        status=snapshot.status.value,
        snapshot_number=snapshot.number,
        attempt_number=snapshot.attempt_number,
        # Handed out and begun in one step: whether it arrived shows at the first sign of life.
        lease_expires_at_ms=now_ms
        + LEASE_MS[snapshot.state if start.claim is None else RunState.PENDING_EXECUTING],
        runner_id=start.runner_id,
        now_ms=now_ms,
    )
    tx.execute(sql.start if start.claim is None else sql.claim_and_start, parameters)
    tx.execute(
        sql.insert_attempt,
        {
            "run_id": facts.id,
            "number": snapshot.attempt_number,
            "worker_id": start.version.id,
            "runner_id": start.runner_id,
            "snapshot_number": facts.snapshot_number,
            "start_key": start.request_key,
            "is_warm": 1 if start.is_warm else 0,
            "now_ms": now_ms,
        },
    )
    record(tx, facts, snapshot)
    return Begun(
        facts=facts,
        snapshot=snapshot,
        attempt_number=snapshot.attempt_number,
        attempt_started_at_ms=now_ms,
        version=start.version,
        task=start.task,
        packets=input_packets(tx, facts.id),
    )


def input_packets(tx: Transaction, run_id: RunId) -> list[PacketRow]:
    """Return what an attempt starts with: the payload, and metadata if there is some."""
    return [PacketRow._make(row) for row in tx.plain_all(sql.input_packets, {"run_id": run_id})]


async def started(core: Core, begun: Begun) -> Started:
    """Return what the worker is told. Big packets are read here, outside the writer's thread."""
    facts = begun.facts
    payload, metadata = NOTHING, None
    for row in begun.packets:
        packet = await fetch(core.store, packet_type=row.type, data=row.data, blob=row.blob)
        if row.kind == "PAYLOAD":
            payload = packet
        else:
            metadata = packet
    options = (
        None if facts.idempotency_options is None else _decode_options(facts.idempotency_options)
    )
    return Started(
        run=RunInfo(id=facts.id, status=begun.snapshot.status, attempt_number=begun.attempt_number),
        snapshot=begun.snapshot,
        execution=Execution(
            environment_id=facts.environment_id,
            run_id=facts.id,
            task=facts.task,
            file_path=begun.task.file_path,
            export_name=begun.task.export_name,
            attempt_number=begun.attempt_number,
            attempt_started_at_ms=begun.attempt_started_at_ms,
            payload=payload,
            metadata=metadata,
            tags=() if facts.tags == "[]" else _decode_tags(facts.tags),
            is_test=bool(facts.is_test),
            is_replay=facts.replay_of_run_id is not None,
            created_at_ms=facts.created_at_ms,
            started_at_ms=facts.started_at_ms or begun.attempt_started_at_ms,
            idempotency_key=facts.idempotency_key if options is None else options.get("key"),
            idempotency_scope=None if options is None else options.get("scope"),
            max_attempts=facts.trigger_max_attempts,
            max_duration_s=_real_limit(facts.max_duration_s),
            priority_ms=facts.priority_ms,
            parent_run_id=facts.parent_run_id,
            root_run_id=facts.root_run_id,
            usage_ms=facts.usage_ms,
            cost_in_cents=facts.cost_in_cents,
            base_cost_in_cents=facts.base_cost_in_cents,
            queue_id=facts.queue_id or "",
            queue_name=facts.queue_name,
            machine=machine_named(facts.machine),
            worker_id=begun.version.id,
            version=begun.version.version,
            trace=context_of(facts.trace_id, facts.span_id, facts.trace_context),
        ),
    )


def _real_limit(max_duration_s: int | None) -> int | None:
    """Return None for the number that means "no limit, also not the task's" (run-engine 4.3)."""
    return None if max_duration_s == MAX_DURATION_S_NONE else max_duration_s
