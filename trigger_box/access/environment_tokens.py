"""Tokens that stand for an environment: public access tokens, telemetry tokens, signed addresses.

None of them is stored. Their form is in ``public_tokens.py``, their keys in ``keyring.py``.
"""

from __future__ import annotations

import hmac
from typing import Final

from trigger_box.access.actors import Environment
from trigger_box.access.directory import Directory
from trigger_box.access.keyring import Keyring, token_hash
from trigger_box.access.public_tokens import (
    PublicToken,
    PublicTokenError,
    mapping_of,
    peek,
    scopes_of,
    sign,
    verify,
)
from trigger_box.clock import Clock
from trigger_box.domain.errors import NotFoundError, UnauthenticatedError
from trigger_box.ids import EnvironmentId

_OTLP: Final = "otlp"


class OtlpTokenError(UnauthenticatedError):
    """The telemetry token is missing or wrong."""

    code = "invalid_otlp_token"


class EnvironmentTokens:
    """Makes and checks the tokens of environments."""

    def __init__(self, directory: Directory, keyring: Keyring, clock: Clock) -> None:
        self._directory = directory
        self._keyring = keyring
        self._clock = clock

    def claims(
        self, environment: Environment, scopes: list[str], extra: dict[str, object]
    ) -> dict[str, object]:
        """Return the claims of a public access token, without its times."""
        return {"sub": environment.id, "pub": True, "scopes": scopes, **extra}

    def public(
        self,
        environment: Environment,
        scopes: list[str],
        *,
        lifetime_s: int,
        extra: dict[str, object],
    ) -> str:
        """Return a public access token. Source: rest-api 5.3, 5.5."""
        return sign(
            self.claims(environment, scopes, extra),
            key=self._directory.root_key(environment),
            now_s=self._clock.now_ms() // 1000,
            lifetime_s=lifetime_s,
        )

    async def verify_public(self, token: str) -> PublicToken:
        """Return what a public access token says, once its signature and times are checked.

        Raises:
            PublicTokenError: forged, expired, or for no environment of this box.
        """
        unverified = peek(token)
        subject = None if unverified is None else unverified.get("sub")
        if not isinstance(subject, str):
            raise PublicTokenError
        try:
            environment = await self._directory.by_id(EnvironmentId(subject))
        except NotFoundError as error:
            raise PublicTokenError from error
        now_s = self._clock.now_ms() // 1000
        claims = verify(token, keys=[self._directory.root_key(environment)], now_s=now_s)
        if claims is None:
            grace = await self._directory.keys_in_grace(environment)
            claims = verify(token, keys=grace, now_s=now_s)
        if claims is None:
            raise PublicTokenError
        return PublicToken(
            environment=environment,
            scopes=scopes_of(claims),
            is_one_time=claims.get("otu") is True,
            realtime=mapping_of(claims, "realtime"),
            token_hash=token_hash(token),
        )

    def otlp(self, environment_id: EnvironmentId) -> str:
        """Return the token that lets workers of an environment send spans and logs."""
        return f"{environment_id}.{self._keyring.mac(_OTLP, environment_id)}"

    def environment_of_otlp(self, token: str) -> EnvironmentId:
        """Return whose telemetry token this is.

        Raises:
            OtlpTokenError: nobody's.
        """
        environment_id, _, mac = token.rpartition(".")
        expected = self._keyring.mac(_OTLP, environment_id)
        if not environment_id or not hmac.compare_digest(mac.encode(), expected.encode()):
            raise OtlpTokenError
        return EnvironmentId(environment_id)
