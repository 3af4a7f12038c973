"""Durations and dates as clients write them. Pure; all results in milliseconds.

Source: rest-api 11 (grammar), 10.2 (idempotency ttl), run-engine 12.2 (ttl), 28 (test vectors).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from trigger_box.domain import limits
from trigger_box.domain.instants import LAST_MS

_WHOLE: Final = re.compile(r"(?:\d+(?:w|d|hr|h|m|s))+", re.ASCII)
_PART: Final = re.compile(r"(\d+)(w|d|hr|h|m|s)", re.ASCII)
_ONE_UNIT: Final = re.compile(r"(\d+)([smhd])", re.ASCII)
_UNIT_MS: Final[Mapping[str, int]] = {
    "w": 7 * 24 * 3_600_000,
    "d": 24 * 3_600_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
}


def duration_ms(text: str) -> int | None:
    """Return a natural duration (``1w2d3h``) in ms, None if it is none.

    ``hr`` means hours. Of a unit that occurs twice only the first counts, as the clients do.
    """
    if len(text) > limits.DURATION_CHARACTERS_MAX or not _WHOLE.fullmatch(text):
        return None
    amounts: dict[str, int] = {}
    for number, unit in _PART.findall(text):
        amounts.setdefault("h" if unit == "hr" else unit, int(number))
    total = sum(amount * _UNIT_MS[unit] for unit, amount in amounts.items())
    return total if total <= LAST_MS else None


def key_ttl_ms(text: str | None) -> int:
    """Return how long an idempotency key lives: one unit only, anything else means the default."""
    match = None if text is None else _ONE_UNIT.fullmatch(text)
    if match is None or len(match[1]) > limits.DURATION_CHARACTERS_MAX:
        return limits.IDEMPOTENCY_KEY_TTL_MS
    return min(int(match[1]) * _UNIT_MS[match[2]], LAST_MS)


def ttl_text(ttl: str | int | None) -> str | None:
    """Return a ttl as text: whole seconds become the shortest duration (``3600`` is ``1h``).

    "" means that the run never expires: what 0 says, in seconds or as a duration. None, like no
    text at all, means that nothing was said.
    """
    if ttl is None or ttl == "":
        return None
    if isinstance(ttl, str):
        return "" if ttl == "0" or duration_ms(ttl) == 0 else ttl
    parts: list[str] = []
    rest_s = ttl
    for unit, unit_ms in _UNIT_MS.items():
        amount, rest_s = divmod(rest_s, unit_ms // 1_000)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts)


def instant_ms(text: str) -> int | None:
    """Return a date (ISO 8601 or RFC 2822) as ms since 1970, None if it is none.

    A date without a zone is UTC, a date-time without one as well: the box has no local time.
    """
    if not text or text.isdigit():
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return round(moment.timestamp() * 1_000)
    except (OverflowError, ValueError):
        return None


def checked_instant_ms(at_ms: float) -> int | None:
    """Return an instant that came as a number, None if no calendar reaches it."""
    return round(at_ms) if -LAST_MS <= at_ms <= LAST_MS else None


def due_ms(text: str, *, now_ms: int) -> int | None:
    """Return when a delay (date or duration) is over, None if it is neither, or never over."""
    at_ms = instant_ms(text)
    if at_ms is not None:
        return at_ms
    after_ms = duration_ms(text)
    if after_ms is None or now_ms + after_ms > LAST_MS:
        return None
    return now_ms + after_ms


def ttl_at_ms(ttl: str | None, *, now_ms: int) -> int | None:
    """Return when a run that enters the queue now expires, None if it never does."""
    after_ms = None if ttl is None else duration_ms(ttl)
    return None if after_ms is None else now_ms + after_ms
