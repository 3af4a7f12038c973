"""What the address of the runs page asks for: the same words as in ``web/src/pages/runs``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from trigger_box.api.problems import QueryError
from trigger_box.api.wire.run_filters import is_run_id
from trigger_box.api.wire.runs import statuses_named
from trigger_box.domain.runs import RunStatus
from trigger_box.engine.listing import Page, RunFilter

_PERIOD: Final = re.compile(r"([1-9]\d{0,4})([mhd])")
_UNITS_MS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PERIOD_MS_DEFAULT: Final = 7 * _UNITS_MS["d"]
_PERIOD_ALL: Final = "all"
_VALUES_MAX: Final = 100
_NEWER: Final = "newer."
_OLDER: Final = "older."


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """Which runs, and which page of them."""

    wanted: RunFilter
    page: Page


def older_than(run_id: str | None) -> str | None:
    """Return the cursor of the page after a run."""
    return None if run_id is None else _OLDER + run_id


def newer_than(run_id: str | None) -> str | None:
    """Return the cursor of the page before a run."""
    return None if run_id is None else _NEWER + run_id


def parse_run_query(query: bytes, *, now_ms: int) -> RunQuery:
    """Return what a query string asks for.

    Raises:
        QueryError: a value can't be used; ``details`` names it.
    """
    try:
        given = parse_qs(query.decode("latin-1"), max_num_fields=_VALUES_MAX)
    except ValueError as error:
        raise QueryError(details=f"a query has at most {_VALUES_MAX} values.") from error

    def listed(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value for value in given.get(name, []) if value))

    def first(name: str) -> str:
        return given.get(name, [""])[0]

    wanted = RunFilter(
        statuses=_statuses(listed("status")),
        tasks=listed("task"),
        versions=listed("version"),
        tags=listed("tag"),
        has_all_tags=first("tagMode") == "all",
        queues=listed("queue"),
        is_test=True if first("test") == "true" else None,
        created_from_ms=_from_ms(first("period"), first("from"), first("to"), now_ms),
        created_to_ms=_instant(first("to"), "to"),
        parent_run_id=first("parent") or None,
        is_root=True if first("rootOnly") == "true" else None,
        run_ids=listed("run"),
    )
    return RunQuery(wanted=wanted, page=_page(first("cursor")))


def _page(cursor: str) -> Page:
    if not cursor:
        return Page()
    run_id = cursor.removeprefix(_NEWER).removeprefix(_OLDER)
    if not is_run_id(run_id):
        raise QueryError(details="cursor is what an earlier page named as next or previous.")
    return Page(before=run_id) if cursor.startswith(_NEWER) else Page(after=run_id)


def _statuses(names: tuple[str, ...]) -> tuple[RunStatus, ...]:
    statuses: dict[RunStatus, None] = {}
    for name in names:
        found = statuses_named(name)
        if found is None:
            raise QueryError(details=f"status: there is no status {name[:64]!r}.")
        statuses |= dict.fromkeys(sorted(found))
    return tuple(statuses)


def _from_ms(period: str, from_: str, to: str, now_ms: int) -> int | None:
    if from_ or to:
        return _instant(from_, "from")
    if period == _PERIOD_ALL:
        return None
    match = _PERIOD.fullmatch(period)
    if match is None:
        if period:
            raise QueryError(details="period is a number and m, h or d, such as 7d; or all.")
        return now_ms - _PERIOD_MS_DEFAULT
    return max(0, now_ms - int(match[1]) * _UNITS_MS[match[2]])


def _instant(text: str, name: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 15):  # noqa: PLR2004 - year 33658
        raise QueryError(details=f"{name} is an instant in ms since 1970.")
    return int(text)
