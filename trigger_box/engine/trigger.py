"""The verb "trigger": one transaction makes the run, or finds the one that is there already.

Order of work: run-engine 4. What a call may ask for is in ``requests.py``, how the run is made in
``making.py``, equal calls in ``idempotency.py``.
"""

from __future__ import annotations

from functools import partial

from trigger_box.domain import limits
from trigger_box.domain.errors import TooLargeError
from trigger_box.domain.labels import clean_tags
from trigger_box.domain.packets import Packet
from trigger_box.engine import awaiting, debounces, idempotency
from trigger_box.engine.core import Core
from trigger_box.engine.making import Prepared, make_run
from trigger_box.engine.packets import StoredPacket, put_away
from trigger_box.engine.requests import IdempotencyOptions, Triggered, TriggerRequest
from trigger_box.engine.traces import Trace
from trigger_box.store.writer import Transaction

__all__ = ["IdempotencyOptions", "Trace", "TriggerRequest", "Triggered", "trigger"]


async def trigger(core: Core, request: TriggerRequest) -> Triggered:
    """Make a run. When this returns, the disk has it.

    Raises:
        RefusedError: a rule says no (tags, version, queue, parent); the message names it.
        TooLargeError: the metadata is over its limit.
        NotFoundError: there is no such environment.
        UnavailableError: the box can't store more right now; nothing was accepted.
    """
    prepared = Prepared(
        request,
        tags=clean_tags(request.tags),
        metadata=await _stored_metadata(core, request.metadata),
        payload=await put_away(core.store, request.payload),
    )
    return await core.store.write(partial(_trigger, core, prepared))


async def _stored_metadata(core: Core, metadata: Packet | None) -> StoredPacket | None:
    if metadata is None or metadata.data is None:
        return None
    stored = await put_away(core.store, metadata)
    if stored.bytes > limits.METADATA_BYTES_MAX:
        raise TooLargeError(
            f"Metadata exceeds maximum size of {limits.METADATA_BYTES_MAX} bytes",
            limit=limits.METADATA_BYTES_MAX,
        )
    return stored


def _trigger(core: Core, prepared: Prepared, tx: Transaction) -> Triggered:
    """Find or make the run; let its parent wait for it, if that is wanted."""
    if not prepared.request.resume_parent:
        return _found_or_made(core, prepared, tx)
    parent = awaiting.parent_of(tx, prepared.request)
    triggered = _found_or_made(core, prepared, tx)
    awaiting.await_child(core, tx, parent, triggered)
    return triggered


def _found_or_made(core: Core, prepared: Prepared, tx: Transaction) -> Triggered:
    """Find the run this call has made before, or that its key has; else make one."""
    request = prepared.request
    environment_id = request.environment.id
    now_ms = core.clock.now_ms()
    if request.request_key is None:
        request_hash = None
    else:
        request_hash = idempotency.request_hash(request.request_key, environment_id, request.task)
        made = idempotency.run_of_request(tx, request_hash, now_ms=now_ms)
        if made is not None:
            return Triggered(run_id=made, is_cached=False, is_repeated=True)
    if request.idempotency_key is not None:
        kept = idempotency.run_of_key(
            tx, environment_id, request.task, request.idempotency_key, now_ms=now_ms
        )
        if kept is not None:
            return Triggered(run_id=kept, is_cached=True)
    if request.one_time_token_hash is not None:
        idempotency.check_one_time(tx, request.one_time_token_hash, request.task)
    run_id = debounces.push(core, tx, prepared, now_ms=now_ms)
    if run_id is None:
        run_id = make_run(core, tx, prepared, now_ms=now_ms)
        debounces.open_window(tx, request, run_id)
    if request.one_time_token_hash is not None:
        idempotency.use_one_time(tx, request.one_time_token_hash, run_id)
    if request_hash is not None:
        idempotency.remember_request(tx, request_hash, run_id, now_ms=now_ms)
    return Triggered(run_id=run_id, is_cached=False)
