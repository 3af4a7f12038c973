"""The bodies that workers send on the hot path: dequeue, start, complete.

Source: cli-protocol 7 and 8, worker-protocol 3.3 and 3.4. What they are answered with is in
``executions.py``.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from trigger_box.api.bodies import decode_body
from trigger_box.domain import failures, packets
from trigger_box.domain.packets import Packet
from trigger_box.domain.retries import RetryAsked
from trigger_box.engine.executions import Completion, FailedAttempt, SucceededAttempt

DEV_RUNS_DEFAULT: Final = 10
"""How many runs a worker gets that does not say how many fit: what upstream hands out at once."""

DEV_WAIT_MS_DEFAULT: Final = 2_000
"""How long the npm CLI is kept waiting for a run, so that it gets one at once: it sets no limit of
its own (cli-protocol 7). Short, for it names the version it had when it asked."""

Text = Annotated[str, Meta(max_length=512)]
Milliseconds = Annotated[float, Meta(ge=0, le=1e15)]


class DequeueBody(Struct, rename="camel"):
    """Which versions a worker has, and, from our own worker, how it wants to be served."""

    current_worker: Text | None = None
    old_workers: list[Text] = []
    max_run_count: Annotated[int, Meta(ge=1)] = DEV_RUNS_DEFAULT
    wait_ms: Annotated[int, Meta(ge=0)] | None = None
    start: bool = False

    @property
    def patience_ms(self) -> int:
        """Return how long the caller waits for a run, in ms."""
        if self.wait_ms is not None:
            return self.wait_ms
        return DEV_WAIT_MS_DEFAULT if self.current_worker is not None else 0


class StartBody(Struct, rename="camel"):
    """Empty, or from newer clients whether the process was warm."""

    is_warm_start: bool = False


class FlushedMetadata(Struct, rename="camel"):
    """The last metadata operations of an attempt."""

    data: str | None = None
    data_type: str = packets.JSON


class Usage(Struct, rename="camel"):
    """What an attempt used."""

    duration_ms: Milliseconds = 0


class Retry(Struct):
    """When the worker wants the next attempt."""

    timestamp: Milliseconds
    delay: Milliseconds


class CompletionBody(Struct, rename="camel"):
    """How an attempt ended."""

    ok: bool
    id: Text | None = None
    output: str | None = None
    output_type: str = packets.JSON
    error: dict[str, Any] | None = None
    retry: Retry | None = None
    usage: Usage | None = None
    flushed_metadata: FlushedMetadata | None = None


class CompleteBody(Struct, rename="camel"):
    """The body of an attempt's completion."""

    completion: CompletionBody
    force_requeue: bool = False


_dequeue: Final = msgspec.json.Decoder(DequeueBody)
_start: Final = msgspec.json.Decoder(StartBody)
_complete: Final = msgspec.json.Decoder(CompleteBody)


def parse_dequeue(body: bytes) -> DequeueBody:
    """Return the body of a dequeue call; none at all is fine."""
    return decode_body(_dequeue, body) if body else DequeueBody()


def parse_start(body: bytes) -> StartBody:
    """Return the body of a start call; none at all is fine."""
    return decode_body(_start, body) if body else StartBody()


def parse_complete(body: bytes) -> CompleteBody:
    """Return the body of a completion."""
    return decode_body(_complete, body)


def completion_of(body: CompleteBody) -> Completion:
    """Return how the attempt ended, in the engine's words."""
    said = body.completion
    usage_ms = None if said.usage is None else round(said.usage.duration_ms)
    flushed = said.flushed_metadata
    flushed_metadata = None if flushed is None else Packet(flushed.data, flushed.data_type)
    if said.ok:
        return SucceededAttempt(
            output=Packet(said.output, said.output_type),
            usage_ms=usage_ms,
            flushed_metadata=flushed_metadata,
        )
    return FailedAttempt(
        error=failures.from_wire(said.error or {}),
        retry=None
        if said.retry is None
        else RetryAsked(at_ms=round(said.retry.timestamp), delay_ms=round(said.retry.delay)),
        usage_ms=usage_ms,
        flushed_metadata=flushed_metadata,
        is_requeue_forced=body.force_requeue,
    )
