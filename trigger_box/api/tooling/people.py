"""Who calls: the first question of nearly every CLI command. Source: cli-protocol 4."""

from __future__ import annotations

from litestar import get, post

from trigger_box.access.projects import ProjectNotFoundError
from trigger_box.api.authentication import PERSONAL
from trigger_box.api.rooms import ApiRequest, TheRooms, TheUser
from trigger_box.api.tooling.answers import WhoAmIAnswer
from trigger_box.api.tooling.places import project_url
from trigger_box.api.tooling.requests import NameBody, body_of


@get(
    ["/api/v2/whoami", "/api/v1/whoami"],
    opt={"auth": PERSONAL},
    summary="Whose token is this",
)
async def who_am_i(request: ApiRequest, rooms: TheRooms, user: TheUser) -> WhoAmIAnswer:
    """Return the person, and the project that ``projectRef`` names, if this person can see it."""
    origin = rooms.origin_of(request)
    answer: WhoAmIAnswer = {"userId": user.id, "email": user.email, "dashboardUrl": origin}
    ref = request.query_params.get("projectRef")
    if ref:
        try:
            project = await rooms.access.project(ref, user=user)
        except ProjectNotFoundError:
            return answer
        answer["project"] = {
            "name": project.name,
            "url": project_url(origin, project.ref),
            "orgTitle": project.organization.title,
        }
    return answer


@post(
    "/api/v1/profile/complete",
    opt={"auth": PERSONAL, "body": NameBody},
    status_code=200,
    summary="Give an account a name",
)
async def complete_profile(request: ApiRequest, rooms: TheRooms, user: TheUser) -> dict[str, bool]:
    """Set the caller's name; say whether that changed anything."""
    body = await body_of(request, NameBody)
    return {"updated": await rooms.access.set_name(user, body.name)}


@get(
    "/api/v1/platform-notifications",
    opt={"auth": PERSONAL},
    summary="News for users of the CLI",
)
async def platform_notifications() -> dict[str, None]:
    """Return that there is no news: nobody but its owner speaks through a box."""
    return {"notification": None}


routes = [who_am_i, complete_profile, platform_notifications]
