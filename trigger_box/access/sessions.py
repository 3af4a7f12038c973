"""Signed-in browsers: cookies that slide while in use and end for sure, and their CSRF tokens."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

from trigger_box.access.actors import NewSession, Session, User
from trigger_box.access.keyring import Keyring, token_hash
from trigger_box.access.rows import user_of
from trigger_box.clock import Clock
from trigger_box.domain import limits
from trigger_box.domain.errors import DeniedError, UnauthenticatedError
from trigger_box.ids import new_secret
from trigger_box.store.queries import accounts as sql
from trigger_box.store.store import Store
from trigger_box.store.writer import Transaction

CSRF_HEADER: Final = "x-csrf-token"
_COOKIE_NAME: Final = "tbx_session"
_PURPOSE: Final = "csrf"
_SAFE_METHODS: Final = {"GET", "HEAD", "OPTIONS"}
_SIGNED_IN_FROM_CHARACTERS_MAX: Final = 300
_SWEEP_ROWS: Final = 200


class SessionEndedError(UnauthenticatedError):
    """You are signed out. Sign in again."""

    code = "signed_out"


class CrossSiteError(DeniedError):
    """This change did not come from the dashboard itself. Reload the page and try again."""

    code = "cross_site"


@dataclass(frozen=True, slots=True)
class _Known:
    session: Session
    created_at_ms: int


class Sessions:
    """Begins, finds, extends and ends sessions."""

    def __init__(self, store: Store, keyring: Keyring, clock: Clock) -> None:
        self._store = store
        self._keyring = keyring
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._generation = 0

    async def begin(self, user: User, *, signed_in_from: str | None = None) -> NewSession:
        """Begin a session; its cookie is told only here."""
        cookie = new_secret("", 43)
        hashed = token_hash(cookie)
        now_ms = self._clock.now_ms()
        expires_at_ms = now_ms + limits.SESSION_IDLE_MS

        def begin(tx: Transaction) -> None:
            tx.execute(sql.delete_expired_sessions, {"now_ms": now_ms, "limit": _SWEEP_ROWS})
            tx.execute(
                sql.insert_session,
                {
                    "token_hash": hashed,
                    "user_id": user.id,
                    "signed_in_from": (signed_in_from or "")[:_SIGNED_IN_FROM_CHARACTERS_MAX],
                    "now_ms": now_ms,
                    "expires_at_ms": expires_at_ms,
                },
            )
            tx.execute(
                sql.trim_sessions, {"user_id": user.id, "keep": limits.SESSIONS_PER_USER_MAX}
            )
            tx.after_commit(self.forget)

        await self._store.write(begin)
        return NewSession(cookie=cookie, session=self._session(hashed, user, expires_at_ms))

    async def of_cookie(self, cookie: str) -> Session:
        """Return the session a cookie stands for, and keep it alive.

        Raises:
            SessionEndedError: it stands for none, or for one that is over.
        """
        hashed = token_hash(cookie)
        now_ms = self._clock.now_ms()
        known = self._known.get(hashed)
        if known is None:
            known = await self._look_up(hashed, now_ms)
        if known.session.expires_at_ms <= now_ms:
            self._known.pop(hashed, None)
            raise SessionEndedError
        if known.session.expires_at_ms - now_ms < limits.SESSION_IDLE_MS // 2:
            known = await self._extend(hashed, known, now_ms)
        return known.session

    async def end(self, cookie: str) -> None:
        """End a session; do nothing if it has ended already."""
        hashed = token_hash(cookie)

        def end(tx: Transaction) -> None:
            tx.execute(sql.delete_session, {"token_hash": hashed})
            tx.after_commit(self.forget)

        await self._store.write(end)

    def end_others_of(self, tx: Transaction, user: User, *, kept_cookie: str | None) -> None:
        """End every session of a user but one, inside a transaction."""
        kept_hash = "" if kept_cookie is None else token_hash(kept_cookie)
        tx.execute(sql.delete_other_sessions, {"user_id": user.id, "kept_hash": kept_hash})
        tx.after_commit(self.forget)

    def forget(self) -> None:
        """Forget all lookups: a session has ended."""
        self._generation += 1
        self._known.clear()

    async def _look_up(self, hashed: str, now_ms: int) -> _Known:
        generation = self._generation
        row = await self._store.readers.one(sql.session, {"token_hash": hashed, "now_ms": now_ms})
        if row is None:
            raise SessionEndedError
        known = _Known(
            self._session(hashed, user_of(row), row["expires_at_ms"]), row["created_at_ms"]
        )
        if generation == self._generation:
            if len(self._known) >= limits.ACCESS_CACHE_MAX:
                self._known.clear()
            self._known[hashed] = known
        return known

    async def _extend(self, hashed: str, known: _Known, now_ms: int) -> _Known:
        """Let a session that is in use live on, but never past its greatest age."""
        expires_at_ms = min(
            now_ms + limits.SESSION_IDLE_MS, known.created_at_ms + limits.SESSION_AGE_MS_MAX
        )
        if expires_at_ms <= known.session.expires_at_ms:
            return known
        await self._store.write(
            lambda tx: tx.execute(
                sql.extend_session, {"token_hash": hashed, "expires_at_ms": expires_at_ms}
            )
        )
        extended = _Known(
            self._session(hashed, known.session.user, expires_at_ms), known.created_at_ms
        )
        if hashed in self._known:  # else it was ended meanwhile
            self._known[hashed] = extended
        return extended

    def _session(self, hashed: str, user: User, expires_at_ms: int) -> Session:
        return Session(
            user=user,
            csrf_token=self._keyring.mac(_PURPOSE, hashed),
            expires_at_ms=expires_at_ms,
        )


def cookie_name(*, is_tls: bool) -> str:
    """Return the cookie's name: ``__Host-`` makes browsers insist on TLS, this host, and path /."""
    return f"__Host-{_COOKIE_NAME}" if is_tls else _COOKIE_NAME


def check_same_site(
    *,
    method: str,
    origin: str | None,
    fetch_site: str | None,
    own_origins: frozenset[str],
) -> None:
    """Check that a browser's request for a change was made by our own pages.

    Args:
        method: the HTTP method; reading is always fine.
        origin: the ``Origin`` header, if any.
        fetch_site: the ``Sec-Fetch-Site`` header, if any.
        own_origins: what our own pages may send, like ``https://box.example.com``.

    Raises:
        CrossSiteError: another site made it, or it does not say.
    """
    if method in _SAFE_METHODS:
        return
    if origin is not None:
        if origin not in own_origins:
            raise CrossSiteError
    elif fetch_site != "same-origin":
        raise CrossSiteError


def check_csrf_token(*, method: str, header: str | None, session: Session) -> None:
    """Check that a change carries the token bound to its session.

    Raises:
        CrossSiteError: it does not.
    """
    if method in _SAFE_METHODS:
        return
    if header is None or not hmac.compare_digest(header.encode(), session.csrf_token.encode()):
        raise CrossSiteError
