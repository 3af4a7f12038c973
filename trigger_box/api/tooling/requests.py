"""What the CLI sends: bodies of the tooling routes. Unknown keys are ignored: newer CLIs send more.

The body of a registration has its own module, ``registration.py``. Source: cli-protocol 4 to 6, 19
to 21.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from trigger_box.api.bodies import check, parse_json
from trigger_box.api.public.requests import body_of as raw_body_of
from trigger_box.api.rooms import ApiRequest
from trigger_box.domain import limits

M = TypeVar("M", bound=BaseModel)

SCOPES_MAX = 100
SCOPE_CHARACTERS_MAX = 512


class ToolingBody(BaseModel):
    """A body in the wire's own spelling."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


class AuthorizationCodeBody(ToolingBody):
    """A CLI that asks to sign in.

    ``code_challenge`` counts if the CLI promises to send the verifier with each poll; a callback
    that it offers is not used.
    """

    code_challenge: Annotated[str, Field(max_length=limits.SMALL_BODY_BYTES_MAX)] | None = None
    sends_verifier: bool = False


class TokenBody(ToolingBody):
    """A CLI that asks whether its sign-in was approved."""

    authorization_code: Annotated[str, Field(max_length=limits.SMALL_BODY_BYTES_MAX)]
    code_verifier: str | None = None


class NameBody(ToolingBody):
    """A name for a person or a project."""

    name: str


class OrganizationBody(ToolingBody):
    """A new organization."""

    title: str


class _Claims(ToolingBody):
    scopes: Annotated[
        list[Annotated[str, StringConstraints(max_length=SCOPE_CHARACTERS_MAX)]],
        Field(max_length=SCOPES_MAX),
    ] = []


class PublicTokenBody(ToolingBody):
    """A member who asks for a token with narrow scopes.

    ``expiration_time``: a duration such as ``1h``, or an instant in seconds since 1970.
    """

    claims: _Claims = _Claims()
    expiration_time: int | float | str | None = None


class BranchBody(ToolingBody):
    """A CLI that wants to work on a branch of an environment."""

    env: str
    branch: str


async def body_of(request: ApiRequest, model: type[M], *, may_be_empty: bool = False) -> M:
    """Return the small JSON body of a request, whatever its content type says.

    Args:
        may_be_empty: a body of no bytes counts as an empty object.

    Raises:
        InvalidError: it is no JSON, or does not have the shape of ``model``.
        TooLargeError: it is longer than any small body may be.
    """
    raw = await raw_body_of(request)
    if may_be_empty and not raw.strip():
        raw = b"{}"
    return check(model, parse_json(raw))
