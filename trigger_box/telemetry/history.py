"""DuckDB: loads segment files, answers queries. The only module that knows DuckDB.

Everything here blocks and belongs to one thread. The file can be lost at any time: it is rebuilt
from the segments. A bookmark per segment stands in the same transaction as the rows it counts.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trigger_box import log
from trigger_box.domain import limits
from trigger_box.domain.errors import UnavailableError
from trigger_box.telemetry.queries import history as sql
from trigger_box.telemetry.rows import Row, row_of_columns
from trigger_box.telemetry.segments import ROWS, Segment, read_segment, segments_of, seq_of

if TYPE_CHECKING:
    # At run time it is imported by open(): 25 MB that a box nobody looks at does not need.
    import duckdb

FORMAT: Final = 1
"""Counts up when the table changes: an older file is rebuilt."""

_FETCH_ROWS: Final = 500
_NOT_DAMAGED: Final = ("lock", "no space", "permission", "out of memory", "read-only")

_log = log.get("telemetry")


class HistoryUnavailableError(UnavailableError):
    """The history of spans and logs can't be read right now."""

    code = "history_unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which rows a query may see. Every query is bound to one environment and a span of time.

    Attributes:
        run_id: the run that is looked at; its rows come first.
        run_ids: that run and those below it.
        trace_id: finds rows whose sender named no run; may be empty.
        from_ms: earliest and ``to_ms`` latest arrival.
    """

    environment_id: str
    run_id: str
    run_ids: tuple[str, ...]
    trace_id: str
    from_ms: int
    to_ms: int

    def holds(self, row: Row) -> bool:
        """Return whether a row is in scope: the same rule as in the queries."""
        if row.environment_id != self.environment_id:
            return False
        if row.run_id:
            return row.run_id in self.run_ids
        return bool(self.trace_id) and row.trace_id == self.trace_id

    @property
    def keys(self) -> tuple[str, ...]:
        """Return what rows in scope are kept by in the tail."""
        return (*self.run_ids, self.trace_id) if self.trace_id else self.run_ids

    def parameters(self) -> dict[str, object]:
        """Return the query parameters."""
        return {
            "environment_id": self.environment_id,
            "run_ids": list(self.run_ids),
            "trace_id": self.trace_id,
            "from_ms": self.from_ms,
            "to_ms": self.to_ms,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One step of loading. ``seq``: the last number loaded of this process's own files."""

    bytes: int
    seq: int


@dataclass(frozen=True, slots=True)
class _Bookmark:
    """How far a segment is loaded, and the last number that was in there."""

    bytes: int
    seq: int


_UNREAD: Final = _Bookmark(0, 0)


class History:
    """The DuckDB file over a folder of segments.

    Args:
        path: the database file.
        segments: the folder of segments.
        scratch: a folder for what is being loaded or sorted.
        own_files: gives the names of the files this process has begun, oldest first.
    """

    def __init__(
        self, path: Path, *, segments: Path, scratch: Path, own_files: Callable[[], Sequence[str]]
    ) -> None:
        self._path = path
        self._own_files = own_files
        self._segments = segments
        self._scratch = scratch / "telemetry"
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._bookmarks: dict[str, _Bookmark] = {}
        self._older: list[Segment] = []
        self._own_at = 0
        self._owed_seq = 0
        self.loaded_seq = 0
        """Rows of this process up to here are in the database."""
        self.bytes_loaded = 0

    @property
    def is_open(self) -> bool:
        """Return whether the database is open."""
        return self._connection is not None

    @property
    def is_behind(self) -> bool:
        """Return whether rows are missing that nobody else has in memory.

        Those are segments of earlier starts, and what was loaded before the database was lost.
        """
        return bool(self._older) or self.loaded_seq < self._owed_seq

    def open(self) -> None:
        """Open the database; begin anew if it is damaged or of another format.

        Raises:
            HistoryUnavailableError: it can't be opened, and that is not the file's fault.
        """
        if self._connection is not None:
            return
        import duckdb  # noqa: PLC0415 - late, see above

        self._scratch.mkdir(mode=0o700, exist_ok=True)
        try:
            self._connect()
        except duckdb.Error as error:
            self.close()
            if _is_blameless(error):
                raise HistoryUnavailableError(
                    f"The history file {self._path} can't be opened: {_first_line(error)}"
                ) from error
            _log.warning("telemetry.history_damaged", reason=_first_line(error))
            self._discard()
            try:
                self._connect()
            except duckdb.Error as second:
                self.close()
                raise HistoryUnavailableError(
                    f"The history file {self._path} can't be made: {_first_line(second)}"
                ) from second
        mine = set(self._own_files())
        self._own_at = 0
        self._owed_seq = max(self._owed_seq, self.loaded_seq)
        self.loaded_seq = max(
            (mark.seq for name, mark in self._bookmarks.items() if name in mine), default=0
        )
        self._older = sorted(
            (
                segment
                for segment in segments_of(self._segments, ROWS)
                if segment.name not in mine and segment.bytes > self._mark(segment.name).bytes
            ),
        )

    def close(self) -> None:
        """Close the database and give its memory back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            with suppress(OSError, AttributeError):  # not every C library can
                ctypes.CDLL(None).malloc_trim(0)

    def load(self) -> Loaded | None:
        """Load one bite; return None when nothing waits.

        Own files first, in order; then those of earlier starts, newest first, since people look
        at what is new.

        Raises:
            HistoryUnavailableError: the database or the disk failed; nothing was loaded.
        """
        own = self._own_files()
        while self._own_at < len(own):
            name = own[self._own_at]
            loaded = self._load_file(name, is_own=True)
            if loaded is not None:
                return loaded
            if self._own_at == len(own) - 1:
                break
            self._own_at += 1
        while self._older:
            loaded = self._load_file(self._older[-1].name, is_own=False)
            if loaded is not None:
                return loaded
            self._older.pop()
        self._owed_seq = 0  # all that is left of it has been loaded
        return None

    def rows(self, query: str, parameters: Mapping[str, object]) -> list[Row]:
        """Return the rows of a query that selects all columns of a row.

        Attributes are given until they fill ``TRACE_ATTRIBUTES_CHARACTERS_MAX``, then left out.

        Raises:
            HistoryUnavailableError: the database failed.
        """
        import duckdb  # noqa: PLC0415 - late, see above

        assert self._connection is not None, "the history is open"
        rows: list[Row] = []
        characters = 0
        try:
            cursor = self._connection.execute(query, dict(parameters))
            names = [column[0] for column in cursor.description or ()]
            while batch := cursor.fetchmany(_FETCH_ROWS):
                for values in batch:
                    columns = dict(zip(names, values, strict=True))
                    characters += len(columns["attributes"] or "")
                    if characters > limits.TRACE_ATTRIBUTES_CHARACTERS_MAX and rows:
                        columns["attributes"] = None
                    rows.append(row_of_columns(columns))
        except duckdb.Error as error:
            raise self._failed(error) from error
        return rows

    def forget(self, *, before_ms: int, before_day: str) -> None:
        """Delete what came in before an instant, which is the begin of ``before_day``.

        Raises:
            HistoryUnavailableError: the database failed.
        """
        import duckdb  # noqa: PLC0415 - late, see above

        assert self._connection is not None, "the history is open"
        try:
            self._connection.execute(sql.forget_day, {"before_ms": before_ms})
            self._connection.execute(sql.forget_bookmarks, {"before_day": before_day})
        except duckdb.Error as error:
            raise self._failed(error) from error
        self._bookmarks = {
            name: mark for name, mark in self._bookmarks.items() if name >= before_day
        }

    def _connect(self) -> None:
        import duckdb  # noqa: PLC0415 - late, see above

        connection = duckdb.connect(
            self._path,
            config={
                "memory_limit": f"{limits.HISTORY_MEMORY_MB}MB",
                "threads": limits.HISTORY_THREADS,
                "temp_directory": str(self._scratch),
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        self._connection = connection
        self._path.chmod(0o600)
        connection.execute(sql.create)
        found = connection.execute(sql.format).fetchone()
        if found is None:
            connection.execute(sql.set_format, {"format": FORMAT})
        elif found[0] != FORMAT:
            connection.close()
            self._connection = None
            self._discard()
            self._connect()
            return
        self._bookmarks = {
            name: _Bookmark(size, seq)
            for name, size, seq in connection.execute(sql.bookmarks).fetchall()
        }

    def _discard(self) -> None:
        """Put a file that can't be used aside. The newest one is kept for whoever wonders why."""
        with suppress(FileNotFoundError):
            self._path.replace(self._path.with_suffix(".damaged"))
        self._path.with_suffix(".duckdb.wal").unlink(missing_ok=True)
        self._bookmarks = {}

    def _load_file(self, name: str, *, is_own: bool) -> Loaded | None:
        before = self._mark(name)
        at = before.bytes
        piece = self._scratch / "load.ndjson"
        try:
            lines = read_segment(self._segments, name, at=at, size=limits.HISTORY_LOAD_BYTES)
        except FileNotFoundError:
            return None  # retention was here
        except OSError as error:
            # One file that can't be read must not hide all the others.
            _log.error("telemetry.segment_unreadable", segment=name, reason=str(error))
            return None
        end = lines.rfind(b"\n") + 1
        if end == 0:
            return None  # nothing, or a line that is not complete
        lines = lines[:end]
        try:
            piece.write_bytes(lines)
        except OSError as error:
            raise HistoryUnavailableError(
                f"Spans and logs can't be loaded: {error.strerror or error}."
            ) from error
        last = lines.rfind(b"\n", 0, end - 1) + 1
        mark = _Bookmark(at + end, max(before.seq, seq_of(lines[last:]) or 0))
        try:
            self._insert(piece, name, mark)
        finally:
            piece.unlink(missing_ok=True)
        self._bookmarks[name] = mark
        self.bytes_loaded += end
        if is_own:
            self.loaded_seq = max(self.loaded_seq, mark.seq)
        return Loaded(bytes=end, seq=self.loaded_seq)

    def _mark(self, name: str) -> _Bookmark:
        return self._bookmarks.get(name, _UNREAD)

    def _insert(self, piece: Path, name: str, mark: _Bookmark) -> None:
        import duckdb  # noqa: PLC0415 - late, see above

        connection = self._connection
        assert connection is not None, "the history is open"
        try:
            connection.begin()
            connection.execute(sql.load, {"path": str(piece)})
            connection.execute(sql.drop_bookmark, {"name": name})
            connection.execute(
                sql.set_bookmark, {"name": name, "bytes": mark.bytes, "seq": mark.seq}
            )
            connection.commit()
        except duckdb.Error as error:
            with suppress(duckdb.Error):
                connection.rollback()
            raise self._failed(error) from error

    def _failed(self, error: duckdb.Error) -> HistoryUnavailableError:
        """Return what the caller is told. A broken file is put aside, opening rebuilds it."""
        import duckdb  # noqa: PLC0415 - late, see above

        _log.error("telemetry.history_failed", reason=_first_line(error))
        broken = (
            duckdb.FatalException,
            duckdb.InternalException,
            duckdb.SerializationException,
            duckdb.IOException,
        )
        if isinstance(error, broken) and not _is_blameless(error):
            with suppress(duckdb.Error):
                self.close()
            self._connection = None
            self._discard()
        return HistoryUnavailableError(
            f"The history of spans and logs failed: {_first_line(error)}"
        )


def _is_blameless(error: duckdb.Error) -> bool:
    """Return whether an error says nothing against the file: then it must not be thrown away."""
    text = str(error).lower()
    return any(sign in text for sign in _NOT_DAMAGED)


def _first_line(error: BaseException) -> str:
    return str(error).split("\n", 1)[0][:300]
