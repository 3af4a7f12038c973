"""Rows that are in segment files but not in DuckDB yet, so that a page is true at once.

Kept as encoded lines: they cost a quarter of the memory, and most are never looked at. Used on the
event loop only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from trigger_box.domain import limits
from trigger_box.telemetry.rows import Row, row_of_line


@dataclass(slots=True)
class _Entry:
    seq: int
    received_ms: int
    key: str
    line: bytes


class Tail:
    """The newest rows, by run (or by trace, where the sender named no run).

    Args:
        since_ms: rows that came in after this instant are all here.
    """

    def __init__(self, since_ms: int) -> None:
        self.since_ms = since_ms
        self.bytes = 0
        self._gap_seq = 0
        self._entries: deque[_Entry] = deque()
        self._by_key: dict[str, deque[_Entry]] = {}

    @property
    def count(self) -> int:
        """Return how many rows are here."""
        return len(self._entries)

    @property
    def has_gap(self) -> bool:
        """Return whether rows had to leave before DuckDB has them."""
        return self._gap_seq > 0

    def add(self, seq: int, *, received_ms: int, key: str, line: bytes) -> None:
        """Keep one row; ``line`` is its encoded form. Rows come in the order of their numbers."""
        entry = _Entry(seq, received_ms, key, line)
        self._entries.append(entry)
        self._by_key.setdefault(key, deque()).append(entry)
        self.bytes += len(line)
        while self.bytes > limits.TELEMETRY_TAIL_BYTES_MAX:
            self._gap_seq = self._entries[0].seq
            self._drop_first()

    def loaded(self, seq: int) -> None:
        """Let go of rows up to ``seq``: DuckDB has them now."""
        while self._entries and self._entries[0].seq <= seq:
            self._drop_first()
        if seq >= self._gap_seq:
            self._gap_seq = 0

    def lines(self, keys: Iterable[str]) -> list[bytes]:
        """Return the lines of runs or traces, each in order of arrival."""
        return [entry.line for key in keys for entry in self._by_key.get(key, ())]

    def covers(self, since_ms: int, *, now_ms: int) -> bool:
        """Return whether everything that came in from ``since_ms`` on is here.

        An instant after ``now_ms`` tells that the clock was set back: then nothing is sure.
        """
        return self.since_ms < since_ms <= now_ms

    def _drop_first(self) -> None:
        entry = self._entries.popleft()
        self.bytes -= len(entry.line)
        self.since_ms = max(self.since_ms, entry.received_ms)
        of_key = self._by_key[entry.key]
        of_key.popleft()
        if not of_key:
            del self._by_key[entry.key]


def rows_of(lines: Iterable[bytes]) -> list[Row]:
    """Return the rows of lines."""
    return [row_of_line(line) for line in lines]
