"""The packets of Socket.IO over a WebSocket, as text: pure, no I/O. Who sends them: ``sockets.py``.

Only what our callers use: Engine.IO 4 with the WebSocket transport, Socket.IO 5 with namespaces and
JSON events; no long polling, no binary, no rooms. That is little enough to own: the library would
cost every box 10 MB, and says a goodbye after which the npm controllers never come back.

Source: cli-protocol 9, worker-protocol 4, and the published protocol documents of Socket.IO.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, cast

import msgspec

PING: Final = "2"
_MESSAGE: Final = "4"
_EVENT: Final = _MESSAGE + "2"
# A namespace starts with a slash and ends at the comma; then perhaps the number of an
# acknowledgement, then perhaps JSON. Without a namespace the packet is for "/".
_BODY: Final = re.compile(
    r"(?:(?P<namespace>/[^,?]*)(?:\?[^,]*)?,?)?(?P<ack>\d*)(?P<json>.*)", re.DOTALL
)


class Kind(StrEnum):
    """What a client's packet is, by its leading digits."""

    PONG = "3"
    CONNECT = "40"
    DISCONNECT = "41"
    EVENT = "42"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One packet of a client. ``name`` and ``value`` (its first argument) are an event's."""

    kind: Kind
    namespace: str = "/"
    ack: str = ""
    name: str = ""
    value: Any = None


def parse(text: str) -> Incoming | None:
    """Return a client's packet, None for kinds that nobody here needs.

    Raises:
        ValueError: it is none.
    """
    if text.startswith(Kind.PONG):
        return Incoming(kind=Kind.PONG)
    try:
        kind = Kind(text[:2])
    except ValueError:
        return None
    found = _BODY.fullmatch(text, 2)
    assert found is not None, "every part of the pattern may be empty"
    namespace = found["namespace"] or "/"
    if kind is not Kind.EVENT:
        return Incoming(kind=kind, namespace=namespace)
    try:
        arguments: object = msgspec.json.decode(found["json"])
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(arguments, list) or not arguments or not isinstance(arguments[0], str):
        raise ValueError("an event is a list that starts with its name")
    named = cast("list[Any]", arguments)
    return Incoming(
        kind=kind,
        namespace=namespace,
        ack=found["ack"],
        name=named[0],
        value=named[1] if len(named) > 1 else None,
    )


def opened(*, sid: str, ping_interval_s: float, ping_timeout_s: float, bytes_max: int) -> str:
    """Return the first packet of a connection: how it will be kept alive."""
    return "0" + _json(
        {
            "sid": sid,
            "upgrades": [],
            "pingInterval": round(ping_interval_s * 1_000),
            "pingTimeout": round(ping_timeout_s * 1_000),
            "maxPayload": bytes_max,
        }
    )


def welcomed(namespace: str, *, sid: str) -> str:
    """Return the answer to a client that may join a namespace."""
    return f"{_MESSAGE}0{_prefix(namespace)}{_json({'sid': sid})}"


def refused(namespace: str, *, reason: str) -> str:
    """Return the answer to a client that may not."""
    return f"{_MESSAGE}4{_prefix(namespace)}{_json({'message': reason})}"


def acknowledged(namespace: str, *, ack: str) -> str:
    """Return the empty acknowledgement of an event whose sender asked for one."""
    return f"{_MESSAGE}3{_prefix(namespace)}{ack}[]"


def event(namespace: str, name: str, value: object) -> str:
    """Return an event with one argument."""
    return f"{_EVENT}{_prefix(namespace)}{_json([name, value])}"


def _prefix(namespace: str) -> str:
    return "" if namespace == "/" else f"{namespace},"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
