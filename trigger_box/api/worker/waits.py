"""What a run's code waits for, said by the SDK inside the run. Source: rest-api 13.9."""

from __future__ import annotations

from typing import Final

from litestar import post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from trigger_box.api.authentication import SECRET
from trigger_box.api.bodies import decode_body
from trigger_box.api.public.requests import body_of
from trigger_box.api.rooms import ApiRequest, TheEnvironment, TheRooms
from trigger_box.api.wire.waitpoints import (
    Done,
    UntilBody,
    WaitingAnswer,
    until_body,
    wait_until_of,
    waiting_answer,
)
from trigger_box.domain import limits
from trigger_box.engine.waits import wait_for_token, wait_until


@post(
    "/engine/v1/runs/{run_id:str}/wait/duration",
    opt={"auth": SECRET, "body": UntilBody},
    status_code=200,
    summary="Let a run wait for an instant",
)
async def sleep(
    request: ApiRequest, run_id: FromPath[str], rooms: TheRooms, environment: TheEnvironment
) -> WaitingAnswer:
    """Block a run until an instant; one that has passed lets it go on at once."""
    body = await body_of(request, bytes_max=limits.TOKEN_BODY_BYTES_MAX)
    wish = wait_until_of(decode_body(until_body, body), run_id)
    return waiting_answer(await wait_until(rooms.core, environment.id, wish))


@post(
    "/engine/v1/runs/{run_id:str}/waitpoints/tokens/{token_id:str}/wait",
    opt={"auth": SECRET},
    status_code=200,
    summary="Let a run wait for a token",
)
async def wait_for_a_token(
    run_id: FromPath[str], token_id: FromPath[str], rooms: TheRooms, environment: TheEnvironment
) -> Done:
    """Block a run until a token is complete; one that is lets it go on at once."""
    await wait_for_token(rooms.core, environment.id, run_id, token_id)
    return Done()


routes: Final[list[ControllerRouterHandler]] = [sleep, wait_for_a_token]
