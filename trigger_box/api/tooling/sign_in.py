"""How a CLI gets its token: it asks for a code, a person approves on a page, it polls.

The code is in the page's link, so a CLI that promises to send its proof with each poll (PKCE,
``sendsVerifier``: ours does) is bound to the sign-in it began. The npm CLI sends a challenge, too,
but its proof only on a way back from the page that we do not offer: that challenge is left aside.
Source: cli-protocol 4.
"""

from __future__ import annotations

from typing import Final

from litestar import post

from trigger_box.access.tokens import PREFIX
from trigger_box.api.addresses import caller_address
from trigger_box.api.authentication import NOBODY
from trigger_box.api.rooms import ApiRequest, Rooms, TheRooms
from trigger_box.api.tooling.answers import AuthorizationCodeAnswer, TokenAnswer
from trigger_box.api.tooling.places import authorization_url
from trigger_box.api.tooling.requests import AuthorizationCodeBody, TokenBody, body_of
from trigger_box.domain.errors import UnclaimedError

_NODE_AGENT: Final = "node"
_AGENT_CHARACTERS_MAX: Final = 100


@post(
    "/api/v1/authorization-code",
    opt={"auth": NOBODY, "body": AuthorizationCodeBody},
    status_code=200,
    summary="Ask to sign in a command line",
)
async def begin_authorization(request: ApiRequest, rooms: TheRooms) -> AuthorizationCodeAnswer:
    """Return a code to poll with, and the page on which a person approves it."""
    _require_claimed(rooms)
    body = await body_of(request, AuthorizationCodeBody, may_be_empty=True)
    code = await rooms.access.begin_authorization(
        code_challenge=body.code_challenge if body.sends_verifier else None,
        requested_by=_program(request),
        address=caller_address(request),
    )
    return {
        "authorizationCode": code,
        "url": authorization_url(rooms.origin_of(request), code),
    }


@post(
    "/api/v1/token",
    opt={"auth": NOBODY, "body": TokenBody},
    status_code=200,
    summary="Fetch the token of an approved sign-in",
)
async def exchange_authorization(request: ApiRequest, rooms: TheRooms) -> TokenAnswer:
    """Return the token once the sign-in is approved; null until then."""
    _require_claimed(rooms)
    body = await body_of(request, TokenBody)
    made = await rooms.access.exchange_authorization(
        body.authorization_code, code_verifier=body.code_verifier
    )
    if made is None:
        return {"token": None}
    return {"token": {"token": made.token, "obfuscatedToken": f"{PREFIX}****{made.row.hint}"}}


def _require_claimed(rooms: Rooms) -> None:
    if not rooms.access.is_claimed:
        raise UnclaimedError


def _program(request: ApiRequest) -> str:
    """Return which program asks, for the person who approves."""
    agent = request.headers.get("user-agent", "")[:_AGENT_CHARACTERS_MAX]
    # The npm CLI has no name of its own on this call: its HTTP library speaks for it.
    return "npm trigger.dev CLI" if agent in {"", _NODE_AGENT} else agent


routes = [begin_authorization, exchange_authorization]
