"""Debounce: triggers with one key that come soon after each other make one run. Pure.

Source: run-engine 12.3. Where the run of a key is found: ``engine/debounces.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trigger_box.domain.durations import duration_ms
from trigger_box.domain.errors import RefusedError

_SECOND_MS: Final = 1_000
_LONGEST_MS: Final = 100 * 365 * 24 * 3_600_000


class InvalidDebounceError(RefusedError):
    """The debounce options can't be used."""

    code = "invalid_debounce"


class DebounceMode(StrEnum):
    """Whose payload the run gets: the first trigger's, or the last one's."""

    LEADING = "leading"
    TRAILING = "trailing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Debounce:
    """How a trigger shares its run.

    Attributes:
        key: what it shares it by, within the environment and the task.
        delay_ms: how long after the last trigger the run is due.
        max_delay_ms: a run older than this is pushed no further; None for no bound.
    """

    key: str
    delay_ms: int
    mode: DebounceMode = DebounceMode.LEADING
    max_delay_ms: int | None = None


def debounce_of(*, key: str, delay: str, mode: str, max_delay: str | None) -> Debounce:
    """Return debounce options as clients write them, checked.

    Raises:
        InvalidDebounceError: the key is empty, a duration is none, or the longest delay is not
            longer than the delay.
    """
    if not key:
        raise InvalidDebounceError("debounce.key must not be empty.")
    delay_ms = _duration("delay", delay)
    if max_delay is None:
        max_delay_ms = None
    else:
        max_delay_ms = _duration("maxDelay", max_delay)
        if max_delay_ms <= delay_ms:
            raise InvalidDebounceError(
                f"debounce.maxDelay ({max_delay}) must be longer than debounce.delay ({delay})."
            )
    return Debounce(key=key, delay_ms=delay_ms, mode=DebounceMode(mode), max_delay_ms=max_delay_ms)


def _duration(name: str, text: str) -> int:
    found = duration_ms(text)
    if not found or found > _LONGEST_MS:
        raise InvalidDebounceError(
            f"Invalid debounce.{name}: {text[:100]!r}. Write a duration such as 30s or 1h30m "
            "(units w, d, hr, h, m, s)."
        )
    return found


def pushed_until_ms(
    debounce: Debounce, *, created_at_ms: int, delay_until_ms: int, now_ms: int
) -> int | None:
    """Return when a run that is pushed now is due; None if it is too old to be pushed.

    Never earlier than it was.
    """
    until_ms = (now_ms + debounce.delay_ms) // _SECOND_MS * _SECOND_MS
    if debounce.max_delay_ms is not None and created_at_ms + debounce.max_delay_ms < until_ms:
        return None
    return max(until_ms, delay_until_ms)
