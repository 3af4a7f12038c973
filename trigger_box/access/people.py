"""Accounts: claiming the box, making users, checking passwords.

What follows a right password, a session, lives in ``sessions.py``.
"""

from __future__ import annotations

import hmac
import json
import sqlite3
from dataclasses import replace
from typing import Final

from trigger_box.access.actors import User
from trigger_box.access.attempts import (
    PER_ACCOUNT,
    PER_ACCOUNT_AND_ADDRESS,
    PER_ADDRESS,
    Attempts,
    source_of,
)
from trigger_box.access.keyring import token_hash
from trigger_box.access.names import checked_email, checked_name, checked_password
from trigger_box.access.organizations import Organizations
from trigger_box.access.passwords import Passwords
from trigger_box.access.rows import user_of
from trigger_box.access.sessions import Sessions
from trigger_box.clock import Clock
from trigger_box.domain import limits
from trigger_box.domain.errors import InvalidError, NotFoundError, UnauthenticatedError
from trigger_box.ids import IdSource, new_secret
from trigger_box.store.queries import accounts as sql
from trigger_box.store.store import Store
from trigger_box.store.writer import Transaction

FIRST_ORGANIZATION: Final = "My organization"
_CLAIM_PREFIX: Final = "tr_claim_"


class ClaimRefusedError(UnauthenticatedError):
    """This claim link is not valid. On the machine of the box: trigger-box admin claim-link."""

    code = "claim_refused"


class SignInRefusedError(UnauthenticatedError):
    """The e-mail address or the password is not right."""

    code = "sign_in_refused"


class UserNotFoundError(NotFoundError):
    """There is no account with this e-mail address."""

    code = "user_not_found"


class People:
    """The accounts of the box."""

    def __init__(  # noqa: PLR0913 - the parts it is made of
        self,
        store: Store,
        clock: Clock,
        ids: IdSource,
        *,
        organizations: Organizations,
        sessions: Sessions,
        passwords: Passwords,
        attempts: Attempts,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._organizations = organizations
        self._sessions = sessions
        self._passwords = passwords
        self._attempts = attempts
        self.is_claimed = False

    async def open(self) -> None:
        """Read, or write down first, what this data folder is."""
        now_ms = self._clock.now_ms()
        await self._store.write(lambda tx: tx.execute(sql.insert_box, {"now_ms": now_ms}))
        row = await self._store.readers.one(sql.box)
        assert row is not None, "the box has its row"
        self.is_claimed = row["claimed_at_ms"] is not None

    async def offer_claim(self) -> str | None:
        """Return a new claim token, the only valid one, or None if the box is claimed."""
        token = new_secret(_CLAIM_PREFIX, 40)
        offered = await self._store.write(
            lambda tx: tx.execute(sql.offer_claim, {"token_hash": token_hash(token)})
        )
        return token if offered else None

    async def claim(
        self, token: str, *, email: str, password: str, name: str | None = None, address: str
    ) -> User:
        """Make the first account, an administrator, with the one claim token.

        Raises:
            ClaimRefusedError: a wrong token, or the box is claimed already.
            InvalidError: the address or the password is not fit for use.
            LimitError: too many attempts from this address.
        """
        # First the token, which is cheap to check: strangers get no password hashed for them.
        if not await self.is_claim_token(token, address=address):
            raise ClaimRefusedError
        email = checked_email(email)
        checked_password(password, email=email)
        name = None if name is None else checked_name(name, field="name")
        password_hash = await self._passwords.hash(password)
        now_ms = self._clock.now_ms()

        def claim(tx: Transaction) -> User:
            seen = {"now_ms": now_ms, "token_hash": token_hash(token)}
            if not tx.execute(sql.claim, seen):
                raise ClaimRefusedError
            return self._add_first(tx, email=email, name=name, password_hash=password_hash)

        return await self._store.write(claim)

    async def is_claim_token(self, token: str, *, address: str) -> bool:
        """Return whether this is the claim token of a box that nobody has claimed.

        Raises:
            LimitError: too many attempts from this address.
        """
        self._attempts.take({f"claim {source_of(address)}": PER_ADDRESS})
        row = await self._store.readers.one(sql.box)
        if row is None or row["claimed_at_ms"] is not None or row["claim_token_hash"] is None:
            return False
        return hmac.compare_digest(token_hash(token), row["claim_token_hash"])

    async def put_admin(
        self, email: str, *, password: str | None, name: str | None = None
    ) -> tuple[User, bool]:
        """Make sure there is an administrator with this address; return whether it was made now.

        On the word of the data folder's owner. It claims an unclaimed box. A password that is given
        replaces the one before and ends all sessions; without one, an account can't sign in to the
        dashboard, it only owns tokens.

        Raises:
            InvalidError: the address or the password is not fit for use.
        """
        email = checked_email(email)
        name = None if name is None else checked_name(name, field="name")
        password_hash: str | None = None
        if password is not None:
            checked_password(
                password, email=email, characters_min=limits.PASSWORD_CHARACTERS_MIN_LOCAL
            )
            password_hash = await self._passwords.hash(password)
        now_ms = self._clock.now_ms()

        def put(tx: Transaction) -> tuple[User, bool]:
            if tx.execute(sql.claim_locally, {"now_ms": now_ms}):
                return self._add_first(
                    tx, email=email, name=name, password_hash=password_hash
                ), True
            row = tx.one(sql.user_by_email, {"email": email})
            if row is not None:
                return self._update_admin(tx, user_of(row), password_hash), False
            user = self._add(tx, email=email, name=name, password_hash=password_hash)
            self._organizations.join_all(tx, user_id=user.id)
            return user, True

        return await self._store.write(put)

    async def change_password(
        self, user: User, *, current: str, password: str, address: str, cookie: str
    ) -> None:
        """Give a signed-in person another password. Their other sessions end.

        Args:
            cookie: of the session that asks; it lives on.

        Raises:
            InvalidError: the new password is not fit for use, or the current one is not right.
            LimitError: too many attempts; ``details["seconds"]`` says how long to wait.
        """
        checked_password(password, email=user.email)
        try:
            await self.check_password(user.email, current, address=address)
        except SignInRefusedError as error:
            raise InvalidError("This is not your current password.", field="current") from error
        password_hash = await self._passwords.hash(password)
        await self._store.write(
            lambda tx: self._set_password(tx, user, password_hash, kept_cookie=cookie)
        )

    async def first(self) -> User | None:
        """Return the oldest account: whose box this is. None while it is unclaimed."""
        row = await self._store.readers.one(sql.first_user)
        return None if row is None else user_of(row)

    async def user_by_email(self, email: str) -> User:
        """Return the account with this address.

        Raises:
            UserNotFoundError: there is none.
        """
        return user_of(await self._row_by_email(email))

    async def check_password(self, email: str, password: str, *, address: str) -> User:
        """Return who signs in with this password.

        Args:
            address: where the attempt comes from; attempts are counted per address and account.

        Raises:
            LimitError: too many attempts; ``details["seconds"]`` says how long to wait.
            SignInRefusedError: no such account, or another password. It does not say which.
        """
        email = email.strip()[: limits.EMAIL_CHARACTERS_MAX]
        account = email.casefold()
        source = source_of(address)
        pair = f"account {account} from {source}"
        self._attempts.take(
            {
                pair: PER_ACCOUNT_AND_ADDRESS,
                f"address {source}": PER_ADDRESS,
                f"account {account}": PER_ACCOUNT,
            }
        )
        row = await self._store.readers.one(sql.user_by_email, {"email": email})
        if len(password) > limits.PASSWORD_BYTES_MAX:
            password = ""
        stored: str | None = None if row is None else row["password_hash"]
        if not await self._passwords.verify(password, stored):
            raise SignInRefusedError
        assert row is not None, "only a stored hash can fit"
        assert stored is not None, "only a stored hash can fit"
        self._attempts.forgive(pair)
        if self._passwords.is_outdated(stored):
            fresh = await self._passwords.hash(password)
            await self._store.write(
                lambda tx: tx.execute(
                    sql.rehash_password,
                    {"id": row["id"], "password_hash": fresh, "seen_hash": stored},
                )
            )
        return user_of(row)

    async def set_name(self, user: User, name: str) -> bool:
        """Give an account a name; return whether that changed anything.

        Raises:
            InvalidError: the name is none.
        """
        name = checked_name(name, field="name")
        await self._store.write(
            lambda tx: tx.execute(sql.set_user_name, {"id": user.id, "name": name})
        )
        return name != user.name

    async def _row_by_email(self, email: str) -> sqlite3.Row:
        row = await self._store.readers.one(sql.user_by_email, {"email": email.strip()})
        if row is None:
            raise UserNotFoundError(f"There is no account for {email.strip()[:80]}.")
        return row

    def _add_first(
        self, tx: Transaction, *, email: str, name: str | None, password_hash: str | None
    ) -> User:
        """Make the administrator and the first organization."""
        user = self._add(tx, email=email, name=name, password_hash=password_hash)
        self._organizations.add(tx, title=FIRST_ORGANIZATION, owner_id=user.id)
        tx.after_commit(self._note_claimed)
        return user

    def _note_claimed(self) -> None:
        self.is_claimed = True

    def _update_admin(self, tx: Transaction, user: User, password_hash: str | None) -> User:
        if password_hash is not None:
            self._set_password(tx, user, password_hash, kept_cookie=None)
        if not user.is_admin:
            tx.execute(sql.make_admin, {"id": user.id})
            self._organizations.join_all(tx, user_id=user.id)
        return replace(user, is_admin=True)

    def _set_password(
        self, tx: Transaction, user: User, password_hash: str, *, kept_cookie: str | None
    ) -> None:
        tx.execute(sql.set_password, {"id": user.id, "password_hash": password_hash})
        self._sessions.end_others_of(tx, user, kept_cookie=kept_cookie)

    def _add(
        self, tx: Transaction, *, email: str, name: str | None, password_hash: str | None
    ) -> User:
        user = User(id=self._ids.user(), email=email, name=name, is_admin=True)
        now_ms = self._clock.now_ms()
        tx.execute(
            sql.insert_user,
            {
                "id": user.id,
                "email": email,
                "name": name,
                "password_hash": password_hash,
                "is_admin": 1,
                "now_ms": now_ms,
            },
        )
        tx.feed(
            at_ms=now_ms,
            environment_id=None,
            subject=user.id,
            kind="user.created",
            body=json.dumps({"isAdmin": True}),
        )
        return user
