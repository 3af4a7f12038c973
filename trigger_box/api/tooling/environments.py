"""From a personal token to an environment: its key, its tokens, what task processes find in it.

Source: cli-protocol 5, 7, 11, 20 and 21.
"""

from __future__ import annotations

import math
from typing import Final

from litestar import get, post
from litestar.params import FromPath

from trigger_box.access.actors import Environment, User
from trigger_box.access.projects import ProjectNotFoundError
from trigger_box.api.authentication import PERSONAL, SECRET, SECRET_OR_PERSONAL
from trigger_box.api.rooms import ApiRequest, Rooms, TheCaller, TheEnvironment, TheRooms, TheUser
from trigger_box.api.tooling.answers import (
    DevStatusAnswer,
    EnvironmentKeyAnswer,
    PublicTokenAnswer,
    VariablesAnswer,
)
from trigger_box.api.tooling.requests import BranchBody, PublicTokenBody, body_of
from trigger_box.api.worker.variables import task_variables
from trigger_box.domain.durations import duration_ms
from trigger_box.domain.errors import InvalidError, RefusedError

TOKEN_LIFETIME_S: Final = 3_600
TOKEN_LIFETIME_S_MAX: Final = 30 * 24 * 3_600


class BranchesUnavailableError(RefusedError):
    """This version of trigger-box has no branch environments yet: start without --branch."""

    code = "branches_unavailable"


class OtherProjectError(InvalidError):
    """This key belongs to another project than the one in the address."""

    code = "other_project"


@get(
    "/api/v1/projects/{project_ref:str}/{environment_slug:str}",
    opt={"auth": SECRET_OR_PERSONAL},
    summary="Get an environment's secret key",
)
async def get_environment_key(
    project_ref: FromPath[str],
    environment_slug: FromPath[str],
    request: ApiRequest,
    rooms: TheRooms,
    caller: TheCaller,
) -> EnvironmentKeyAnswer:
    """Return the key of an environment and the address to go on with; ``dev`` is the caller's own.

    Shown a secret key, it says the same about that key's own environment and no other.
    """
    if caller.user is not None:
        environment = await environment_for(rooms, caller.user, project_ref, environment_slug)
    else:
        assert caller.environment is not None, "the route takes two kinds of credential"
        environment = caller.environment
        if environment.project_ref != project_ref:
            raise ProjectNotFoundError
    return {
        "apiKey": rooms.access.root_key(environment),
        "name": environment.project_name,
        "apiUrl": rooms.origin_of(request),
        "projectId": environment.project_id,
        "environmentId": environment.id,
    }


@get(
    "/api/v1/projects/{project_ref:str}/envvars",
    opt={"auth": SECRET},
    summary="Get what task processes find in their environment",
)
async def get_variables(
    project_ref: FromPath[str], request: ApiRequest, rooms: TheRooms, environment: TheEnvironment
) -> VariablesAnswer:
    """Return the variables of the key's own environment, in clear."""
    if environment.project_ref != project_ref:
        raise OtherProjectError
    variables = task_variables(
        environment,
        origin=rooms.origin_of(request),
        otlp_token=rooms.access.otlp_token(environment.id),
    )
    return {"variables": variables}


@get(
    "/api/v1/projects/{project_ref:str}/dev-status",
    opt={"auth": PERSONAL},
    summary="Is a development worker connected",
)
async def get_dev_status(
    project_ref: FromPath[str], rooms: TheRooms, user: TheUser
) -> DevStatusAnswer:
    """Return whether the caller's own development environment has a worker connected."""
    environment = await environment_for(rooms, user, project_ref, "dev")
    return {"isConnected": rooms.core.presence.is_connected(environment.id)}


@post(
    "/api/v1/projects/{project_ref:str}/{environment_slug:str}/jwt",
    opt={"auth": PERSONAL, "body": PublicTokenBody},
    status_code=200,
    summary="Make a token with narrow scopes",
)
async def create_public_token(
    project_ref: FromPath[str],
    environment_slug: FromPath[str],
    request: ApiRequest,
    rooms: TheRooms,
    user: TheUser,
) -> PublicTokenAnswer:
    """Return a short-lived token for one environment. Scopes nobody knows yet grant nothing."""
    body = await body_of(request, PublicTokenBody, may_be_empty=True)
    environment = await environment_for(rooms, user, project_ref, environment_slug)
    token = rooms.access.public_token(
        environment,
        body.claims.scopes,
        lifetime_s=lifetime_s(body.expiration_time, now_ms=rooms.clock.now_ms()),
    )
    return {"token": token, "environmentId": environment.id}


@get(
    "/api/v1/projects/{project_ref:str}/branches",
    opt={"auth": PERSONAL},
    summary="List branch environments",
)
async def list_branches(
    project_ref: FromPath[str], rooms: TheRooms, user: TheUser
) -> dict[str, list[str]]:
    """Return the branch environments of a project: none yet."""
    await rooms.access.project(project_ref, user=user)
    return {"branches": []}


@post(
    "/api/v1/projects/{project_ref:str}/branches",
    opt={"auth": PERSONAL, "body": BranchBody},
    status_code=200,
    summary="Create a branch environment",
)
async def create_branch(
    project_ref: FromPath[str], request: ApiRequest, rooms: TheRooms, user: TheUser
) -> None:
    """Refuse, in words that help, rather than run a branch's code in its parent environment."""
    await body_of(request, BranchBody)
    await rooms.access.project(project_ref, user=user)
    raise BranchesUnavailableError


async def environment_for(
    rooms: Rooms, user: User, project_ref: str, environment_slug: str
) -> Environment:
    """Return the environment that a member names.

    Raises:
        ProjectNotFoundError: no such project, in the words that the CLI looks for.
        EnvironmentNotFoundError: the project has no such environment.
    """
    await rooms.access.project(project_ref, user=user)
    return await rooms.access.environment_for(user, project_ref, environment_slug)


def lifetime_s(asked: float | str | None, *, now_ms: int) -> int:
    """Return how long a token shall live.

    Args:
        asked: a duration such as ``1h``, or an instant in seconds since 1970; None: one hour.
        now_ms: the present.

    Raises:
        InvalidError: neither, over already, or too long.
    """
    if asked is None:
        return TOKEN_LIFETIME_S
    if isinstance(asked, str):
        milliseconds = duration_ms(asked)
        seconds = None if milliseconds is None else milliseconds // 1_000
    else:
        seconds = math.ceil(asked - now_ms / 1_000) if math.isfinite(asked) else None
    if seconds is None or not 0 < seconds <= TOKEN_LIFETIME_S_MAX:
        raise InvalidError(
            "expirationTime: a duration such as 15m, or an instant in seconds since 1970, "
            f"at most {TOKEN_LIFETIME_S_MAX // 86_400} days ahead.",
            field="expirationTime",
        )
    return seconds


routes = [
    get_environment_key,
    get_variables,
    get_dev_status,
    create_public_token,
    list_branches,
    create_branch,
]
"""Litestar prefers fixed segments, so ``/envvars`` is never taken for an environment's slug."""
