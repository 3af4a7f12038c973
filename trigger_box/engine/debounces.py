"""Debounced triggers: finding the delayed run that a key shares, and pushing it (run-engine 12.3).

Inside the writer's thread. The rule of how far a run is pushed: ``domain/debounce.py``.
"""

from __future__ import annotations

from typing import Final

import msgspec

from trigger_box.domain.debounce import DebounceMode, pushed_until_ms
from trigger_box.engine.changes import announce_unmoved
from trigger_box.engine.core import Core
from trigger_box.engine.heads import head_of
from trigger_box.engine.making import Prepared, insert_tags, max_attempts, max_duration_s
from trigger_box.engine.packets import StoredPacket, insert_packet
from trigger_box.engine.requests import TriggerRequest
from trigger_box.engine.reschedule import move
from trigger_box.ids import RunId
from trigger_box.store.queries import debounces as sql
from trigger_box.store.writer import Transaction

_encode: Final = msgspec.json.Encoder().encode


def push(core: Core, tx: Transaction, prepared: Prepared, *, now_ms: int) -> RunId | None:
    """Push the run that a trigger's key shares; None if there is none, or none to be pushed."""
    request = prepared.request
    debounce = request.debounce
    if debounce is None:
        return None
    row = tx.one(
        sql.live_run,
        {
            "environment_id": request.environment.id,
            "task": request.task,
            "key": debounce.key,
        },
    )
    if row is None:
        return None
    head = head_of(tx, row["run_id"], request.environment.id)
    assert head.delay_until_ms is not None, "a delayed run has an instant"
    until_ms = pushed_until_ms(
        debounce,
        created_at_ms=row["created_at_ms"],
        delay_until_ms=head.delay_until_ms,
        now_ms=now_ms,
    )
    if until_ms is None:
        return None
    if debounce.mode is DebounceMode.TRAILING:
        _take_over(tx, head.id, prepared, now_ms=now_ms)
    if until_ms > head.delay_until_ms:
        move(core, tx, head, delay_until_ms=until_ms)
    elif debounce.mode is DebounceMode.TRAILING:
        announce_unmoved(tx, head, now_ms=now_ms)
    return head.id


def open_window(tx: Transaction, request: TriggerRequest, run_id: RunId) -> None:
    """Let later triggers with its key share a run that was made just now."""
    if request.debounce is not None:
        tx.execute(
            sql.open_window,
            {"key": request.debounce.key, "run_id": run_id},
        )


def close_window(tx: Transaction, run_id: RunId) -> None:
    """Forget the key of a run that is delayed no longer."""
    tx.execute(sql.close_window, {"run_id": run_id})


def _take_over(tx: Transaction, run_id: RunId, prepared: Prepared, *, now_ms: int) -> None:
    """Give a run what its newest trigger asked for; what that did not say stays as it was."""
    request = prepared.request
    tx.execute(
        sql.take_over,
        {
            "id": run_id,
            "tags": _encode(prepared.tags).decode() if prepared.tags else None,
            "machine": request.machine,
            "max_attempts": max_attempts(request.max_attempts),
            "max_duration_s": max_duration_s(request.max_duration_s),
            "now_ms": now_ms,
        },
    )
    _replace_packet(tx, run_id, "PAYLOAD", prepared.payload)
    if prepared.metadata is not None:
        _replace_packet(tx, run_id, "METADATA", prepared.metadata)
        _replace_packet(tx, run_id, "SEED_METADATA", prepared.metadata)
    if prepared.tags:
        tx.execute(sql.drop_tags, {"run_id": run_id})
        insert_tags(tx, run_id, prepared)


def _replace_packet(tx: Transaction, run_id: RunId, kind: str, packet: StoredPacket) -> None:
    tx.execute(sql.drop_packet, {"run_id": run_id, "kind": kind})
    insert_packet(tx, run_id, kind, packet)
