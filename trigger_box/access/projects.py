"""Organizations, their members and their projects. A project comes with its environments and keys.

Finding an environment for a request lives in ``directory.py``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from trigger_box.access.actors import (
    SLUGS,
    EnvironmentType,
    Member,
    NewProject,
    Organization,
    PlacedEnvironment,
    PlacedOrganization,
    PlacedProject,
    Project,
    User,
)
from trigger_box.access.directory import Directory, new_root_key
from trigger_box.access.keyring import Keyring, token_hash
from trigger_box.access.names import checked_name, slug_of
from trigger_box.clock import Clock
from trigger_box.domain import limits
from trigger_box.domain.errors import LimitError, NotFoundError
from trigger_box.ids import (
    EnvironmentId,
    IdSource,
    OrganizationId,
    ProjectId,
    ProjectRef,
    UserId,
    new_secret,
)
from trigger_box.store.queries import projects as sql
from trigger_box.store.store import Store
from trigger_box.store.writer import Transaction

_SLUG_TRIES: Final = 100


class ProjectNotFoundError(NotFoundError):
    """Project not found"""  # noqa: D415 - the npm client compares this text (cli-protocol 5)

    code = "project_not_found"


class OrganizationNotFoundError(NotFoundError):
    """Organization not found"""  # noqa: D415 - like its sister above

    code = "organization_not_found"


class Projects:
    """Makes and lists what a user's work is kept in."""

    def __init__(
        self, store: Store, keyring: Keyring, clock: Clock, ids: IdSource, directory: Directory
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._clock = clock
        self._ids = ids
        self._directory = directory

    async def organizations_of(self, user: User) -> list[Organization]:
        """Return the organizations of a user, oldest first."""
        rows = await self._store.readers.all(
            sql.organizations_of_user, {"user_id": user.id, "limit": limits.ORGANIZATIONS_MAX}
        )
        return [organization_of(row) for row in rows]

    async def members_of(self, organization_id: OrganizationId) -> list[Member]:
        """Return an organization's members, oldest account first."""
        rows = await self._store.readers.all(
            sql.members_of_organization,
            {"organization_id": organization_id, "limit": limits.MEMBERS_MAX},
        )
        return [Member(user=user_of(row), role=row["role"]) for row in rows]

    async def projects_of(self, user: User) -> list[Project]:
        """Return the projects a user can see, oldest first."""
        rows = await self._store.readers.all(
            sql.projects_of_user, {"user_id": user.id, "limit": limits.PROJECTS_MAX}
        )
        return [_project(row) for row in rows]

    async def project(self, ref: str, *, user: User | None = None) -> Project:
        """Return a project by its ref; with ``user``, only one this person can see.

        Raises:
            ProjectNotFoundError: there is none.
        """
        row = await (
            self._store.readers.one(sql.project_by_ref, {"ref": ref})
            if user is None
            else self._store.readers.one(
                sql.project_of_user_by_ref, {"ref": ref, "user_id": user.id}
            )
        )
        if row is None:
            raise ProjectNotFoundError
        return _project(row)

    async def project_at(self, user: User, *, organization_slug: str, project_slug: str) -> Project:
        """Return the project that a dashboard link names.

        Raises:
            ProjectNotFoundError: there is none, or not this person's to see.
        """
        row = await self._store.readers.one(
            sql.project_of_user_by_slugs,
            {
                "user_id": user.id,
                "organization_slug": organization_slug,
                "project_slug": project_slug,
            },
        )
        if row is None:
            raise ProjectNotFoundError
        return _project(row)

    async def places_of(self, user: User) -> list[PlacedOrganization]:
        """Return where a person can go: organizations, projects, environments, as shown."""
        rows = await self._store.readers.all(
            sql.places_of_user, {"user_id": user.id, "limit": limits.PLACES_MAX}
        )
        return [
            PlacedOrganization(
                slug=slug,
                title=mine[0]["organization_title"],
                projects=tuple(_placed_projects(mine)),
            )
            for slug, mine in _grouped(rows, "organization_slug")
        ]

    async def create_organization(self, user: User, title: str) -> Organization:
        """Make an organization owned by ``user``.

        Raises:
            InvalidError: the title is none.
            LimitError: there are too many.
        """
        title = checked_name(title, field="title")
        return await self._store.write(
            lambda tx: self.add_organization(tx, title=title, owner_id=user.id)
        )

    async def create_project(
        self, user: User, *, organization: str | None, name: str
    ) -> NewProject:
        """Make a project with its environments, one of them per member for development.

        Args:
            user: a member of the organization.
            organization: its id or its slug; None means the user's oldest one.
            name: what people call it.

        Raises:
            InvalidError: the name is none.
            LimitError: there are too many.
            OrganizationNotFoundError: there is none, or not this person's to see.
        """
        name = checked_name(name, field="name")
        mine = [
            mine
            for mine in await self.organizations_of(user)
            if organization is None or organization in (mine.id, mine.slug)
        ]
        if not mine:
            raise OrganizationNotFoundError
        created = await self._store.write(lambda tx: self._add_project(tx, user, mine[0], name))
        self._directory.forget()
        return created

    async def rename_project(self, user: User, ref: str, name: str) -> Project:
        """Give a project another name; its ref and its links stay.

        Raises:
            InvalidError: the name is none.
            ProjectNotFoundError: there is none, or not this person's to see.
        """
        name = checked_name(name, field="name")
        project = await self.project(ref, user=user)

        def rename(tx: Transaction) -> None:
            tx.execute(sql.rename_project, {"id": project.id, "name": name})
            tx.after_commit(self._directory.forget)

        await self._store.write(rename)
        return await self.project(ref, user=user)

    async def initialize_project(self, user: User, ref: str) -> Project:
        """Note that a folder was set up for a project; the first time counts.

        Raises:
            ProjectNotFoundError: there is none, or not this person's to see.
        """
        project = await self.project(ref, user=user)
        now_ms = self._clock.now_ms()
        await self._store.write(
            lambda tx: tx.execute(sql.initialize_project, {"id": project.id, "now_ms": now_ms})
        )
        return await self.project(ref, user=user)

    def add_organization(self, tx: Transaction, *, title: str, owner_id: UserId) -> Organization:
        """Make an organization inside a transaction.

        Raises:
            LimitError: there are too many.
        """
        existing = tx.all(sql.organizations, {"limit": limits.ORGANIZATIONS_MAX})
        if len(existing) >= limits.ORGANIZATIONS_MAX:
            raise LimitError(f"This box has {limits.ORGANIZATIONS_MAX} organizations, its limit.")
        organization = Organization(
            id=self._ids.organization(),
            slug=_free_slug(tx, slug_of(title), sql.organization_slug_taken, {}),
            title=title,
            created_at_ms=self._clock.now_ms(),
        )
        tx.execute(
            sql.insert_organization,
            {
                "id": organization.id,
                "slug": organization.slug,
                "title": title,
                "now_ms": organization.created_at_ms,
            },
        )
        self.join(tx, organization_id=organization.id, user_id=owner_id, role="OWNER")
        return organization

    def join(
        self, tx: Transaction, *, organization_id: OrganizationId, user_id: UserId, role: str
    ) -> None:
        """Make somebody a member, with a development environment in each project."""
        tx.execute(
            sql.insert_member,
            {
                "organization_id": organization_id,
                "user_id": user_id,
                "role": role,
                "now_ms": self._clock.now_ms(),
            },
        )
        for project in tx.all(
            sql.projects_of_organization,
            {"organization_id": organization_id, "limit": limits.PROJECTS_MAX},
        ):
            owners = tx.all(
                sql.development_owners,
                {"project_id": project["id"], "limit": limits.MEMBERS_MAX},
            )
            if user_id not in {row["owner_id"] for row in owners}:
                self._add_environment(
                    tx, ProjectId(project["id"]), EnvironmentType.DEVELOPMENT, user_id
                )
        tx.after_commit(self._directory.forget)

    def join_all(self, tx: Transaction, *, user_id: UserId) -> None:
        """Make somebody an owner of every organization of the box: an administrator."""
        for row in tx.all(sql.organizations, {"limit": limits.ORGANIZATIONS_MAX}):
            self.join(tx, organization_id=OrganizationId(row["id"]), user_id=user_id, role="OWNER")

    def _add_project(
        self, tx: Transaction, user: User, organization: Organization, name: str
    ) -> NewProject:
        owned = {"organization_id": organization.id, "limit": limits.PROJECTS_MAX}
        if len(tx.all(sql.projects_of_organization, owned)) >= limits.PROJECTS_MAX:
            raise LimitError(f"{organization.title} has {limits.PROJECTS_MAX} projects, its limit.")
        project = Project(
            id=self._ids.project(),
            ref=self._ids.project_ref(),
            slug=_free_slug(
                tx,
                slug_of(name),
                sql.project_slug_taken,
                {"organization_id": organization.id},
            ),
            name=name,
            created_at_ms=self._clock.now_ms(),
            initialized_at_ms=None,
            organization=organization,
        )
        tx.execute(
            sql.insert_project,
            {
                "id": project.id,
                "ref": project.ref,
                "organization_id": organization.id,
                "slug": project.slug,
                "name": name,
                "now_ms": project.created_at_ms,
            },
        )
        keys: dict[str, str] = {}
        members = {"organization_id": organization.id, "limit": limits.MEMBERS_MAX}
        for row in tx.all(sql.members_of_organization, members):
            key = self._add_environment(
                tx, project.id, EnvironmentType.DEVELOPMENT, UserId(row["id"])
            )
            if row["id"] == user.id:
                keys["dev"] = key
        for kind in (EnvironmentType.STAGING, EnvironmentType.PRODUCTION, EnvironmentType.PREVIEW):
            keys[SLUGS[kind]] = self._add_environment(tx, project.id, kind, None)
        tx.feed(
            at_ms=project.created_at_ms,
            environment_id=None,
            subject=project.id,
            kind="project.created",
            body=json.dumps({"ref": project.ref, "name": name, "by": user.id}),
        )
        return NewProject(project=project, keys=keys)

    def _add_environment(
        self,
        tx: Transaction,
        project_id: ProjectId,
        kind: EnvironmentType,
        owner_id: UserId | None,
    ) -> str:
        """Make a root environment; return its key."""
        environment_id: EnvironmentId = self._ids.environment()
        key = new_root_key(kind)
        now_ms = self._clock.now_ms()
        tx.execute(
            sql.insert_environment,
            {
                "id": environment_id,
                "project_id": project_id,
                "type": kind,
                "slug": SLUGS[kind],
                "owner_id": owner_id,
                "concurrency_limit": (
                    limits.DEVELOPMENT_CONCURRENCY
                    if kind is EnvironmentType.DEVELOPMENT
                    else limits.ENVIRONMENT_CONCURRENCY
                ),
                "now_ms": now_ms,
            },
        )
        tx.execute(
            sql.insert_root_key,
            {
                "environment_id": environment_id,
                "key_hash": token_hash(key),
                "key_sealed": self._keyring.seal(key, owner=environment_id),
                "now_ms": now_ms,
            },
        )
        return key


def organization_of(row: sqlite3.Row) -> Organization:
    """Return a row as an organization."""
    return Organization(
        id=OrganizationId(row["id"]),
        slug=row["slug"],
        title=row["title"],
        created_at_ms=row["created_at_ms"],
    )


def user_of(row: sqlite3.Row) -> User:
    """Return a row as a user."""
    return User(
        id=UserId(row["id"]),
        email=row["email"],
        name=row["name"],
        is_admin=bool(row["is_admin"]),
    )


def _project(row: sqlite3.Row) -> Project:
    return Project(
        id=ProjectId(row["id"]),
        ref=ProjectRef(row["ref"]),
        slug=row["slug"],
        name=row["name"],
        created_at_ms=row["created_at_ms"],
        initialized_at_ms=row["initialized_at_ms"],
        organization=Organization(
            id=OrganizationId(row["organization_id"]),
            slug=row["organization_slug"],
            title=row["organization_title"],
            created_at_ms=row["organization_created_at_ms"],
        ),
    )


def _placed_projects(rows: list[sqlite3.Row]) -> Iterator[PlacedProject]:
    for ref, mine in _grouped(rows, "project_ref"):
        if ref is not None:
            yield PlacedProject(
                ref=ProjectRef(ref),
                slug=mine[0]["project_slug"],
                name=mine[0]["project_name"],
                environments=tuple(
                    PlacedEnvironment(
                        id=EnvironmentId(row["environment_id"]),
                        slug=row["environment_slug"],
                        is_paused=bool(row["paused"]),
                    )
                    for row in mine
                    if row["environment_id"] is not None
                ),
            )


def _grouped(rows: list[sqlite3.Row], column: str) -> Iterator[tuple[Any, list[sqlite3.Row]]]:
    """Yield neighbouring rows that agree in a column, as the query has ordered them."""
    for value, mine in groupby(rows, key=lambda row: row[column]):
        yield value, list(mine)


def _free_slug(tx: Transaction, wanted: str, query: str, scope: dict[str, object]) -> str:
    """Return ``wanted``, or the first of ``wanted-2``, ``wanted-3``… that nobody has."""
    for number in range(1, _SLUG_TRIES):
        slug = wanted if number == 1 else f"{wanted}-{number}"
        if tx.one(query, {**scope, "slug": slug}) is None:
            return slug
    return new_secret(f"{wanted}-", 8, lookalike_free=True)
