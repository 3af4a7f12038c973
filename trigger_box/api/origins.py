"""Where callers reach this box: the origin that links, signed addresses and cookies are made from.

Containers, browsers and laptops may each use another name for it, so unless the owner has set one,
it is taken from the request itself (rest-api 15.15).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from trigger_box.api.asgi import Scope

_HOST: Final = re.compile(r"^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$")


class Origins:
    """Works out origins.

    Args:
        public_url: the origin the owner has set, or None.
        address: ``HOST:PORT`` the box listens on, for requests that name no host.
    """

    def __init__(self, *, public_url: str | None, address: str = "127.0.0.1") -> None:
        self._public_url = public_url
        self.address = address

    @property
    def default(self) -> str:
        """Return the origin to print where no request is at hand."""
        return self._public_url or f"http://{self.address}"

    def of(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        """Return the origin as this caller sees it, such as ``https://box.example.com``."""
        if self._public_url is not None:
            return self._public_url
        scheme = _first(headers.get(b"x-forwarded-proto")) or scope.get("scheme")
        host = _first(headers.get(b"x-forwarded-host")) or _first(headers.get(b"host"))
        if scheme not in {"http", "https"}:
            scheme = "http"
        if host is None or not _HOST.match(host):
            host = self.address
        return f"{scheme}://{host}"


def _first(value: bytes | None) -> str | None:
    # A chain of proxies appends; the first entry is what the caller used.
    if value is None:
        return None
    return value.decode("latin-1").split(",", 1)[0].strip().lower() or None
