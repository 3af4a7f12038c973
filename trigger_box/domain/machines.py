"""Machine presets: what a run may ask for, and which one it gets.

Source: run-engine 6 (presets, step 7). Whether the host is big enough is the supervisor's question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A preset: cpu in cores, memory in GB."""

    name: str
    cpu: float
    memory: float
    cents_per_ms: float = 0.0


PRESETS: Final[Mapping[str, Machine]] = {
    machine.name: machine
    for machine in (  # smallest first
        Machine(name="micro", cpu=0.25, memory=0.25),
        Machine(name="small-1x", cpu=0.5, memory=0.5),
        Machine(name="small-2x", cpu=1, memory=1),
        Machine(name="medium-1x", cpu=1, memory=2),
        Machine(name="medium-2x", cpu=2, memory=4),
        Machine(name="large-1x", cpu=4, memory=8),
        Machine(name="large-2x", cpu=8, memory=16),
    )
}
DEFAULT: Final = PRESETS["small-1x"]


def machine_named(name: str | None) -> Machine:
    """Return the preset of this name, or the default one for None and unknown names."""
    return DEFAULT if name is None else PRESETS.get(name, DEFAULT)


def smallest_preset(*, cpu: float | None, memory: float | None) -> str | None:
    """Return the smallest preset with at least this cpu and memory, None if none fits or asked."""
    if cpu is None and memory is None:
        return None
    for machine in PRESETS.values():
        if machine.cpu >= (cpu or 0) and machine.memory >= (memory or 0):
            return machine.name
    return None
