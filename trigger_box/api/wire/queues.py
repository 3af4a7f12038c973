"""Queues on the wire: the object, its pages, and the bodies of what people do to one.

Source: rest-api 7 (offset pages) and 13.7.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal
from urllib.parse import parse_qsl, unquote

import msgspec
from msgspec import Meta, Struct

from trigger_box.api.problems import QueryError
from trigger_box.api.wire.lists import PageAsked
from trigger_box.domain.errors import InvalidError
from trigger_box.domain.instants import iso
from trigger_box.domain.queues import TASK_QUEUE_PREFIX, task_queue
from trigger_box.engine.queues import QueuePage, QueueView
from trigger_box.ids import QueueId

_LIMIT_MAX: Final = 100_000
_PERCENT_MAX: Final = 100

Kind = Literal["id", "task", "custom"]
"""What a path or body names a queue by: its id, its task's id, or its own name."""


class Concurrency(Struct, rename="camel"):
    """A queue's limit: what holds, what code declares, and what somebody set instead."""

    current: int | None
    base: int | None
    override: int | None
    overridden_at: str | None
    overridden_by: str | None


class QueueAnswer(Struct, rename="camel"):
    """A queue. ``name`` comes without ``task/``: ``type`` tells whose it is."""

    id: QueueId
    name: str
    type: Literal["task", "custom"]
    running: int
    queued: int
    paused: bool
    concurrency_limit: int | None
    concurrency: Concurrency
    release_concurrency_on_waitpoint: bool = True


class Pages(Struct, rename="camel"):
    """Where a page stands. ``count`` is of all pages."""

    current_page: int
    total_pages: int
    count: int


class QueuesPage(Struct):
    """A page of queues, by name."""

    data: list[QueueAnswer]
    pagination: Pages


class PauseBody(Struct):
    """Whether a queue is to hand out runs."""

    action: Literal["pause", "resume"]
    type: Kind = "id"


class OverrideBody(Struct, rename="camel"):
    """A limit set by hand: exactly one of the two."""

    type: Kind = "id"
    concurrency_limit: Annotated[int, Meta(ge=0, le=_LIMIT_MAX)] | None = None
    percent: Annotated[float, Meta(gt=0, le=_PERCENT_MAX)] | None = None


class QueueBody(Struct):
    """Names nothing but the kind of name in the path."""

    type: Kind = "id"


pause_body: Final = msgspec.json.Decoder(PauseBody)
override_body: Final = msgspec.json.Decoder(OverrideBody)
queue_body: Final = msgspec.json.Decoder(QueueBody)


def queue_named(segment: str, kind: Kind) -> dict[str, str]:
    """Return what a path segment names, as the engine's ``get_queue`` takes it.

    Clients encode the slash of a name twice, since servers decode a path once.
    """
    if kind == "id":
        return {"queue_id": segment}
    name = unquote(segment)
    return {"name": task_queue(name) if kind == "task" else name}


def kind_asked(query: bytes) -> Kind:
    """Return what the ``type`` of a query string says a queue is named by.

    Raises:
        QueryError: something else.
    """
    given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)).get("type", "id")
    match given:
        case "id" | "task" | "custom":
            return given
        case _:
            message = 'type must be "id", "task" or "custom".'
            raise QueryError(details=[{"path": ["type"], "message": message}])


def one_limit(body: OverrideBody) -> OverrideBody:
    """Return a body that sets one limit.

    Raises:
        InvalidError: it sets none, or two.
    """
    if (body.concurrency_limit is None) == (body.percent is None):
        raise InvalidError("Give either concurrencyLimit or percent.")
    return body


def queue_answer(queue: QueueView) -> QueueAnswer:
    """Return a queue as the wire has it."""
    name = queue.name.removeprefix(TASK_QUEUE_PREFIX) if queue.is_virtual else queue.name
    overridden_ms = queue.overridden_at_ms
    return QueueAnswer(
        id=queue.id,
        name=name,
        type="task" if queue.is_virtual else "custom",
        running=queue.running,
        queued=queue.queued,
        paused=queue.is_paused,
        concurrency_limit=queue.limit,
        concurrency=Concurrency(
            current=queue.limit,
            base=queue.base_limit,
            override=queue.override_limit,
            overridden_at=None if overridden_ms is None else iso(overridden_ms),
            overridden_by=queue.overridden_by,
        ),
    )


def queues_page(page: QueuePage, asked: PageAsked) -> QueuesPage:
    """Return a page of queues as the wire has it."""
    return QueuesPage(
        data=[queue_answer(queue) for queue in page.queues],
        pagination=Pages(
            current_page=asked.number,
            total_pages=max(1, -(-page.total // asked.size)),
            count=page.total,
        ),
    )
