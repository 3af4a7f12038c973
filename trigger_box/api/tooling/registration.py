"""The body of a registration: what an indexer found in a project, checked, as the engine wants it.

The whole metadata is kept as the text that came in: later versions of the box read more of it.
Unknown keys are ignored. Source: cli-protocol 12.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from trigger_box.api.problems import BodyError, EmptyBodyError, NotJsonError
from trigger_box.domain import limits
from trigger_box.domain.durations import duration_ms, ttl_text
from trigger_box.domain.errors import InvalidError
from trigger_box.engine.versions import machine_of, policy_of
from trigger_box.engine.workers import QueueDeclaration, Registration, TaskDeclaration

_CRON_FIELDS: Final = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of month", 1, 31),
    ("month", 1, 12),
    ("day of week", 0, 7),
)
_CRON_CHARACTERS: Final = re.compile(r"[0-9A-Za-z*/,\-?#]+", re.ASCII)
_CRON_NAMES: Final = re.compile(
    r"L|W|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|SUN|MON|TUE|WED|THU|FRI|SAT", re.ASCII
)
_FACTOR_MAX: Final = 1_000_000
_RETRY_DELAY_MS_MAX: Final = 366 * 24 * 3_600_000
_SOURCES: Final = {"schedule": "SCHEDULED", "scheduled": "SCHEDULED", "agent": "AGENT"}


# Raw can't be part of a union: an absent part is the text "null".
_NULL: Final = msgspec.Raw(b"null")


class _Queue(msgspec.Struct, rename="camel"):
    name: str | None = None
    concurrency_limit: int | float | msgspec.UnsetType | None = msgspec.UNSET


class _Schedule(msgspec.Struct):
    cron: str | None = None


class _Task(msgspec.Struct, rename="camel"):
    id: str
    file_path: str = ""
    export_name: str | None = None
    description: str | None = None
    queue: _Queue | None = None
    retry: msgspec.Raw = _NULL
    machine: msgspec.Raw = _NULL
    max_duration: int | float | None = None
    ttl: str | int | None = None
    trigger_source: str | None = None
    schedule: _Schedule | None = None
    payload_schema: msgspec.Raw = _NULL


class _Metadata(msgspec.Struct, rename="camel"):
    content_hash: str
    tasks: list[_Task]
    package_version: str | None = None
    cli_package_version: str | None = None
    runtime: str | None = None
    runtime_version: str | None = None
    queues: list[_Queue] | None = None


class _Body(msgspec.Struct):
    metadata: msgspec.Raw


_decode_body: Final = msgspec.json.Decoder(_Body).decode
_decode_metadata: Final = msgspec.json.Decoder(_Metadata).decode


def parse_registration(body: bytes) -> Registration:
    """Return a registration.

    Raises:
        InvalidError: it is no JSON, has not the shape of a registration, or a task asks for
            something that does not exist; the message names the task and the field.
    """
    if not body.strip():
        raise EmptyBodyError
    try:
        raw = bytes(_decode_body(body).metadata)
        text = raw.decode("utf-8")
        metadata = _decode_metadata(raw)
    except msgspec.ValidationError as error:
        raise BodyError(f"metadata: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJsonError from error
    return Registration(
        content_hash=metadata.content_hash,
        tasks=tuple(_task(task) for task in metadata.tasks),
        queues=tuple(
            QueueDeclaration(name=queue.name, limit=_limit(queue, f"queue '{queue.name}'"))
            for queue in metadata.queues or ()
            if queue.name is not None
        ),
        sdk_version=metadata.package_version,
        cli_version=metadata.cli_package_version,
        runtime=metadata.runtime,
        runtime_version=metadata.runtime_version,
        metadata=text,
    )


def _task(task: _Task) -> TaskDeclaration:
    who = f"Task '{task.id}' ({task.file_path or 'unknown file'})"
    queue = task.queue
    if task.schedule is not None and task.schedule.cron is not None:
        _check_cron(task.schedule.cron, who)
    return TaskDeclaration(
        id=task.id,
        file_path=task.file_path,
        export_name=task.export_name,
        description=task.description,
        queue_name=None if queue is None else queue.name,
        queue_limit=None if queue is None else _limit(queue, who),
        has_queue_limit=queue is not None and queue.concurrency_limit is not msgspec.UNSET,
        retry=_retry(task.retry, who),
        machine=_checked(task.machine, machine_of, who, "machine"),
        max_duration_s=_max_duration_s(task.max_duration, who),
        ttl=_ttl(task.ttl, who),
        trigger_source=_SOURCES.get((task.trigger_source or "").lower(), "STANDARD"),
        payload_schema=_text(task.payload_schema),
    )


def _limit(queue: _Queue, who: str) -> int | None:
    limit = queue.concurrency_limit
    if limit is msgspec.UNSET or limit is None:
        return None
    if limit < 0 or limit != int(limit):
        raise InvalidError(f"{who}: concurrencyLimit is a whole number from 0, not {limit}.")
    return int(limit)


def _checked(
    raw: msgspec.Raw, read: Callable[[str | None], object], who: str, field: str
) -> str | None:
    """Return a part of the body as text, once the engine's own reader understands it."""
    text = _text(raw)
    try:
        read(text)
    except msgspec.MsgspecError as error:
        raise InvalidError(f"{who}: {field}: {error}.") from error
    return text


def _retry(raw: msgspec.Raw, who: str) -> str | None:
    """Return a retry policy as text, once its numbers are such that retries can be planned."""
    text = _checked(raw, policy_of, who, "retry")
    policy = policy_of(text)
    if policy is not None:
        for field, number, most in (
            ("maxAttempts", policy.attempts_max, limits.MAX_DURATION_S_NONE),
            ("factor", policy.factor, _FACTOR_MAX),
            ("minTimeoutInMs", policy.delay_ms_min, _RETRY_DELAY_MS_MAX),
            ("maxTimeoutInMs", policy.delay_ms_max, _RETRY_DELAY_MS_MAX),
        ):
            if not 0 <= number <= most:
                raise InvalidError(f"{who}: retry: {field} is a number from 0 to {most}.")
    return text


def _text(raw: msgspec.Raw) -> str | None:
    text = bytes(raw).decode()
    return None if text == "null" else text


def _max_duration_s(asked: float | None, who: str) -> int | None:
    if asked is None:
        return None
    if asked <= 0:
        raise InvalidError(f"{who}: maxDuration is a number of seconds above 0, not {asked}.")
    return min(round(asked), limits.MAX_DURATION_S_NONE)


def _ttl(asked: str | int | None, who: str) -> str | None:
    # 0 only turns off what the project's settings say: the clients have merged those already.
    text = None if isinstance(asked, int) and asked < 0 else ttl_text(asked) or None
    is_bad = text is not None and duration_ms(text) is None
    if is_bad or (isinstance(asked, int) and asked < 0):
        raise InvalidError(
            f"{who}: ttl is a duration such as 1h42m, or seconds, not {str(asked)[:100]!r}."
        )
    return text


def _check_cron(cron: str, who: str) -> None:
    """Refuse what can't be a cron text. When it fires is for the schedules, not for us.

    Raises:
        InvalidError: it has not five fields, or one that holds what it can't.
    """
    fields = cron.split()
    wrong = None if len(fields) == len(_CRON_FIELDS) else f"it has {len(fields)} fields"
    for text, (name, low, high) in zip(fields, _CRON_FIELDS, strict=False):
        if wrong is None and not _is_cron_field(text, low, high):
            wrong = f"its {name} is {text!r}"
    if wrong is not None:
        raise InvalidError(
            f"{who}: the cron {cron[:100]!r} is not valid: {wrong}. "
            "Write minute, hour, day of month, month, day of week, such as '0 9 * * 1-5'."
        )


def _is_cron_field(text: str, low: int, high: int) -> bool:
    if not _CRON_CHARACTERS.fullmatch(text):
        return False
    numbers = _CRON_NAMES.sub("", text.upper())
    if re.search(r"[A-Z]", numbers):
        return False
    # What follows a slash is a step and what follows a # is a count: they have other bounds.
    return all(low <= int(number) <= high for number in re.findall(r"(?<![/#\d])\d+", numbers))
