"""A program to be killed: takes log lines in, and says on stdout which of them it has taken.

``python -m tests.crash.telemetry_victim FOLDER RUN_ID ENVIRONMENT_ID``
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.support.otlp import a_log, a_request, encoded
from trigger_box.clock import SystemClock
from trigger_box.ids import EnvironmentId
from trigger_box.store.folder import DataFolder
from trigger_box.store.store import Store
from trigger_box.telemetry.otlp.records import Signal
from trigger_box.telemetry.parcels import JSON, Packed
from trigger_box.telemetry.telemetry import open_telemetry

PAUSE_S = 0.003


async def main() -> None:
    """Take lines in until killed."""
    folder, run_id, environment_id = sys.argv[1:]
    clock = SystemClock()
    store = await Store.open(DataFolder(Path(folder)))
    telemetry = await open_telemetry(store, clock=clock, kept_days=30)
    async with asyncio.TaskGroup() as group:
        group.create_task(telemetry.keep())
        number = 0
        while True:
            logs = [a_log(f"line {number + each}", run_id=run_id) for each in range(50)]
            await telemetry.receive(
                Packed(
                    signal=Signal.LOGS,
                    environment_id=EnvironmentId(environment_id),
                    received_ms=clock.now_ms(),
                    content_type=JSON,
                    content_encoding="",
                    body=encoded(a_request(Signal.LOGS, *logs)),
                )
            )
            number += 50
            await asyncio.sleep(PAUSE_S)
            # In a file means: safe from a kill. (Safe from a power cut takes up to a second more.)
            if not telemetry.figures()["bytes_waiting"]:
                sys.stdout.write(f"{number}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
