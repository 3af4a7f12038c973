"""Commands of the box's owner, sent by ``trigger-box admin`` and ``projects`` to a running box.

Whoever can read the secret in the data folder may do this: it could open the database as well. The
same verbs, on a stopped box, are called by the command line directly.
"""

from __future__ import annotations

from typing import TypedDict

from litestar import post

from trigger_box.api.authentication import OWNER
from trigger_box.api.rooms import ApiRequest, TheRooms
from trigger_box.api.sessions import NO_STORE, Body, Text, body_of


class AdminBody(Body):
    """An administrator to make, or whose password to change."""

    email: Text
    name: Text | None = None
    password: Text | None = None


class TokenBody(Body):
    """A personal access token to make for somebody."""

    email: Text
    name: Text


class ProjectBody(Body):
    """A project to make. Without ``email`` it belongs to the oldest account."""

    name: Text
    email: Text | None = None


class AdminAnswer(TypedDict):
    """An administrator."""

    id: str
    email: str
    created: bool


class TokenAnswer(TypedDict):
    """A personal access token, shown once."""

    token: str


class ProjectAnswer(TypedDict):
    """A project, its ref, and the secret key of each of its environments by slug."""

    ref: str
    name: str
    slug: str
    keys: dict[str, str]


class ClaimLinkAnswer(TypedDict):
    """The link that claims the box; null once it has an owner."""

    link: str | None


@post(
    "/local/v1/admins",
    cache_control=NO_STORE,
    opt={"auth": OWNER, "unclaimed": True, "body": AdminBody},
    status_code=200,
    summary="Make an administrator",
)
async def put_admin(request: ApiRequest, rooms: TheRooms) -> AdminAnswer:
    """Make an administrator, or give one another password. This claims an unclaimed box."""
    body = await body_of(request, AdminBody)
    user, was_created = await rooms.access.put_admin(
        body.email, password=body.password, name=body.name
    )
    return {"id": user.id, "email": user.email, "created": was_created}


@post(
    "/local/v1/tokens",
    cache_control=NO_STORE,
    opt={"auth": OWNER, "body": TokenBody},
    status_code=200,
    summary="Make an access token for somebody",
)
async def create_token(request: ApiRequest, rooms: TheRooms) -> TokenAnswer:
    """Make a personal access token for the account with this address."""
    body = await body_of(request, TokenBody)
    user = await rooms.access.user_by_email(body.email)
    return {"token": (await rooms.access.create_token(user, body.name)).token}


@post(
    "/local/v1/projects",
    cache_control=NO_STORE,
    opt={"auth": OWNER, "body": ProjectBody},
    status_code=200,
    summary="Make a project",
)
async def create_project(request: ApiRequest, rooms: TheRooms) -> ProjectAnswer:
    """Make a project with its four environments."""
    body = await body_of(request, ProjectBody)
    made = await rooms.access.create_project_for(body.email, name=body.name)
    return {
        "ref": made.project.ref,
        "name": made.project.name,
        "slug": made.project.slug,
        "keys": made.keys,
    }


@post(
    "/local/v1/claim-links",
    cache_control=NO_STORE,
    opt={"auth": OWNER, "unclaimed": True},
    status_code=200,
    summary="Make a new claim link",
)
async def create_claim_link(rooms: TheRooms) -> ClaimLinkAnswer:
    """Make a new claim link; the one before stops working."""
    token = await rooms.access.offer_claim()
    return {"link": None if token is None else f"{rooms.origins.default}/claim?token={token}"}


routes = [put_admin, create_token, create_project, create_claim_link]
