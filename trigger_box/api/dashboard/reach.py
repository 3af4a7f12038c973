"""Which environment a signed-in person means, and whether they may see it."""

from __future__ import annotations

from trigger_box.access.actors import Environment, User
from trigger_box.access.directory import EnvironmentNotFoundError
from trigger_box.api.rooms import Rooms
from trigger_box.domain.errors import NotFoundError
from trigger_box.ids import EnvironmentId


async def environment_of(rooms: Rooms, user: User, environment_id: str) -> Environment:
    """Return an environment that a person can see: of a project of theirs; in development, own.

    Raises:
        EnvironmentNotFoundError: there is none, or it is somebody else's.
    """
    environment = await rooms.access.environment(EnvironmentId(environment_id))
    try:
        seen = await rooms.access.environment_for(user, environment.project_ref, environment.slug)
    except NotFoundError as error:
        raise EnvironmentNotFoundError from error
    if seen.id not in {environment.id, environment.parent_id}:
        raise EnvironmentNotFoundError
    return environment
