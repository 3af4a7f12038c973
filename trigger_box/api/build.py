"""Puts the HTTP application together: all route tables, who may call, errors, the front door."""

from __future__ import annotations

from typing import Any, Final, cast

from litestar import Litestar, Request, Response
from litestar.middleware import DefineMiddleware
from litestar.types import ControllerRouterHandler

from trigger_box.api import (
    accounts,
    dashboard,
    health,
    local,
    openapi,
    otlp,
    public,
    sessions,
    tooling,
)
from trigger_box.api.asgi import ASGIApp
from trigger_box.api.authentication import AuthenticationMiddleware
from trigger_box.api.dashboard.files import is_for_people, nothing_here
from trigger_box.api.front import FrontDoor
from trigger_box.api.hot import HotRoutes
from trigger_box.api.problems import problem_of
from trigger_box.api.rooms import Rooms, dependencies
from trigger_box.api.worker import dev, waits
from trigger_box.api.worker.sockets import WorkerSockets

_NOT_FOUND: Final = 404

ROUTES: list[ControllerRouterHandler] = [
    *health.routes,
    *openapi.routes,
    *sessions.routes,
    *accounts.routes,
    *local.routes,
    *tooling.routes,
    *dev.routes,
    *waits.routes,
    *public.routes,
    *otlp.routes,
    *dashboard.routes,
]
"""Every route of the box but the hot ones, which stand in ``hot.py``."""


def build_app(rooms: Rooms) -> ASGIApp:
    """Return the ASGI app of an open box."""
    return FrontDoor(
        litestar=cast("ASGIApp", build_litestar(rooms)),
        hot_route=HotRoutes(rooms).find,
        sockets=WorkerSockets(rooms),
    )


def build_litestar(rooms: Rooms) -> Litestar:
    """Return the framework's part of the app: all routes with their dependencies."""
    return Litestar(
        route_handlers=ROUTES,
        dependencies=dependencies(rooms),
        middleware=[DefineMiddleware(AuthenticationMiddleware, authenticator=rooms.authenticator)],
        exception_handlers={Exception: _answer_problem},
        openapi_config=openapi.CONFIG,
        # Bodies are bounded per route, in bodies.py.
        request_max_body_size=None,
        logging_config=None,
        debug=False,
    )


def _answer_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    path = request.scope["path"]
    problem = problem_of(error, path=path)
    if problem.status == _NOT_FOUND and is_for_people(
        path, accept=request.headers.get("accept", "")
    ):
        return nothing_here(request.headers.get("accept-encoding", ""))
    return Response(
        problem.encoded(),
        status_code=problem.status,
        headers=dict(problem.headers),
        media_type=problem.media_type,
    )
