"""How the runs of the last day ended, task by task and hour by hour.

An hour that is over and has nothing open any more does not change: it is counted once, then kept
in memory. Only hours with open runs, and the current one, are counted at each look.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final
from weakref import WeakKeyDictionary

from trigger_box.domain import limits
from trigger_box.ids import EnvironmentId, run_id_floor
from trigger_box.store.queries import dashboard as sql
from trigger_box.store.store import Store

HOURS: Final = 24
_HOUR_MS: Final = 3_600_000
_PART_OF: Final = {"COMPLETED_SUCCESSFULLY": 0, None: 1, "CANCELED": 2, "EXPIRED": 2}
_FAILED: Final = 3

HourCounts = tuple[int, int, int, int]
"""Runs that completed, go on or wait, were canceled or expired, failed."""
NO_RUNS: Final[HourCounts] = (0, 0, 0, 0)

_Hour = dict[str, HourCounts]
_kept: WeakKeyDictionary[Store, OrderedDict[tuple[str, int], _Hour]] = WeakKeyDictionary()


async def last_day(
    store: Store, environment_id: EnvironmentId, *, now_ms: int
) -> dict[str, list[HourCounts]]:
    """Return 24 hours by task, oldest first; the last one is the current hour."""
    this_hour = now_ms // _HOUR_MS
    first = this_hour - HOURS + 1
    days: dict[str, list[HourCounts]] = {}
    for number in range(HOURS):
        hour = await _hour(
            store, environment_id, first + number, is_over=first + number < this_hour
        )
        for task, counts in hour.items():
            days.setdefault(task, [NO_RUNS] * HOURS)[number] = counts
    return days


async def _hour(
    store: Store, environment_id: EnvironmentId, number: int, *, is_over: bool
) -> _Hour:
    kept = _kept.setdefault(store, OrderedDict())
    key = (environment_id, number)
    if key in kept:
        kept.move_to_end(key)
        return kept[key]
    rows = await store.readers.all(
        sql.outcomes_between,
        {
            "environment_id": environment_id,
            "from_id": run_id_floor(number * _HOUR_MS),
            "to_id": run_id_floor((number + 1) * _HOUR_MS),
            "limit": limits.RUNS_COUNTED_MAX,
        },
    )
    hour: dict[str, list[int]] = {}
    for row in rows:
        part = _PART_OF.get(row["outcome"], _FAILED)
        hour.setdefault(row["task"], [0, 0, 0, 0])[part] += row["runs"]
    counted: _Hour = {task: (c[0], c[1], c[2], c[3]) for task, c in hour.items()}
    if is_over and not any(counts[1] for counts in counted.values()):
        kept[key] = counted
        while len(kept) > limits.ACTIVITY_HOURS_KEPT_MAX:
            kept.popitem(last=False)
    return counted
