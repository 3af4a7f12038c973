"""Personal access tokens: a person's own key for the command line and scripts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from trigger_box.access.actors import NewPersonalToken, PersonalToken, User
from trigger_box.access.keyring import token_hash
from trigger_box.access.names import checked_name
from trigger_box.access.rows import user_of
from trigger_box.clock import Clock
from trigger_box.domain import limits
from trigger_box.domain.errors import LimitError, NotFoundError, UnauthenticatedError
from trigger_box.ids import IdSource, new_secret
from trigger_box.store.queries import accounts as sql
from trigger_box.store.store import Store
from trigger_box.store.writer import Transaction

PREFIX: Final = "tr_pat_"
TOKEN_CHARACTERS: Final = 40
_HINT_CHARACTERS: Final = 4


class TokenRefusedError(UnauthenticatedError):
    """Invalid or Missing Access Token"""  # noqa: D415 - the wire's own words (cli-protocol 4)

    code = "invalid_access_token"


class TokenNotFoundError(NotFoundError):
    """You have no such token."""

    code = "token_not_found"


@dataclass(slots=True)
class _Known:
    user: User
    token_id: str
    last_used_at_ms: int


class Tokens:
    """Makes, finds and revokes personal access tokens."""

    def __init__(self, store: Store, clock: Clock, ids: IdSource) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._known: dict[str, _Known] = {}
        self._generation = 0

    async def create(self, user: User, name: str) -> NewPersonalToken:
        """Make a token; its text is told only here.

        Raises:
            InvalidError: the name is none.
            LimitError: the user has too many.
        """
        name = checked_name(name, field="name")
        return await self._store.write(lambda tx: self.add(tx, user, name, is_cli=False))

    def add(self, tx: Transaction, user: User, name: str, *, is_cli: bool) -> NewPersonalToken:
        """Make a token inside a transaction.

        Raises:
            LimitError: the user has too many.
        """
        count = tx.one(sql.count_tokens_of_user, {"user_id": user.id})
        if count is not None and count["tokens"] >= limits.TOKENS_PER_USER_MAX:
            raise LimitError(
                f"You have {limits.TOKENS_PER_USER_MAX} access tokens, the limit. "
                "Revoke some you no longer use."
            )
        token = new_secret(PREFIX, TOKEN_CHARACTERS, lookalike_free=True)
        row = PersonalToken(
            id=self._ids.token_row(),
            name=name,
            hint=token[-_HINT_CHARACTERS:],
            is_cli=is_cli,
            created_at_ms=self._clock.now_ms(),
            last_used_at_ms=None,
        )
        tx.execute(
            sql.insert_token,
            {
                "id": row.id,
                "user_id": user.id,
                "name": name,
                "token_hash": token_hash(token),
                "hint": row.hint,
                "is_cli": int(is_cli),
                "now_ms": row.created_at_ms,
            },
        )
        self._feed(tx, row.id, user, "token.created")
        return NewPersonalToken(token=token, row=row)

    async def user_of(self, token: str) -> User:
        """Return whose token this is, and note, coarsely, that it was used.

        Raises:
            TokenRefusedError: nobody's, or revoked.
        """
        known = self._known.get(token)
        if known is None:
            known = await self._look_up(token)
        now_ms = self._clock.now_ms()
        if now_ms - known.last_used_at_ms >= limits.TOKEN_USE_NOTED_MS:
            known.last_used_at_ms = now_ms
            use = {"id": known.token_id, "now_ms": now_ms}
            await self._store.write(lambda tx: tx.execute(sql.touch_token, use))
        return known.user

    async def list(self, user: User) -> list[PersonalToken]:
        """Return a user's tokens, newest first."""
        rows = await self._store.readers.all(
            sql.tokens_of_user, {"user_id": user.id, "limit": limits.TOKENS_PER_USER_MAX}
        )
        return [
            PersonalToken(
                id=row["id"],
                name=row["name"],
                hint=row["hint"],
                is_cli=bool(row["is_cli"]),
                created_at_ms=row["created_at_ms"],
                last_used_at_ms=row["last_used_at_ms"],
            )
            for row in rows
        ]

    async def revoke(self, user: User, token_id: str) -> None:
        """Revoke a user's own token: it stops working at once.

        Raises:
            TokenNotFoundError: this user has no such token.
        """
        now_ms = self._clock.now_ms()

        def revoke(tx: Transaction) -> None:
            if not tx.execute(
                sql.revoke_token, {"id": token_id, "user_id": user.id, "now_ms": now_ms}
            ):
                raise TokenNotFoundError
            self._feed(tx, token_id, user, "token.revoked")
            tx.after_commit(self.forget)

        await self._store.write(revoke)

    def forget(self) -> None:
        """Forget all lookups: a token or its owner has changed."""
        self._generation += 1
        self._known.clear()

    async def _look_up(self, token: str) -> _Known:
        if not token.startswith(PREFIX):
            raise TokenRefusedError
        generation = self._generation
        row = await self._store.readers.one(sql.token_user, {"token_hash": token_hash(token)})
        if row is None:
            raise TokenRefusedError
        known = _Known(user_of(row), row["token_id"], row["last_used_at_ms"] or 0)
        if generation == self._generation:
            if len(self._known) >= limits.ACCESS_CACHE_MAX:
                self._known.clear()
            self._known[token] = known
        return known

    def _feed(self, tx: Transaction, token_id: str, user: User, kind: str) -> None:
        tx.feed(
            at_ms=self._clock.now_ms(),
            environment_id=None,
            subject=token_id,
            kind=kind,
            body=json.dumps({"user": user.id}),
        )
