"""Organizations and projects as the CLI sees them. Source: cli-protocol 6 and 20."""

from __future__ import annotations

from litestar import get, patch, post
from litestar.params import FromPath

from trigger_box.access.actors import SLUGS, EnvironmentType
from trigger_box.api.authentication import PERSONAL
from trigger_box.api.rooms import ApiRequest, TheRooms, TheUser
from trigger_box.api.tooling.answers import (
    InitializedAnswer,
    OrganizationAnswer,
    ProjectAnswer,
    RuntimeAnswer,
    organization_answer,
    project_answer,
)
from trigger_box.api.tooling.requests import NameBody, OrganizationBody, body_of
from trigger_box.domain.instants import iso


@get("/api/v1/projects", opt={"auth": PERSONAL}, summary="List projects")
async def list_projects(rooms: TheRooms, user: TheUser) -> list[ProjectAnswer]:
    """Return the projects that the caller can see, oldest first."""
    return [project_answer(project) for project in await rooms.access.projects_of(user)]


@get("/api/v1/projects/runtimes", opt={"auth": PERSONAL}, summary="List deployed runtimes")
async def list_runtimes(rooms: TheRooms, user: TheUser) -> list[RuntimeAnswer]:
    """Return what runs in each project's production environment: nothing is deployed yet."""
    return [
        {
            "organization": {
                "title": project.organization.title,
                "slug": project.organization.slug,
            },
            "project": {
                "name": project.name,
                "slug": project.slug,
                "externalRef": project.ref,
            },
            "environment": {"slug": SLUGS[EnvironmentType.PRODUCTION]},
            "deployment": None,
        }
        for project in await rooms.access.projects_of(user)
    ]


@get("/api/v1/projects/{project_ref:str}", opt={"auth": PERSONAL}, summary="Get a project")
async def get_project(project_ref: FromPath[str], rooms: TheRooms, user: TheUser) -> ProjectAnswer:
    """Return one project."""
    return project_answer(await rooms.access.project(project_ref, user=user))


@patch(
    "/api/v1/projects/{project_ref:str}",
    opt={"auth": PERSONAL, "body": NameBody},
    summary="Rename a project",
)
async def rename_project(
    project_ref: FromPath[str], request: ApiRequest, rooms: TheRooms, user: TheUser
) -> ProjectAnswer:
    """Give a project another name; its ref and links stay."""
    body = await body_of(request, NameBody)
    return project_answer(await rooms.access.rename_project(user, project_ref, body.name))


@post(
    "/api/v1/projects/{project_ref:str}/init",
    opt={"auth": PERSONAL},
    status_code=200,
    summary="Note that a folder was set up",
)
async def initialize_project(
    project_ref: FromPath[str], rooms: TheRooms, user: TheUser
) -> InitializedAnswer:
    """Note when a folder was first set up for a project. There is no body."""
    project = await rooms.access.initialize_project(user, project_ref)
    assert project.initialized_at_ms is not None, "it was set a moment ago"
    return {"id": project.id, "initializedAt": iso(project.initialized_at_ms)}


@get("/api/v1/orgs", opt={"auth": PERSONAL}, summary="List organizations")
async def list_organizations(rooms: TheRooms, user: TheUser) -> list[OrganizationAnswer]:
    """Return the organizations of the caller, oldest first."""
    organizations = await rooms.access.organizations_of(user)
    return [organization_answer(organization) for organization in organizations]


@post(
    "/api/v1/orgs",
    opt={"auth": PERSONAL, "body": OrganizationBody},
    status_code=200,
    summary="Create an organization",
)
async def create_organization(
    request: ApiRequest, rooms: TheRooms, user: TheUser
) -> OrganizationAnswer:
    """Make an organization owned by the caller."""
    body = await body_of(request, OrganizationBody)
    return organization_answer(await rooms.access.create_organization(user, body.title))


@post(
    "/api/v1/orgs/{organization:str}/projects",
    opt={"auth": PERSONAL, "body": NameBody},
    status_code=200,
    summary="Create a project",
)
async def create_project(
    organization: FromPath[str], request: ApiRequest, rooms: TheRooms, user: TheUser
) -> ProjectAnswer:
    """Make a project with its environments, in the organization with this id or slug."""
    body = await body_of(request, NameBody)
    made = await rooms.access.create_project(user, name=body.name, organization=organization)
    return project_answer(made.project)


routes = [
    list_projects,
    list_runtimes,
    get_project,
    rename_project,
    initialize_project,
    list_organizations,
    create_organization,
    create_project,
]
