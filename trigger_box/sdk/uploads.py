"""Large packets on their way through the server's packet store (rest-api 9, 13.11)."""

from __future__ import annotations

from typing import Any, Final, cast

from trigger_box.ids import new_secret
from trigger_box.sdk.errors import NotFound, UnexpectedAnswer
from trigger_box.sdk.limits import (
    PACKET_ATTEMPTS_MAX,
    PACKET_INLINE_BYTES_MAX,
    PACKET_PAUSE_FACTOR,
    PACKET_PAUSE_MS_MAX,
    PACKET_PAUSE_MS_MIN,
    TRIGGER_BODY_BYTES_MAX,
)
from trigger_box.sdk.packets import STORE, TEXT, Packet, decode_packet
from trigger_box.sdk.retries import RetryPolicy
from trigger_box.sdk.transport import (
    Line,
    Operation,
    Request,
    segment,
    send,
    send_json,
    shaped,
)

_TRANSFER_RETRY: Final = RetryPolicy(
    max_attempts=PACKET_ATTEMPTS_MAX,
    factor=PACKET_PAUSE_FACTOR,
    min_delay_ms=PACKET_PAUSE_MS_MIN,
    max_delay_ms=PACKET_PAUSE_MS_MAX,
    jitter=True,
)
# What a trigger body needs beside its payload, generously.
_BODY_ROOM_BYTES: Final = 512 * 1024
_NAME_LENGTH: Final = 21


def offload(line: Line, packet: Packet) -> Operation[Packet]:
    """Return the packet to send: itself, or a reference to the stored text when that is large.

    Raises:
        ApiError, ConnectionFailed: the text could not be stored.
    """
    if packet.data is None or packet.size < PACKET_INLINE_BYTES_MAX:
        return packet
    folder = new_secret("packet_", _NAME_LENGTH, lookalike_free=True)
    name = f"trigger/{folder}/payload.{'txt' if packet.type == TEXT else 'json'}"
    try:
        wire, answer = yield from send_json(
            line, line.request("PUT", f"/api/v2/packets/{segment(name)}")
        )
    except NotFound:
        # A server without a packet store takes what fits into one body.
        if packet.size > TRIGGER_BODY_BYTES_MAX - _BODY_ROOM_BYTES:
            raise
        return packet
    url, path = shaped(answer, lambda: (_text(wire, "presignedUrl"), _text(wire, "storagePath")))
    # The address itself is the permission: the key must not travel to wherever it points.
    upload = Request(
        method="PUT", url=url, headers={"content-type": packet.type}, body=packet.data.encode()
    )
    yield from send(line, upload, retry=_TRANSFER_RETRY)
    return Packet(data=path, type=STORE)


def download(line: Line, url: str) -> Operation[Any]:
    """Return the value of a stored packet.

    Raises:
        ApiError, ConnectionFailed: it could not be fetched.
    """
    answer = yield from send(line, Request(method="GET", url=url), retry=_TRANSFER_RETRY)
    packet_type = answer.headers.get("content-type", "")
    try:
        return decode_packet(answer.body.decode(), packet_type)
    except ValueError as error:
        raise UnexpectedAnswer(
            f"The stored packet can't be read as {packet_type!r}: {error}",
            status=answer.status,
            headers=answer.headers,
        ) from error


def _text(wire: object, key: str) -> str:
    value = cast("dict[str, object]", wire)[key]
    if not isinstance(value, str):
        raise ValueError(f"{key} is no text")  # noqa: TRY004 - a shape, not a caller's mistake
    return value
