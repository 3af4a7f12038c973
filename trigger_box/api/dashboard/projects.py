"""Making a project from the dashboard: the first thing one does after claiming a box."""

from __future__ import annotations

from litestar import post
from litestar.types import ControllerRouterHandler

from trigger_box.api.authentication import SESSION
from trigger_box.api.dashboard.shapes import MadeProject
from trigger_box.api.rooms import ApiRequest, TheRooms, TheUser
from trigger_box.api.sessions import Body, Text, body_of


class ProjectBody(Body):
    """What a new project is called."""

    name: Text


@post(
    "/dashboard/api/projects",
    opt={"auth": SESSION, "body": ProjectBody},
    status_code=201,
    summary="Make a project",
)
async def create_project(request: ApiRequest, rooms: TheRooms, user: TheUser) -> MadeProject:
    """Make a project with its environments and keys, in the person's oldest organization."""
    body = await body_of(request, ProjectBody)
    made = await rooms.access.create_project(user, name=body.name)
    return MadeProject(ref=made.project.ref)


routes: list[ControllerRouterHandler] = [create_project]
