"""What handlers are given: the open rooms below, who calls, and for which environment.

A handler asks by parameter name and type: ``rooms: TheRooms``, ``caller: TheCaller``,
``environment: TheEnvironment`` (routes of keys and public tokens), ``user: TheUser`` (routes of
personal tokens and sessions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

from trigger_box.access.access import Access
from trigger_box.access.actors import Environment, User
from trigger_box.api.asgi import Scope, headers_of
from trigger_box.api.authentication import Authenticator, Caller, environment_of, user_of
from trigger_box.api.origins import Origins
from trigger_box.api.signing import Signer
from trigger_box.api.streams import Streams
from trigger_box.clock import Clock
from trigger_box.engine.core import Core
from trigger_box.ids import IdSource
from trigger_box.settings import Settings
from trigger_box.store.store import Store
from trigger_box.telemetry.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The rooms of an open box."""

    settings: Settings
    clock: Clock
    ids: IdSource
    store: Store
    access: Access
    core: Core
    telemetry: Telemetry
    origins: Origins
    streams: Streams
    authenticator: Authenticator
    signer: Signer

    def origin_of(self, request: Request[Any, Any, Any]) -> str:
        """Return the box's origin as this caller reaches it."""
        scope = cast("Scope", request.scope)
        return self.origins.of(scope, headers_of(scope))


# Litestar would copy and check what it injects; these are ours and right.
TheRooms = NamedDependency[SkipValidation[Rooms]]
TheCaller = NamedDependency[SkipValidation[Caller]]
TheEnvironment = NamedDependency[SkipValidation[Environment]]
TheUser = NamedDependency[SkipValidation[User]]

ApiRequest = Request[Any, Caller, State]


async def _caller(request: ApiRequest) -> Caller:
    return request.auth


async def _environment(request: ApiRequest) -> Environment:
    return environment_of(request.auth)


async def _user(request: ApiRequest) -> User:
    return user_of(request.auth)


def dependencies(rooms: Rooms) -> dict[str, Provide]:
    """Return what handlers can ask for by name."""

    async def the_rooms() -> Rooms:
        return rooms

    return {
        "rooms": Provide(the_rooms),
        "caller": Provide(_caller),
        "environment": Provide(_environment),
        "user": Provide(_user),
    }
