"""How the box writes log lines: a stable ``noun.past_verb``, then fields with units.

Lines go to stderr, so that what a command prints on stdout stays clean. Never payloads, tokens or
environment values: hand over ids. Written out because it is small: the library that does it costs
a tenth of a second at start and five megabytes while idle.
"""

from __future__ import annotations

import json as json_text
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from trigger_box.clock import SystemClock

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_COLORS: Final = {"debug": "\x1b[2m", "info": "", "warning": "\x1b[33m", "error": "\x1b[31m"}
_PLAIN: Final = "\x1b[0m"
_EVENT_WIDTH: Final = 26

_clock: Final = SystemClock()


class _Setup:
    """How this process writes lines."""

    json: bool | None = None
    threshold: int = _LEVELS["info"]


def configure(*, json: bool | None = None, level: str = "info") -> None:
    """Set up log lines for this process.

    Args:
        json: one JSON object a line; None means "unless stderr is a terminal".
        level: debug, info, warning or error: the least important line that is written.
    """
    _Setup.json = json
    _Setup.threshold = _LEVELS[level]


class Log:
    """The log of one room."""

    __slots__ = ("_room",)

    def __init__(self, room: str) -> None:
        self._room = room

    def debug(self, event: str, **fields: object) -> None:
        """Write a line for whoever works on the box itself."""
        self._write("debug", event, fields)

    def info(self, event: str, **fields: object) -> None:
        """Write a line about something a user did or the box decided."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Write a line about trouble that healed itself."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Write a line a person must look at; say what to do."""
        self._write("error", event, fields)

    def exception(
        self, event: str, *, exc_info: BaseException | None = None, **fields: object
    ) -> None:
        """Write an error line with the trace of an exception: for our own bugs.

        Without the values of variables: tokens and payloads are among them.
        """
        error = sys.exception() if exc_info is None else exc_info
        trace = "" if error is None else "".join(traceback.format_exception(error)).rstrip()
        self._write("error", event, fields, trace=trace)

    def _write(
        self, level: str, event: str, fields: Mapping[str, object], *, trace: str = ""
    ) -> None:
        if _LEVELS[level] < _Setup.threshold:
            return
        # Looked up at each line: tests and daemons replace it.
        stream = sys.stderr
        is_terminal = stream.isatty()
        as_json = not is_terminal if _Setup.json is None else _Setup.json
        at = datetime.fromtimestamp(_clock.now_ms() / 1_000, UTC)
        if as_json:
            line = {
                "at": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1_000:03d}Z",
                "level": level,
                "room": self._room,
                "event": event,
                **fields,
            }
            if trace:
                line["exception"] = trace
            text = json_text.dumps(line, default=str)
        else:
            said = " ".join(f"{name}={_shown(value)}" for name, value in fields.items())
            text = f"{at:%H:%M:%S} {level:7} {event:{_EVENT_WIDTH}} {said}".rstrip()
            if trace:
                text += f"\n{trace}"
            if is_terminal and _COLORS[level]:
                text = f"{_COLORS[level]}{text}{_PLAIN}"
        # One write a line, so that lines of several threads do not mix.
        stream.write(text + "\n")
        stream.flush()


def get(room: str) -> Log:
    """Return the log of one room; lines carry its name."""
    return Log(room)


def _shown(value: object) -> str:
    text = str(value)
    return json_text.dumps(text) if not text or set(text) & set(' "=\n') else text
