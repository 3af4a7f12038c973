"""The controller's end of an executor process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from unittest.mock import Mock

import pytest

from trigger_box.worker.executors import Executor


def open_files() -> set[str]:
    return {file.name for file in Path("/proc/self/fd").iterdir()}


async def test_an_executor_that_nobody_waits_for_any_more_leaves_no_file_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()

    async def never(*_: object, **__: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(loop, "create_unix_connection", never)
    before = open_files()

    opening = asyncio.ensure_future(Executor(Mock()).open())
    await asked.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening

    assert open_files() == before
