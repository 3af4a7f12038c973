"""Public access tokens: short-lived JWTs with narrow scopes, signed with an environment's root key.

The SDK signs them, too, without asking the box; so there is no list of them. Source: rest-api 5.3.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from trigger_box.access.actors import Environment
from trigger_box.access.scopes import Resource, allows, allows_any, allows_every
from trigger_box.domain.errors import UnauthenticatedError

if TYPE_CHECKING:
    from jwt import PyJWS

ISSUER: Final = "https://id.trigger.dev"  # constants of the format, also on other people's boxes
AUDIENCE: Final = "https://api.trigger.dev"
HANDLE_LIFETIME_S: Final = 3_600
"""How long the token of a run handle lives. Source: rest-api 5.5."""

_HEADER: Final = base64.urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=") + b"."
_encode: Final = msgspec.json.Encoder().encode
_TOKEN_CHARACTERS_MAX: Final = 16_384


class PublicTokenError(UnauthenticatedError):
    """Public Access Token is invalid"""  # noqa: D415 - the wire's own words (rest-api 5.1)

    code = "invalid_public_token"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicToken:
    """What a verified public access token says."""

    environment: Environment
    scopes: tuple[str, ...]
    is_one_time: bool
    realtime: Mapping[str, Any] | None
    token_hash: str = field(repr=False)

    def allows(self, action: str, *resources: Resource) -> bool:
        """Return whether it grants ``action`` on at least one of the resources."""
        return allows_any(self.scopes, action, resources)

    def allows_every(self, action: str, *resources: Resource) -> bool:
        """Return whether it grants ``action`` on each of the resources."""
        return allows_every(self.scopes, action, resources)

    def allows_one(self, action: str, resource: Resource) -> bool:
        """Return whether it grants ``action`` on this resource."""
        return allows(self.scopes, action, resource)


def sign(claims: Mapping[str, object], *, key: str, now_s: int, lifetime_s: int) -> str:
    """Return a token with these claims.

    Written out, because it is on the road of every trigger call: a third of the library's time.
    """
    body = {**claims, "iss": ISSUER, "aud": AUDIENCE, "iat": now_s, "exp": now_s + lifetime_s}
    signed = _HEADER + _base64url(_encode(body))
    return (signed + b"." + _base64url(hmac.digest(key.encode(), signed, "sha256"))).decode()


def peek(token: str) -> Mapping[str, Any] | None:
    """Return the claims of what looks like a public access token, unverified, else None.

    This only decides which kind of credential it is (rest-api 5.1). Trust nothing of it.
    """
    if token.count(".") != 2 or len(token) > _TOKEN_CHARACTERS_MAX:  # noqa: PLR2004 - a JWT's dots
        return None
    try:
        part = token.split(".", 2)[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    if not isinstance(claims, dict):
        return None
    named = cast("dict[str, Any]", claims)  # JSON objects have strings as keys
    return named if named.get("pub") is True else None


def verify(token: str, *, keys: Iterable[str], now_s: int) -> Mapping[str, Any] | None:
    """Return the claims of a token that one of the keys has signed, None if none has.

    Raises:
        PublicTokenError: well signed, but expired, or not meant for this.
    """
    from jwt.exceptions import InvalidTokenError  # noqa: PLC0415 - late: few calls need it

    for key in keys:
        try:
            payload = _jws().decode(token, key.encode(), algorithms=["HS256"])
        except InvalidTokenError:
            continue
        claims: dict[str, Any] = json.loads(payload)
        expires_at_s = claims.get("exp")
        if claims.get("iss") != ISSUER or not _is_audience(claims.get("aud")):
            raise PublicTokenError
        if not isinstance(expires_at_s, int | float) or expires_at_s <= now_s:
            raise PublicTokenError("Public Access Token has expired")
        return claims
    return None


def scopes_of(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the scopes of a token; a claim of another shape grants nothing."""
    scopes = claims.get("scopes")
    if not isinstance(scopes, list):
        return ()
    return tuple(scope for scope in cast("list[object]", scopes) if isinstance(scope, str))


def mapping_of(claims: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """Return a claim that is an object, None if it is absent or of another shape."""
    value = claims.get(name)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _is_audience(audience: object) -> bool:
    return audience == AUDIENCE or (isinstance(audience, list) and AUDIENCE in audience)


@cache
def _jws() -> PyJWS:
    from jwt import PyJWS  # noqa: PLC0415 - late: few calls need it
    from jwt.algorithms import HMACAlgorithm  # noqa: PLC0415 - as above

    class RootKeyAlgorithm(HMACAlgorithm):
        """HS256 whose keys are root keys: 31 characters and more, 142 bits of chance each."""

        def check_key_length(self, key: bytes) -> str | None:  # noqa: ARG002 - the library's shape
            return None

    jws = PyJWS(algorithms=[])
    jws.register_algorithm("HS256", RootKeyAlgorithm(HMACAlgorithm.SHA256))
    return jws


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
