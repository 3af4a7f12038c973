"""An open telemetry room over a real store, with runs to tell about."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.builders import a_core, a_request, an_environment
from tests.support.clock import ManualClock
from tests.support.otlp import Json, a_log, encoded
from tests.support.otlp import a_request as an_export
from trigger_box.access.actors import Environment
from trigger_box.engine.core import Core
from trigger_box.engine.trigger import trigger
from trigger_box.ids import EnvironmentId, RunId
from trigger_box.telemetry.families import TracedRun
from trigger_box.telemetry.otlp.records import Signal
from trigger_box.telemetry.parcels import JSON, Packed, Parcel
from trigger_box.telemetry.telemetry import Telemetry, open_telemetry


@dataclass(kw_only=True)
class Room:
    """The room, and what its tests say often."""

    telemetry: Telemetry
    core: Core
    environment: Environment
    clock: ManualClock
    kept_days: int

    async def a_run(self, **fields: Any) -> TracedRun:
        """Trigger a run, a millisecond after whatever was before."""
        self.clock.advance(1)
        triggered = await trigger(self.core, a_request(self.environment, **fields))
        return await self.telemetry.run(self.environment.id, triggered.run_id)

    async def send(
        self,
        signal: Signal,
        *records: Json,
        environment_id: EnvironmentId | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Parcel:
        """Send an export request in JSON."""
        headers = headers or {}
        return await self.telemetry.receive(
            Packed(
                signal=signal,
                environment_id=environment_id or self.environment.id,
                received_ms=self.clock.now_ms(),
                content_type=headers.get("content-type", JSON),
                content_encoding=headers.get("content-encoding", ""),
                body=encoded(an_export(signal, *records)),
            )
        )

    async def say(self, run: TracedRun, *messages: str) -> None:
        """Send log lines of a run."""
        logs = [a_log(text, trace_id=run.trace_id, run_id=run.id) for text in messages]
        await self.send(Signal.LOGS, *logs)

    async def heard(self, run_id: RunId, *, after: int = 0) -> list[str]:
        """Return the messages of a run's log lines."""
        page = await self.telemetry.logs(self.environment.id, run_id, after=after)
        assert page.is_complete
        return [row.message for row in page.rows]

    @property
    def is_history_open(self) -> bool:
        """Return whether DuckDB is open."""
        return bool(self.telemetry.figures()["history_open"])


@asynccontextmanager
async def a_room(folder: Path, *, kept_days: int = 30) -> AsyncIterator[Room]:
    """Open the room on a new store in ``folder``."""
    clock = ManualClock()
    async with a_core(folder, clock=clock) as core:
        environment = await an_environment(core)
        telemetry = await open_telemetry(core.store, clock=clock, kept_days=kept_days)
        room = Room(
            telemetry=telemetry,
            core=core,
            environment=environment,
            clock=clock,
            kept_days=kept_days,
        )
        try:
            yield room
        finally:
            await room.telemetry.close()


_HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"


@contextmanager
def held_by_another_process(database: Path) -> Iterator[None]:
    """Let somebody else have the DuckDB file open, as a curious person with its CLI does."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        yield
    finally:
        holder.communicate(b"\n")


async def reopen(room: Room) -> None:
    """Close the room and open it again, as a restart of the box does."""
    await room.telemetry.close()
    room.clock.advance(1_000)
    room.telemetry = await open_telemetry(
        room.core.store, clock=room.clock, kept_days=room.kept_days
    )
