"""Slugs that nobody has yet."""

from __future__ import annotations

from typing import Final

from trigger_box.ids import new_secret
from trigger_box.store.writer import Transaction

_TRIES: Final = 100


def free_slug(tx: Transaction, wanted: str, query: str, scope: dict[str, object]) -> str:
    """Return ``wanted``, or the first of ``wanted-2``, ``wanted-3``… that nobody has."""
    for number in range(1, _TRIES):
        slug = wanted if number == 1 else f"{wanted}-{number}"
        if tx.one(query, {**scope, "slug": slug}) is None:
            return slug
    return new_secret(f"{wanted}-", 8, lookalike_free=True)
