"""How a command line gets a token: it asks, a signed-in person approves, it fetches. Once.

Source: cli-protocol 4. The code is known to the browser and the command line only; the database
holds its hash.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final

from trigger_box.access.actors import Authorization, NewPersonalToken, User
from trigger_box.access.keyring import token_hash
from trigger_box.access.rows import user_of
from trigger_box.access.tokens import Tokens
from trigger_box.clock import Clock
from trigger_box.domain import limits
from trigger_box.domain.errors import InvalidError, LimitError, NotFoundError
from trigger_box.ids import new_secret
from trigger_box.store.queries import accounts as sql
from trigger_box.store.store import Store
from trigger_box.store.writer import Transaction

_CODE_CHARACTERS: Final = 40
_CHALLENGE: Final = re.compile(r"^[A-Za-z0-9_-]{43}$")
_SHOWN_CHARACTERS_MAX: Final = 100
_SWEEP_ROWS: Final = 200


class AuthorizationNotFoundError(NotFoundError):
    """This sign-in request has expired or was used. Start `login` again."""

    code = "authorization_not_found"


class AuthorizationRefusedError(InvalidError):
    """This sign-in request has expired, was used, or was denied. Start `login` again."""

    code = "authorization_refused"


class Authorizations:
    """The sign-in requests of command lines."""

    def __init__(self, store: Store, clock: Clock, tokens: Tokens) -> None:
        self._store = store
        self._clock = clock
        self._tokens = tokens

    async def begin(
        self, *, code_challenge: str | None, requested_by: str | None, address: str | None
    ) -> str:
        """Note that a command line asks to sign in; return the code, told only here.

        Args:
            code_challenge: PKCE, method S256, when the client sent one.
            requested_by: the program that asks, shown to the person who decides.
            address: where it asks from, shown, too.

        Raises:
            InvalidError: the challenge is none.
            LimitError: too many requests are waiting.
        """
        if code_challenge is not None and not _CHALLENGE.match(code_challenge):
            raise InvalidError(
                "codeChallenge: 43 base64url characters, the S256 of the verifier.",
                field="codeChallenge",
            )
        code = new_secret("", _CODE_CHARACTERS)
        now_ms = self._clock.now_ms()

        def begin(tx: Transaction) -> None:
            tx.execute(sql.delete_expired_authorizations, {"now_ms": now_ms, "limit": _SWEEP_ROWS})
            count = tx.one(sql.count_authorizations)
            if count is not None and count["codes"] >= limits.AUTHORIZATIONS_MAX:
                raise LimitError("Too many sign-in requests wait. Try again in a few minutes.")
            tx.execute(
                sql.insert_authorization,
                {
                    "code_hash": token_hash(code),
                    "code_challenge": code_challenge,
                    "requested_by": _shown(requested_by),
                    "address": _shown(address),
                    "now_ms": now_ms,
                    "expires_at_ms": now_ms + limits.AUTHORIZATION_MS,
                },
            )

        await self._store.write(begin)
        return code

    async def get(self, code: str) -> Authorization:
        """Return a request, for the page that asks the person.

        Raises:
            AuthorizationNotFoundError: there is none, or its time is over.
        """
        row = await self._store.readers.one(
            sql.authorization, {"code_hash": token_hash(code), "now_ms": self._clock.now_ms()}
        )
        if row is None:
            raise AuthorizationNotFoundError
        return Authorization(
            state=row["state"],
            requested_by=row["requested_by"],
            address=row["address"],
            created_at_ms=row["created_at_ms"],
            expires_at_ms=row["expires_at_ms"],
        )

    async def approve(self, code: str, user: User) -> None:
        """Let the command line that asked sign in as ``user``.

        Raises:
            AuthorizationNotFoundError: the request is gone, or was decided before.
        """
        await self._decide(code, user, "APPROVED")

    async def deny(self, code: str, user: User) -> None:
        """Turn the command line away.

        Raises:
            AuthorizationNotFoundError: the request is gone, or was decided before.
        """
        await self._decide(code, user, "DENIED")

    async def exchange(self, code: str, *, code_verifier: str | None) -> NewPersonalToken | None:
        """Return a token for an approved request, once; None while nobody has decided.

        Raises:
            AuthorizationRefusedError: expired, used, denied, or the verifier does not fit.
            LimitError: the user has too many tokens.
        """
        now_ms = self._clock.now_ms()
        # Most calls are polls: they read and leave the writer alone.
        row = await self._store.readers.one(
            sql.authorization, {"code_hash": token_hash(code), "now_ms": now_ms}
        )
        if row is None or row["state"] in {"DENIED", "USED"}:
            raise AuthorizationRefusedError
        if not _verifier_fits(row["code_challenge"], code_verifier):
            raise AuthorizationRefusedError(
                "codeVerifier: it does not fit the challenge that this sign-in began with."
            )
        if row["state"] == "PENDING":
            return None

        def exchange(tx: Transaction) -> NewPersonalToken:
            if not tx.execute(sql.use_authorization, {"code_hash": token_hash(code)}):
                raise AuthorizationRefusedError
            user = tx.one(sql.user, {"id": row["user_id"]})
            assert user is not None, "a foreign key holds it"
            program = row["requested_by"] or "Command line"
            name = f"{program} at {row['address']}" if row["address"] else program
            return self._tokens.add(tx, user_of(user), name, is_cli=True)

        return await self._store.write(exchange)

    async def _decide(self, code: str, user: User, state: str) -> None:
        change = {
            "code_hash": token_hash(code),
            "state": state,
            "user_id": user.id,
            "now_ms": self._clock.now_ms(),
        }
        if not await self._store.write(lambda tx: tx.execute(sql.decide_authorization, change)):
            raise AuthorizationNotFoundError


def _shown(text: str | None) -> str | None:
    """Return what a stranger said about itself in a form that is safe to show and to list."""
    if text is None:
        return None
    return "".join(c for c in text if c.isprintable())[:_SHOWN_CHARACTERS_MAX].strip() or None


def _verifier_fits(challenge: str | None, verifier: str | None) -> bool:
    """Return whether a PKCE verifier fits its challenge (S256). Source: RFC 7636, 4.6."""
    if challenge is None:
        return True
    if verifier is None:
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    computed = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return hmac.compare_digest(computed, challenge)
