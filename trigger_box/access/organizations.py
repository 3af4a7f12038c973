"""Organizations and their members. What they own lives in ``projects.py``."""

from __future__ import annotations

from trigger_box.access.actors import EnvironmentType, Member, Organization, User
from trigger_box.access.directory import Directory
from trigger_box.access.names import checked_name, slug_of
from trigger_box.access.rows import organization_of, user_of
from trigger_box.access.slugs import free_slug
from trigger_box.clock import Clock
from trigger_box.domain import limits
from trigger_box.domain.errors import LimitError, NotFoundError
from trigger_box.ids import IdSource, OrganizationId, ProjectId, UserId
from trigger_box.store.queries import projects as sql
from trigger_box.store.store import Store
from trigger_box.store.writer import Transaction


class OrganizationNotFoundError(NotFoundError):
    """Organization not found"""  # noqa: D415 - like the wire says "Project not found"

    code = "organization_not_found"


class Organizations:
    """Makes organizations, and members of them."""

    def __init__(self, store: Store, clock: Clock, ids: IdSource, directory: Directory) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._directory = directory

    async def of(self, user: User) -> list[Organization]:
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

    async def create(self, user: User, title: str) -> Organization:
        """Make an organization owned by ``user``.

        Raises:
            InvalidError: the title is none.
            LimitError: there are too many.
        """
        title = checked_name(title, field="title")
        return await self._store.write(lambda tx: self.add(tx, title=title, owner_id=user.id))

    def add(self, tx: Transaction, *, title: str, owner_id: UserId) -> Organization:
        """Make an organization inside a transaction.

        Raises:
            LimitError: there are too many.
        """
        existing = tx.all(sql.organizations, {"limit": limits.ORGANIZATIONS_MAX})
        if len(existing) >= limits.ORGANIZATIONS_MAX:
            raise LimitError(f"This box has {limits.ORGANIZATIONS_MAX} organizations, its limit.")
        organization = Organization(
            id=self._ids.organization(),
            slug=free_slug(tx, slug_of(title), sql.organization_slug_taken, {}),
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
                self._directory.add(
                    tx, ProjectId(project["id"]), EnvironmentType.DEVELOPMENT, user_id
                )
        tx.after_commit(self._directory.forget)

    def join_all(self, tx: Transaction, *, user_id: UserId) -> None:
        """Make somebody an owner of every organization of the box: an administrator."""
        for row in tx.all(sql.organizations, {"limit": limits.ORGANIZATIONS_MAX}):
            self.join(tx, organization_id=OrganizationId(row["id"]), user_id=user_id, role="OWNER")
