"""Forgetting an idempotency key. Source: rest-api 13.6."""

from __future__ import annotations

from litestar import post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from trigger_box.access.scopes import Resource
from trigger_box.api.authentication import SECRET_OR_PUBLIC
from trigger_box.api.bodies import decode_body
from trigger_box.api.public.requests import body_of
from trigger_box.api.rooms import ApiRequest, TheCaller, TheEnvironment, TheRooms
from trigger_box.api.wire.changes import ResetBody, RunId, reset_body
from trigger_box.engine.key_resets import reset_key


@post(
    "/api/v1/idempotencyKeys/{key:str}/reset",
    opt={"auth": SECRET_OR_PUBLIC, "body": ResetBody},
    status_code=200,
    summary="Forget an idempotency key",
)
async def reset_idempotency_key(
    request: ApiRequest,
    key: FromPath[str],
    rooms: TheRooms,
    caller: TheCaller,
    environment: TheEnvironment,
) -> RunId:
    """Take the key from the run that holds it: the next trigger with it makes a new run."""
    wanted = decode_body(reset_body, await body_of(request))
    caller.require("write", Resource("runs"))
    await reset_key(rooms.core, environment.id, wanted.task_identifier, key)
    return RunId(id=key)


routes: list[ControllerRouterHandler] = [reset_idempotency_key]
