"""What an SDK needs to sign public access tokens by itself. Source: rest-api 13.10."""

from __future__ import annotations

from litestar import post
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from trigger_box.api.authentication import SECRET
from trigger_box.api.rooms import TheEnvironment


class TokenClaims(Struct):
    """Claims that each public token of an environment has."""

    sub: str
    pub: bool


@post(
    "/api/v1/auth/jwt/claims",
    opt={"auth": SECRET},
    status_code=200,
    sync_to_thread=False,
    summary="Claims of public tokens",
)
def get_token_claims(environment: TheEnvironment) -> TokenClaims:
    """Return the claims that a token signed with this key must have, beside its scopes."""
    return TokenClaims(sub=environment.id, pub=True)


routes: list[ControllerRouterHandler] = [get_token_claims]
