"""Where packets lie: small ones beside the run, big ones as blobs. Text stays verbatim."""

from __future__ import annotations

import asyncio

import msgspec

from trigger_box.domain import limits
from trigger_box.domain.errors import InvalidError
from trigger_box.domain.packets import Packet
from trigger_box.ids import RunId
from trigger_box.store.queries import runs as sql
from trigger_box.store.store import Store
from trigger_box.store.writer import Row, Transaction


class StoredPacket(msgspec.Struct, frozen=True):
    """A packet ready for its row: inline ``data``, or a ``blob`` that is on disk already."""

    type: str
    data: str | None
    blob: str | None
    bytes: int


async def put_away(store: Store, packet: Packet) -> StoredPacket:
    """Bring a packet to where it will lie; a big one is on disk before its row can name it.

    Raises:
        InvalidError: the text has half a surrogate pair, which no UTF-8 can hold.
        StoreFullError: the disk is full.
    """
    data = packet.data
    if data is None:
        return StoredPacket(packet.type, None, None, 0)
    size = len(data) if data.isascii() else len(_encoded(data))
    if size < limits.PACKET_INLINE_BYTES_MAX:
        return StoredPacket(packet.type, data, None, size)
    digest = await asyncio.to_thread(store.blobs.put, _encoded(data))
    return StoredPacket(packet.type, None, digest, size)


def _encoded(data: str) -> bytes:
    try:
        return data.encode()
    except UnicodeEncodeError as error:
        raise InvalidError(
            f"The text holds half a surrogate pair at character {error.start}; send it escaped."
        ) from error


def insert_packet(tx: Transaction, run_id: RunId, kind: str, packet: StoredPacket) -> None:
    """Add a packet's row to a run."""
    tx.execute(
        sql.insert_packet,
        {
            "run_id": run_id,
            "kind": kind,
            "type": packet.type,
            "data": packet.data,
            "blob": packet.blob,
            "bytes": packet.bytes,
        },
    )


async def fetch(store: Store, *, packet_type: str, data: str | None, blob: str | None) -> Packet:
    """Return a packet that lies in a row (``data``) or beside it (``blob``)."""
    if blob is None:
        return Packet(data, packet_type)
    content = await asyncio.to_thread(store.blobs.get, blob)
    return Packet(content.decode(), packet_type)


async def fetch_row(store: Store, row: Row) -> Packet:
    """Return the packet of a row with ``type``, ``data`` and ``blob``."""
    return await fetch(store, packet_type=row["type"], data=row["data"], blob=row["blob"])
