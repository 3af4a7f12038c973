"""What a scope grants. Pure. Source: rest-api 5.4."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Resource(NamedTuple):
    """What somebody wants to act on. ``id`` None means "all of this type"."""

    type: str
    id: str | None = None


def allows(scopes: Iterable[str], action: str, resource: Resource) -> bool:
    """Return whether one of the scopes grants ``action`` on ``resource``."""
    return any(_grants(scope, action, resource) for scope in scopes)


def allows_any(scopes: Iterable[str], action: str, resources: Iterable[Resource]) -> bool:
    """Return whether ``action`` is granted on at least one resource. None at all: denied."""
    known = tuple(scopes)
    return any(allows(known, action, resource) for resource in resources)


def allows_every(scopes: Iterable[str], action: str, resources: Iterable[Resource]) -> bool:
    """Return whether ``action`` is granted on each resource. None at all: denied."""
    known, wanted = tuple(scopes), tuple(resources)
    return bool(wanted) and all(allows(known, action, resource) for resource in wanted)


def _grants(scope: str, action: str, resource: Resource) -> bool:
    if scope == "admin":  # bare: everything. `admin:<type>` is just an action of that name.
        return True
    # Only the first two colons separate: an id may contain more.
    scope_action, _, rest = scope.partition(":")
    scope_type, _, scope_id = rest.partition(":")
    if scope_action not in {action, "*"} or scope_type not in {resource.type, "all"}:
        return False
    return not scope_id or scope_id == resource.id
