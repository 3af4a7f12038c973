"""Queues: their names, and how many runs may hold a slot at once.

Source: run-engine 4.2 (names), 5.3 (limits). Who is next lives in ``domain/fairness.py``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from trigger_box.domain import limits

_NOT_ALLOWED: Final = re.compile(r"[^a-zA-Z0-9_/-]")
TASK_QUEUE_PREFIX: Final = "task/"


def task_queue(task: str) -> str:
    """Return the name of a task's own (virtual) queue."""
    return f"{TASK_QUEUE_PREFIX}{task}"


def queue_name(asked: str, *, task: str) -> str:
    """Return a queue name made safe; an empty one becomes the task's own queue."""
    clean = _NOT_ALLOWED.sub("", asked)[: limits.QUEUE_NAME_CHARACTERS_MAX]
    return clean or task_queue(task)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentLimits:
    """How many runs of an environment may go at once."""

    limit: int
    burst_factor: float = 1.0
    is_paused: bool = False

    @property
    def slots(self) -> int:
        """Return how many of its runs may hold a slot."""
        return 0 if self.is_paused else math.floor(self.limit * self.burst_factor)


def queue_slots(*, limit: int | None, environment_limit: int, is_paused: bool) -> int:
    """Return how many runs of a queue (or of one of its keys) may hold a slot.

    The environment's limit counts without its burst: burst only helps when two queues are busy.
    """
    if is_paused:
        return 0
    return environment_limit if limit is None else min(limit, environment_limit)


def declared_limit(asked: int | None, *, environment_limit: int) -> int | None:
    """Return a limit declared in code, clamped to 0 … the environment's limit."""
    return None if asked is None else max(0, min(asked, environment_limit))


def effective_limit(
    *,
    base: int | None,
    override: int | None,
    override_percent: float | None,
    environment_limit: int,
) -> int | None:
    """Return a queue's own limit as it holds now: what people set wins over what code declares."""
    if override is not None:
        return override
    if override_percent is not None:
        return max(1, math.floor(environment_limit * override_percent / 100))
    return base
