"""What the CLI is told: shapes of the tooling routes. Optional keys are left out, never null.

Source: cli-protocol 4 to 7, 20, and the validators of the npm CLI, which refuse a missing key.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from trigger_box.access.actors import Organization, Project
from trigger_box.domain.instants import iso


class OrganizationAnswer(TypedDict):
    """An organization."""

    id: str
    title: str
    slug: str
    createdAt: str


class ProjectAnswer(TypedDict):
    """A project with its organization."""

    id: str
    externalRef: str
    name: str
    slug: str
    createdAt: str
    organization: OrganizationAnswer


class RuntimeAnswer(TypedDict):
    """What is deployed in an environment of a project."""

    organization: dict[str, str]
    project: dict[str, str]
    environment: dict[str, str]
    deployment: None


class InitializedAnswer(TypedDict):
    """When a folder was first set up for a project."""

    id: str
    initializedAt: str


class WhoAmIProject(TypedDict):
    """The project the CLI asked about."""

    name: str
    url: str
    orgTitle: str


class WhoAmIAnswer(TypedDict):
    """Who a personal access token belongs to."""

    userId: str
    email: str
    dashboardUrl: str
    project: NotRequired[WhoAmIProject]


class AuthorizationCodeAnswer(TypedDict):
    """Where a person goes to let a CLI sign in."""

    authorizationCode: str
    url: str


class TokenText(TypedDict):
    """A personal access token, told once, and how lists will show it."""

    token: str
    obfuscatedToken: str


class TokenAnswer(TypedDict):
    """The token, or null while nobody has decided."""

    token: TokenText | None


class EnvironmentKeyAnswer(TypedDict):
    """How a CLI goes on in one environment: its key, and the address to use from now on."""

    apiKey: str
    name: str
    apiUrl: str
    projectId: str
    environmentId: str


class PublicTokenAnswer(TypedDict):
    """A token with narrow scopes for one environment."""

    token: str
    environmentId: str


class VariablesAnswer(TypedDict):
    """What task processes of an environment find in their own environment."""

    variables: dict[str, str]


class DevStatusAnswer(TypedDict):
    """Whether somebody's development worker is connected."""

    isConnected: bool


class TaskAnswer(TypedDict):
    """A task of a registered version."""

    id: str
    slug: str
    filePath: str
    triggerSource: str
    createdAt: str
    payloadSchema: NotRequired[object]


class WorkerAnswer(TypedDict):
    """A registered version."""

    id: str
    version: str
    engine: str
    sdkVersion: str | None
    cliVersion: str | None
    tasks: list[TaskAnswer]


class WorkerUrls(TypedDict):
    """Where people look at a version's runs."""

    runs: str


class CurrentWorkerAnswer(TypedDict):
    """The version that new runs go to."""

    worker: WorkerAnswer
    urls: WorkerUrls


class RegisteredAnswer(TypedDict):
    """A version the box now knows. Handed-out runs name it by this id."""

    id: str
    version: str
    contentHash: str


def organization_answer(organization: Organization) -> OrganizationAnswer:
    """Return an organization as the CLI reads it."""
    return {
        "id": organization.id,
        "title": organization.title,
        "slug": organization.slug,
        "createdAt": iso(organization.created_at_ms),
    }


def project_answer(project: Project) -> ProjectAnswer:
    """Return a project as the CLI reads it."""
    return {
        "id": project.id,
        "externalRef": project.ref,
        "name": project.name,
        "slug": project.slug,
        "createdAt": iso(project.created_at_ms),
        "organization": organization_answer(project.organization),
    }
