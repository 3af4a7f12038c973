"""Whether a failed attempt is tried again, and when: pure arithmetic.

Source: run-engine 7.4, and the order of the decision in the worker given there. The engine has
the last word (run-engine 7.3). The names people use (``retry.policy``) live in ``retry.py``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from trigger_box.sdk.errors import (
    AbortTaskRunError,
    ApiError,
    OutputError,
    PayloadError,
    RateLimited,
    UnsendableError,
)

_RETRIED_CLIENT_STATUSES: Final = frozenset({408, 429})
_SERVER_STATUSES_FROM: Final = 500
_CLIENT_STATUSES_FROM: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how fast a task is tried again. Make one with ``retry.policy(...)``.

    Attributes:
        max_attempts: attempts in all, the first included.
        oom_machine: the machine of the next attempt after memory ran out, or None.
    """

    max_attempts: int = 3
    factor: float = 2.0
    min_delay_ms: int = 1_000
    max_delay_ms: int = 60_000
    jitter: bool = True
    oom_machine: str | None = None

    def to_wire(self) -> dict[str, object]:
        """Return the policy as a worker registers it (cli-protocol 12)."""
        wire: dict[str, object] = {
            "maxAttempts": self.max_attempts,
            "factor": self.factor,
            "minTimeoutInMs": self.min_delay_ms,
            "maxTimeoutInMs": self.max_delay_ms,
            "randomize": self.jitter,
        }
        if self.oom_machine is not None:
            wire["outOfMemory"] = {"machine": self.oom_machine}
        return wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """The wish for another attempt, as ``attempts/complete`` carries it."""

    at_ms: int
    delay_ms: int

    def to_wire(self) -> dict[str, int]:
        """Return ``{timestamp, delay}``, both in milliseconds."""
        return {"timestamp": self.at_ms, "delay": self.delay_ms}


def retry_delay_ms(
    policy: RetryPolicy, *, attempt_number: int, random_unit: float, max_attempts: int | None = None
) -> int | None:
    """Return how long to wait before the next attempt, or None to give up.

    Args:
        attempt_number: the attempt that just failed, counted from 1.
        random_unit: a number in [0, 1), drawn by the caller so that this stays pure.
        max_attempts: the run's own limit, which replaces the policy's.
    """
    limit = policy.max_attempts if max_attempts is None else max_attempts
    if attempt_number >= limit:
        return None
    spread = 1.0 + random_unit if policy.jitter else 1.0
    try:
        grown = spread * policy.min_delay_ms * policy.factor ** (attempt_number - 1)
    except OverflowError:
        grown = math.inf
    # JavaScript's Math.round: halves go up. Python's round() sends them to the even neighbour.
    return math.floor(min(float(policy.max_delay_ms), grown) + 0.5)


def is_never_retried(error: BaseException) -> bool:
    """Return whether no policy applies to this error: another attempt can't end differently."""
    if isinstance(error, AbortTaskRunError | PayloadError | OutputError | UnsendableError):
        return True
    return (
        isinstance(error, ApiError)
        and _CLIENT_STATUSES_FROM <= error.status < _SERVER_STATUSES_FROM
        and error.status not in _RETRIED_CLIENT_STATUSES
    )


def decide_retry(  # noqa: PLR0913 - each is one fact of the decision
    error: BaseException,
    *,
    policy: RetryPolicy,
    attempt_number: int,
    run_max_attempts: int | None,
    retries_enabled: bool,
    now_ms: int,
    random_unit: float,
) -> Retry | None:
    """Return the wish for another attempt after ``error``, or None for none.

    Args:
        policy: the task's own, else the project's default.
        attempt_number: the attempt that just failed, counted from 1.
        run_max_attempts: ``execution.run.maxAttempts``, when the trigger call set one.
        retries_enabled: False in development unless the project's configuration says otherwise.
    """
    if is_never_retried(error) or not retries_enabled:
        return None
    delay_ms = retry_delay_ms(
        policy,
        attempt_number=attempt_number,
        random_unit=random_unit,
        max_attempts=run_max_attempts,
    )
    if delay_ms is None:
        return None
    if isinstance(error, RateLimited) and error.retry_after is not None:
        # The server said when its limit resets; any other moment would fail again.
        delay_ms = max(0, math.ceil(error.retry_after * 1000))
    return Retry(at_ms=now_ms + delay_ms, delay_ms=delay_ms)
