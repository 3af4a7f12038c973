"""Who acts, and on what: the values every room gets from ``access``. No lookups, no secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from trigger_box.ids import EnvironmentId, OrganizationId, ProjectId, ProjectRef, UserId


class EnvironmentType(StrEnum):
    """The four kinds of environment a project has."""

    DEVELOPMENT = "DEVELOPMENT"
    STAGING = "STAGING"
    PRODUCTION = "PRODUCTION"
    PREVIEW = "PREVIEW"


SLUGS: Final = {
    EnvironmentType.DEVELOPMENT: "dev",
    EnvironmentType.STAGING: "stg",
    EnvironmentType.PRODUCTION: "prod",
    EnvironmentType.PREVIEW: "preview",
}
"""The short name of each type: in keys, paths and links."""

SLUG_ALIASES: Final = {"staging": "stg", "production": "prod", "development": "dev"}
"""Longer names that clients use in paths (rest-api 5.2, cli-protocol 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One environment and the names around it.

    Identity only: what changes while runs go through it (paused, limits, current worker) is read
    inside the transaction that needs it.
    """

    id: EnvironmentId
    type: EnvironmentType
    slug: str
    branch_name: str | None
    parent_id: EnvironmentId | None
    owner_id: UserId | None
    project_id: ProjectId
    project_ref: ProjectRef
    project_slug: str
    project_name: str
    organization_id: OrganizationId
    organization_slug: str
    organization_title: str

    @property
    def key_owner_id(self) -> EnvironmentId:
        """Return whose root key signs for this environment: a branch uses its parent's."""
        return self.parent_id or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person with an account on this box."""

    id: UserId
    email: str
    name: str | None
    is_admin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """Owns projects; has members."""

    id: OrganizationId
    slug: str
    title: str
    created_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person in an organization. ``role`` is OWNER or MEMBER."""

    user: User
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A set of tasks with its own four environments. ``ref`` is what config files name."""

    id: ProjectId
    ref: ProjectRef
    slug: str
    name: str
    created_at_ms: int
    initialized_at_ms: int | None
    organization: Organization


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedEnvironment:
    """An environment as the dashboard's switcher shows it."""

    id: EnvironmentId
    slug: str
    is_paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedProject:
    """A project as the dashboard's switcher shows it."""

    ref: ProjectRef
    slug: str
    name: str
    environments: tuple[PlacedEnvironment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedOrganization:
    """An organization as the dashboard's switcher shows it."""

    slug: str
    title: str
    projects: tuple[PlacedProject, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """A project just made, with the root key of each environment by slug."""

    project: Project
    keys: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser. ``csrf_token`` must come back in a header with each change."""

    user: User
    csrf_token: str = field(repr=False)
    expires_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session just begun: the only moment its cookie is known."""

    cookie: str = field(repr=False)
    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalToken:
    """A personal access token as lists show it: never the token itself."""

    id: str
    name: str
    hint: str
    is_cli: bool
    created_at_ms: int
    last_used_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPersonalToken:
    """A token just made: the only moment its text is known."""

    token: str = field(repr=False)
    row: PersonalToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """A command line that asks to sign in. ``state``: PENDING, APPROVED, DENIED, USED."""

    state: str
    requested_by: str | None
    address: str | None
    created_at_ms: int
    expires_at_ms: int
