"""The query string of a list of runs: bracketed names, comma lists, cursors.

Source: rest-api 7 (pages), 11 (periods, dates) and 13.3 (filters).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from trigger_box.api.problems import QueryError
from trigger_box.api.wire.runs import statuses_named
from trigger_box.domain import limits
from trigger_box.domain.durations import instant_ms
from trigger_box.domain.machines import PRESETS
from trigger_box.domain.runs import RunStatus
from trigger_box.engine.listing import Page, RunFilter

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
_NOTHING_HAS_THEM: Final = ("batch", "schedule", "bulkAction", "region", "error")
"""Valid filters whose subject no run of this release has: they match nothing."""
_FILTERS: Final = (
    "status",
    "taskIdentifier",
    "version",
    "tag",
    "queue",
    "machine",
    "isTest",
    "rootOnly",
    "env",
    *_NOTHING_HAS_THEM,
)
_DATES: Final = ("createdAt][from", "createdAt][to", "createdAt][period")
_KNOWN: Final = frozenset(f"filter[{name}]" for name in (*_FILTERS, *_DATES))
_RUN_ID: Final = re.compile(r"run_[0-9a-v]{26}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """What a list call asks for. ``matches_nothing``: by something no run has."""

    wanted: RunFilter
    page: Page
    tasks: tuple[str, ...]
    environment_slugs: tuple[str, ...]
    matches_nothing: bool


def parse_run_query(query: bytes, *, now_ms: int) -> RunQuery:
    """Return what a query string asks for.

    Raises:
        QueryError: a value can't be used; ``details`` names the parameter.
    """
    given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    for name in given:
        # A filter that is not understood must not look like one that lets everything through.
        if name.startswith("filter[") and name not in _KNOWN:
            known = ", ".join((*_FILTERS, *_DATES))
            raise _refused(name[:64], f"There is no such filter. Filters are: {known}.")

    def listed(name: str) -> tuple[str, ...]:
        return tuple(part for part in _filter(given, name).split(",") if part)

    tasks = listed("taskIdentifier")
    wanted = RunFilter(
        statuses=_statuses(listed("status")),
        tasks=tasks,
        versions=listed("version"),
        tags=listed("tag"),
        queues=listed("queue"),
        machines=_machines(listed("machine")),
        is_test=_yes_or_no(given, "isTest"),
        is_root=_yes_or_no(given, "rootOnly") or None,
        created_from_ms=_created_from(given, now_ms),
        created_to_ms=_instant(given, "filter[createdAt][to]"),
    )
    return RunQuery(
        wanted=wanted,
        page=_page(given),
        tasks=tasks,
        environment_slugs=listed("env"),
        matches_nothing=any(_filter(given, name) for name in _NOTHING_HAS_THEM),
    )


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


def _filter(given: Mapping[str, str], name: str) -> str:
    return given.get(f"filter[{name}]", "")


def _refused(parameter: str, message: str) -> QueryError:
    return QueryError(details=[{"path": [parameter], "message": message}])


def _statuses(names: tuple[str, ...]) -> tuple[RunStatus, ...]:
    statuses: dict[RunStatus, None] = {}
    for name in names:
        meant = statuses_named(name)
        if meant is None:
            raise _refused("filter[status]", f"There is no status {name[:64]!r}.")
        statuses |= dict.fromkeys(meant)
    return tuple(statuses)


def _machines(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in PRESETS:
            known = ", ".join(PRESETS)
            raise _refused(
                "filter[machine]", f"There is no machine {name[:64]!r}. Machines are: {known}."
            )
    return names


def _yes_or_no(given: Mapping[str, str], name: str) -> bool | None:
    text = _filter(given, name)
    if text in {"", "true", "false"}:
        return {"": None, "true": True, "false": False}[text]
    raise _refused(f"filter[{name}]", "Write true or false.")


def _created_from(given: Mapping[str, str], now_ms: int) -> int | None:
    period = given.get("filter[createdAt][period]", "")
    from_ms = _instant(given, "filter[createdAt][from]")
    if not period:
        return from_ms
    length_ms = period_ms(period)
    if length_ms is None:
        raise _refused("filter[createdAt][period]", "Write a period such as 90m, 7d or 2 weeks.")
    return max(now_ms - length_ms, from_ms or 0)


def _instant(given: Mapping[str, str], parameter: str) -> int | None:
    text = given.get(parameter, "")
    if not text:
        return None
    if text.isdecimal() and text.isascii() and len(text) <= _INSTANT_DIGITS_MAX:
        return int(text)
    at_ms = instant_ms(text)
    if at_ms is None:
        raise _refused(parameter, "Write milliseconds since 1970, or a date (ISO 8601).")
    return at_ms


def _page(given: Mapping[str, str]) -> Page:
    size = given.get("page[size]", "")
    after, before = _cursor(given, "page[after]"), _cursor(given, "page[before]")
    if after is not None and before is not None:
        raise _refused("page[before]", "Name page[after] or page[before], not both.")
    if not size:
        return Page(after=after, before=before)
    if not (size.isdecimal() and size.isascii() and 1 <= int(size[:9]) <= limits.PAGE_SIZE_MAX):
        raise _refused("page[size]", f"Write a number from 1 to {limits.PAGE_SIZE_MAX}.")
    return Page(size=int(size), after=after, before=before)


def _cursor(given: Mapping[str, str], parameter: str) -> str | None:
    text = given.get(parameter, "")
    if text and not is_run_id(text):
        raise _refused(
            parameter, "This is no cursor of ours: pass on what a page's pagination says."
        )
    return text or None


def is_run_id(text: str) -> bool:
    """Return whether a text could be the id of a run of this box."""
    return _RUN_ID.fullmatch(text) is not None
