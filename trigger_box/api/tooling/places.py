"""Addresses that the CLI prints: pages of the dashboard, seen from whoever asks."""

from __future__ import annotations

from typing import cast

from trigger_box.api.asgi import Scope, headers_of
from trigger_box.api.rooms import ApiRequest, Rooms


def origin_of(request: ApiRequest, rooms: Rooms) -> str:
    """Return the box's origin as this caller sees it."""
    scope = cast("Scope", request.scope)
    return rooms.origins.of(scope, headers_of(scope))


def authorization_url(origin: str, code: str) -> str:
    """Return the page on which a person lets a CLI sign in."""
    return f"{origin}/account/authorization-code/{code}"


def project_url(origin: str, project_ref: str) -> str:
    """Return a project's page."""
    return f"{origin}/projects/v3/{project_ref}"


def runs_url(origin: str, project_ref: str, *, environment_slug: str) -> str:
    """Return the list of an environment's runs."""
    return f"{project_url(origin, project_ref)}/runs?envSlug={environment_slug}"
