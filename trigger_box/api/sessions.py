"""Claiming the box, signing in and out, and who is signed in: what the dashboard asks first.

The cookie is set and cleared here and nowhere else. What a signed-in person does with the account
is in ``accounts.py``; the rules (attempts, expiry, CSRF) are in ``access``.
"""

from __future__ import annotations

import asyncio
import shutil
from typing import Annotated, Final, TypedDict, TypeVar, cast
from urllib.parse import urlsplit

from litestar import Response, get, post
from litestar.datastructures import CacheControlHeader, Cookie
from pydantic import BaseModel, ConfigDict, StringConstraints

from trigger_box.access import sessions
from trigger_box.access.actors import NewSession, Session
from trigger_box.access.sessions import SessionEndedError
from trigger_box.api.addresses import caller_address
from trigger_box.api.asgi import Receive, Scope, headers_of
from trigger_box.api.authentication import NOBODY, SESSION
from trigger_box.api.bodies import check, parse_json, read_body
from trigger_box.api.rooms import ApiRequest, Rooms, TheRooms
from trigger_box.domain import limits
from trigger_box.version import VERSION

NO_STORE: Final = CacheControlHeader(no_store=True, private=True)
"""For answers that hold secrets or say who somebody is."""
_OPEN: Final = {"auth": NOBODY, "unclaimed": True}
_GIB: Final = 1024**3
_ENVIRONMENT_NAMES: Final = {
    "dev": "Development",
    "stg": "Staging",
    "prod": "Production",
    "preview": "Preview",
}

M = TypeVar("M", bound=BaseModel)
Text = Annotated[str, StringConstraints(max_length=2_048)]


class Body(BaseModel):
    """A body sent by the dashboard."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ClaimBody(Body):
    """The first account, made by whoever holds the claim link."""

    token: Text
    email: Text
    password: Text
    name: Text | None = None


class SignInBody(Body):
    """Somebody with a password."""

    email: Text
    password: Text


class BoxAnswer(TypedDict):
    """What the box tells everybody."""

    version: str
    apiUrl: str
    isClaimed: bool


class UserAnswer(TypedDict):
    """Who is signed in."""

    id: str
    email: str
    name: str


class EnvironmentAnswer(TypedDict):
    """An environment in the switcher."""

    id: str
    slug: str
    name: str
    isPaused: bool


class ProjectAnswer(TypedDict):
    """A project in the switcher."""

    ref: str
    slug: str
    name: str
    environments: list[EnvironmentAnswer]


class OrganizationAnswer(TypedDict):
    """An organization in the switcher."""

    slug: str
    title: str
    projects: list[ProjectAnswer]


class SessionAnswer(TypedDict):
    """What the dashboard shows depends on this: the box, the person, where the person can go."""

    box: BoxAnswer
    user: UserAnswer | None
    csrfToken: str | None
    organizations: list[OrganizationAnswer]


class FactAnswer(TypedDict):
    """Something worth knowing before claiming a box."""

    isOk: bool
    text: str


class ClaimCheckAnswer(TypedDict):
    """Whether a claim token is good. ``expiresAtMs`` null: until the box starts again."""

    isValid: bool
    expiresAtMs: int | None
    facts: list[FactAnswer]


@get(
    "/dashboard/api/session",
    cache_control=NO_STORE,
    opt=_OPEN,
    summary="Who is signed in, and where they can go",
)
async def get_session(request: ApiRequest, rooms: TheRooms) -> SessionAnswer:
    """Return the box, and the person behind the cookie if there is one."""
    try:
        caller = await rooms.authenticator.identify(_scope(request), SESSION)
    except SessionEndedError:
        return await _session_answer(request, rooms, None)
    return await _session_answer(request, rooms, caller.session)


@get(
    "/dashboard/api/claim",
    cache_control=NO_STORE,
    opt=_OPEN,
    summary="Is this the claim token",
)
async def check_claim(request: ApiRequest, rooms: TheRooms) -> ClaimCheckAnswer:
    """Say whether a claim token is good, and to who holds it what to know about the box."""
    token = request.query_params.get("token", "")
    address = caller_address(request)
    if not await rooms.access.is_claim_token(token, address=address):
        return {"isValid": False, "expiresAtMs": None, "facts": []}
    return {"isValid": True, "expiresAtMs": None, "facts": await _facts(request, rooms)}


@post(
    "/dashboard/api/claim",
    cache_control=NO_STORE,
    opt={**_OPEN, "body": ClaimBody},
    status_code=200,
    summary="Make the first account",
)
async def claim(request: ApiRequest, rooms: TheRooms) -> Response[SessionAnswer]:
    """Make the first account, an administrator, and sign it in. The claim token works once."""
    check_own_page(request, rooms)
    body = await body_of(request, ClaimBody)
    user = await rooms.access.claim(
        body.token,
        body.email,
        body.password,
        name=body.name or None,
        address=caller_address(request),
    )
    begun = await rooms.access.begin_session(user, signed_in_from=_seen(request))
    return await _signed_in(request, rooms, begun)


@post(
    "/dashboard/api/sign-in",
    cache_control=NO_STORE,
    opt={"auth": NOBODY, "body": SignInBody},
    status_code=200,
    summary="Sign in with a password",
)
async def sign_in(request: ApiRequest, rooms: TheRooms) -> Response[SessionAnswer]:
    """Begin a session. Attempts are counted per address and account."""
    check_own_page(request, rooms)
    body = await body_of(request, SignInBody)
    begun = await rooms.access.sign_in(
        body.email,
        body.password,
        address=caller_address(request),
        signed_in_from=_seen(request),
    )
    return await _signed_in(request, rooms, begun)


@post("/dashboard/api/sign-out", opt={"auth": SESSION}, status_code=204, summary="Sign out")
async def sign_out(request: ApiRequest, rooms: TheRooms) -> Response[None]:
    """End the session of this browser."""
    await rooms.access.sign_out(session_cookie(request, rooms))
    return Response(None, status_code=204, cookies=[_cookie(request, rooms, value="", age_s=0)])


async def body_of(request: ApiRequest, model: type[M]) -> M:
    """Return the small JSON body of a request.

    Raises:
        InvalidError: it is no JSON, or does not have the shape of ``model``.
        TooLargeError: it is longer than any small body may be.
    """
    receive = cast("Receive", request.receive)
    raw = await read_body(request.scope["headers"], receive, bytes_max=limits.SMALL_BODY_BYTES_MAX)
    return check(model, parse_json(raw))


def session_cookie(request: ApiRequest, rooms: Rooms) -> str:
    """Return the session cookie that came with a request, "" if none did."""
    return request.cookies.get(_cookie_name(request, rooms), "")


def check_own_page(request: ApiRequest, rooms: Rooms) -> None:
    """Check that no other site's page signs its visitor in here, as somebody else.

    A caller that sends neither header is no browser, so there is no visitor to trick.

    Raises:
        CrossSiteError: another site's page made the request.
    """
    origin, fetch_site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin is not None or fetch_site is not None:
        sessions.check_same_site(
            method=request.method,
            origin=origin,
            fetch_site=fetch_site,
            own_origins=frozenset({_origin(request, rooms)}),
        )


async def _signed_in(
    request: ApiRequest, rooms: Rooms, begun: NewSession
) -> Response[SessionAnswer]:
    """Return who is signed in now, with the cookie of the session just begun."""
    answer = await _session_answer(request, rooms, begun.session)
    age_s = limits.SESSION_AGE_MS_MAX // 1000  # the box ends it earlier when it is not used
    cookie = _cookie(request, rooms, value=begun.cookie, age_s=age_s)
    return Response(answer, status_code=200, cookies=[cookie])


async def _session_answer(
    request: ApiRequest, rooms: Rooms, session: Session | None
) -> SessionAnswer:
    """Return what the dashboard shows to this person, or to nobody."""
    box: BoxAnswer = {
        "version": VERSION,
        "apiUrl": _origin(request, rooms),
        "isClaimed": rooms.access.is_claimed,
    }
    if session is None:
        return {"box": box, "user": None, "csrfToken": None, "organizations": []}
    user = session.user
    return {
        "box": box,
        "user": {"id": user.id, "email": user.email, "name": user.name or user.email},
        "csrfToken": session.csrf_token,
        "organizations": [
            {
                "slug": organization.slug,
                "title": organization.title,
                "projects": [
                    {
                        "ref": project.ref,
                        "slug": project.slug,
                        "name": project.name,
                        "environments": [
                            {
                                "id": environment.id,
                                "slug": environment.slug,
                                "name": _ENVIRONMENT_NAMES[environment.slug],
                                "isPaused": environment.is_paused,
                            }
                            for environment in project.environments
                        ],
                    }
                    for project in organization.projects
                ],
            }
            for organization in await rooms.access.places_of(user)
        ],
    }


async def _facts(request: ApiRequest, rooms: Rooms) -> list[FactAnswer]:
    """Return what is good to know about the box before it is claimed."""
    origin = _origin(request, rooms)
    usage = await asyncio.to_thread(shutil.disk_usage, rooms.store.folder.root)
    return [
        {
            "isOk": usage.free > _GIB,
            "text": f"{usage.free / _GIB:.1f} GiB are free for its data.",
        },
        _way_here(origin),
    ]


def _way_here(origin: str) -> FactAnswer:
    """Return who could read what is typed on its way from the browser to the box."""
    if origin.startswith("https://"):
        return {"isOk": True, "text": "The way to it is encrypted (TLS)."}
    if urlsplit(origin).hostname in {"127.0.0.1", "::1", "localhost"}:
        return {
            "isOk": True,
            "text": "No TLS, but you reach it at your own machine's address: what you type crosses "
            "no network, unless you forwarded the port yourself.",
        }
    return {
        "isOk": False,
        "text": "No TLS: what you type can be read on the way. Put a proxy with TLS in front.",
    }


def _cookie(request: ApiRequest, rooms: Rooms, *, value: str, age_s: int) -> Cookie:
    return Cookie(
        key=_cookie_name(request, rooms),
        value=value,
        max_age=age_s,
        path="/",
        secure=_is_tls(request, rooms),
        httponly=True,
        samesite="lax",
    )


def _cookie_name(request: ApiRequest, rooms: Rooms) -> str:
    return sessions.cookie_name(is_tls=_is_tls(request, rooms))


def _is_tls(request: ApiRequest, rooms: Rooms) -> bool:
    return _origin(request, rooms).startswith("https://")


def _origin(request: ApiRequest, rooms: Rooms) -> str:
    scope = _scope(request)
    return rooms.origins.of(scope, headers_of(scope))


def _scope(request: ApiRequest) -> Scope:
    return cast("Scope", request.scope)


def _seen(request: ApiRequest) -> str:
    """Return how a person knows this browser again in a list of sessions."""
    return f"{request.headers.get('user-agent', 'unknown browser')} at {caller_address(request)}"


routes = [get_session, check_claim, claim, sign_in, sign_out]
