"""What a task says about itself in ``@task(...)``, checked and in the wire's units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from trigger_box.sdk.durations import Duration, duration_s, duration_text_ms
from trigger_box.sdk.errors import OptionError
from trigger_box.sdk.limits import MAX_DURATION_S_MIN, MAX_DURATION_S_NONE
from trigger_box.sdk.packets import Serializer
from trigger_box.sdk.queues import Queue, checked_concurrency_limit, checked_queue_name
from trigger_box.sdk.retries import RetryPolicy

MachinePreset = Literal[
    "micro", "small-1x", "small-2x", "medium-1x", "medium-2x", "large-1x", "large-2x"
]
Machine = MachinePreset | str
"""A preset, or a name the server knows beside them."""


class Unset:
    """The default of options where None says something."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOptions:
    """The options of one task. None means: what the project's configuration says.

    Attributes:
        queue: a shared queue; None for the task's own, ``task/<id>``.
        concurrency_limit: of the task's own queue.
        max_duration_s: compute seconds of an attempt; 2,147,483,647 for no limit.
        ttl: how long a run may wait in its queue: a duration text, or seconds.
        schema: a hand-written JSON Schema of the payload, instead of the one from its type.
        unpack: the payload's keys are the function's parameters.
    """

    description: str | None = None
    queue: Queue | None = None
    concurrency_limit: int | None = None
    machine: Machine | None = None
    retry: RetryPolicy | None = None
    max_duration_s: int | None = None
    ttl: str | int | None = None
    schema: Mapping[str, Any] | None = None
    unpack: bool = False
    validate_output: bool = True
    serializer: Serializer = "json"

    def to_wire(self) -> dict[str, object]:
        """Return the options as a worker registers them (cli-protocol 12)."""
        queue: dict[str, object] = {}
        if self.queue is not None:
            queue = self.queue.to_wire()
        elif self.concurrency_limit is not None:
            queue = {"concurrencyLimit": self.concurrency_limit}
        wire: dict[str, object | None] = {
            "description": self.description,
            "queue": queue or None,
            "machine": None if self.machine is None else {"preset": self.machine},
            "retry": None if self.retry is None else self.retry.to_wire(),
            "maxDuration": self.max_duration_s,
            "ttl": self.ttl,
        }
        return {key: value for key, value in wire.items() if value is not None}


def read_options(  # noqa: PLR0913 - the options of @task, all of them optional
    *,
    description: str | None,
    queue: Queue | str | None,
    concurrency_limit: int | None,
    machine: Machine | None,
    retry: RetryPolicy | int | Unset | None,
    max_duration: Duration | Unset | None,
    ttl: Duration | None,
    schema: Mapping[str, Any] | None,
    unpack: bool,
    validate_output: bool,
    serializer: Serializer,
) -> TaskOptions:
    """Return checked options.

    Raises:
        OptionError: a value is out of range, or two options contradict each other.
    """
    if queue is not None and concurrency_limit is not None:
        raise OptionError(
            "concurrency_limit is for the task's own queue; give a shared queue its limit where it"
            " is declared: queue(name, concurrency_limit=…)."
        )
    if serializer not in ("json", "superjson"):
        raise OptionError(f"serializer={serializer!r} must be 'json' or 'superjson'.")
    return TaskOptions(
        description=description,
        queue=Queue(name=checked_queue_name(queue)) if isinstance(queue, str) else queue,
        concurrency_limit=checked_concurrency_limit(concurrency_limit),
        machine=machine,
        retry=read_retry(retry),
        max_duration_s=read_max_duration(max_duration),
        ttl=read_ttl(ttl),
        schema=schema,
        unpack=unpack,
        validate_output=validate_output,
        serializer=serializer,
    )


def read_retry(retry: RetryPolicy | int | Unset | None) -> RetryPolicy | None:
    """Return the policy that ``retry=`` stands for: a number is attempts, None is one attempt.

    Raises:
        OptionError: fewer than one attempt.
    """
    if isinstance(retry, Unset):
        return None
    if retry is None:
        return RetryPolicy(max_attempts=1)
    if isinstance(retry, RetryPolicy):
        return retry
    if retry < 1:
        raise OptionError(f"retry={retry} must be at least 1: it counts the first attempt, too.")
    return RetryPolicy(max_attempts=retry)


def read_max_duration(value: Duration | Unset | None) -> int | None:
    """Return whole seconds; None for not set, the wire's largest number for no limit.

    Raises:
        OptionError: not a duration, or shorter than the server takes.
    """
    if isinstance(value, Unset):
        return None
    if value is None:
        return MAX_DURATION_S_NONE
    seconds = duration_s(value, option="max_duration")
    if seconds < MAX_DURATION_S_MIN:
        raise OptionError(
            f"max_duration={value!r} must be at least {MAX_DURATION_S_MIN} seconds,"
            " or None for no limit."
        )
    return min(seconds, MAX_DURATION_S_NONE)


def read_ttl(value: Duration | None) -> str | int | None:
    """Return a ttl as the wire takes it: the text as it came, or whole seconds.

    Raises:
        OptionError: not a duration.
    """
    if isinstance(value, str) and duration_text_ms(value) is not None:
        return value
    return None if value is None else duration_s(value, option="ttl")
