"""Environments and their root keys: who is meant by a key, an id, a ref and a slug.

Lookups that succeed are kept in memory and forgotten on change; a key on the hot path costs one
dict hit. Projects live in ``projects.py``, tokens of people in ``tokens.py``.
"""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass
from typing import Final

from trigger_box.access.actors import SLUG_ALIASES, SLUGS, Environment, EnvironmentType, User
from trigger_box.access.keyring import Keyring, token_hash
from trigger_box.clock import Clock
from trigger_box.domain import limits
from trigger_box.domain.errors import NotFoundError, UnauthenticatedError
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

NO_KEY: Final = "Invalid or Missing API key"
UNKNOWN_KEY: Final = "Invalid API key"
BRANCH_MISSING: Final = "x-trigger-branch header required for preview env"
BRANCH_UNKNOWN: Final = "No matching branch env"

_KEY_CHARACTERS: Final = 24
_DEFAULT_BRANCH: Final = "default"
_REF_PREFIX: Final = re.compile(r"^refs/(heads|remotes|tags|pull|merge|release)/")
_BRANCHING: Final = {EnvironmentType.PREVIEW, EnvironmentType.DEVELOPMENT}


class EnvironmentNotFoundError(NotFoundError):
    """Environment not found"""  # noqa: D415 - the wire's own words

    code = "environment_not_found"


@dataclass(frozen=True, slots=True)
class _KnownKey:
    environment: Environment
    expires_at_ms: int | None


class Directory:
    """Finds, makes and re-keys environments."""

    def __init__(self, store: Store, keyring: Keyring, clock: Clock, ids: IdSource) -> None:
        self._store = store
        self._keyring = keyring
        self._clock = clock
        self._ids = ids
        self._by_key: dict[tuple[str, str | None], _KnownKey] = {}
        self._by_id: dict[EnvironmentId, Environment] = {}
        # Never emptied, only overwritten: whoever holds an Environment can sign for it at once.
        self._root_keys: dict[EnvironmentId, str] = {}
        self._generation = 0

    async def check_key_file(self) -> None:
        """Check that the box key fits what it has sealed in this database.

        Raises:
            KeyFileError: it does not.
        """
        row = await self._store.readers.one(sql.any_root_key)
        if row is not None:
            self._keyring.unseal(row["key_sealed"], owner=row["environment_id"])

    async def of_key(self, key: str, *, branch: str | None) -> Environment:
        """Return the environment that a root key opens, or the branch of it that is named.

        Raises:
            UnauthenticatedError: no key, an unknown or expired one, or no such branch.

        Source: rest-api 5.1 and 5.2.
        """
        known = self._by_key.get((key, branch))
        if known is not None and (
            known.expires_at_ms is None or known.expires_at_ms > self._clock.now_ms()
        ):
            return known.environment
        return await self._look_up_key(key, branch)

    async def by_id(self, environment_id: EnvironmentId) -> Environment:
        """Return an environment by its id.

        Raises:
            EnvironmentNotFoundError: there is none.
        """
        known = self._by_id.get(environment_id)
        if known is not None:
            return known
        generation = self._generation
        row = await self._store.readers.one(sql.environment, {"id": environment_id})
        if row is None:
            raise EnvironmentNotFoundError
        environment = self._learn(row)
        if generation == self._generation:
            if len(self._by_id) >= limits.ACCESS_CACHE_MAX:
                self._by_id.clear()
            self._by_id[environment_id] = environment
        return environment

    async def of_user(self, user: User, project_ref: str, slug: str) -> Environment:
        """Return the environment that a member means; ``dev`` is the member's own.

        Raises:
            EnvironmentNotFoundError: no such environment, or not this person's to see.
        """
        row = await self._store.readers.one(
            sql.environment_of_user,
            {
                "user_id": user.id,
                "project_ref": project_ref,
                "slug": SLUG_ALIASES.get(slug, slug),
            },
        )
        if row is None:
            raise EnvironmentNotFoundError
        return self._learn(row)

    async def of_project(self, project_id: ProjectId) -> list[Environment]:
        """Return a project's environments and their living branches, oldest first."""
        rows = await self._store.readers.all(
            sql.environments_of_project,
            {"project_id": project_id, "limit": limits.ENVIRONMENTS_PER_PROJECT_MAX},
        )
        return [self._learn(row) for row in rows]

    def root_key(self, environment: Environment) -> str:
        """Return the key that an environment signs with; a branch uses its parent's."""
        return self._root_keys[environment.key_owner_id]

    async def keys_in_grace(self, environment: Environment) -> list[str]:
        """Return rotated keys that still verify what they have signed."""
        rows = await self._store.readers.all(
            sql.keys_in_grace,
            {
                "environment_id": environment.key_owner_id,
                "now_ms": self._clock.now_ms(),
                "limit": limits.KEYS_IN_GRACE_MAX,
            },
        )
        return [
            self._keyring.unseal(row["key_sealed"], owner=environment.key_owner_id) for row in rows
        ]

    def add(
        self,
        tx: Transaction,
        project_id: ProjectId,
        kind: EnvironmentType,
        owner_id: UserId | None,
    ) -> str:
        """Make a root environment inside a transaction; return its key."""
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

    async def rotate(self, environment: Environment) -> str:
        """Give an environment a new root key; return it. The one before is good for a day yet.

        Source: rest-api 5.1: both the old key and the tokens it has signed keep working.
        """
        owner_id = environment.key_owner_id
        key = new_root_key(environment.type)
        now_ms = self._clock.now_ms()

        def rotate(tx: Transaction) -> None:
            expires_at_ms = now_ms + limits.KEY_GRACE_MS
            tx.execute(
                sql.rotate_root_key, {"environment_id": owner_id, "expires_at_ms": expires_at_ms}
            )
            tx.execute(
                sql.insert_root_key,
                {
                    "environment_id": owner_id,
                    "key_hash": token_hash(key),
                    "key_sealed": self._keyring.seal(key, owner=owner_id),
                    "now_ms": now_ms,
                },
            )
            tx.feed(
                at_ms=now_ms,
                environment_id=owner_id,
                subject=owner_id,
                kind="environment.changed",
                body=json.dumps({"rootKey": "rotated"}),
            )
            tx.after_commit(learn)

        def learn() -> None:
            self._root_keys[owner_id] = key
            self.forget()

        await self._store.write(rotate)
        return key

    def forget(self) -> None:
        """Forget all lookups: something about environments or keys has changed."""
        self._generation += 1
        self._by_key.clear()
        self._by_id.clear()

    async def _look_up_key(self, key: str, branch: str | None) -> Environment:
        if not key:
            raise UnauthenticatedError(NO_KEY)
        generation = self._generation
        row = await self._store.readers.one(
            sql.root_key, {"key_hash": token_hash(key), "now_ms": self._clock.now_ms()}
        )
        if row is None:
            raise UnauthenticatedError(UNKNOWN_KEY)
        root = await self.by_id(EnvironmentId(row["environment_id"]))
        environment = await self._branch_of(root, branch_name(branch))
        if generation == self._generation:  # else what was read may be outdated: do not keep it
            if len(self._by_key) >= limits.ACCESS_CACHE_MAX:
                self._by_key.clear()
            self._by_key[key, branch] = _KnownKey(environment, row["expires_at_ms"])
        return environment

    async def _branch_of(self, root: Environment, branch: str | None) -> Environment:
        if root.type not in _BRANCHING:
            return root
        if root.type is EnvironmentType.DEVELOPMENT and branch in {None, _DEFAULT_BRANCH}:
            return root
        if branch is None:
            raise UnauthenticatedError(BRANCH_MISSING)
        row = await self._store.readers.one(
            sql.environment_of_branch, {"parent_id": root.id, "branch_name": branch}
        )
        if row is None:
            raise UnauthenticatedError(BRANCH_UNKNOWN)
        return self._learn(row)

    def _learn(self, row: sqlite3.Row) -> Environment:
        """Return a row as an environment, and take note of the key it signs with."""
        environment = _environment(row)
        key_owner_id = EnvironmentId(row["key_owner_id"])
        self._root_keys.setdefault(
            key_owner_id, self._keyring.unseal(row["key_sealed"], owner=key_owner_id)
        )
        return environment


def new_root_key(kind: EnvironmentType) -> str:
    """Return a fresh root key for an environment. Source of its form: rest-api 5.1."""
    return new_secret(f"tr_{SLUGS[kind]}_", _KEY_CHARACTERS)


def branch_name(header: str | None) -> str | None:
    """Return the branch that an ``x-trigger-branch`` header names, or None.

    Source: rest-api 5.2: known ``refs/…/`` prefixes are dropped, any other ref is ignored.
    """
    if header is None:
        return None
    name = _REF_PREFIX.sub("", header.strip(), count=1)
    return None if not name or name.startswith("refs/") else name


def _environment(row: sqlite3.Row) -> Environment:
    parent_id, owner_id = row["parent_id"], row["owner_id"]
    return Environment(
        id=EnvironmentId(row["id"]),
        type=EnvironmentType(row["type"]),
        slug=row["slug"],
        branch_name=row["branch_name"],
        parent_id=None if parent_id is None else EnvironmentId(parent_id),
        owner_id=None if owner_id is None else UserId(owner_id),
        project_id=ProjectId(row["project_id"]),
        project_ref=ProjectRef(row["project_ref"]),
        project_slug=row["project_slug"],
        project_name=row["project_name"],
        organization_id=OrganizationId(row["organization_id"]),
        organization_slug=row["organization_slug"],
        organization_title=row["organization_title"],
    )
