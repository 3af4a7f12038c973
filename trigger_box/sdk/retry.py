"""``retry.policy`` and ``retry.defaults``: how people say how often something is tried again."""

from __future__ import annotations

from dataclasses import dataclass, field

from trigger_box.sdk.durations import Duration, duration_ms
from trigger_box.sdk.errors import OptionError
from trigger_box.sdk.retries import RetryPolicy

__all__ = ["RetryDefaults", "defaults", "policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDefaults:
    """The project's rule for tasks without one: ``in_development`` says whether it holds there."""

    policy: RetryPolicy = field(default_factory=RetryPolicy)
    in_development: bool = False


def policy(  # noqa: PLR0913 - the options of a policy, all of them optional
    max_attempts: int = 3,
    *,
    factor: float = 2.0,
    min_delay: Duration = 1,
    max_delay: Duration = 60,
    jitter: bool = True,
    oom_machine: str | None = None,
) -> RetryPolicy:
    """Return a policy: ``min_delay * factor ** n``, at most ``max_delay``.

    Args:
        max_attempts: attempts in all, the first included.
        jitter: stretch each delay by a random factor between 1 and 2.
        oom_machine: the machine of the next attempt after memory ran out.

    Raises:
        OptionError: a value is out of range; the message names it.
    """
    if max_attempts < 1:
        raise OptionError(f"max_attempts={max_attempts} must be at least 1.")
    if not factor >= 1:
        raise OptionError(f"factor={factor} must be at least 1.")
    return RetryPolicy(
        max_attempts=max_attempts,
        factor=float(factor),
        min_delay_ms=duration_ms(min_delay, option="min_delay"),
        max_delay_ms=duration_ms(max_delay, option="max_delay"),
        jitter=jitter,
        oom_machine=oom_machine,
    )


def defaults(  # noqa: PLR0913 - the options of a policy, all of them optional
    *,
    dev: bool = False,
    max_attempts: int = 3,
    factor: float = 2.0,
    min_delay: Duration = 1,
    max_delay: Duration = 10,
    jitter: bool = True,
) -> RetryDefaults:
    """Return the project's rule for tasks that have none of their own.

    Args:
        dev: also retry under ``tbx dev``, where a failing task is usually one being written.

    Raises:
        OptionError: a value is out of range; the message names it.
    """
    return RetryDefaults(
        policy=policy(
            max_attempts, factor=factor, min_delay=min_delay, max_delay=max_delay, jitter=jitter
        ),
        in_development=dev,
    )
