"""From which network address somebody calls: to count attempts, and to show to people."""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from litestar.connection import ASGIConnection

_UNKNOWN: Final = "unknown address"


def caller_address(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return the caller's address.

    A proxy on this machine is believed about whom it forwards, by the entry that it has added: the
    last one. What comes from elsewhere could say anything in that header.
    """
    peer = connection.client.host if connection.client is not None else ""
    if _is_loopback(peer):
        forwarded = connection.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        if _is_address(forwarded):
            return forwarded
    return peer or _UNKNOWN


def _is_loopback(text: str) -> bool:
    return _is_address(text) and ipaddress.ip_address(text).is_loopback


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
