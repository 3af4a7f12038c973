"""What all lists read from their query strings: pages by cursor or by number, and time spans.

Source: rest-api 7 (pages), 11 (periods, dates).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl

from msgspec import Struct

from trigger_box.api.problems import QueryError
from trigger_box.domain import limits
from trigger_box.domain.durations import instant_ms
from trigger_box.engine.listing import Page

_PERIOD: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)\s*", re.IGNORECASE)
_PERIOD_UNITS_MS: Final[Mapping[str, int]] = {
    name: unit_ms
    for names, unit_ms in (
        ("ms milli millisecond milliseconds", 1),
        ("s sec secs second seconds", 1_000),
        ("m min mins minute minutes", 60_000),
        ("h hr hrs hour hours", 3_600_000),
        ("d day days", 24 * 3_600_000),
        ("w wk week weeks", 7 * 24 * 3_600_000),
        ("mo month months", 2_629_800_000),
        ("y yr year years", 31_557_600_000),
    )
    for name in names.split()
}
_INSTANT_DIGITS_MAX: Final = 16
_PAGE_DIGITS_MAX: Final = 9


def refused(parameter: str, message: str) -> QueryError:
    """Return the error that names a parameter and says what is wrong with it."""
    return QueryError(details=[{"path": [parameter], "message": message}])


def page_of(given: Mapping[str, str], *, is_cursor: Callable[[str], bool]) -> Page:
    """Return which page is asked for.

    Args:
        given: the query's parameters.
        is_cursor: whether a text could be a cursor of this list.

    Raises:
        QueryError: a value can't be used.
    """
    size = given.get("page[size]", "")
    after = _cursor(given, "page[after]", is_cursor)
    before = _cursor(given, "page[before]", is_cursor)
    if after is not None and before is not None:
        raise refused("page[before]", "Name page[after] or page[before], not both.")
    if not size:
        return Page(after=after, before=before)
    if not (size.isdecimal() and size.isascii() and 1 <= int(size[:9]) <= limits.PAGE_SIZE_MAX):
        raise refused("page[size]", f"Write a number from 1 to {limits.PAGE_SIZE_MAX}.")
    return Page(size=int(size), after=after, before=before)


def _cursor(
    given: Mapping[str, str], parameter: str, is_cursor: Callable[[str], bool]
) -> str | None:
    text = given.get(parameter, "")
    if text and not is_cursor(text):
        raise refused(
            parameter, "This is no cursor of ours: pass on what a page's pagination says."
        )
    return text or None


class PageAsked(Struct, frozen=True):
    """An offset page: ``number`` counts from 1."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """Return how many come before it."""
        return (self.number - 1) * self.size


def page_asked(query: bytes, *, size: int = limits.PAGE_SIZE_DEFAULT) -> PageAsked:
    """Return which page a query string asks for; sizes above the limit count as the limit.

    Args:
        size: of a page, if nothing is said.

    Raises:
        QueryError: a number is none; ``details`` names the parameter.
    """
    given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))

    def number(name: str, default: int) -> int:
        text = given.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= _PAGE_DIGITS_MAX and int(text)):
            message = f"{name} must be a whole number from 1."
            raise QueryError(details=[{"path": [name], "message": message}])
        return int(text)

    return PageAsked(number("page", 1), min(number("perPage", size), limits.PAGE_SIZE_MAX))


def created_between(given: Mapping[str, str], now_ms: int) -> tuple[int | None, int | None]:
    """Return when what is asked for was made, from and to, each None for no bound.

    Raises:
        QueryError: a date or a period is none.
    """
    return _created_from(given, now_ms), _instant(given, "filter[createdAt][to]")


def _created_from(given: Mapping[str, str], now_ms: int) -> int | None:
    period = given.get("filter[createdAt][period]", "")
    from_ms = _instant(given, "filter[createdAt][from]")
    if not period:
        return from_ms
    length_ms = period_ms(period)
    if length_ms is None:
        raise refused("filter[createdAt][period]", "Write a period such as 90m, 7d or 2 weeks.")
    return max(now_ms - length_ms, from_ms or 0)


def _instant(given: Mapping[str, str], parameter: str) -> int | None:
    text = given.get(parameter, "")
    if not text:
        return None
    if text.isdecimal() and text.isascii() and len(text) <= _INSTANT_DIGITS_MAX:
        return int(text)
    at_ms = instant_ms(text)
    if at_ms is None:
        raise refused(parameter, "Write milliseconds since 1970, or a date (ISO 8601).")
    return at_ms


def period_ms(text: str) -> int | None:
    """Return a period such as ``7d``, ``90m`` or ``2 weeks`` in ms, None if it is none."""
    if len(text) > limits.DURATION_CHARACTERS_MAX:
        return None
    total, end = 0.0, 0
    text = text.strip()
    for match in _PERIOD.finditer(text):
        unit_ms = _PERIOD_UNITS_MS.get(match[2].lower())
        if unit_ms is None or match.start() != end:
            return None
        total += float(match[1]) * unit_ms
        end = match.end()
    return round(total) if end and end == len(text) else None
