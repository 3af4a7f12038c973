"""Bodies and answers of the calls that change a run: replay, reschedule, tags, metadata.

Source: rest-api 13.3 and 13.6. msgspec, because payloads stay the text that came in.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from trigger_box.api.wire.triggers import (
    Machine,
    Text,
    concurrency_key_of,
    delay_until_ms,
    metadata_of,
    payload_of,
    priority_ms_of,
    tags_of,
    ttl_of,
)
from trigger_box.domain import durations, packets
from trigger_box.engine.operations import WireFlush
from trigger_box.engine.replay import ReplayOverrides


class RunId(Struct):
    """Names a run."""

    id: str


class Said(Struct):
    """A sentence for people."""

    message: str


class ReplayBody(Struct, rename="camel", forbid_unknown_fields=True):
    """What a replay does not take from the old run. Unknown keys are refused, as upstream does."""

    payload: Raw | UnsetType = UNSET
    payload_type: Literal["application/json", "application/super+json"] | None = None
    metadata: Raw | UnsetType = UNSET
    tags: str | list[str] | None = None
    queue: Text | None = None
    concurrency_key: Text | int | float | None = None
    machine: Machine | None = None
    version: Text | None = None
    region: Text | None = None
    delay: Text | int | float | None = None
    ttl: Text | Annotated[int, Meta(ge=0)] | None = None
    idempotency_key: Text | None = None
    idempotency_key_ttl: Text | None = msgspec.field(default=None, name="idempotencyKeyTTL")
    max_attempts: Annotated[int, Meta(ge=1)] | None = None
    max_duration: Annotated[float, Meta(ge=0)] | None = None
    priority: float | None = None

    def overrides(self, *, now_ms: int) -> ReplayOverrides:
        """Return these in the engine's words.

        Raises:
            InvalidError, RefusedError: one can't be used; the message names it.
        """
        payload = None
        if self.payload is not UNSET:
            payload = payload_of(self.payload, self.payload_type or packets.JSON)
        return ReplayOverrides(
            payload=payload,
            metadata=metadata_of(self.metadata),
            tags=None if self.tags is None else tags_of(self.tags),
            queue_name=self.queue,
            concurrency_key=concurrency_key_of(self.concurrency_key),
            machine=self.machine,
            lock_to_version=self.version,
            delay_until_ms=None if self.delay is None else delay_until_ms(self.delay, now_ms),
            ttl=None if self.ttl is None else ttl_of(self.ttl),
            idempotency_key=self.idempotency_key,
            idempotency_ttl_ms=durations.key_ttl_ms(self.idempotency_key_ttl),
            max_attempts=self.max_attempts,
            max_duration_s=self.max_duration,
            priority_ms=priority_ms_of(self.priority),
        )


class RescheduleBody(Struct):
    """When a delayed run is to be due."""

    delay: Text | int | float


class TagsBody(Struct):
    """Tags to add; one text counts as one tag."""

    tags: str | list[str]


class MetadataAnswer(Struct, rename="camel"):
    """A run's whole metadata."""

    metadata: dict[str, Any]
    metadata_type: str = packets.JSON


class ResetBody(Struct, rename="camel"):
    """Whose idempotency key is to be forgotten."""

    task_identifier: Annotated[str, Meta(min_length=1, max_length=2_048)]


replay_body: Final = msgspec.json.Decoder(ReplayBody)
reschedule_body: Final = msgspec.json.Decoder(RescheduleBody)
tags_body: Final = msgspec.json.Decoder(TagsBody)
metadata_body: Final = msgspec.json.Decoder(WireFlush)
reset_body: Final = msgspec.json.Decoder(ResetBody)
