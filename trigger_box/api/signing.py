"""Signed addresses: whoever holds one may read or write one stored packet, for a few minutes.

The signature covers method, environment, path and end; nothing else is looked at (rest-api 9).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qs, quote

from trigger_box.access.access import Access
from trigger_box.clock import Clock
from trigger_box.domain import limits
from trigger_box.domain.errors import DeniedError
from trigger_box.ids import EnvironmentId

PREFIX: Final = "/packets/"
_PURPOSE: Final = "packet address"
_DIGITS_MAX: Final = 12

Method = Literal["GET", "PUT"]


class AddressRefusedError(DeniedError):
    """This signed address is not valid, or it is over. Ask for a new one."""

    code = "signed_address_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What an address lets its holder do."""

    method: Method
    environment_id: EnvironmentId
    path: str


class Signer:
    """Signs addresses and knows its own again."""

    def __init__(self, access: Access, clock: Clock) -> None:
        self._access = access
        self._clock = clock

    def address(self, origin: str, grant: Grant) -> str:
        """Return the address that grants this, from now for a few minutes."""
        expires_at_s = self._clock.now_ms() // 1_000 + limits.SIGNED_ADDRESS_S
        return (
            f"{origin}{PREFIX}{grant.environment_id}/{quote(grant.path, safe='')}"
            f"?expires={expires_at_s}&signature={self._signature(grant, expires_at_s)}"
        )

    def check(self, grant: Grant, query: bytes) -> None:
        """Check that an address with this query string was signed here, and is not over.

        Raises:
            AddressRefusedError: it was not, or it is.
        """
        fields: Mapping[str, list[str]] = parse_qs(query.decode("latin-1"))
        expires, signature = fields.get("expires", [""])[0], fields.get("signature", [""])[0]
        if not (expires.isdecimal() and expires.isascii() and len(expires) <= _DIGITS_MAX):
            raise AddressRefusedError
        expected = self._signature(grant, int(expires))
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            raise AddressRefusedError
        if int(expires) * 1_000 <= self._clock.now_ms():
            raise AddressRefusedError("This signed address is over. Ask for a new one.")

    def _signature(self, grant: Grant, expires_at_s: int) -> str:
        return self._access.signature(
            _PURPOSE, f"{grant.method}\n{grant.environment_id}\n{grant.path}\n{expires_at_s}"
        )
