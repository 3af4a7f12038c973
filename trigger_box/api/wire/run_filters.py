"""The query string of a list of runs: bracketed names, comma lists, cursors.

Source: rest-api 7 (pages), 11 (periods, dates) and 13.3 (filters).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from trigger_box.api.wire.lists import created_between, page_of, refused
from trigger_box.api.wire.runs import statuses_named
from trigger_box.domain.machines import PRESETS
from trigger_box.domain.runs import RunStatus
from trigger_box.engine.listing import Page, RunFilter

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
            raise refused(name[:64], f"There is no such filter. Filters are: {known}.")

    def listed(name: str) -> tuple[str, ...]:
        return tuple(part for part in _filter(given, name).split(",") if part)

    tasks = listed("taskIdentifier")
    from_ms, to_ms = created_between(given, now_ms)
    wanted = RunFilter(
        statuses=_statuses(listed("status")),
        tasks=tasks,
        versions=listed("version"),
        tags=listed("tag"),
        queues=listed("queue"),
        machines=_machines(listed("machine")),
        is_test=_yes_or_no(given, "isTest"),
        is_root=_yes_or_no(given, "rootOnly") or None,
        created_from_ms=from_ms,
        created_to_ms=to_ms,
    )
    return RunQuery(
        wanted=wanted,
        page=page_of(given, is_cursor=is_run_id),
        tasks=tasks,
        environment_slugs=listed("env"),
        matches_nothing=any(_filter(given, name) for name in _NOTHING_HAS_THEM),
    )


def _filter(given: Mapping[str, str], name: str) -> str:
    return given.get(f"filter[{name}]", "")


def _statuses(names: tuple[str, ...]) -> tuple[RunStatus, ...]:
    statuses: dict[RunStatus, None] = {}
    for name in names:
        meant = statuses_named(name)
        if meant is None:
            raise refused("filter[status]", f"There is no status {name[:64]!r}.")
        statuses |= dict.fromkeys(meant)
    return tuple(statuses)


def _machines(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in PRESETS:
            known = ", ".join(PRESETS)
            raise refused(
                "filter[machine]", f"There is no machine {name[:64]!r}. Machines are: {known}."
            )
    return names


def _yes_or_no(given: Mapping[str, str], name: str) -> bool | None:
    text = _filter(given, name)
    if text in {"", "true", "false"}:
        return {"": None, "true": True, "false": False}[text]
    raise refused(f"filter[{name}]", "Write true or false.")


def is_run_id(text: str) -> bool:
    """Return whether a text could be the id of a run of this box."""
    return _RUN_ID.fullmatch(text) is not None
