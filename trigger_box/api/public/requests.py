"""What the public routes read from a request besides its path."""

from __future__ import annotations

from typing import cast

from trigger_box.access.scopes import Resource
from trigger_box.api.asgi import Receive
from trigger_box.api.authentication import Caller
from trigger_box.api.bodies import read_body
from trigger_box.api.rooms import ApiRequest
from trigger_box.api.wire.runs import API_VERSION
from trigger_box.domain import limits
from trigger_box.engine.reading import Run


async def body_of(request: ApiRequest, *, bytes_max: int = limits.SMALL_BODY_BYTES_MAX) -> bytes:
    """Return the bytes of a request's body.

    Raises:
        BodyTooLargeError: it is longer than ``bytes_max``.
    """
    receive = cast("Receive", request.receive)
    return await read_body(request.scope["headers"], receive, bytes_max=bytes_max)


def knows_current_statuses(request: ApiRequest) -> bool:
    """Return whether the client reads today's status words (rest-api 12)."""
    return request.headers.get("x-trigger-api-version") == API_VERSION


def resources_of(run: Run) -> tuple[Resource, ...]:
    """Return what a run counts as when a public token is checked: any one is enough."""
    return (
        Resource("runs", run.id),
        Resource("tasks", run.task),
        *(Resource("tags", tag) for tag in run.tags),
    )


def require_read(caller: Caller, run: Run) -> None:
    """Check that a caller may read a run.

    Raises:
        DeniedError: its token names neither the run, nor its task, nor one of its tags.
    """
    caller.require("read", *resources_of(run))
