"""A packet: a value as the wire carries it, text plus type. Nobody here looks inside.

Decoding for people lives in ``api/wire``; big packets leave the row in ``engine/packets.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

JSON: Final = "application/json"
SUPER_JSON: Final = "application/super+json"
TEXT: Final = "text/plain"
STORE: Final = "application/store"


@dataclass(frozen=True, slots=True)
class Packet:
    """A payload, output, metadata or error.

    ``data`` is exactly the text that came in; None means "undefined" for every type (rest-api 9).
    """

    data: str | None
    type: str = JSON


NOTHING: Final = Packet(None)
"""An absent value."""
