"""Telemetry without HTTP: rows taken in a second and what they cost, reads with many rows stored,
memory before and after DuckDB is open. ``python -m tests.bench.telemetry [rows]``.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.support.builders import a_core, a_request, an_environment
from tests.support.clock import ManualClock
from tests.support.otlp import a_log, a_span, as_protobuf, encoded
from tests.support.otlp import a_request as an_export
from trigger_box.engine.trigger import trigger
from trigger_box.ids import EnvironmentId, RunId
from trigger_box.telemetry.otlp.records import Signal
from trigger_box.telemetry.parcels import JSON, PROTOBUF, Packed
from trigger_box.telemetry.rows import Kind, Level, Row, line_of
from trigger_box.telemetry.rows import encoded as encoded_row
from trigger_box.telemetry.segments import day_of
from trigger_box.telemetry.telemetry import Telemetry, open_telemetry

ROWS_PER_RUN = 100
RUN_PAUSE_MS = 5_000
LOOKED_AT = 20
LARGE_RUN_ROWS = 12_000
EXTRA = {
    "http.method": "GET",
    "http.url": "https://api.example.com/v1/things/42",
    "http.status_code": 200,
    "user.id": "user_0123456789",
    "$style.icon": "http",
}


def say(name: str, value: str) -> None:
    """Print one figure."""
    sys.stdout.write(f"  {name:28} {value}\n")


def pss_mb() -> float:
    """Return this process's share of memory, in MB."""
    with Path("/proc/self/smaps_rollup").open(encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024


async def taken_in(
    telemetry: Telemetry, packed: Callable[[int], Packed], *, requests: int, rows: int
) -> str:
    """Send ``requests`` requests of ``rows`` rows; say how fast that went and what it cost."""
    prepared = [packed(number) for number in range(requests)]
    begin, cpu = time.perf_counter(), time.process_time()
    for each in prepared:
        await telemetry.receive(each)
    took, cpu = time.perf_counter() - begin, time.process_time() - cpu
    total = requests * rows
    return f"{total / took:,.0f} rows/s, {cpu / total * 1e6:.1f} CPU ms per 1,000 rows"


def packed_spans(
    environment_id: EnvironmentId, rows: int, media_type: str
) -> Callable[[int], Packed]:
    """Return a maker of requests with ``rows`` spans of 13 attributes."""

    def make(number: int) -> Packed:
        spans = [
            a_span(f"{number * rows + each + 1:016x}", "1" * 16, "GET /v1/things", extra=EXTRA)
            for each in range(rows)
        ]
        request = an_export(Signal.TRACES, *spans, environment_id=environment_id)
        is_json = media_type == JSON
        return Packed(
            signal=Signal.TRACES,
            environment_id=environment_id,
            received_ms=1_767_225_600_000,
            content_type=media_type,
            content_encoding="",
            body=encoded(request) if is_json else as_protobuf(Signal.TRACES, request),
        )

    return make


def packed_logs(environment_id: EnvironmentId, rows: int) -> Callable[[int], Packed]:
    """Return a maker of requests with ``rows`` log lines."""

    def make(number: int) -> Packed:
        logs = [a_log(f"line {number} {each}", "1" * 16) for each in range(rows)]
        return Packed(
            signal=Signal.LOGS,
            environment_id=environment_id,
            received_ms=1_767_225_600_000,
            content_type=JSON,
            content_encoding="",
            body=encoded(an_export(Signal.LOGS, *logs, environment_id=environment_id)),
        )

    return make


def rows_of(environment_id: EnvironmentId, run_id: str, at_ms: int, count: int) -> list[bytes]:
    """Return encoded rows of one run: one span in ten, else logs."""
    return [
        encoded_row(
            Row(
                received_ms=at_ms + number,
                environment_id=environment_id,
                kind=Kind.LOG if number % 10 else Kind.SPAN,
                level=Level.INFO,
                start_ns=(at_ms + number) * 1_000_000,
                duration_ns=1_000_000,
                message=f"something happened, number {number}",
                run_id=run_id,
                trace_id="0af7651916cd43dd8448eb211c80319c",
                span_id="" if number % 10 else f"{number + 1:016x}",
                parent_id=f"{number - number % 10 + 1:016x}" if number % 10 else "",
                task="send-email",
                attempt=1,
                version="20261124.1",
                attributes={"http.method": "GET", "http.url": "https://api.example.com", "n": 5},
                style={"icon": "http"},
            )
        )
        for number in range(count)
    ]


async def times_ms(act: Callable[[RunId], Awaitable[object]], run_ids: list[RunId]) -> str:
    """Call ``act`` for each run; return p50 and worst."""
    times: list[float] = []
    for run_id in run_ids:
        begin = time.perf_counter()
        await act(run_id)
        times.append((time.perf_counter() - begin) * 1_000)
    return f"p50 {statistics.median(times):.1f} ms, worst {max(times):.1f} ms"


async def reads(root: Path, count: int) -> None:
    """Store ``count`` rows, as an earlier start of the box left them; read runs among them."""
    clock = ManualClock()
    async with a_core(root, clock=clock) as core:
        environment = await an_environment(core)
        runs = count // ROWS_PER_RUN
        looked_at: list[RunId] = []
        number = clock.now_ms() << 12
        begin = time.perf_counter()
        size = 0
        for index in range(runs):
            clock.advance(RUN_PAUSE_MS)
            run_id = RunId(f"run_{index:026d}")
            rows = ROWS_PER_RUN
            if index % max(1, runs // LOOKED_AT) == 0:
                run_id = (await trigger(core, a_request(environment))).run_id
                looked_at.append(run_id)
                rows = LARGE_RUN_ROWS if len(looked_at) == LOOKED_AT // 2 else rows
            day = core.store.folder.segments / day_of(clock.now_ms())
            day.mkdir(exist_ok=True)
            lines = [
                line_of(row, number + at)
                for at, row in enumerate(rows_of(environment.id, run_id, clock.now_ms(), rows))
            ]
            number += len(lines)
            with (day / f"rows-{index // 500:016d}.ndjson").open("ab") as file:
                size += file.write(b"".join(lines))
        took = time.perf_counter() - begin
        say(f"{count:,} rows written", f"{size / 1e6:.0f} MB in {took:.1f} s")
        clock.advance(60_000)
        large = looked_at[LOOKED_AT // 2 - 1]
        small = [run_id for run_id in looked_at if run_id != large]
        telemetry = await open_telemetry(core.store, clock=clock, kept_days=30)
        say("memory before DuckDB", f"{pss_mb():.0f} MB")
        begin, cpu = time.perf_counter(), time.process_time()
        while not (await telemetry.trace(environment.id, small[0])).is_complete:
            pass
        took, cpu = time.perf_counter() - begin, time.process_time() - cpu
        each = f"{cpu / count * 1e6:.1f} CPU ms per 1,000 rows"
        say("all of it loaded", f"{took:.1f} s, {count / took:,.0f} rows/s, {each}")
        say("history.duckdb", f"{core.store.folder.history.stat().st_size / 1e6:.0f} MB")
        say("memory after loading", f"{pss_mb():.0f} MB")

        async def tree(run_id: RunId) -> object:
            return await telemetry.trace(environment.id, run_id)

        async def tree_with_attributes(run_id: RunId) -> object:
            return await telemetry.trace(environment.id, run_id, with_attributes=True)

        async def logs(run_id: RunId) -> object:
            return await telemetry.logs(environment.id, run_id)

        async def span(run_id: RunId) -> object:
            return await telemetry.span(environment.id, run_id, f"{1:016x}")

        say(f"tree of {ROWS_PER_RUN} rows", await times_ms(tree, small))
        say("… with attributes", await times_ms(tree_with_attributes, small))
        say("page of logs", await times_ms(logs, small))
        say("one span", await times_ms(span, small))
        say(f"tree of {LARGE_RUN_ROWS:,} rows, cut", await times_ms(tree, [large] * 5))
        say("memory after reading", f"{pss_mb():.0f} MB")
        await telemetry.close()
        say("memory with DuckDB closed", f"{pss_mb():.0f} MB")


async def intake(root: Path) -> None:
    """Take rows in, in the ways that senders send them."""
    async with a_core(root) as core:
        environment = await an_environment(core)
        telemetry = await open_telemetry(core.store, clock=core.clock, kept_days=30)
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(telemetry.keep())
            for name, make, requests, rows in (
                ("spans, JSON, 100 a request", packed_spans(environment.id, 100, JSON), 300, 100),
                ("spans, JSON, 1 a request", packed_spans(environment.id, 1, JSON), 5_000, 1),
                ("spans, protobuf, 100", packed_spans(environment.id, 100, PROTOBUF), 300, 100),
                ("logs, JSON, 100 a request", packed_logs(environment.id, 100), 300, 100),
            ):
                say(name, await taken_in(telemetry, make, requests=requests, rows=rows))
            keeping.cancel()
        loaded = telemetry.figures()["bytes_loaded_total"]
        say("loaded meanwhile", f"{loaded / 1e6:.0f} MB")
        await telemetry.close()


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        sys.stdout.write("Reading what an earlier start left\n")
        asyncio.run(reads(Path(name) / "reads", count))
        sys.stdout.write("Taking in, with loading into DuckDB beside\n")
        asyncio.run(intake(Path(name) / "intake"))


if __name__ == "__main__":
    main()
