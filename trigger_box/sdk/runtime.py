"""The seam between the SDK and whatever executes a run: the worker, or the test kit.

The executor implements ``RunRuntime`` and enters ``running(runtime)`` around the task. Everything
here must return at once: no I/O on the caller's thread.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal, Protocol

from trigger_box.sdk.errors import NotInTaskError

if TYPE_CHECKING:
    from trigger_box.sdk.cancellation import CancelSignal
    from trigger_box.sdk.client import Client
    from trigger_box.sdk.context import Context
    from trigger_box.sdk.metadata_document import MetadataDocument, MetadataOperation

LogLevel = Literal["debug", "log", "info", "warn", "error"]
"""The severity text of a log record on the wire (cli-protocol 10)."""

MetadataTarget = Literal["self", "parent", "root"]
"""Whose metadata an operation changes: ``operations``, ``parentOperations``, ``rootOperations``."""


class SpanHandle(Protocol):
    """A span that was started and not yet ended."""

    @property
    def trace_id(self) -> str:
        """32 hex digits."""
        ...

    @property
    def span_id(self) -> str:
        """16 hex digits."""
        ...

    def set_attribute(self, name: str, value: object) -> None:
        """Set an attribute. Values that are not JSON scalars are the implementer's to flatten."""
        ...


class RunRuntime(Protocol):
    """One attempt that is executing in this process. Called from any thread of user code."""

    @property
    def context(self) -> Context:
        """What the task may know about its run."""
        ...

    @property
    def cancel_signal(self) -> CancelSignal:
        """Set when the run is cancelled."""
        ...

    @property
    def metadata(self) -> MetadataDocument:
        """This attempt's copy of the run's metadata. The SDK has applied operations already."""
        ...

    def emit_log(self, level: LogLevel, message: str, attributes: Mapping[str, object]) -> None:
        """Record a log line within the current span."""
        ...

    def start_span(self, name: str, attributes: Mapping[str, object]) -> SpanHandle:
        """Start a span below the current one, and make it the current one of this context."""
        ...

    def end_span(self, span: SpanHandle, error: BaseException | None = None) -> None:
        """End ``span``; the one around it is the current one again."""
        ...

    def metadata_operation(self, operation: MetadataOperation, target: MetadataTarget) -> None:
        """Send this operation with the next flush. ``operation`` is the wire's own shape."""
        ...

    def add_tags(self, tags: Sequence[str]) -> None:
        """Add tags to the run. The SDK has checked and de-duplicated them."""
        ...

    def traceparent(self) -> str | None:
        """Return the W3C header value of the current span, for calls made from here."""
        ...

    def client(self) -> Client | None:
        """Return the client for calls from within the run; None for the process's own one."""
        ...


_scoped: ContextVar[RunRuntime | None] = ContextVar("trigger_box_runtime", default=None)
# Threads that user code starts don't inherit context variables, so they fall back on this one.
# A worker process executes one run at a time, which makes that right.
_of_process: list[RunRuntime] = []


def current_runtime() -> RunRuntime | None:
    """Return the run that is executing here, or None outside of a run."""
    scoped = _scoped.get()
    if scoped is not None:
        return scoped
    return _of_process[-1] if _of_process else None


def require_runtime(what: str) -> RunRuntime:
    """Return the run that is executing here.

    Raises:
        NotInTaskError: there is none; ``what`` names the thing that needs it.
    """
    runtime = current_runtime()
    if runtime is None:
        raise NotInTaskError(what)
    return runtime


@contextmanager
def running(runtime: RunRuntime, *, whole_process: bool = True) -> Generator[None]:
    """Make ``runtime`` the current one inside the block.

    Args:
        whole_process: also for threads that user code starts. A test kit that holds several runs
            in one process says False.
    """
    token = _scoped.set(runtime)
    if whole_process:
        _of_process.append(runtime)
    try:
        yield
    finally:
        if whole_process:
            _of_process.remove(runtime)
        _scoped.reset(token)
