"""Packets that clients upload themselves, before they name them in a trigger call or an output.

A path belongs to one environment: the same path of another one is another packet (rest-api 9).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trigger_box.domain import limits, packets
from trigger_box.domain.errors import InvalidError, PacketNotFoundError
from trigger_box.domain.packets import Packet
from trigger_box.engine.core import Core
from trigger_box.ids import EnvironmentId
from trigger_box.store.queries import stored_packets as sql
from trigger_box.store.writer import Transaction

_REFUSED_SEGMENTS: Final = frozenset({"", ".", ".."})


class PacketPathError(InvalidError):
    """Invalid packet storage path"""  # noqa: D415 - the wire's own words (rest-api 9)

    code = "invalid_packet_path"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """An uploaded packet: its content type verbatim, its blob, its size in bytes."""

    type: str
    blob: str
    bytes: int


def checked_path(path: str) -> str:
    """Return a client's path if it can be one.

    Raises:
        PacketPathError: it is empty, too long, absolute, or has a segment that means another place.
    """
    if (
        len(path) > limits.PACKET_PATH_CHARACTERS_MAX
        or "\\" in path
        or not path.isprintable()
        or any(segment in _REFUSED_SEGMENTS for segment in path.split("/"))
    ):
        raise PacketPathError
    return path


async def keep(core: Core, environment_id: EnvironmentId, path: str, file: StoredFile) -> None:
    """Note an uploaded packet whose blob is on disk. A later upload to the same path wins."""

    def put(tx: Transaction) -> None:
        tx.execute(
            sql.put,
            {
                "environment_id": environment_id,
                "path": path,
                "type": file.type,
                "blob": file.blob,
                "bytes": file.bytes,
                "now_ms": core.clock.now_ms(),
            },
        )

    await core.store.write(put)


async def check_named(core: Core, environment_id: EnvironmentId, packet: Packet) -> None:
    """Check that a packet which only names an uploaded one names one of this environment.

    Raises:
        PacketPathError: the path can't be one, or nothing was uploaded there in this environment.
    """
    if packet.type != packets.STORE:
        return
    path = checked_path(packet.data or "")
    row = await core.store.readers.one(sql.one, {"environment_id": environment_id, "path": path})
    if row is None:
        raise PacketPathError(
            path=path,
            reason="Nothing was uploaded to this path in this environment. Upload it first.",
        )


async def lend(core: Core, from_id: EnvironmentId, to_id: EnvironmentId, packet: Packet) -> None:
    """Make an uploaded packet known in another environment too, under its path.

    One that is there already stays: paths have a random part, so it is the same packet.
    """
    if packet.type != packets.STORE or from_id == to_id:
        return
    names = {"from_id": from_id, "to_id": to_id, "path": packet.data}
    await core.store.write(lambda tx: tx.execute(sql.lend, names))


async def find(core: Core, environment_id: EnvironmentId, path: str) -> StoredFile:
    """Return an uploaded packet.

    Raises:
        PacketNotFoundError: nothing was uploaded there.
    """
    row = await core.store.readers.one(sql.one, {"environment_id": environment_id, "path": path})
    if row is None:
        raise PacketNotFoundError("There is no stored packet at this path in this environment.")
    return StoredFile(type=row["type"], blob=row["blob"], bytes=row["bytes"])
