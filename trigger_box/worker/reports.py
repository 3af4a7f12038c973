"""What happens in the controller, as values: ``tbx dev`` prints them, tests await them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    """User code begins."""

    run_id: str
    task_id: str
    attempt: int
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSucceeded:
    """The run completed and the box knows."""

    run_id: str
    task_id: str
    attempt: int
    duration_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    """An attempt failed and the box knows.

    Attributes:
        retry_delay_ms: when the next attempt follows; None when the run has failed for good.
        stack: the traceback, as the box was told it; may be empty.
    """

    run_id: str
    task_id: str
    attempt: int
    duration_ms: float
    message: str
    retry_delay_ms: int | None
    stack: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStopped:
    """The run was cancelled, or went on somewhere else. ``reason`` is for people."""

    run_id: str
    task_id: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePrinted:
    """A task logged or printed a line. ``attributes`` are its fields, flat."""

    run_id: str
    task_id: str
    level: str
    text: str
    attributes: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleSeen:
    """Something went wrong outside of any task: the box is away, a process did not start."""

    message: str


Report = AttemptStarted | RunSucceeded | AttemptFailed | RunStopped | LinePrinted | TroubleSeen


class Reporter(Protocol):
    """Whoever wants to know."""

    def report(self, event: Report) -> None:
        """Take one event; returns at once and never raises."""
        ...
