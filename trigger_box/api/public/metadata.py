"""Metadata of runs: read it, change it. Source: rest-api 13.3."""

from __future__ import annotations

from litestar import get, put
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from trigger_box.api.authentication import SECRET
from trigger_box.api.bodies import decode_body
from trigger_box.api.public.requests import body_of
from trigger_box.api.rooms import ApiRequest, TheEnvironment, TheRooms
from trigger_box.api.wire.changes import MetadataAnswer, metadata_body
from trigger_box.domain import limits
from trigger_box.engine.metadata import MetadataChange, change_metadata, get_metadata
from trigger_box.engine.operations import WireFlush, operations_of

_PATH = "/api/v1/runs/{run_id:str}/metadata"


@get(_PATH, opt={"auth": SECRET}, summary="Read a run's metadata")
async def read_metadata(
    run_id: FromPath[str], rooms: TheRooms, environment: TheEnvironment
) -> MetadataAnswer:
    """Return the whole object, empty if there is none."""
    return MetadataAnswer(metadata=await get_metadata(rooms.core, environment.id, run_id))


@put(_PATH, opt={"auth": SECRET, "body": WireFlush}, summary="Change a run's metadata")
async def update_metadata(
    request: ApiRequest, run_id: FromPath[str], rooms: TheRooms, environment: TheEnvironment
) -> MetadataAnswer:
    """Replace the object, or apply operations to it, to its parent's and to its root's.

    All of it happens or nothing; the answer is this run's whole object afterwards.
    """
    body = await body_of(request, bytes_max=limits.METADATA_UPDATE_BODY_BYTES_MAX)
    wanted = decode_body(metadata_body, body)
    change = MetadataChange(
        replacement=wanted.metadata,
        operations=None if wanted.operations is None else operations_of(wanted.operations),
        parent_operations=operations_of(wanted.parent_operations or ()),
        root_operations=operations_of(wanted.root_operations or ()),
    )
    return MetadataAnswer(
        metadata=await change_metadata(rooms.core, environment.id, run_id, change)
    )


routes: list[ControllerRouterHandler] = [read_metadata, update_metadata]
