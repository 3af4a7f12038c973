"""Payloads, outputs and metadata as pages show them: text, cut where it is long."""

from __future__ import annotations

from typing import Final, Literal, cast

import msgspec

from trigger_box.access.actors import Environment
from trigger_box.api.dashboard.rows import related_of
from trigger_box.api.dashboard.shapes import Packet, RecentPayload
from trigger_box.api.rooms import Rooms
from trigger_box.domain import limits, packets
from trigger_box.domain.errors import PacketNotFoundError
from trigger_box.domain.packets import Packet as StoredPacket
from trigger_box.engine.listing import Page, RunFilter, list_runs
from trigger_box.engine.reading import Run
from trigger_box.store.queries import dashboard as sql

_encode: Final = msgspec.json.Encoder().encode

Which = Literal["payload", "output", "metadata"]


def which_of(name: str) -> Which:
    """Return which packet a path names. Raises PacketNotFoundError."""
    if name not in {"payload", "output", "metadata"}:
        raise PacketNotFoundError
    return cast("Which", name)


def packet_of(run: Run, which: Which) -> StoredPacket | None:
    """Return one packet of a run."""
    return {"payload": run.payload, "output": run.output, "metadata": run.metadata}[which]


def shown(packet: StoredPacket | None, *, characters_max: int) -> Packet | None:
    """Return a packet with at most so much of its text; None if there is none.

    One that a client uploaded itself is a path into the object store: there is no text to show.
    """
    if packet is None or packet.data is None:
        return None
    size = len(packet.data.encode())
    if packet.type == packets.STORE:
        return Packet(type=packet.type, size_bytes=size, text=None, is_partial=False)
    return Packet(
        type=packet.type,
        size_bytes=size,
        text=packet.data[:characters_max],
        is_partial=len(packet.data) > characters_max,
    )


def no_payload() -> Packet:
    """Return what stands for a payload that was not given."""
    return Packet(type=packets.JSON, size_bytes=0, text="", is_partial=False)


async def recent_payloads(rooms: Rooms, environment: Environment, task: str) -> list[RecentPayload]:
    """Return the payloads of a task's newest runs."""
    page = await list_runs(
        rooms.core,
        [environment.id],
        RunFilter(tasks=(task,)),
        Page(size=limits.RECENT_PAYLOADS_MAX),
    )
    ids = [run.id for run in page.runs]
    rows = await rooms.store.readers.all(
        sql.payloads_of_runs,
        {
            "ids": _encode(ids).decode(),
            "characters": limits.RECENT_PAYLOAD_CHARACTERS_MAX,
        },
    )
    found = {
        row["run_id"]: Packet(
            type=row["type"],
            size_bytes=row["bytes"],
            text=None if row["type"] == packets.STORE else row["data"],
            is_partial=row["bytes"] > limits.RECENT_PAYLOAD_CHARACTERS_MAX,
        )
        for row in rows
    }
    return [
        RecentPayload(run=related_of(run), payload=found.get(run.id) or no_payload())
        for run in page.runs
    ]
