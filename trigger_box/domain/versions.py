"""Versions of code: their names, their order, and why a run waits for one. Pure.

Source: run-engine 15, cli-protocol 12: ``YYYYMMDD.N``, N counts per environment and day from 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

_VERSION: Final = re.compile(r"^(\d{8})\.(\d+)$")


class PendingReason(StrEnum):
    """Why a run waits for a version (``statusReason``, run-engine 2)."""

    NO_WORKER = "NO_WORKER"
    TASK_NEVER_REGISTERED = "TASK_NEVER_REGISTERED"
    TASK_NOT_IN_LATEST = "TASK_NOT_IN_LATEST"
    QUEUE_NOT_FOUND = "QUEUE_NOT_FOUND"
    NO_DEPLOYMENT = "NO_DEPLOYMENT"


def day_of(now_ms: int) -> str:
    """Return the day of an instant as versions name it, in UTC."""
    return datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%d")


def next_version(existing: Iterable[str], *, now_ms: int) -> str:
    """Return the name of the next version, given the environment's versions of this day."""
    day = day_of(now_ms)
    newest = 0
    for version in existing:
        match = _VERSION.match(version)
        if match is not None and match[1] == day:
            newest = max(newest, int(match[2]))
    return f"{day}.{newest + 1}"


def version_order(version: str) -> tuple[int, int]:
    """Return what versions are compared by: the day, then the number."""
    match = _VERSION.match(version)
    return (0, 0) if match is None else (int(match[1]), int(match[2]))
