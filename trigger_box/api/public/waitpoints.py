"""Waitpoint tokens: make one, look at it, complete it. Source: rest-api 13.9.

The secret in a token's callback address is a MAC of its id: it can be told again without being
stored, and nobody can guess it.
"""

from __future__ import annotations

import hmac
from typing import Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from trigger_box.access.scopes import Resource
from trigger_box.api.authentication import NOBODY, SECRET, SECRET_OR_PUBLIC
from trigger_box.api.bodies import decode_body
from trigger_box.api.public.requests import body_of
from trigger_box.api.rooms import ApiRequest, Rooms, TheCaller, TheEnvironment, TheRooms
from trigger_box.api.wire.waitpoints import (
    CompleteBody,
    Done,
    MadeTokenAnswer,
    TokenAnswer,
    TokenBody,
    TokensPage,
    complete_body,
    new_token,
    output_of,
    parse_token_query,
    token_answer,
    token_body,
    tokens_page,
)
from trigger_box.domain import limits
from trigger_box.domain.errors import UnauthenticatedError
from trigger_box.engine.tokens import complete_token, create_token, get_token, list_tokens
from trigger_box.ids import WaitpointId

_PATH: Final = "/api/v1/waitpoints/tokens"
_PURPOSE: Final = "waitpoint callback"
_TOKEN_S: Final = 24 * 3_600
_check_json: Final = msgspec.json.Decoder(msgspec.Raw).decode


class CallbackRefusedError(UnauthenticatedError):
    """This callback address is not valid."""

    code = "callback_refused"


@post(
    _PATH,
    opt={"auth": SECRET, "body": TokenBody, "is_body_optional": True},
    status_code=200,
    summary="Make a waitpoint token",
)
async def make_token(
    request: ApiRequest, rooms: TheRooms, environment: TheEnvironment
) -> Response[MadeTokenAnswer]:
    """Return a token that runs can wait for, its callback address, and a key for browsers.

    An idempotency key that is known returns the token it has.
    """
    body = await body_of(request, bytes_max=limits.TOKEN_BODY_BYTES_MAX)
    wanted = decode_body(token_body, body) if body.strip() else TokenBody()
    made = await create_token(
        rooms.core, new_token(wanted, environment.id, now_ms=rooms.clock.now_ms())
    )
    scopes = [f"write:waitpoints:{made.id}"]
    public = rooms.access.public_token(environment, scopes, lifetime_s=_TOKEN_S)
    claims = msgspec.json.encode({"sub": environment.id, "pub": True}).decode()
    return Response(
        MadeTokenAnswer(
            id=made.id, is_cached=made.is_cached, url=_callback_url(request, rooms, made.id)
        ),
        headers={"x-trigger-jwt": public, "x-trigger-jwt-claims": claims},
    )


@get(_PATH, opt={"auth": SECRET}, summary="List waitpoint tokens")
async def list_made_tokens(
    request: ApiRequest, rooms: TheRooms, environment: TheEnvironment
) -> TokensPage:
    """Return a page of tokens, newest first.

    Filters: `filter[status]` (WAITING, COMPLETED, TIMED_OUT), `filter[tags]` (comma lists),
    `filter[idempotencyKey]`, `filter[createdAt][from]`, `[to]` and `[period]`. Pages: `page[size]`
    (1 to 100), `page[after]`, `page[before]`.
    """
    wanted, asked = parse_token_query(request.scope["query_string"], now_ms=rooms.clock.now_ms())
    page = await list_tokens(rooms.core, environment.id, wanted, asked)
    answers = [
        token_answer(token, _callback_url(request, rooms, token.id)) for token in page.tokens
    ]
    return tokens_page(page, answers)


@get(_PATH + "/{token_id:str}", opt={"auth": SECRET}, summary="Read a waitpoint token")
async def retrieve_token(
    request: ApiRequest, token_id: FromPath[str], rooms: TheRooms, environment: TheEnvironment
) -> TokenAnswer:
    """Return a token with its output."""
    token = await get_token(rooms.core, environment.id, token_id)
    return token_answer(token, _callback_url(request, rooms, token.id), is_whole=True)


@post(
    _PATH + "/{token_id:str}/complete",
    opt={"auth": SECRET_OR_PUBLIC, "body": CompleteBody},
    status_code=200,
    summary="Complete a waitpoint token",
)
async def complete(
    request: ApiRequest,
    token_id: FromPath[str],
    rooms: TheRooms,
    caller: TheCaller,
    environment: TheEnvironment,
) -> Done:
    """Let all runs go on that wait for a token. The first word counts, later ones do nothing."""
    caller.require("write", Resource("waitpoints", token_id))
    body = await body_of(request, bytes_max=limits.TRIGGER_BODY_BYTES_MAX)
    said = decode_body(complete_body, body)
    await complete_token(rooms.core, environment.id, token_id, output_of(said.data))
    return Done()


@post(
    _PATH + "/{token_id:str}/callback/{secret:str}",
    opt={"auth": NOBODY},
    status_code=200,
    summary="Complete a waitpoint token by its callback address",
)
async def complete_by_callback(
    request: ApiRequest, token_id: FromPath[str], secret: FromPath[str], rooms: TheRooms
) -> Done:
    """Let runs go on with the JSON that somebody else sends; what is no JSON counts as `{}`."""
    expected = rooms.access.signature(_PURPOSE, token_id)
    if not hmac.compare_digest(secret.encode(), expected.encode()):
        raise CallbackRefusedError
    body = await body_of(request, bytes_max=limits.TRIGGER_BODY_BYTES_MAX)
    try:
        said = _check_json(body)
        msgspec.json.decode(said)
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = msgspec.Raw(b"{}")
    await complete_token(rooms.core, None, token_id, output_of(said))
    return Done()


def _callback_url(request: ApiRequest, rooms: Rooms, token_id: WaitpointId) -> str:
    secret = rooms.access.signature(_PURPOSE, token_id)
    return f"{rooms.origin_of(request)}{_PATH}/{token_id}/callback/{secret}"


routes: list[ControllerRouterHandler] = [
    make_token,
    list_made_tokens,
    retrieve_token,
    complete,
    complete_by_callback,
]
