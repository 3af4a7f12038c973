"""The root key of an environment: masked until somebody asks for it."""

from __future__ import annotations

from typing import Final

from litestar import get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from trigger_box.api.authentication import SESSION
from trigger_box.api.dashboard.reach import environment_of
from trigger_box.api.dashboard.shapes import RootKey, ShownRootKey
from trigger_box.api.rooms import TheRooms, TheUser
from trigger_box.api.sessions import NO_STORE

_KEY: Final = "/dashboard/api/environments/{environment_id:str}/root-key"
_SHOWN_CHARACTERS: Final = 4


@get(
    _KEY,
    opt={"auth": SESSION},
    summary="An environment's key, masked",
    cache_control=NO_STORE,
)
async def get_key(rooms: TheRooms, user: TheUser, environment_id: FromPath[str]) -> RootKey:
    """Return the beginning and the end of the key."""
    key = rooms.access.root_key(await environment_of(rooms, user, environment_id))
    prefix = "_".join(key.split("_")[:2])
    return RootKey(obfuscated=f"{prefix}_…{key[-_SHOWN_CHARACTERS:]}")


# A change by its method, so that no other site's page and no prefetching browser can read it.
@post(
    _KEY + "/reveal",
    opt={"auth": SESSION},
    status_code=200,
    summary="An environment's key",
    cache_control=NO_STORE,
)
async def reveal_key(rooms: TheRooms, user: TheUser, environment_id: FromPath[str]) -> ShownRootKey:
    """Return the key in clear."""
    environment = await environment_of(rooms, user, environment_id)
    return ShownRootKey(key=rooms.access.root_key(environment))


routes: list[ControllerRouterHandler] = [get_key, reveal_key]
