"""Lists of runs: every filter, newest first, keyset pages. From the store, so true now.

Which index drives a page is chosen here: the rarest thing that was asked for.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from trigger_box.domain import limits
from trigger_box.domain.runs import FINAL_STATUSES, RunStatus
from trigger_box.engine.core import Core
from trigger_box.engine.packets import fetch_row
from trigger_box.engine.reading import Run, run_of_row
from trigger_box.ids import EnvironmentId, RunId, run_id_floor
from trigger_box.store.queries import lists as sql
from trigger_box.store.readers import Row

_encode: Final = msgspec.json.Encoder().encode
_NEWEST_ID: Final = "s"  # sorts after every run id
_RUNNING: Final = frozenset({RunStatus.DEQUEUED, RunStatus.EXECUTING, RunStatus.WAITING_TO_RESUME})
_CLOCK_STEP_MS: Final = 60_000
"""How far the clock may be set back between an id and its run's creation time."""
_COMMON: Final = frozenset({RunStatus.COMPLETED_SUCCESSFULLY})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs are wanted. Empty means all; several values of one kind mean any of them.

    With ``has_all_tags`` a run must have every one of ``tags``; ``is_root``: it has no parent.
    """

    statuses: tuple[RunStatus, ...] = ()
    tasks: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    has_all_tags: bool = False
    queues: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    is_test: bool | None = None
    created_from_ms: int | None = None
    created_to_ms: int | None = None
    root_run_id: str | None = None
    parent_run_id: str | None = None
    is_root: bool | None = None
    run_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list: ``after`` a run (older ones), or ``before`` one (newer ones)."""

    size: int = limits.PAGE_SIZE_DEFAULT
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """A part of a list, newest first, with metadata but no other packets.

    ``next`` is what ``Page.after`` takes for the older runs, ``previous`` what ``Page.before``
    takes for the newer ones; None at the ends.
    """

    runs: tuple[Run, ...]
    next: RunId | None
    previous: RunId | None


EVERYTHING: Final = RunFilter()
FIRST_PAGE: Final = Page()


async def list_runs(
    core: Core,
    environment_ids: Sequence[EnvironmentId],
    wanted: RunFilter = EVERYTHING,
    page: Page = FIRST_PAGE,
) -> RunPage:
    """Return a page of the runs of some environments, newest first."""
    size = max(1, min(page.size, limits.PAGE_SIZE_MAX))
    found: list[list[Row]] = []
    for environment_id in environment_ids:
        parameters = _parameters(wanted, environment_id, limit=size + 1)
        if page.before is not None:
            parameters["after"] = page.before
            found.append(await core.store.readers.all(sql.newer, parameters))
        else:
            parameters["before"] = page.after or _NEWEST_ID
            found.extend(await _older(core, wanted, parameters))
    if page.before is not None:
        rows = _merged(found, size + 1, newest_first=False)
        has_more = len(rows) > size
        rows = rows[:size][::-1]
        return await _page(
            core,
            rows,
            has_next=bool(rows),
            has_previous=has_more,
        )
    rows = _merged(found, size + 1, newest_first=True)
    return await _page(
        core, rows[:size], has_next=len(rows) > size, has_previous=page.after is not None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many runs a list has. ``is_floor``: at least so many; counting stopped there."""

    runs: int
    is_floor: bool


async def count_runs(
    core: Core, environment_id: EnvironmentId, wanted: RunFilter = EVERYTHING
) -> Counted:
    """Return how many runs match, counted up to a bound; by the index alone where it can."""
    window = RunFilter(created_from_ms=wanted.created_from_ms)
    if wanted == window:
        most = limits.RUNS_COUNTED_MAX
        parameters = _parameters(wanted, environment_id, limit=most + 1)
        row = await core.store.readers.one(sql.count_window, parameters)
        found = 0 if row is None else int(row["runs"])
    else:
        most = limits.RUNS_MATCHED_MAX
        parameters = _parameters(wanted, environment_id, limit=most + 1)
        parameters["before"] = _NEWEST_ID
        rows = _merged(await _older(core, wanted, parameters), most + 1, newest_first=True)
        found = len(rows)
    return Counted(runs=min(found, most), is_floor=found > most)


def _parameters(
    wanted: RunFilter, environment_id: EnvironmentId, *, limit: int
) -> dict[str, object]:
    def listed(values: tuple[str, ...]) -> str | None:
        return _encode(values).decode() if values else None

    return {
        "environment_id": environment_id,
        "statuses": listed(wanted.statuses),
        "tasks": listed(wanted.tasks),
        "versions": listed(wanted.versions),
        "tags": listed(wanted.tags),
        "all_tags": listed(wanted.tags) if wanted.has_all_tags else None,
        "queues": listed(wanted.queues),
        "machines": listed(wanted.machines),
        "is_test": None if wanted.is_test is None else int(wanted.is_test),
        "from_ms": wanted.created_from_ms,
        "to_ms": wanted.created_to_ms,
        "root_run_id": wanted.root_run_id,
        "parent_run_id": wanted.parent_run_id,
        "is_root": None if wanted.is_root is None else int(wanted.is_root),
        "run_ids": listed(wanted.run_ids),
        "after": _floor(wanted),
        "limit": limit,
    }


def _floor(wanted: RunFilter) -> str:
    """Return where the indexes, which go by id, may stop: ids begin with the time."""
    if wanted.created_from_ms is None:
        return ""
    return run_id_floor(wanted.created_from_ms - _CLOCK_STEP_MS)


async def _older(core: Core, wanted: RunFilter, parameters: dict[str, object]) -> list[list[Row]]:
    """Return rows older than the cursor as sorted lists, one per value of what drives the page."""
    readers = core.store.readers

    async def each(query: str, name: str, values: Sequence[str]) -> list[list[Row]]:
        return [await readers.all(query, {**parameters, name: value}) for value in values]

    if wanted.run_ids:
        return [await readers.all(sql.of_ids, parameters)]
    if wanted.parent_run_id is not None:
        return [await readers.all(sql.of_parent, parameters)]
    if wanted.root_run_id is not None:
        return [await readers.all(sql.of_root, parameters)]
    if wanted.tags:
        driving = wanted.tags[:1] if wanted.has_all_tags else wanted.tags
        return await each(sql.of_tag, "tag", driving)
    statuses = frozenset(wanted.statuses)
    if statuses and not (statuses & _COMMON and wanted.tasks):
        final = sorted(statuses & FINAL_STATUSES)
        found = await each(sql.of_outcome, "outcome", final)
        going = statuses - FINAL_STATUSES
        if going and going <= _RUNNING:
            found.append(await readers.all(sql.of_running, parameters))
        elif going:
            found.append(await readers.all(sql.of_open, parameters))
        return found
    if wanted.tasks:
        return await each(sql.of_task, "task", wanted.tasks)
    return [await readers.all(sql.newest, parameters)]


def _merged(found: list[list[Row]], limit: int, *, newest_first: bool) -> list[Row]:
    """Merge sorted lists into one; a run that is in two of them (two tags) comes once."""
    merged: dict[str, Row] = {}
    for row in heapq.merge(*found, key=lambda row: str(row["id"]), reverse=newest_first):
        merged.setdefault(row["id"], row)
        if len(merged) == limit:
            break
    return list(merged.values())


async def _page(core: Core, rows: list[Row], *, has_next: bool, has_previous: bool) -> RunPage:
    runs = [run_of_row(row) for row in rows]
    packets = await core.store.readers.all(
        sql.metadata_of_runs, {"run_ids": _encode([run.id for run in runs]).decode()}
    )
    metadata = {row["run_id"]: await fetch_row(core.store, row) for row in packets}
    runs = [replace(run, metadata=metadata[run.id]) if run.id in metadata else run for run in runs]
    return RunPage(
        runs=tuple(runs),
        next=runs[-1].id if runs and has_next else None,
        previous=runs[0].id if runs and has_previous else None,
    )
