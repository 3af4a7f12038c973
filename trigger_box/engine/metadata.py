"""The verbs on metadata: operations on a run, its parent and its root, atomic in one transaction.

What an operation does is ``domain/metadata.py``. Source: rest-api 13.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final, cast

import msgspec

from trigger_box.domain import limits
from trigger_box.domain.errors import (
    BoxError,
    InvalidError,
    RefusedError,
    RunNotFoundError,
    TooLargeError,
)
from trigger_box.domain.metadata import JsonObject, Operation, Update, apply
from trigger_box.domain.packets import JSON, SUPER_JSON, Packet
from trigger_box.engine.changes import announce_unmoved
from trigger_box.engine.core import Core
from trigger_box.engine.heads import head_of
from trigger_box.engine.operations import WireFlush, WireOperation, operations_of
from trigger_box.engine.rows import RunHead
from trigger_box.ids import EnvironmentId, RunId
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode
_decode_flush: Final = msgspec.json.Decoder(WireFlush).decode


class RunOverError(RefusedError):
    """Cannot update metadata for a completed run"""  # noqa: D415 - the wire's own words

    code = "run_completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataChange:
    """What a call asks for. ``operations``, if given, win over ``replacement``."""

    replacement: JsonObject | None = None
    operations: tuple[Operation, ...] | None = None
    parent_operations: tuple[Operation, ...] = ()
    root_operations: tuple[Operation, ...] = ()

    @property
    def own(self) -> tuple[Operation, ...]:
        """Return the operations on the run itself."""
        if self.operations is not None:
            return self.operations
        return () if self.replacement is None else (Update(self.replacement),)


async def change_metadata(
    core: Core, environment_id: EnvironmentId, run_id: str, change: MetadataChange
) -> JsonObject:
    """Change metadata of a run, its parent and its root; return the run's own afterwards.

    Raises:
        RunNotFoundError: no such run in this environment.
        RunOverError: it ended more than ten minutes ago.
        InvalidError: a key can't be used; nothing was changed.
        TooLargeError: an object would be over its limit; nothing was changed.
    """
    return await core.store.write(
        partial(_change_metadata, core, environment_id, RunId(run_id), change)
    )


def _change_metadata(
    core: Core,
    environment_id: EnvironmentId,
    run_id: RunId,
    change: MetadataChange,
    tx: Transaction,
) -> JsonObject:
    head = head_of(tx, run_id, environment_id)
    now_ms = core.clock.now_ms()
    if (
        head.completed_at_ms is not None
        and head.completed_at_ms < now_ms - limits.METADATA_LATE_MS_MAX
    ):
        raise RunOverError
    apply_change(tx, head, change, now_ms=now_ms)
    return read_metadata(tx, run_id)


def apply_change(tx: Transaction, head: RunHead, change: MetadataChange, *, now_ms: int) -> None:
    """Apply a change to a run and its lineage; operations for one it has not are its own."""
    _apply(tx, head, change.own, now_ms=now_ms)
    for operations, run_id in (
        (change.parent_operations, head.parent_run_id),
        (change.root_operations, head.root_run_id),
    ):
        if operations:
            target = head if run_id is None else head_of(tx, run_id, head.environment_id)
            _apply(tx, target, operations, now_ms=now_ms)


def _apply(
    tx: Transaction, head: RunHead, operations: tuple[Operation, ...], *, now_ms: int
) -> None:
    if not operations:
        return
    try:
        after, applied = apply(read_metadata(tx, head.id), operations)
        text = _encode(after).decode()
    except RecursionError as error:
        raise InvalidError("Metadata would be nested too deeply; flatten it.") from error
    if not applied:
        return
    size = len(text.encode())
    if size > limits.METADATA_BYTES_MAX:
        raise TooLargeError(
            f"Metadata exceeds maximum size of {limits.METADATA_BYTES_MAX} bytes",
            limit=limits.METADATA_BYTES_MAX,
        )
    tx.execute(sql.put_metadata, {"run_id": head.id, "data": text, "bytes": size})
    tx.execute(sql.touch, {"id": head.id, "now_ms": now_ms})
    announce_unmoved(tx, head, now_ms=now_ms)


def read_metadata(tx: Transaction, run_id: RunId) -> JsonObject:
    """Return a run's metadata as an object, empty if it has none."""
    row = tx.one(sql.metadata_of, {"run_id": run_id})
    return {} if row is None else object_of(Packet(row["data"], row["type"]))


def object_of(packet: Packet | None) -> JsonObject:
    """Return what a metadata packet holds as an object, empty if that is none."""
    if packet is None or packet.data is None:
        return {}
    try:
        value = _decode(packet.data)
    except msgspec.DecodeError:
        return {}
    if packet.type == SUPER_JSON and isinstance(value, dict):
        value = cast("JsonObject", value).get("json")
    return cast("JsonObject", value) if isinstance(value, dict) else {}


async def get_metadata(core: Core, environment_id: EnvironmentId, run_id: str) -> JsonObject:
    """Return a run's metadata.

    Raises:
        RunNotFoundError: no such run in this environment.
    """
    row = await core.store.readers.one(
        sql.metadata_in_environment, {"run_id": run_id, "environment_id": environment_id}
    )
    if row is None:
        raise RunNotFoundError
    return object_of(Packet(row["data"], row["type"] or JSON))


def flush_of(packet: Packet | None) -> MetadataChange | None:
    """Return the last operations that a worker sends with a completion; None if unusable.

    They come as a packet (worker-protocol 3.4); an invalid one is ignored, the result is not lost.
    """
    if packet is None or packet.data is None:
        return None
    try:
        value = _decode(packet.data)
        if packet.type == SUPER_JSON and isinstance(value, dict):
            value = cast("JsonObject", value).get("json")
        wire = msgspec.convert(value, WireFlush)
        return MetadataChange(
            replacement=wire.metadata,
            operations=None if wire.operations is None else operations_of(wire.operations),
            parent_operations=operations_of(wire.parent_operations or []),
            root_operations=operations_of(wire.root_operations or []),
        )
    except (msgspec.DecodeError, InvalidError):
        return None


def flush(tx: Transaction, head: RunHead, change: MetadataChange, *, now_ms: int) -> None:
    """Apply a worker's last operations; what can't be applied is left out, the result is kept."""
    for part in (
        MetadataChange(replacement=change.replacement, operations=change.operations),
        MetadataChange(parent_operations=change.parent_operations),
        MetadataChange(root_operations=change.root_operations),
    ):
        try:
            apply_change(tx, head, part, now_ms=now_ms)
        except BoxError:
            continue


__all__ = ["MetadataChange", "RunOverError", "WireOperation", "change_metadata", "get_metadata"]
