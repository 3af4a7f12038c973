"""Triggering a run, as an operation (rest-api 13.1)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trigger_box.sdk.handles import RunHandle
from trigger_box.sdk.packets import JSON, Packet
from trigger_box.sdk.transport import CallOptions, Line, Operation, segment, send_json, shaped
from trigger_box.sdk.trigger_options import TriggerOptions, wire_options
from trigger_box.sdk.uploads import offload

if TYPE_CHECKING:
    from trigger_box.sdk.schemas import ValueType


def trigger(
    line: Line,
    task_id: str,
    encode: Callable[[], Packet],
    options: TriggerOptions,
    output_type: ValueType | None = None,
) -> Operation[RunHandle[Any, Any]]:
    """Trigger one run and return its handle.

    Args:
        encode: makes the payload's packet; called before any request, so that what it raises
            comes first.

    Raises:
        PayloadError, OptionError: before any request.
        ApiError, ConnectionFailed: the call failed.
    """
    packet, wire = encode(), wire_options(options, line)
    headers: dict[str, str] = {}
    if line.runtime is not None:
        wire["parentRunId"] = line.runtime.context.run.id
        # A child nobody waits for has a trace of its own, linked to the span it came from.
        headers["x-trigger-span-parent-as-link"] = "1"
    size = packet.size
    packet = yield from offload(line, packet)
    request = line.request(
        "POST",
        f"/api/v1/tasks/{segment(task_id)}/trigger",
        body=_body(packet, size, wire),
        headers=headers,
        options=_call_options(options),
    )
    answered, answer = yield from send_json(line, request)
    return shaped(
        answer,
        lambda: RunHandle(
            id=str(answered["id"]),
            task_id=task_id,
            is_cached=bool(answered.get("isCached")),
            public_access_token=answer.headers.get("x-trigger-jwt"),
            client=line.client,
            output_type=output_type,
        ),
    )


def _body(packet: Packet, size: int, options: dict[str, Any]) -> bytes:
    options = {"payloadType": packet.type, "payloadSize": size, **options}
    rest = f'"options":{json.dumps(options, ensure_ascii=False, separators=(",", ":"))}'
    if packet.data is None:
        return f"{{{rest}}}".encode()
    # JSON goes in as it is, so that the server stores our text and not its own spelling of it.
    payload = packet.data if packet.type == JSON else json.dumps(packet.data)
    return f'{{"payload":{payload},{rest}}}'.encode()


def _call_options(options: TriggerOptions) -> CallOptions:
    made = CallOptions()
    if (timeout := options.get("timeout")) is not None:
        made["timeout"] = timeout
    if (headers := options.get("extra_headers")) is not None:
        made["extra_headers"] = headers
    return made
