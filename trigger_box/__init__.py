"""Durable background tasks and AI-agent runs that you host yourself.

Everything task authors need is imported from here. Names are loaded at first use: importing the
package itself costs a few milliseconds and neither pydantic nor httpx.
"""

from __future__ import annotations

# Type checkers know this name without its import, which would cost more than all the rest here.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from trigger_box.sdk import idempotency_keys, retry
    from trigger_box.sdk.cancellation import CancelSignal
    from trigger_box.sdk.client import AsyncTriggerBox, TriggerBox, configure, using
    from trigger_box.sdk.context import Context, RunInfo, ctx
    from trigger_box.sdk.debounce import Debounce
    from trigger_box.sdk.errors import (
        AbortTaskRunError,
        ApiError,
        AuthenticationError,
        BadRequest,
        CompleteTaskWithOutput,
        ConfigError,
        Conflict,
        ConnectionFailed,
        DefinitionError,
        DuplicateQueueError,
        DuplicateTaskError,
        MetadataError,
        NotConfigured,
        NotFound,
        NotInTaskError,
        OptionError,
        OutOfMemoryError,
        OutputError,
        PayloadError,
        PermissionDenied,
        RateLimited,
        RunCancelled,
        ServerError,
        SubtaskError,
        SyncInAsyncError,
        TriggerBoxError,
        UnawaitedCallWarning,
        UnexpectedAnswer,
        Unprocessable,
        UnsendableError,
        WaitTimeout,
    )
    from trigger_box.sdk.handles import RunHandle
    from trigger_box.sdk.logger import logger
    from trigger_box.sdk.managed_queues import queues
    from trigger_box.sdk.metadata import metadata
    from trigger_box.sdk.models import QueueState, Run, RunError, RunStatus, RunSummary
    from trigger_box.sdk.queues import Queue, queue
    from trigger_box.sdk.results import Err, Ok, Result
    from trigger_box.sdk.runs import runs
    from trigger_box.sdk.tags import tags
    from trigger_box.sdk.task import Task, UnpackedTask
    from trigger_box.sdk.task_decorator import task
    from trigger_box.sdk.task_schemas import json_schema
    from trigger_box.sdk.tasks import tasks
    from trigger_box.version import __version__

_EXPORTS = {
    "cancellation": ("CancelSignal",),
    "client": ("AsyncTriggerBox", "TriggerBox", "configure", "using"),
    "context": ("Context", "RunInfo", "ctx"),
    "debounce": ("Debounce",),
    "errors": (
        "AbortTaskRunError",
        "ApiError",
        "AuthenticationError",
        "BadRequest",
        "CompleteTaskWithOutput",
        "ConfigError",
        "Conflict",
        "ConnectionFailed",
        "DefinitionError",
        "DuplicateQueueError",
        "DuplicateTaskError",
        "MetadataError",
        "NotConfigured",
        "NotFound",
        "NotInTaskError",
        "OptionError",
        "OutOfMemoryError",
        "OutputError",
        "PayloadError",
        "PermissionDenied",
        "RateLimited",
        "RunCancelled",
        "ServerError",
        "SubtaskError",
        "SyncInAsyncError",
        "TriggerBoxError",
        "UnawaitedCallWarning",
        "UnexpectedAnswer",
        "Unprocessable",
        "UnsendableError",
        "WaitTimeout",
    ),
    "handles": ("RunHandle",),
    "logger": ("logger",),
    "managed_queues": ("queues",),
    "metadata": ("metadata",),
    "models": ("QueueState", "Run", "RunError", "RunStatus", "RunSummary"),
    "queues": ("Queue", "queue"),
    "results": ("Err", "Ok", "Result"),
    "runs": ("runs",),
    "tags": ("tags",),
    "task": ("Task", "UnpackedTask"),
    "task_decorator": ("task",),
    "task_schemas": ("json_schema",),
    "tasks": ("tasks",),
}
_MODULE_OF = {name: module for module, names in _EXPORTS.items() for name in names}
_NAMESPACES = ("idempotency_keys", "retry")

__all__ = [
    "AbortTaskRunError",
    "ApiError",
    "AsyncTriggerBox",
    "AuthenticationError",
    "BadRequest",
    "CancelSignal",
    "CompleteTaskWithOutput",
    "ConfigError",
    "Conflict",
    "ConnectionFailed",
    "Context",
    "Debounce",
    "DefinitionError",
    "DuplicateQueueError",
    "DuplicateTaskError",
    "Err",
    "MetadataError",
    "NotConfigured",
    "NotFound",
    "NotInTaskError",
    "Ok",
    "OptionError",
    "OutOfMemoryError",
    "OutputError",
    "PayloadError",
    "PermissionDenied",
    "Queue",
    "QueueState",
    "RateLimited",
    "Result",
    "Run",
    "RunCancelled",
    "RunError",
    "RunHandle",
    "RunInfo",
    "RunStatus",
    "RunSummary",
    "ServerError",
    "SubtaskError",
    "SyncInAsyncError",
    "Task",
    "TriggerBox",
    "TriggerBoxError",
    "UnawaitedCallWarning",
    "UnexpectedAnswer",
    "UnpackedTask",
    "Unprocessable",
    "UnsendableError",
    "WaitTimeout",
    "__version__",
    "configure",
    "ctx",
    "idempotency_keys",
    "json_schema",
    "logger",
    "metadata",
    "queue",
    "queues",
    "retry",
    "runs",
    "tags",
    "task",
    "tasks",
    "using",
]


def __getattr__(name: str) -> object:
    """Load a public name at its first use (PEP 562)."""
    from importlib import import_module  # noqa: PLC0415 - most names are never asked for

    if name == "__version__":
        return import_module("trigger_box.version").__version__
    if name in _NAMESPACES:
        value: object = import_module(f"trigger_box.sdk.{name}")
    elif name in _MODULE_OF:
        value = getattr(import_module(f"trigger_box.sdk.{_MODULE_OF[name]}"), name)
    else:
        raise AttributeError(f"module 'trigger_box' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
