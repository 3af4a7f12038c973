"""Who calls: one look at the credential per request, for every route, before its handler.

Routes say which kinds of credential they take with ``opt={"auth": …}``; a route that says nothing
takes nobody. A box without an owner answers only routes with ``"unclaimed": True`` beside it. What
a caller may do with one run or task is checked in the handler, with ``Caller.require``.
Source: rest-api 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, cast
from urllib.parse import unquote

from litestar import types as litestar

from trigger_box.access import public_tokens, sessions
from trigger_box.access.access import Access
from trigger_box.access.actors import Environment, Session, User
from trigger_box.access.directory import branch_name
from trigger_box.access.public_tokens import PublicToken
from trigger_box.access.scopes import Resource
from trigger_box.api.asgi import Scope, headers_of
from trigger_box.api.origins import Origins
from trigger_box.api.problems import NoCredentialError
from trigger_box.domain.errors import DeniedError, UnauthenticatedError, UnclaimedError
from trigger_box.ids import EnvironmentId

_TOKEN_PREFIX: Final = "Bearer "  # noqa: S105 - a scheme, no secret
_OTLP_HEADER: Final = b"x-tb-otlp-token"
_PERSONAL_PREFIX: Final = "tr_pat_"


class Credential(StrEnum):
    """What a caller can show."""

    SECRET_KEY = "secret_key"  # noqa: S105 - a kind, no secret
    PUBLIC_TOKEN = "public_token"  # noqa: S105 - a kind, no secret
    PERSONAL_TOKEN = "personal_token"  # noqa: S105 - a kind, no secret
    SESSION = "session"
    OTLP_TOKEN = "otlp_token"  # noqa: S105 - a kind, no secret
    OWNER = "owner"


NOBODY: Final[frozenset[Credential]] = frozenset()
"""``opt={"auth": NOBODY}``: no credential is asked for. Says so on purpose."""
SECRET: Final = frozenset({Credential.SECRET_KEY})
SECRET_OR_PUBLIC: Final = SECRET | {Credential.PUBLIC_TOKEN}
PERSONAL: Final = frozenset({Credential.PERSONAL_TOKEN})
SECRET_OR_PERSONAL: Final = SECRET | PERSONAL
SESSION: Final = frozenset({Credential.SESSION})
OTLP: Final = SECRET | {Credential.OTLP_TOKEN}
OWNER: Final = frozenset({Credential.OWNER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody whose credential is good. Exactly the fields of its kind are set."""

    credential: Credential | None
    environment: Environment | None = None
    user: User | None = None
    session: Session | None = None
    public_token: PublicToken | None = None
    otlp_environment_id: EnvironmentId | None = None

    def require(self, action: str, *resources: Resource) -> None:
        """Check that this caller may do ``action`` on at least one of ``resources``.

        Raises:
            DeniedError: it may not. Secret keys may do everything in their environment.
        """
        if self.public_token is not None and not self.public_token.allows(action, *resources):
            raise DeniedError

    def require_every(self, action: str, *resources: Resource) -> None:
        """Check that this caller may do ``action`` on each of ``resources``.

        Raises:
            DeniedError: it may not.
        """
        token = self.public_token
        if token is not None and not token.allows_every(action, *resources):
            raise DeniedError


ANYBODY: Final = Caller(credential=None)


def environment_of(caller: Caller) -> Environment:
    """Return the environment a key or public token opens. For routes that take only those."""
    assert caller.environment is not None, "the route takes environment credentials only"
    return caller.environment


def user_of(caller: Caller) -> User:
    """Return the person behind a personal token or session. For routes that take only those."""
    assert caller.user is not None, "the route takes people's credentials only"
    return caller.user


class Authenticator:
    """Turns headers into a ``Caller``. Lookups are cached by ``Access``."""

    def __init__(self, access: Access, origins: Origins) -> None:
        self._access = access
        self._origins = origins

    def check_claimed(self) -> None:
        """Check that the box has an owner: until then only claiming it is answered.

        Raises:
            UnclaimedError: it has none.
        """
        if not self._access.is_claimed:
            raise UnclaimedError

    async def identify(
        self,
        scope: Scope,
        allowed: frozenset[Credential],
        *,
        headers: Mapping[bytes, bytes] | None = None,
    ) -> Caller:
        """Return who calls.

        Raises:
            UnauthenticatedError: no credential, or one that is not good here.
            DeniedError: a browser's change was not made by our own pages.
        """
        if headers is None:
            headers = headers_of(scope)
        if Credential.OTLP_TOKEN in allowed and (otlp_token := headers.get(_OTLP_HEADER)):
            environment_id = self._access.environment_of_otlp_token(otlp_token.decode("latin-1"))
            return Caller(credential=Credential.OTLP_TOKEN, otlp_environment_id=environment_id)
        if allowed == SESSION:
            # A proxy may ask for a password of its own: what it adds is not meant for us.
            return await self._of_session(scope, headers)
        authorization = headers.get(b"authorization")
        if authorization is None:
            if Credential.SESSION in allowed:
                return await self._of_session(scope, headers)
            raise NoCredentialError
        token = authorization.decode("latin-1").removeprefix(_TOKEN_PREFIX).strip()
        if not token:
            raise UnauthenticatedError
        return await self._of_token(token, allowed, headers.get(b"x-trigger-branch"))

    async def _of_token(
        self, token: str, allowed: frozenset[Credential], branch: bytes | None
    ) -> Caller:
        if Credential.PUBLIC_TOKEN in allowed and public_tokens.peek(token) is not None:
            public_token = await self._access.verify_public_token(token)
            return Caller(
                credential=Credential.PUBLIC_TOKEN,
                environment=public_token.environment,
                public_token=public_token,
            )
        if Credential.PERSONAL_TOKEN in allowed and token.startswith(_PERSONAL_PREFIX):
            user = await self._access.user_of_token(token)
            return Caller(credential=Credential.PERSONAL_TOKEN, user=user)
        if Credential.OWNER in allowed and self._access.is_local_owner(token):
            return Caller(credential=Credential.OWNER)
        if Credential.SECRET_KEY not in allowed:
            raise UnauthenticatedError("Invalid API key")
        name = None if branch is None else branch_name(branch.decode("latin-1"))
        environment = await self._access.environment_of_key(token, branch=name)
        return Caller(credential=Credential.SECRET_KEY, environment=environment)

    async def _of_session(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Caller:
        cookie = self._session_cookie(scope, headers)
        if cookie is None:
            raise sessions.SessionEndedError
        session = await self._access.user_of_session(cookie)
        method: str = scope.get(
            "method", "GET"
        )  # none: a websocket, which changes nothing by itself
        sessions.check_csrf_token(
            method=method, header=_text(headers, sessions.CSRF_HEADER), session=session
        )
        sessions.check_same_site(
            method=method,
            origin=_text(headers, "origin"),
            fetch_site=_text(headers, "sec-fetch-site"),
            own_origins=frozenset({self._origins.of(scope, headers)}),
        )
        return Caller(credential=Credential.SESSION, user=session.user, session=session)

    def _session_cookie(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str | None:
        is_tls = self._origins.of(scope, headers).startswith("https://")
        wanted = sessions.cookie_name(is_tls=is_tls)
        for pair in (_text(headers, "cookie") or "").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == wanted:
                return value
        return None


def _text(headers: Mapping[bytes, bytes], name: str) -> str | None:
    value = headers.get(name.encode())
    return None if value is None else value.decode("latin-1")


class AuthenticationMiddleware:
    """Runs after routing, before the handler: sets ``scope["auth"]`` to the ``Caller``."""

    def __init__(self, app: litestar.ASGIApp, *, authenticator: Authenticator) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(
        self, scope: litestar.Scope, receive: litestar.Receive, send: litestar.Send
    ) -> None:
        """Identify the caller, or refuse."""
        opt: Mapping[str, Any] = scope["route_handler"].opt
        if "auth" not in opt:
            # Closed by default: whoever added this route forgot to say who may call it.
            raise UnauthenticatedError
        if not opt.get("unclaimed", False):
            self._authenticator.check_claimed()
        allowed: frozenset[Credential] = opt["auth"]
        scope["auth"] = (
            await self._authenticator.identify(cast("Scope", scope), allowed)
            if allowed
            else ANYBODY
        )
        # Routing was done on the raw path, so that an encoded slash stays inside its segment.
        parameters = cast("Mapping[str, object]", scope["path_params"])
        if any("%" in str(value) for value in parameters.values()):
            decoded = {
                name: unquote(value) if isinstance(value, str) else value
                for name, value in parameters.items()
            }
            scope["path_params"] = cast("dict[str, str]", decoded)
        await self._app(scope, receive, send)
