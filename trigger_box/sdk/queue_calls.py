"""What can be asked about queues, as operations: the wire's side of ``queues``.

Source: rest-api 13.7.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from trigger_box.sdk.errors import OptionError
from trigger_box.sdk.limits import PAGE_SIZE_MAX
from trigger_box.sdk.pages import Page
from trigger_box.sdk.queues import Queue
from trigger_box.sdk.transport import CallOptions, Line, Operation, segment, send_json, shaped

if TYPE_CHECKING:
    from trigger_box.sdk.models import QueueState

_ID_PREFIX: Final = "queue_"
_TASK_PREFIX: Final = "task/"
_PERCENT_MAX: Final = 100


def address(queue: object) -> tuple[str, str]:
    """Return what a queue is named by on the wire: ``id``, ``task`` or ``custom``, and its name.

    Args:
        queue: an id, a declared queue, a task (its own queue), what ``queues`` returned, or a
            name: ``task/<id>`` for a task's own.

    Raises:
        OptionError: it is none of these.
    """
    if isinstance(queue, Queue):
        return "custom", queue.name
    if isinstance(queue, str):
        if queue.startswith(_ID_PREFIX):
            return "id", queue
        if queue.startswith(_TASK_PREFIX):
            return "task", queue.removeprefix(_TASK_PREFIX)
        if queue:
            return "custom", queue
    name = getattr(queue, "id", None)
    if not isinstance(name, str) or not name:
        raise OptionError(f"queue={queue!r} must be a queue, a task, a queue's id or its name.")
    return ("id" if name.startswith(_ID_PREFIX) else "task"), name


def list_page(
    line: Line, limit: int | None, cursor: str | None, options: CallOptions
) -> Operation[Page[QueueState]]:
    """Fetch one page of queues, by name.

    Args:
        limit: queues for each request.
        cursor: the number of the page, None for the first.

    Raises:
        OptionError: the limit is out of bounds.
    """
    query = {"page": cursor or "1"}
    if limit is not None:
        if not 1 <= limit <= PAGE_SIZE_MAX:
            raise OptionError(f"limit={limit} must be between 1 and {PAGE_SIZE_MAX}.")
        query["perPage"] = str(limit)
    request = line.request("GET", "/api/v1/queues", query=query, options=options)
    wire, answer = yield from send_json(line, request)
    return shaped(answer, lambda: _page(wire))


def retrieve(line: Line, queue: object, options: CallOptions) -> Operation[QueueState]:
    """Fetch one queue with its live counts."""
    kind, name = address(queue)
    request = line.request("GET", _path(kind, name), query={"type": kind}, options=options)
    wire, answer = yield from send_json(line, request)
    return shaped(answer, lambda: _state(wire))


def set_paused(
    line: Line, queue: object, options: CallOptions, *, is_paused: bool
) -> Operation[QueueState]:
    """Stop handing out a queue's runs, or go on."""
    action = "pause" if is_paused else "resume"
    return _change(line, queue, "pause", {"action": action}, options)


def override_limit(
    line: Line,
    queue: object,
    options: CallOptions,
    *,
    limit: int | None,
    percent: float | None,
) -> Operation[QueueState]:
    """Set a queue's limit by hand.

    Raises:
        OptionError: neither or both are given, or one is out of range.
    """
    if (limit is None) == (percent is None):
        raise OptionError("Give either limit= or percent=.")
    if limit is not None and limit < 0:
        raise OptionError(f"limit={limit} must not be negative.")
    if percent is not None and not 0 < percent <= _PERCENT_MAX:
        raise OptionError(f"percent={percent} must be above 0 and at most {_PERCENT_MAX}.")
    wanted: dict[str, object] = (
        {"concurrencyLimit": limit} if percent is None else {"percent": percent}
    )
    return _change(line, queue, "concurrency/override", wanted, options)


def reset_limit(line: Line, queue: object, options: CallOptions) -> Operation[QueueState]:
    """Give a queue the limit back that its code declares."""
    return _change(line, queue, "concurrency/reset", {}, options)


def _change(
    line: Line, queue: object, action: str, wanted: dict[str, object], options: CallOptions
) -> Operation[QueueState]:
    kind, name = address(queue)
    body = json.dumps({"type": kind, **wanted}).encode()
    request = line.request("POST", f"{_path(kind, name)}/{action}", body=body, options=options)
    wire, answer = yield from send_json(line, request)
    return shaped(answer, lambda: _state(wire))


def _path(kind: str, name: str) -> str:
    # A name may have a slash. Servers decode a path once, so it is encoded twice.
    return f"/api/v1/queues/{segment(name if kind == 'id' else quote(name, safe=''))}"


def _page(wire: Any) -> Page[QueueState]:  # noqa: ANN401 - JSON
    pages = wire["pagination"]
    number, total = int(pages["currentPage"]), int(pages["totalPages"])
    return Page(
        items=[_state(one) for one in wire["data"]],
        next=str(number + 1) if number < total else None,
        previous=str(number - 1) if number > 1 else None,
    )


def _state(wire: Any) -> QueueState:  # noqa: ANN401 - JSON
    from trigger_box.sdk.models import QueueState  # noqa: PLC0415 - pydantic, at first use

    return QueueState.model_validate(wire)
