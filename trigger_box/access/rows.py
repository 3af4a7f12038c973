"""Rows of the store as the values of this room. Pure."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from trigger_box.access.actors import (
    Organization,
    PlacedEnvironment,
    PlacedOrganization,
    PlacedProject,
    Project,
    User,
)
from trigger_box.ids import EnvironmentId, OrganizationId, ProjectId, ProjectRef, UserId


def user_of(row: sqlite3.Row) -> User:
    """Return a row as a user."""
    return User(
        id=UserId(row["id"]),
        email=row["email"],
        name=row["name"],
        is_admin=bool(row["is_admin"]),
    )


def organization_of(row: sqlite3.Row) -> Organization:
    """Return a row as an organization."""
    return Organization(
        id=OrganizationId(row["id"]),
        slug=row["slug"],
        title=row["title"],
        created_at_ms=row["created_at_ms"],
    )


def project_of(row: sqlite3.Row) -> Project:
    """Return a row as a project."""
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


def places_of(rows: list[sqlite3.Row]) -> list[PlacedOrganization]:
    """Return rows of organizations, projects and environments, in their order, as a tree."""
    return [
        PlacedOrganization(
            slug=slug,
            title=mine[0]["organization_title"],
            projects=tuple(_placed_projects(mine)),
        )
        for slug, mine in _grouped(rows, "organization_slug")
    ]


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
