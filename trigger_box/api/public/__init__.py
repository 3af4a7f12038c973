"""Routes that the SDKs call. ``trigger`` itself stands in ``api/hot.py``."""

from __future__ import annotations

from typing import Final

from litestar.types import ControllerRouterHandler

from trigger_box.api.public import (
    idempotency_keys,
    metadata,
    packets,
    queues,
    run_lists,
    runs,
    tokens,
    traces,
    waitpoints,
)

routes: Final[list[ControllerRouterHandler]] = [
    *runs.routes,
    *run_lists.routes,
    *metadata.routes,
    *traces.routes,
    *idempotency_keys.routes,
    *packets.routes,
    *queues.routes,
    *tokens.routes,
    *waitpoints.routes,
]
