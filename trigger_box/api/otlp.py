"""OTLP over HTTP: ``POST /otel/v1/{traces,logs,metrics}``, JSON or protobuf, gzip or not.

Callers show the environment's own token in ``x-tb-otlp-token``, which task processes get among
their variables, or the environment's secret key. Source: cli-protocol 10.
"""

from __future__ import annotations

from typing import cast

from litestar import Response, post
from litestar.types import ControllerRouterHandler

from trigger_box.api.asgi import Message
from trigger_box.api.authentication import OTLP, Caller, environment_of
from trigger_box.api.bodies import read_body
from trigger_box.api.rooms import ApiRequest, TheCaller, TheRooms
from trigger_box.domain import limits
from trigger_box.ids import EnvironmentId
from trigger_box.telemetry.otlp.records import Signal
from trigger_box.telemetry.parcels import Packed


@post("/otel/v1/traces", opt={"auth": OTLP}, status_code=200, summary="Store spans")
async def traces(request: ApiRequest, rooms: TheRooms, caller: TheCaller) -> Response[bytes]:
    """Take an OTLP trace export."""
    return await _receive(Signal.TRACES, request, rooms, caller)


@post("/otel/v1/logs", opt={"auth": OTLP}, status_code=200, summary="Store log records")
async def logs(request: ApiRequest, rooms: TheRooms, caller: TheCaller) -> Response[bytes]:
    """Take an OTLP log export."""
    return await _receive(Signal.LOGS, request, rooms, caller)


@post("/otel/v1/metrics", opt={"auth": OTLP}, status_code=200, summary="Store measurements")
async def metrics(request: ApiRequest, rooms: TheRooms, caller: TheCaller) -> Response[bytes]:
    """Take an OTLP metric export."""
    return await _receive(Signal.METRICS, request, rooms, caller)


routes: list[ControllerRouterHandler] = [traces, logs, metrics]


async def _receive(
    signal: Signal, request: ApiRequest, rooms: TheRooms, caller: Caller
) -> Response[bytes]:
    with rooms.telemetry.hold_body() as held:

        async def receive() -> Message:
            message = cast("Message", await request.receive())
            held.add(len(message.get("body", b"")))
            return message

        body = await read_body(
            request.scope["headers"],
            receive,
            bytes_max=limits.OTLP_BODY_BYTES_MAX,
        )
        parcel = await rooms.telemetry.receive(
            Packed(
                signal=signal,
                environment_id=_environment_id(caller),
                received_ms=rooms.clock.now_ms(),
                content_type=request.headers.get("content-type", ""),
                content_encoding=request.headers.get("content-encoding", ""),
                body=body,
            )
        )
    return Response(parcel.answer(), media_type=parcel.media_type)


def _environment_id(caller: Caller) -> EnvironmentId:
    if caller.otlp_environment_id is not None:
        return caller.otlp_environment_id
    return environment_of(caller).id
