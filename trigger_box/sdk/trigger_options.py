"""The options of a trigger call: as people write them, and as the wire carries them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

from trigger_box.sdk.debounce import Debounce
from trigger_box.sdk.durations import Duration, delay_text, seconds_text
from trigger_box.sdk.errors import OptionError, UnsendableError
from trigger_box.sdk.idempotency_keys import read_key
from trigger_box.sdk.limits import METADATA_BYTES_MAX, TAG_CHARACTERS_MAX, TAGS_MAX
from trigger_box.sdk.packets import json_text
from trigger_box.sdk.queues import Queue, checked_queue_name
from trigger_box.sdk.task_options import Machine, read_max_duration, read_ttl
from trigger_box.sdk.transport import CallOptions

if TYPE_CHECKING:
    from trigger_box.sdk.transport import Line


class TriggerOptions(CallOptions, total=False):
    """How a run is to be made; every part may be left out.

    Attributes:
        delay: not before this time has passed, or this instant has come.
        debounce: share one delayed run with the triggers that come soon before and after.
        ttl: expire the run if it has not started by then.
        idempotency_key: two triggers with one key make one run; see ``idempotency_keys``.
        idempotency_key_ttl: how long the key is remembered. Default: 30 days.
        queue: another queue than the task's own.
        concurrency_key: a queue of its own for each value, with the queue's limit.
        max_attempts: instead of the task's own number.
        priority: seconds to move the run ahead of others in its queue.
        tags: up to 10, to find runs by.
        metadata: the run's metadata at its start, a JSON object.
        max_duration: compute time of one attempt, or None for no limit.
        machine: instead of the task's own.
        region: the worker group to run on.
        version: the version to run, instead of the current one.
        external_deployment_id: the deployment to run, by the id of the system that made it.
        test: mark the run as a test.
    """

    delay: Duration | datetime | None
    debounce: Debounce | None
    ttl: Duration | None
    idempotency_key: str | Sequence[str] | None
    idempotency_key_ttl: Duration | None
    queue: Queue | str | None
    concurrency_key: str | float | None
    max_attempts: int | None
    priority: float | None
    tags: str | Sequence[str] | None
    metadata: Mapping[str, Any] | None
    max_duration: Duration | None
    machine: Machine | None
    region: str | None
    version: str | None
    external_deployment_id: str | None
    test: bool


_PLAIN: Final = {
    "concurrency_key": "concurrencyKey",
    "priority": "priority",
    "machine": "machine",
    "region": "region",
}
_KNOWN: Final = frozenset(TriggerOptions.__annotations__) | frozenset(CallOptions.__annotations__)


def wire_options(options: TriggerOptions, line: Line) -> dict[str, Any]:
    """Return the ``options`` member of a trigger body.

    Raises:
        OptionError: an option has a value that can't be sent; the message names it.
    """
    wire = _shared_options(options, line)
    if options.get("test"):
        wire["test"] = True
    if (debounce := options.get("debounce")) is not None:
        if not isinstance(debounce, Debounce):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
            raise OptionError(f'debounce={debounce!r} must be a Debounce("key", "5s").')
        wire["debounce"] = debounce.to_wire()
    wire.update(_version_options(options, line))
    return wire


def replay_options(options: TriggerOptions, line: Line) -> dict[str, Any]:
    """Return the body of a replay: nothing comes from the environment, and the names differ.

    Raises:
        OptionError: an option has a value that can't be sent; the message names it.
    """
    wire = _shared_options(options, line)
    # The server refuses keys it does not know here (rest-api 13.3).
    wire.pop("idempotencyKeyOptions", None)
    if "queue" in wire:
        wire["queue"] = wire["queue"]["name"]
    if (version := options.get("version")) is not None:
        wire["version"] = version
    return wire


def _shared_options(options: TriggerOptions, line: Line) -> dict[str, Any]:
    unknown = set(options) - _KNOWN
    if unknown:
        raise OptionError(f"Unknown trigger options: {', '.join(sorted(unknown))}.")
    given = cast("dict[str, Any]", options)
    wire: dict[str, Any] = {
        name: given[key] for key, name in _PLAIN.items() if given.get(key) is not None
    }
    if (delay := options.get("delay")) is not None:
        wire["delay"] = delay_text(delay, now_ms=line.now_ms())
    if (ttl := read_ttl(options.get("ttl"))) is not None:
        wire["ttl"] = ttl
    if (queue := options.get("queue")) is not None:
        name = queue.name if isinstance(queue, Queue) else checked_queue_name(queue)
        wire["queue"] = {"name": name}
    if (attempts := options.get("max_attempts")) is not None:
        if not isinstance(attempts, int) or attempts < 1:  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
            raise OptionError(f"max_attempts={attempts!r} must be a whole number, at least 1.")
        wire["maxAttempts"] = attempts
    if "max_duration" in options:
        wire["maxDuration"] = read_max_duration(options["max_duration"])
    wire.update(_label_options(options))
    wire.update(_key_options(options))
    return wire


def checked_tags(tags: str | Sequence[str]) -> list[str]:
    """Return tags as a list, each of them once.

    Raises:
        OptionError: too many of them, or one is too long, empty or no text.
    """
    if isinstance(tags, bytes) or not isinstance(tags, str | Sequence | AbstractSet):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise OptionError(f"Tags are one text or a list of texts, not {tags!r}.")
    given = [tags] if isinstance(tags, str) else list(tags)
    for tag in given:
        if isinstance(tag, list | tuple | set):  # pyright: ignore[reportUnnecessaryIsInstance] - as above
            raise OptionError(
                f"The tag {tag!r} is a list, and each tag is a text. tags.add takes them one by "
                'one: tags.add("a", "b"), or tags.add(*names).'
            )
        if not isinstance(tag, str) or not tag.strip() or len(tag) > TAG_CHARACTERS_MAX:  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
            raise OptionError(f"The tag {tag!r} must be text of 1 to {TAG_CHARACTERS_MAX} letters.")
    listed = list(dict.fromkeys(given))
    if len(listed) > TAGS_MAX:
        raise OptionError(f"A run can have {TAGS_MAX} tags; these are {len(listed)}.")
    return listed


def _label_options(options: TriggerOptions) -> dict[str, Any]:
    wire: dict[str, Any] = {}
    if (tags := options.get("tags")) is not None:
        wire["tags"] = checked_tags(tags)
    if (metadata := options.get("metadata")) is not None:
        wire["metadata"] = _checked_metadata(metadata)
    return wire


def _key_options(options: TriggerOptions) -> dict[str, Any]:
    wire: dict[str, Any] = {}
    if (key := options.get("idempotency_key")) is not None:
        read = read_key(key)
        wire["idempotencyKey"] = str(read)
        if read.key is not None:
            wire["idempotencyKeyOptions"] = {"key": read.key, "scope": read.scope}
    if (ttl := options.get("idempotency_key_ttl")) is not None:
        # One unit only: the server silently takes its default for anything else.
        wire["idempotencyKeyTTL"] = seconds_text(ttl, option="idempotency_key_ttl")
    return wire


def _version_options(options: TriggerOptions, line: Line) -> dict[str, Any]:
    version = options.get("version") or line.settings.version
    if version is not None:
        return {"lockToVersion": version}
    deployment = options.get("external_deployment_id") or line.settings.external_deployment_id
    return {} if deployment is None else {"externalDeploymentId": deployment}


def _checked_metadata(metadata: object) -> dict[str, Any]:
    if not isinstance(metadata, Mapping):
        raise OptionError(f"metadata={metadata!r} must be a mapping of text to JSON values.")
    checked = dict(cast("Mapping[str, Any]", metadata))
    try:
        size = len(json_text(checked).encode())
    except UnsendableError as error:
        raise OptionError(f"metadata can't be sent: {error}") from None
    if size > METADATA_BYTES_MAX:
        raise OptionError(f"metadata has {size} bytes; the limit is {METADATA_BYTES_MAX}.")
    return checked
