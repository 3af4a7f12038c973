"""Projects. Each comes with its environments and their keys.

Finding an environment for a request lives in ``directory.py``.
"""

from __future__ import annotations

import json

from trigger_box.access.actors import (
    SLUGS,
    EnvironmentType,
    NewProject,
    Organization,
    PlacedOrganization,
    Project,
    User,
)
from trigger_box.access.directory import Directory
from trigger_box.access.names import checked_name, slug_of
from trigger_box.access.organizations import OrganizationNotFoundError, Organizations
from trigger_box.access.rows import places_of, project_of
from trigger_box.access.slugs import free_slug
from trigger_box.clock import Clock
from trigger_box.domain import limits
from trigger_box.domain.errors import LimitError, NotFoundError
from trigger_box.ids import (
    IdSource,
    UserId,
)
from trigger_box.store.queries import projects as sql
from trigger_box.store.store import Store
from trigger_box.store.writer import Transaction


class ProjectNotFoundError(NotFoundError):
    """Project not found"""  # noqa: D415 - the npm client compares this text (cli-protocol 5)

    code = "project_not_found"


class Projects:
    """Makes and lists what a user's work is kept in."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: IdSource,
        *,
        directory: Directory,
        organizations: Organizations,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._directory = directory
        self._organizations = organizations

    async def projects_of(self, user: User) -> list[Project]:
        """Return the projects a user can see, oldest first."""
        rows = await self._store.readers.all(
            sql.projects_of_user, {"user_id": user.id, "limit": limits.PROJECTS_MAX}
        )
        return [project_of(row) for row in rows]

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
        return project_of(row)

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
        return project_of(row)

    async def places_of(self, user: User) -> list[PlacedOrganization]:
        """Return where a person can go: organizations, projects, environments, as shown."""
        rows = await self._store.readers.all(
            sql.places_of_user, {"user_id": user.id, "limit": limits.PLACES_MAX}
        )
        return places_of(rows)

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
            for mine in await self._organizations.of(user)
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

    def _add_project(
        self, tx: Transaction, user: User, organization: Organization, name: str
    ) -> NewProject:
        owned = {"organization_id": organization.id, "limit": limits.PROJECTS_MAX}
        if len(tx.all(sql.projects_of_organization, owned)) >= limits.PROJECTS_MAX:
            raise LimitError(f"{organization.title} has {limits.PROJECTS_MAX} projects, its limit.")
        project = Project(
            id=self._ids.project(),
            ref=self._ids.project_ref(),
            slug=free_slug(
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
            key = self._directory.add(
                tx, project.id, EnvironmentType.DEVELOPMENT, UserId(row["id"])
            )
            if row["id"] == user.id:
                keys["dev"] = key
        for kind in (EnvironmentType.STAGING, EnvironmentType.PRODUCTION, EnvironmentType.PREVIEW):
            keys[SLUGS[kind]] = self._directory.add(tx, project.id, kind, None)
        tx.feed(
            at_ms=project.created_at_ms,
            environment_id=None,
            subject=project.id,
            kind="project.created",
            body=json.dumps({"ref": project.ref, "name": name, "by": user.id}),
        )
        return NewProject(project=project, keys=keys)
