"""The exceptions of the SDK, and the three that task authors raise themselves.

How an exception becomes the error stored on a run lives in ``failures.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trigger_box.sdk.models import RunError


class TriggerBoxError(Exception):
    """The base of everything the SDK raises."""


class NotConfigured(TriggerBoxError):
    """No credential or no address to send a call to."""


class OptionError(TriggerBoxError, ValueError):
    """An option has a value that can't be sent: the message names it and what it takes."""


class ConfigError(TriggerBoxError, ValueError):
    """The project's configuration can't be used: the message names the file and the key."""


class DefinitionError(TriggerBoxError, TypeError):
    """A task is written in a way that can't work: the message names the file and the line."""


class DuplicateTaskError(DefinitionError):
    """Two tasks have one id."""

    def __init__(self, task_id: str, *, first: tuple[str, int], second: tuple[str, int]) -> None:
        self.task_id = task_id
        self.first = first
        self.second = second
        super().__init__(
            f"Two tasks have the id {task_id!r}: {first[0]}:{first[1]} and {second[0]}:{second[1]}."
            " Give one of them another id."
        )


class DuplicateQueueError(DefinitionError):
    """Two queues have one name but different limits."""

    def __init__(self, name: str, *, first: tuple[str, int], second: tuple[str, int]) -> None:
        self.name = name
        self.first = first
        self.second = second
        super().__init__(
            f"The queue {name!r} is declared twice with different limits:"
            f" {first[0]}:{first[1]} and {second[0]}:{second[1]}. Declare it once and import it."
        )


class PayloadError(TriggerBoxError, ValueError):
    """A payload does not fit the task's type, or can't be sent. No request was made."""


class UnreadablePayloadError(PayloadError):
    """A run's payload is not what its packet type says: nothing the task's author can mend."""


class OutputError(TriggerBoxError, ValueError):
    """What a task returned does not fit its return annotation."""


class UnsendableError(TriggerBoxError, ValueError):
    """A value has no JSON form: the message says where and what to do instead."""


class MetadataError(TriggerBoxError, ValueError):
    """A metadata key or value that can't be stored."""


class NotInTaskError(TriggerBoxError):
    """This needs a run, and none is executing here."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} works only while a task runs. Outside of a run there is nothing to attach to."
        )


class SyncInAsyncError(TriggerBoxError, RuntimeError):
    """A blocking call was made on a thread whose event loop is running."""


class WaitTimeout(TriggerBoxError, TimeoutError):
    """What was waited for did not happen in time."""


class ConnectionFailed(TriggerBoxError, ConnectionError):
    """The server could not be reached, or its answer could not be read, after all retries."""


class ApiError(TriggerBoxError):
    """The server answered with an error.

    Attributes:
        status: the HTTP status.
        headers: the answer's headers, names in lower case.
        body: the decoded JSON body, or None.
        code: the stable error code, where the server sent one.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        headers: Mapping[str, str],
        body: object = None,
        code: str | None = None,
    ) -> None:
        self.message = message
        self.status = status
        self.headers = headers
        self.body = body
        self.code = code
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message} (HTTP {self.status})"


class BadRequest(ApiError):
    """400: the request is not well formed."""


class AuthenticationError(ApiError):
    """401: the key is missing, wrong or expired."""


class PermissionDenied(ApiError):
    """403: the key may not do this."""


class NotFound(ApiError):
    """404: there is no such thing in this environment."""


class Conflict(ApiError):
    """409: somebody else was faster."""


class Unprocessable(ApiError):
    """422: a rule says no."""


class RateLimited(ApiError):
    """429: too many requests.

    Attributes:
        retry_after: seconds until the limit resets, or None when the server did not say.
    """

    retry_after: float | None = None


class ServerError(ApiError):
    """5xx: the server failed."""


class UnexpectedAnswer(ApiError):
    """The server answered 2xx, but not in the shape this SDK knows."""


class SubtaskError(TriggerBoxError):
    """A run did not succeed, and its output was asked for.

    Attributes:
        run_id: the run.
        task_id: its task.
        cause: its error.
    """

    def __init__(self, *, run_id: str, task_id: str, cause: RunError) -> None:
        self.run_id = run_id
        self.task_id = task_id
        self.cause = cause
        super().__init__(f"Run {run_id} of {task_id!r} failed: {cause.message}")


class AbortTaskRunError(TriggerBoxError):
    """Raise this in a task to fail the run without another attempt."""


class OutOfMemoryError(TriggerBoxError):
    """Raise this in a task to say that memory ran out: the retry may take a larger machine."""


class CompleteTaskWithOutput(TriggerBoxError):
    """Raise this in a task to complete the run now, from any depth, with ``output``."""

    def __init__(self, output: object = None) -> None:
        self.output = output
        super().__init__("The task completed with an output.")


class RunCancelled(BaseException):
    """The run this code belongs to was cancelled.

    Not an ``Exception``, so that ``except Exception`` around a loop's body does not swallow it
    (the reason why ``asyncio.CancelledError`` is none either).
    """


class UnawaitedCallWarning(RuntimeWarning):
    """A call was made without ``await``, so nothing happened."""
