"""Whether a failed attempt is tried again, when, and on which machine. Pure.

Source: run-engine 7.3 (the decision, in this order), 7.4 (arithmetic), 5.7 (dispatch failures).
Which error means what lives in ``domain/failures.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trigger_box.domain import limits
from trigger_box.domain.failures import (
    ErrorCode,
    InternalError,
    Retry,
    TaskRunError,
    is_out_of_memory,
    retry_of,
    status_of_failure,
)
from trigger_box.domain.runs import RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how late a task is tried again. Defaults: run-engine 7.4."""

    attempts_max: int = 3
    factor: float = 2.0
    delay_ms_min: int = 1_000
    delay_ms_max: int = 60_000
    is_randomized: bool = True
    out_of_memory_machine: str | None = None


DEFAULT_POLICY: Final = RetryPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAsked:
    """What the worker's policy and hooks decided: again at ``at_ms``, which is in ``delay_ms``."""

    at_ms: int
    delay_ms: int


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The worker confirms a cancel."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The run ends with this status."""

    status: RunStatus


@dataclass(frozen=True, slots=True)
class RetryNow:
    """The same worker keeps the run and its slot, and starts the next attempt at ``at_ms``."""

    at_ms: int
    delay_ms: int


@dataclass(frozen=True, slots=True)
class RetryLater:
    """The run is queued again, not before ``at_ms``; ``machine`` None keeps its machine."""

    at_ms: int
    delay_ms: int
    machine: str | None = None


Verdict = Cancelled | GiveUp | RetryNow | RetryLater


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAttempt:
    """All the decision looks at.

    Args of note:
        number: the attempt that failed, from 1.
        counted: how many attempts count against the limit: ``number`` minus forgiven ones.
        attempts_max: the run's limit; None means no retries.
        policy: the locked policy; None where the task has none.
        retry: what the worker asked for; None means it wants no retry.
        is_requeue_forced: never in place (crashes, stalls).
    """

    error: TaskRunError
    number: int
    counted: int
    attempts_max: int | None
    policy: RetryPolicy | None
    machine: str | None
    retry: RetryAsked | None
    is_requeue_forced: bool = False


def decide(failed: FailedAttempt, *, now_ms: int, random_unit: float) -> Verdict:
    """Return what follows a failed attempt. The order of the tests is the rule (run-engine 7.3)."""
    error = failed.error
    if isinstance(error, InternalError) and error.code is ErrorCode.TASK_RUN_CANCELLED:
        return Cancelled()
    give_up = GiveUp(status_of_failure(error))
    is_spent = failed.attempts_max is None or failed.counted >= failed.attempts_max
    if is_out_of_memory(error):
        return _after_out_of_memory(
            failed, give_up, is_spent=is_spent, now_ms=now_ms, random_unit=random_unit
        )
    kind = retry_of(error)
    if kind is Retry.NEVER or failed.number >= limits.ATTEMPTS_MAX or is_spent:
        return give_up
    if failed.retry is None:
        if kind is not Retry.LOOKUP:
            return give_up
        delay_ms = retry_delay_ms(
            failed.policy or DEFAULT_POLICY, attempt_number=failed.counted, random_unit=random_unit
        )
        return give_up if delay_ms is None else RetryLater(now_ms + delay_ms, delay_ms)
    if failed.is_requeue_forced or failed.retry.delay_ms >= limits.RETRY_IN_PLACE_MS_MAX:
        return RetryLater(failed.retry.at_ms, failed.retry.delay_ms)
    return RetryNow(failed.retry.at_ms, failed.retry.delay_ms)


def _after_out_of_memory(
    failed: FailedAttempt, give_up: GiveUp, *, is_spent: bool, now_ms: int, random_unit: float
) -> Verdict:
    # Upstream ignores the run's own limit here; the recommended rule applies it, too.
    policy = failed.policy
    if policy is None or policy.out_of_memory_machine is None:
        return give_up
    if policy.out_of_memory_machine == failed.machine or is_spent:
        return give_up
    if failed.number >= limits.ATTEMPTS_MAX:
        return give_up
    delay_ms = retry_delay_ms(policy, attempt_number=failed.counted, random_unit=random_unit)
    if delay_ms is None:
        return give_up
    return RetryLater(now_ms + delay_ms, delay_ms, policy.out_of_memory_machine)


def retry_delay_ms(policy: RetryPolicy, *, attempt_number: int, random_unit: float) -> int | None:
    """Return how long to wait before the next attempt, or None to give up.

    Args:
        policy: the task's policy.
        attempt_number: the attempt that just failed, counted from 1.
        random_unit: a number in [0, 1), drawn by the caller so that this stays pure.

    Source: run-engine 7.4; the npm client computes the same.
    """
    if attempt_number >= policy.attempts_max:
        return None
    spread = 1 + random_unit if policy.is_randomized else 1.0
    # A huge factor overflows floats long before attempt 250: the maximum wins anyway.
    try:
        grown = spread * policy.delay_ms_min * policy.factor ** (attempt_number - 1)
    except OverflowError:
        return policy.delay_ms_max
    return round(min(float(policy.delay_ms_max), grown))


def dispatch_delay_ms(failures: int, *, random_unit: float) -> int | None:
    """Return how long a run stays away after its ``failures``-th failed dispatch, None: give up.

    A dispatch failed when the run was taken from the queue and no attempt was started. Source:
    run-engine 5.7.
    """
    if failures >= limits.DISPATCH_FAILURES_MAX:
        return None
    grown = (1 + random_unit) * 1_000 * 2 ** (failures - 1)
    return round(min(limits.DISPATCH_BACKOFF_MS_MAX, grown))
