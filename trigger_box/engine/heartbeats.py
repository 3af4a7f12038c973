"""Workers' signs of life, in memory between two looks at the leases (``leases.py``)."""

from __future__ import annotations

from dataclasses import dataclass

from trigger_box.ids import RunId


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life: the newest snapshot its sender knew, and when it came."""

    number: int
    at_ms: int


class Heartbeats:
    """The beats since leases were last stored. Used on the event loop."""

    def __init__(self) -> None:
        self._beats: dict[RunId, Beat] = {}

    def __len__(self) -> int:
        return len(self._beats)

    def add(self, run_id: RunId, beat: Beat) -> None:
        """Note a beat. One that names an older snapshot than another did is an old attempt's."""
        known = self._beats.get(run_id)
        if known is None or beat.number >= known.number:
            self._beats[run_id] = beat

    def take(self) -> dict[RunId, Beat]:
        """Return all beats and forget them."""
        beats, self._beats = self._beats, {}
        return beats
