"""Is the box alive, is it ready, and what do its counters say."""

from __future__ import annotations

import hmac
from typing import Final

from litestar import Response, get

from trigger_box.api.authentication import NOBODY
from trigger_box.api.metrics import CONTENT_TYPE, render
from trigger_box.api.rooms import ApiRequest, Rooms, TheRooms
from trigger_box.domain import limits
from trigger_box.domain.errors import UnauthenticatedError, UnavailableError
from trigger_box.store.queries import store as sql
from trigger_box.version import VERSION

_OPEN: Final = {"auth": NOBODY, "unclaimed": True}
_BACKLOG_READY_MAX: Final = limits.WRITER_QUEUE_MAX // 2


class NotReadyError(UnavailableError):
    """The box is busy: its disk is behind with what it was given."""

    code = "not_ready"


class MetricsRefusedError(UnauthenticatedError):
    """Metrics are told to this machine, and elsewhere to whoever has the metrics token."""

    code = "metrics_refused"


@get("/healthz", opt=_OPEN, sync_to_thread=False, summary="Is the process alive")
def healthz() -> dict[str, str]:
    """Answer as long as the process can: for restarts by a watchdog."""
    return {"status": "ok", "version": VERSION}


@get("/readyz", opt=_OPEN, summary="Can the box do its work")
async def readyz(rooms: TheRooms) -> dict[str, str]:
    """Answer 200 when reads work and the disk keeps up: for load balancers."""
    await _check_ready(rooms)
    return {"status": "ready"}


@get("/healthcheck", opt=_OPEN, summary="Can the box do its work, under the platform's own name")
async def healthcheck(rooms: TheRooms) -> Response[str]:
    """Answer as ``readyz`` does, in the word that scripts for the hosted platform look for."""
    await _check_ready(rooms)
    return Response("OK", media_type="text/plain")


@get("/metrics", opt=_OPEN, summary="Counters in the Prometheus text format")
async def metrics(request: ApiRequest, rooms: TheRooms) -> Response[bytes]:
    """Answer counters to this machine, or to whoever shows the metrics token or owner token.

    Raises:
        MetricsRefusedError: the caller is neither.
    """
    if not _may_read(request, rooms):
        raise MetricsRefusedError
    return Response(await render(rooms), media_type=CONTENT_TYPE)


async def _check_ready(rooms: Rooms) -> None:
    """Check that the box can do its work.

    Raises:
        NotReadyError: too many changes wait for the disk, or the box is stopping.
        StoreFullError: the disk is full. Asking makes the box look whether it still is.
    """
    if rooms.store.backlog > _BACKLOG_READY_MAX or rooms.streams.is_closing:
        raise NotReadyError
    await rooms.store.look_at_disk()
    await rooms.store.readers.one(sql.last_change)


def _may_read(request: ApiRequest, rooms: TheRooms) -> bool:
    token = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if token:
        wanted = rooms.settings.metrics_token
        return rooms.access.is_local_owner(token) or (
            wanted is not None
            and hmac.compare_digest(token.encode(), wanted.get_secret_value().encode())
        )
    # Behind a proxy on this machine everybody looks local: whoever was forwarded is not.
    is_forwarded = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    client = request.client
    return client is not None and client.host in {"127.0.0.1", "::1"} and not is_forwarded


routes = [healthz, readyz, healthcheck, metrics]
