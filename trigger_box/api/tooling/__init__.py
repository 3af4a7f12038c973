"""Routes of the command lines: sign in, who am I, projects, environments, registration."""

from __future__ import annotations

from typing import Final

from litestar.types import ControllerRouterHandler

from trigger_box.api.tooling import environments, people, projects, sign_in, workers

routes: Final[list[ControllerRouterHandler]] = [
    *sign_in.routes,
    *people.routes,
    *projects.routes,
    *environments.routes,
    *workers.routes,
]
