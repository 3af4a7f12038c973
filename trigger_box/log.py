"""How the box writes log lines: a stable ``noun.past_verb``, then fields with units.

Lines go to stderr, so that what a command prints on stdout stays clean. Never payloads, tokens or
environment values: hand over ids.
"""

from __future__ import annotations

import logging
import sys
from typing import Final, Protocol

import structlog

_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


class Log(Protocol):
    """What rooms may do with a log."""

    def debug(self, event: str, **fields: object) -> None:
        """Write a line for whoever works on the box itself."""
        ...

    def info(self, event: str, **fields: object) -> None:
        """Write a line about something a user did or the box decided."""
        ...

    def warning(self, event: str, **fields: object) -> None:
        """Write a line about trouble that healed itself."""
        ...

    def error(self, event: str, **fields: object) -> None:
        """Write a line a person must look at; say what to do."""
        ...

    def exception(self, event: str, **fields: object) -> None:
        """Write an error line with the trace of the exception being handled: for our own bugs."""
        ...


def configure(*, json: bool | None = None, level: str = "info") -> None:
    """Set up log lines for this process.

    Args:
        json: one JSON object a line; None means "unless stderr is a terminal".
        level: debug, info, warning or error: the least important line that is written.
    """
    as_json = not sys.stderr.isatty() if json is None else json
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if as_json else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        # Looked up at each line: tests and daemons replace it.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def get(room: str) -> Log:
    """Return the log of one room; lines carry its name."""
    log: Log = structlog.get_logger(room=room)
    return log


# As shipped, structlog prints the local variables of a crash: tokens and payloads among them.
configure()
