"""``logger``: lines and spans in the run's trace; the standard logging module outside of a run."""

from __future__ import annotations

import functools
import inspect
import logging
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final, ParamSpec, TypeVar, cast

from trigger_box.sdk.runtime import LogLevel, SpanHandle, current_runtime

P = ParamSpec("P")
R = TypeVar("R")

_LEVELS: Final[Mapping[LogLevel, int]] = {
    "debug": logging.DEBUG,
    "log": logging.INFO,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16
# Frames between the standard logger and the user's line: _log and debug/info/....
_STACK_LEVEL: Final = 3


class Logger:
    """Writes structured lines: ``logger.info("sent", message_id=first.id)``."""

    __slots__ = ()

    def debug(self, message: str, /, **fields: object) -> None:
        """Write a line for the one who debugs."""
        _log("debug", message, fields)

    def info(self, message: str, /, **fields: object) -> None:
        """Write a line for everybody."""
        _log("info", message, fields)

    def log(self, message: str, /, **fields: object) -> None:
        """Write a line without a level of its own."""
        _log("log", message, fields)

    def warning(self, message: str, /, **fields: object) -> None:
        """Write a line about something that healed itself."""
        _log("warn", message, fields)

    def warn(self, message: str, /, **fields: object) -> None:
        """Write a warning: the TypeScript name of ``warning``."""
        _log("warn", message, fields)

    def error(self, message: str, /, **fields: object) -> None:
        """Write a line about something that went wrong."""
        _log("error", message, fields)

    def exception(self, message: str, /, **fields: object) -> None:
        """Write an error with the traceback of the exception that is handled now."""
        _log("error", message, {**fields, "exception": traceback.format_exc()})

    @contextmanager
    def span(self, name: str, /, **attributes: object) -> Generator[SpanHandle]:
        """Time a piece of work: ``with logger.span("render", pages=3) as span:``.

        Lines and spans inside belong to it, and an exception that leaves it marks it as failed.
        """
        runtime = current_runtime()
        if runtime is None:
            yield _UnrecordedSpan()
            return
        span = runtime.start_span(name, attributes)
        try:
            yield span
        except BaseException as error:
            runtime.end_span(span, error)
            raise
        runtime.end_span(span)

    def traced(self, fn: Callable[P, R], /) -> Callable[P, R]:
        """Decorate a function, async or not: each call becomes a span with its name."""
        name = fn.__qualname__
        if inspect.iscoroutinefunction(fn):

            @functools.wraps(fn)
            async def traced_async(*args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401 - fn's own
                with self.span(name):
                    return await fn(*args, **kwargs)

            return cast("Callable[P, R]", traced_async)

        @functools.wraps(fn)
        def traced(*args: P.args, **kwargs: P.kwargs) -> R:
            with self.span(name):
                return fn(*args, **kwargs)

        return traced


logger = Logger()


class _UnrecordedSpan:
    """A span outside of a run: it takes attributes and keeps none."""

    __slots__ = ()

    @property
    def trace_id(self) -> str:
        return _NO_TRACE

    @property
    def span_id(self) -> str:
        return _NO_SPAN

    def set_attribute(self, name: str, value: object) -> None:
        """Take an attribute."""


def _log(level: LogLevel, message: str, fields: Mapping[str, object]) -> None:
    runtime = current_runtime()
    if runtime is not None:
        runtime.emit_log(level, message, fields)
        return
    standard = logging.getLogger("trigger_box")
    if fields:
        told = " ".join(f"{name}={value!r}" for name, value in fields.items())
        standard.log(_LEVELS[level], "%s %s", message, told, stacklevel=_STACK_LEVEL)
    else:
        standard.log(_LEVELS[level], "%s", message, stacklevel=_STACK_LEVEL)
