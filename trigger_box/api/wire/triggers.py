"""The body of a trigger call, and how it becomes a ``TriggerRequest``.

On the hot path, so msgspec: one pass over the bytes, the payload kept as the text that came in.
Source: rest-api 9 (packets), 11 (durations, limits) and 13.1 (body, errors).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from trigger_box.access.actors import Environment
from trigger_box.api.bodies import decode_body
from trigger_box.api.problems import HeadersError, NotJsonError
from trigger_box.domain import durations, limits, packets
from trigger_box.domain.debounce import Debounce, debounce_of
from trigger_box.domain.errors import InvalidError, RefusedError
from trigger_box.domain.packets import NOTHING, Packet
from trigger_box.engine.stored_packets import PacketPathError
from trigger_box.engine.trigger import IdempotencyOptions, Trace, TriggerRequest

_SOURCES: Final = frozenset({"sdk", "cli", "mcp"})
_VERSION_CHARACTERS_MAX: Final = 64
_PRIORITY_S_MAX: Final = 1e12
_DEBOUNCE_KEY_CHARACTERS_MAX: Final = 512
_QUOTE: Final = ord('"')

Machine = Literal["micro", "small-1x", "small-2x", "medium-1x", "medium-2x", "large-1x", "large-2x"]
Text = Annotated[str, Meta(max_length=limits.IDEMPOTENCY_KEY_CHARACTERS_MAX)]


class InvalidDelayError(RefusedError):
    """The delay is neither a date nor a duration."""

    code = "invalid_delay"


class InvalidTtlError(RefusedError):
    """The ttl is no duration."""

    code = "invalid_ttl"


class NotYetError(RefusedError):
    """This option comes with a later release of trigger-box."""

    code = "not_yet"


class QueueOption(Struct):
    """Which queue the run goes to. A limit given here is ignored, as upstream does."""

    name: Text


class IdempotencyKeyOptions(Struct):
    """The user's own key and its scope, for display."""

    key: Text
    scope: Literal["run", "attempt", "global"]


class DebounceOption(Struct, rename="camel"):
    """Which delayed run to share (rest-api 11)."""

    key: Annotated[str, Meta(max_length=_DEBOUNCE_KEY_CHARACTERS_MAX)]
    delay: Text
    mode: Literal["leading", "trailing"] = "leading"
    max_delay: Text | None = None


class TriggerOptions(Struct, rename="camel"):
    """How the run is to be made. Unknown keys are ignored."""

    queue: QueueOption | None = None
    concurrency_key: Text | int | float | None = None
    payload_type: Text | None = None
    idempotency_key: Text | None = None
    idempotency_key_ttl: Text | None = msgspec.field(default=None, name="idempotencyKeyTTL")
    idempotency_key_options: IdempotencyKeyOptions | None = None
    delay: Text | int | float | None = None
    ttl: Text | Annotated[int, Meta(ge=0)] | None = None
    tags: str | list[str] | None = None
    metadata: Raw | UnsetType = UNSET
    max_attempts: int | None = None
    max_duration: Annotated[float, Meta(ge=0)] | None = None
    machine: Machine | None = None
    priority: float | None = None
    parent_run_id: Text | None = None
    resume_parent_on_completion: bool = False
    lock_to_version: Text | None = None
    test: bool = False
    debounce: DebounceOption | None = None
    concurrency: Raw | UnsetType = UNSET
    gates: Raw | UnsetType = UNSET


class TriggerBody(Struct):
    """The body of a trigger call."""

    payload: Raw | UnsetType = UNSET
    options: TriggerOptions | None = None


class TriggerAnswer(Struct, rename="camel"):
    """The run that was made, or the one its idempotency key had already."""

    id: str
    is_cached: bool


_decoder: Final = msgspec.json.Decoder(TriggerBody)
_NO_OPTIONS: Final = TriggerOptions()


def parse_body(body: bytes) -> TriggerBody:
    """Return the body of a trigger call. Raises as ``decode_body`` does."""
    return decode_body(_decoder, body)


def request_of(
    environment: Environment,
    task: str,
    body: TriggerBody,
    headers: Mapping[bytes, bytes],
    *,
    now_ms: int,
) -> TriggerRequest:
    """Return what the engine is asked for.

    Raises:
        HeadersError: a header is too long.
        InvalidError, RefusedError: an option can't be used; the message names it.
    """
    options = body.options or _NO_OPTIONS
    if options.concurrency is not UNSET or options.gates is not UNSET:
        _refuse_later_options(options)
    is_worker = headers.get(b"x-trigger-worker") is not None
    key = headers.get(b"idempotency-key")
    ttl_header = headers.get(b"idempotency-key-ttl")
    key_options = options.idempotency_key_options
    return TriggerRequest(
        environment=environment,
        task=task,
        payload=payload_of(body.payload, options.payload_type),
        queue_name=None if options.queue is None else options.queue.name,
        concurrency_key=concurrency_key_of(options.concurrency_key),
        idempotency_key=options.idempotency_key if key is None else _key_of_header(key),
        idempotency_ttl_ms=durations.key_ttl_ms(
            options.idempotency_key_ttl if ttl_header is None else ttl_header.decode("latin-1")
        ),
        idempotency_options=None
        if key_options is None
        else IdempotencyOptions(key=key_options.key, scope=key_options.scope),
        delay_until_ms=None if options.delay is None else delay_until_ms(options.delay, now_ms),
        debounce=_debounce_of(options.debounce),
        ttl=None if options.ttl is None else ttl_of(options.ttl),
        tags=tags_of(options.tags),
        metadata=metadata_of(options.metadata),
        max_attempts=options.max_attempts,
        max_duration_s=options.max_duration,
        machine=options.machine,
        priority_ms=priority_ms_of(options.priority),
        parent_run_id=options.parent_run_id,
        resume_parent=options.resume_parent_on_completion,
        lock_to_version=options.lock_to_version,
        is_test=options.test,
        source="sdk" if is_worker else source_of(headers),
        trace=Trace(
            traceparent=_text(headers.get(b"traceparent")),
            tracestate=_text(headers.get(b"tracestate")),
            is_external=not is_worker,
            is_link=headers.get(b"x-trigger-span-parent-as-link") == b"1",
        ),
        sdk_version=_text(headers.get(b"trigger-version"), _VERSION_CHARACTERS_MAX),
        request_key=_text(headers.get(b"x-trigger-request-idempotency-key")),
    )


def payload_of(payload: Raw | UnsetType, payload_type: str | None) -> Packet:
    """Return the payload as a packet (rest-api 9, "trigger body to packet").

    Raises:
        PacketPathError: a stored packet is named by something that is no path.
    """
    kind = payload_type or packets.JSON
    if payload is UNSET:
        text = None
    elif kind == packets.JSON:
        return Packet(_text_in(payload), kind)
    else:
        text = _string_in(payload)
    if kind == packets.STORE and not text:
        raise PacketPathError(
            reason="payload: the path of a stored packet is a text that is not empty"
        )
    return NOTHING if text is None and kind == packets.JSON else Packet(text, kind)


def _text_in(raw: Raw) -> str:
    """Return JSON as the text that came in.

    Raises:
        NotJsonError: its bytes are no UTF-8; the decoder steps over what it only keeps.
    """
    try:
        return bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise NotJsonError from error


def _string_in(raw: Raw) -> str | None:
    """Return the text of a JSON string, None for any other JSON value."""
    return msgspec.json.decode(raw, type=str) if memoryview(raw)[0] == _QUOTE else None


def metadata_of(metadata: Raw | UnsetType) -> Packet | None:
    """Return seed metadata: an object as it came in, or the text of one.

    It is JSON whatever ``metadataType`` says: clients name super+json only where they are equal.
    """
    if metadata is UNSET or bytes(metadata) == b"null":
        return None
    text = _string_in(metadata)
    if text is None:
        text = _text_in(metadata)
    try:
        msgspec.json.decode(text, type=dict[str, Raw])
    except msgspec.MsgspecError as error:
        raise InvalidError("options.metadata: Expected an object") from error
    return Packet(text, packets.JSON)


def delay_until_ms(delay: str | float, now_ms: int) -> int:
    """Return when a delay is over.

    Raises:
        InvalidDelayError: it is neither a date nor a duration.
    """
    if isinstance(delay, str):
        due = durations.due_ms(delay, now_ms=now_ms)
    else:
        due = durations.checked_instant_ms(delay)
    if due is None:
        given = repr(delay[:100]) if isinstance(delay, str) else str(delay)[:100]
        raise InvalidDelayError(
            f"Invalid delay: {given}. Write a date such as 2026-01-31T10:00:00Z "
            "or a duration such as 1h30m (units w, d, hr, h, m, s)."
        )
    return due


def priority_ms_of(priority: float | None) -> int:
    """Return a priority in seconds as ms. The engine bounds it further."""
    bounded_s = max(-_PRIORITY_S_MAX, min(priority or 0, _PRIORITY_S_MAX))
    return round(bounded_s * 1_000)


def ttl_of(ttl: str | int) -> str | None:
    """Return a ttl as text, "" for a run that never expires.

    Raises:
        InvalidTtlError: it is no duration.
    """
    text = durations.ttl_text(ttl)
    if text and durations.duration_ms(text) is None:
        raise InvalidTtlError(
            f"Invalid ttl: {text[:100]!r}. Write seconds, or a duration such as 1h30m "
            "(units w, d, hr, h, m, s)."
        )
    return text


def tags_of(tags: str | list[str] | None) -> tuple[str, ...]:
    """Return tags as a tuple; one text counts as one tag."""
    if tags is None:
        return ()
    return (tags,) if isinstance(tags, str) else tuple(tags)


def source_of(headers: Mapping[bytes, bytes]) -> str:
    """Return who triggers, as the client says it (rest-api 3)."""
    source = _text(headers.get(b"x-trigger-source"))
    return source if source in _SOURCES else "api"


def concurrency_key_of(key: str | float | None) -> str | None:
    """Return a concurrency key as text; clients send numbers as numbers."""
    if isinstance(key, float) and key.is_integer():
        return str(int(key))  # JSON has one kind of number: 5.0 is 5
    return None if key is None else str(key)


def _key_of_header(value: bytes) -> str:
    text = value.decode("latin-1")
    if len(text) > limits.IDEMPOTENCY_KEY_CHARACTERS_MAX:
        raise HeadersError(
            details=[
                {
                    "path": ["idempotency-key"],
                    "message": f"at most {limits.IDEMPOTENCY_KEY_CHARACTERS_MAX} characters",
                }
            ]
        )
    return text


def _text(
    value: bytes | None, characters_max: int = limits.IDEMPOTENCY_KEY_CHARACTERS_MAX
) -> str | None:
    return None if value is None else value.decode("latin-1")[:characters_max]


def _debounce_of(option: DebounceOption | None) -> Debounce | None:
    if option is None:
        return None
    return debounce_of(
        key=option.key, delay=option.delay, mode=option.mode, max_delay=option.max_delay
    )


def _refuse_later_options(options: TriggerOptions) -> None:
    later: dict[str, Any] = {
        "concurrency": options.concurrency,
        "gates": options.gates,
    }
    for name, value in later.items():
        if value is not UNSET and bytes(value) not in {b"null", b"[]"}:
            raise NotYetError(f"options.{name} comes with a later release of trigger-box.")
