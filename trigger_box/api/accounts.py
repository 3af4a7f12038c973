"""What a signed-in person does with the account: password, access tokens, letting terminals in."""

from __future__ import annotations

from typing import Final, TypedDict

from litestar import delete, get, post
from litestar.params import FromPath

from trigger_box.access.actors import Authorization, PersonalToken
from trigger_box.access.tokens import PREFIX
from trigger_box.api.addresses import caller_address
from trigger_box.api.authentication import SESSION
from trigger_box.api.rooms import ApiRequest, Rooms, TheRooms, TheUser
from trigger_box.api.sessions import NO_STORE, Body, Text, body_of, session_cookie

_STATES: Final = {
    "PENDING": "waiting",
    "APPROVED": "approved",
    "USED": "approved",
    "DENIED": "denied",
}


class PasswordBody(Body):
    """A change of password."""

    current: Text
    password: Text


class TokenNameBody(Body):
    """What a new access token is called."""

    name: Text


class TokenAnswer(TypedDict):
    """An access token in a list."""

    id: str
    name: str
    obfuscated: str
    isFromCli: bool
    createdAtMs: int
    lastUsedAtMs: int | None


class TokensAnswer(TypedDict):
    """A person's access tokens, newest first."""

    tokens: list[TokenAnswer]


class NewTokenAnswer(TypedDict):
    """An access token just made: ``token`` is shown once."""

    token: str
    row: TokenAnswer


class AuthorizationAnswer(TypedDict):
    """A terminal that asks to be let in. ``state``: waiting, approved, denied."""

    code: str
    program: str | None
    address: str | None
    askedAtMs: int
    expiresAtMs: int
    state: str


@post(
    "/dashboard/api/account/password",
    cache_control=NO_STORE,
    opt={"auth": SESSION, "body": PasswordBody},
    status_code=204,
    summary="Change the password",
)
async def change_password(request: ApiRequest, rooms: TheRooms, user: TheUser) -> None:
    """Change the password. The person's sessions in other browsers end."""
    body = await body_of(request, PasswordBody)
    await rooms.access.change_password(
        user,
        current=body.current,
        password=body.password,
        address=caller_address(request),
        cookie=session_cookie(request, rooms),
    )


@get(
    "/dashboard/api/tokens",
    cache_control=NO_STORE,
    opt={"auth": SESSION},
    summary="A person's access tokens",
)
async def list_tokens(rooms: TheRooms, user: TheUser) -> TokensAnswer:
    """Return the tokens that work, newest first."""
    return {"tokens": [_token(row) for row in await rooms.access.tokens_of(user)]}


@post(
    "/dashboard/api/tokens",
    cache_control=NO_STORE,
    opt={"auth": SESSION, "body": TokenNameBody},
    status_code=201,
    summary="Make an access token",
)
async def create_token(request: ApiRequest, rooms: TheRooms, user: TheUser) -> NewTokenAnswer:
    """Make a token. Its text is in this answer and nowhere else, ever."""
    body = await body_of(request, TokenNameBody)
    made = await rooms.access.create_token(user, body.name)
    return {"token": made.token, "row": _token(made.row)}


@delete(
    "/dashboard/api/tokens/{token_id:str}",
    opt={"auth": SESSION},
    status_code=204,
    summary="Revoke an access token",
)
async def revoke_token(rooms: TheRooms, user: TheUser, token_id: FromPath[str]) -> None:
    """Stop a token from working, at once."""
    await rooms.access.revoke_token(user, token_id)


@get(
    "/dashboard/api/cli-authorizations/{code:str}",
    cache_control=NO_STORE,
    opt={"auth": SESSION},
    summary="A terminal that asks to be let in",
)
async def get_authorization(rooms: TheRooms, code: FromPath[str]) -> AuthorizationAnswer:
    """Return what asks, from where, since when."""
    return _authorization(code, await rooms.access.authorization(code))


@post(
    "/dashboard/api/cli-authorizations/{code:str}/approve",
    cache_control=NO_STORE,
    opt={"auth": SESSION},
    status_code=200,
    summary="Let a terminal in",
)
async def approve_authorization(
    rooms: TheRooms, user: TheUser, code: FromPath[str]
) -> AuthorizationAnswer:
    """Let the terminal act as the person who is signed in."""
    await rooms.access.approve_authorization(code, user)
    return await _read(rooms, code)


@post(
    "/dashboard/api/cli-authorizations/{code:str}/deny",
    cache_control=NO_STORE,
    opt={"auth": SESSION},
    status_code=200,
    summary="Turn a terminal away",
)
async def deny_authorization(
    rooms: TheRooms, user: TheUser, code: FromPath[str]
) -> AuthorizationAnswer:
    """Turn the terminal away: it gets no token."""
    await rooms.access.deny_authorization(code, user)
    return await _read(rooms, code)


async def _read(rooms: Rooms, code: str) -> AuthorizationAnswer:
    return _authorization(code, await rooms.access.authorization(code))


def _authorization(code: str, authorization: Authorization) -> AuthorizationAnswer:
    return {
        "code": code,
        "program": authorization.requested_by,
        "address": authorization.address,
        "askedAtMs": authorization.created_at_ms,
        "expiresAtMs": authorization.expires_at_ms,
        "state": _STATES[authorization.state],
    }


def _token(row: PersonalToken) -> TokenAnswer:
    return {
        "id": row.id,
        "name": row.name,
        "obfuscated": f"{PREFIX}****{row.hint}",
        "isFromCli": row.is_cli,
        "createdAtMs": row.created_at_ms,
        "lastUsedAtMs": row.last_used_at_ms,
    }


routes = [
    change_password,
    list_tokens,
    create_token,
    revoke_token,
    get_authorization,
    approve_authorization,
    deny_authorization,
]
