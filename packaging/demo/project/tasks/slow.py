"""A slow task that reports its progress, and stops at once when it is cancelled."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel, Field

from trigger_box import logger, metadata, task


class Encode(BaseModel):
    """How many frames to encode."""

    frames: int = Field(default=20, ge=1, le=600)


@task("encode-video", description="Reports progress while it works", max_duration="15m")
async def encode_video(payload: Encode) -> dict[str, int]:
    """Encode frame by frame; the run page shows how far it is."""
    for frame in range(1, payload.frames + 1):
        await asyncio.sleep(1)
        metadata.set("progress", round(100 * frame / payload.frames))
        if frame % 5 == 0:
            logger.info("encoded", frame=frame, of=payload.frames)
    return {"frames": payload.frames}
