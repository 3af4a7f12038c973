"""What user code prints, logs and warns becomes log records of the run, with level and span.

Output of C code and of child processes does not pass here: it goes through pipes that the
controller reads by lines (``executors.py``).
"""

from __future__ import annotations

import io
import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Final, Literal

from trigger_box.worker.limits import LINE_BYTES_MAX

Level = Literal["debug", "log", "info", "warn", "error"]
Sink = Callable[[Level, str, Mapping[str, object]], bool]
"""Takes level, text and fields; returns False when there is no run to attach the line to."""

_NO_FIELDS: Final[Mapping[str, object]] = {}
_OWN_RECORD_FIELDS: Final = frozenset(
    {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName"}
)


class LineStream(io.RawIOBase):
    """The raw end of a captured ``sys.stdout`` or ``sys.stderr``: cuts bytes into lines."""

    def __init__(self, level: Level, file: int, sink: Sink) -> None:
        self._level: Level = level
        self._file = file
        self._sink = sink
        self._pending = b""

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the real file, so that child processes may be given ``sys.stdout``."""
        return self._file

    def isatty(self) -> bool:
        """Return False: nobody types here."""
        return False

    def write(self, data: object) -> int:  # type: ignore[override] # any buffer is accepted
        """Take bytes; pass whole lines on."""
        taken = bytes(memoryview(data))  # type: ignore[arg-type] # the text layer gives bytes
        *lines, self._pending = (self._pending + taken).split(b"\n")
        for line in lines:
            self._emit(line)
        if len(self._pending) > LINE_BYTES_MAX:
            self.finish_line()
        return len(taken)

    def finish_line(self) -> None:
        """Pass on a line that has no end yet."""
        if self._pending:
            line, self._pending = self._pending, b""
            self._emit(line)

    def _emit(self, line: bytes) -> None:
        text = line[:LINE_BYTES_MAX].decode("utf-8", "replace").rstrip("\r")
        if len(line) > LINE_BYTES_MAX:
            text += "…"
        if text and not self._sink(self._level, text, _NO_FIELDS):
            stream = sys.__stdout__ if self._file == 1 else sys.__stderr__
            if stream is not None:
                stream.write(text + "\n")
                stream.flush()


class RecordHandler(logging.Handler):
    """Passes records of the standard ``logging`` module on, with their extra fields."""

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on. A record that cannot be formatted is reported as such."""
        fields: dict[str, object] = {
            key: value for key, value in record.__dict__.items() if key not in _OWN_RECORD_FIELDS
        }
        fields["logger"] = record.name
        fields["code"] = f"{record.pathname}:{record.lineno}"
        if record.exc_info and record.exc_info[1] is not None:
            fields["exception"] = "".join(traceback.format_exception(record.exc_info[1]))
        try:
            text = record.getMessage()
        except Exception as error:  # noqa: BLE001 - a wrong format string must not end the task
            text = f"{record.msg} (could not be formatted: {error})"
        if not self._sink(_level_of(record.levelno), text, fields):
            stream = sys.__stderr__
            if stream is not None:
                stream.write(f"{record.levelname}: {text}\n")
                stream.flush()


class Capture:
    """Everything that is redirected in an executor. ``install`` once; ``check`` before each run."""

    def __init__(self, sink: Sink) -> None:
        self._out = LineStream("log", 1, sink)
        self._err = LineStream("warn", 2, sink)
        self.stdout = _text(self._out)
        self.stderr = _text(self._err)
        self.handler = RecordHandler(sink)

    def install(self) -> None:
        """Redirect ``sys.stdout``, ``sys.stderr``, ``logging`` and ``warnings``."""
        root = logging.getLogger()
        for handler in list(root.handlers):
            # basicConfig() in a user's module: its lines would arrive a second time as stderr.
            if handler.__class__ is logging.StreamHandler:
                root.removeHandler(handler)
        if root.level == logging.WARNING and not root.handlers:
            root.setLevel(logging.INFO)
        root.addHandler(self.handler)
        for noisy in ("httpx", "httpcore"):
            # They log every request at INFO, ours to the box included.
            logger = logging.getLogger(noisy)
            if logger.level == logging.NOTSET:
                logger.setLevel(logging.WARNING)
        logging.captureWarnings(True)  # noqa: FBT003 - the function's own signature
        self.check()

    def check(self) -> None:
        """Take the streams back if the last run replaced them."""
        sys.stdout = self.stdout
        sys.stderr = self.stderr

    def finish_lines(self) -> None:
        """Pass on what was printed without a line end."""
        self.stdout.flush()
        self.stderr.flush()
        self._out.finish_line()
        self._err.finish_line()


def _text(raw: LineStream) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True
    )


def _level_of(number: int) -> Level:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    return "info" if number >= logging.INFO else "debug"
