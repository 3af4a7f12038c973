"""The room as a whole, on real files: true at once, true after restarts, within its bounds."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.otlp import Json, a_log, a_partial, a_span
from tests.support.telemetry import a_room, held_by_another_process, reopen
from trigger_box.domain import limits
from trigger_box.domain.errors import RunNotFoundError
from trigger_box.ids import EnvironmentId, RunId
from trigger_box.telemetry.otlp.records import Signal
from trigger_box.telemetry.segment_writer import TelemetryBusyError
from trigger_box.telemetry.telemetry import SpanNotFoundError

ATTEMPT = "a" * 16
WORK = "b" * 16


async def test_what_was_sent_is_shown_at_once_without_opening_the_database(tmp_path: Path) -> None:
    async with a_room(tmp_path) as room:
        run = await room.a_run()
        await room.say(run, "one", "two")

        assert await room.heard(run.id) == ["one", "two"]
        assert not room.is_history_open


async def test_what_was_sent_before_a_restart_is_shown_after_it(tmp_path: Path) -> None:
    async with a_room(tmp_path) as room:
        run = await room.a_run()
        await room.say(run, "before")
        await reopen(room)
        await room.say(run, "after")

        assert await room.heard(run.id) == ["before", "after"]
        assert room.is_history_open


async def test_numbers_go_on_after_a_restart_even_if_the_clock_was_set_back(
    tmp_path: Path,
) -> None:
    async with a_room(tmp_path) as room:
        run = await room.a_run()
        await room.say(run, "before")
        room.clock.jump(-3_600_000)
        await reopen(room)
        await room.say(run, "after")

        page = await room.telemetry.logs(room.environment.id, run.id)

        assert [row.message for row in page.rows] == ["before", "after"]


async def test_what_is_loaded_and_what_is_not_make_one_page_without_doubles(
    tmp_path: Path,
) -> None:
    async with a_room(tmp_path) as room:
        run = await room.a_run()
        await room.say(run, "before")
        await reopen(room)
        for step in range(5):
            await room.say(run, f"step {step}")
            expected = ["before", *(f"step {each}" for each in range(step + 1))]
            assert await room.heard(run.id) == expected


async def test_a_crash_costs_nothing_that_reached_the_disk(tmp_path: Path) -> None:
    async with a_room(tmp_path / "box") as room:
        run = await room.a_run()
        await room.say(run, "one")
        await reopen(room)  # all is on disk, and loaded when somebody looks
        assert await room.heard(run.id) == ["one"]
        await room.say(run, "two")
        segments = room.core.store.folder.segments

        # What a power cut leaves: a line that never got its end, and no time to close anything.
        await room.telemetry.close()
        newest = max(segments.rglob("rows-*"))
        with newest.open("ab") as file:
            file.write(b'{"seq":999,"received_ms":17672')
        await reopen(room)

        assert await room.heard(run.id) == ["one", "two"]


async def test_a_lost_history_file_is_rebuilt_when_somebody_looks(tmp_path: Path) -> None:
    async with a_room(tmp_path) as room:
        run = await room.a_run()
        await room.say(run, "one")
        await reopen(room)
        assert await room.heard(run.id) == ["one"]
        await room.telemetry.close()
        room.core.store.folder.history.unlink()
        await reopen(room)

        assert await room.heard(run.id) == ["one"]


async def test_a_history_file_lost_while_the_box_runs_is_rebuilt_without_gaps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TELEMETRY_TAIL_BYTES", 1)
    async with a_room(tmp_path) as room:
        reader, history = room.telemetry._reader, room.core.store.folder.history
        run = await room.a_run()
        await room.say(run, "one", "two")
        async with asyncio.timeout(10):
            while room.telemetry.figures()["tail_rows"]:
                await reader.tend()
        room.clock.advance(round(limits.HISTORY_IDLE_S * 1_000) + 1)
        await reader.tend()
        assert not room.is_history_open

        history.unlink()

        assert await room.heard(run.id) == ["one", "two"]


async def test_a_log_page_goes_on_from_its_cursor(tmp_path: Path) -> None:
    async with a_room(tmp_path) as room:
        run = await room.a_run()
        await room.say(run, *(f"line {number}" for number in range(5)))
        environment = room.environment.id

        first = await room.telemetry.logs(environment, run.id, limit=3)
        rest = await room.telemetry.logs(environment, run.id, after=first.next, limit=3)
        nothing = await room.telemetry.logs(environment, run.id, after=rest.next)

        assert [row.message for row in first.rows] == ["line 0", "line 1", "line 2"]
        assert (first.has_more, rest.has_more) == (True, False)
        assert [row.message for row in rest.rows] == ["line 3", "line 4"]
        assert nothing.rows == ()
        assert nothing.next == rest.next


async def test_log_lines_sent_again_after_a_lost_answer_are_shown_once(tmp_path: Path) -> None:
    async with a_room(tmp_path) as room:
        run, other = await room.a_run(), await room.a_run()

        def line(**fields: Any) -> Json:
            return a_log("same words", trace_id=run.trace_id, run_id=run.id, **fields)

        first = await room.send(Signal.LOGS, line(at_ns=1), line(at_ns=2))
        room.clock.advance(5_000)
        again = await room.send(Signal.LOGS, line(at_ns=1), line(at_ns=2))
        await room.send(Signal.LOGS, line(at_ns=3))
        await room.say(other, "same words")
        for _ in range(2):  # by a sender that knows no times: it may well mean two lines
            await room.send(Signal.LOGS, line(at_ns=0))
            room.clock.advance(1_000)

        assert again.answer() == first.answer()
        assert await room.heard(run.id) == ["same words"] * 5
        assert await room.heard(other.id) == ["same words"]
        assert room.telemetry.figures()["repeats_total"] == 1


async def test_only_so_many_log_requests_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OTLP_REQUESTS_REMEMBERED_MAX", 2)
    async with a_room(tmp_path) as room:
        run = await room.a_run()
        for text in ("one", "two", "three", "two", "one"):
            await room.say(run, text)

        assert sorted(await room.heard(run.id)) == ["one", "one", "three", "two"]


async def test_a_watcher_is_woken_when_rows_come_in(tmp_path: Path) -> None:
    async with a_room(tmp_path) as room:
        run, other = await room.a_run(), await room.a_run()
        with room.telemetry.watch(run.id) as watch:
            waiting = asyncio.ensure_future(watch.changed())
            await room.say(other, "not for you")
            await asyncio.sleep(0)
            assert not waiting.done()

            await room.say(run, "for you")
            async with asyncio.timeout(5):
                await waiting

            assert await room.heard(run.id) == ["for you"]


async def test_the_tree_of_a_run_has_its_spans_and_logs(tmp_path: Path) -> None:
    async with a_room(tmp_path) as room:
        run = await room.a_run()
        of = {"trace_id": run.trace_id, "run_id": run.id}
        await room.send(Signal.TRACES, a_partial("c" * 16, ATTEMPT, run.span_id, "Attempt 1", **of))
        await room.send(
            Signal.TRACES,
            a_span(WORK, ATTEMPT, "work", extra={"user.name": "ada"}, **of),
            a_span(ATTEMPT, run.span_id, "Attempt 1", extra={"$entity.type": "attempt"}, **of),
        )
        await room.send(Signal.LOGS, a_log("hello", WORK, **of))

        trace = await room.telemetry.trace(room.environment.id, run.id)

        assert [(node.depth, node.message) for node in trace.nodes] == [
            (0, "send-email"),
            (1, "Attempt 1"),
            (2, "work"),
            (3, "hello"),
        ]
        assert trace.is_complete
        assert not trace.is_truncated


async def test_each_row_of_a_tree_can_be_looked_at_alone(tmp_path: Path) -> None:
    async with a_room(tmp_path) as room:
        run = await room.a_run()
        of = {"trace_id": run.trace_id, "run_id": run.id}
        failed = {"code": 2, "message": "no"}
        event = {
            "name": "exception",
            "timeUnixNano": "1767225600000000000",
            "attributes": [{"key": "exception.type", "value": {"stringValue": "KeyError"}}],
        }
        span = a_span(
            WORK, ATTEMPT, "work", extra={"user.name": "ada", "$output.ok": True}, **of
        ) | {"status": failed, "events": [event]}
        await room.send(Signal.TRACES, span)
        await room.send(Signal.LOGS, a_log("hello", WORK, extra={"n": 1}, **of))
        for reopened in (False, True):
            if reopened:
                await reopen(room)
            trace = await room.telemetry.trace(room.environment.id, run.id)

            details = {
                node.message: await room.telemetry.span(room.environment.id, run.id, node.id)
                for node in trace.nodes
            }

            assert set(details) == {"send-email", "work", "hello", "KeyError"}
            assert details["work"].properties == {"user": {"name": "ada"}}
            assert details["work"].output == {"ok": True}
            assert details["work"].status_message == "no"
            assert details["work"].parent_id == ATTEMPT
            assert details["hello"].properties == {"n": 1}
            assert details["KeyError"].parent_id == WORK


async def test_runs_below_are_in_the_tree_with_their_rows(tmp_path: Path) -> None:
    async with a_room(tmp_path) as room:
        parent = await room.a_run()
        child = await room.a_run(
            task="resize",
            parent_run_id=parent.id,
            trace=trace_headers(parent.trace_id, WORK),
        )
        await room.send(
            Signal.TRACES,
            a_span(WORK, parent.span_id, "loop", trace_id=parent.trace_id, run_id=parent.id),
        )
        await room.say(child, "in the child")

        trace = await room.telemetry.trace(room.environment.id, parent.id)
        detail = await room.telemetry.span(room.environment.id, parent.id, WORK)

        assert [(node.depth, node.message) for node in trace.nodes] == [
            (0, "send-email"),
            (1, "loop"),
            (2, "resize"),
            (3, "in the child"),
        ]
        assert [run.id for run in detail.triggered] == [child.id]


async def test_another_environment_can_neither_read_nor_write_a_run(tmp_path: Path) -> None:
    async with a_room(tmp_path) as room:
        run = await room.a_run()
        stranger = EnvironmentId("env_stranger")
        forged = a_log("forged", trace_id=run.trace_id, run_id=run.id)
        await room.send(Signal.LOGS, forged, environment_id=stranger)

        assert await room.heard(run.id) == []
        for read in (room.telemetry.trace, room.telemetry.logs, room.telemetry.run):
            with pytest.raises(RunNotFoundError):
                await read(stranger, run.id)
        with pytest.raises(RunNotFoundError):
            await room.telemetry.span(stranger, run.id, run.span_id)


async def test_what_is_not_there_is_said_so(tmp_path: Path) -> None:
    async with a_room(tmp_path) as room:
        run = await room.a_run()

        with pytest.raises(RunNotFoundError):
            await room.telemetry.trace(room.environment.id, RunId("run_unknown"))
        for span_id in ("f" * 16, "x", "", "zzzzzzzzzzzzzzzz"):
            with pytest.raises(SpanNotFoundError):
                await room.telemetry.span(room.environment.id, run.id, span_id)


async def test_a_tree_that_is_too_large_is_cut_at_its_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TRACE_ROWS_MAX", 10)
    async with a_room(tmp_path) as room:
        run = await room.a_run()
        of = {"trace_id": run.trace_id, "run_id": run.id}
        await room.say(run, *(f"line {number}" for number in range(20)))
        await room.send(Signal.TRACES, a_span(WORK, run.span_id, "work", **of))
        for reopened in (False, True):
            if reopened:
                await reopen(room)

            trace = await room.telemetry.trace(room.environment.id, run.id)

            assert trace.is_truncated
            assert len(trace.nodes) == 10
            assert "work" in {node.message for node in trace.nodes}


async def test_a_full_tail_is_loaded_without_anybody_looking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TELEMETRY_TAIL_BYTES", 10_000)
    async with a_room(tmp_path) as room:
        run = await room.a_run()
        expected = [f"line {number}" for number in range(100)]
        for message in expected:
            await room.say(run, message)
        assert room.telemetry.figures()["tail_bytes"] > 10_000

        async with asyncio.timeout(10):
            while room.telemetry.figures()["tail_bytes"] > 10_000:
                await room.telemetry._reader.tend()

        assert room.telemetry.figures()["bytes_loaded_total"] > 10_000
        assert await room.heard(run.id) == expected


async def test_a_tail_that_overflows_before_it_is_loaded_hides_nothing_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TELEMETRY_TAIL_BYTES_MAX", 2_000)
    async with a_room(tmp_path) as room:
        run = await room.a_run()
        expected = [f"line {number}" for number in range(50)]
        await room.say(run, *expected)

        async with asyncio.timeout(10):
            page = await room.telemetry.logs(room.environment.id, run.id)
            while not page.is_complete:
                page = await room.telemetry.logs(room.environment.id, run.id)

        assert [row.message for row in page.rows] == expected


async def test_the_database_is_closed_when_nobody_has_looked_for_a_while(tmp_path: Path) -> None:
    async with a_room(tmp_path) as room:
        run = await room.a_run()
        await room.say(run, "one")
        await reopen(room)
        await room.heard(run.id)
        reader = room.telemetry._reader
        assert await reader.tend() > 0
        assert room.is_history_open

        room.clock.advance(round(limits.HISTORY_IDLE_S * 1_000) + 1)
        await reader.tend()

        assert not room.is_history_open
        assert await room.heard(run.id) == ["one"]


async def test_a_sender_is_told_to_come_back_when_too_much_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_room(tmp_path) as room:
        run = await room.a_run()
        segments = room.core.store.folder.segments
        shutil.rmtree(segments)
        segments.write_text("no folder: the disk takes nothing")
        monkeypatch.setattr(limits, "TELEMETRY_QUEUE_BYTES_MAX", 2_000)

        await room.say(run, "x" * 1_000)
        with pytest.raises(TelemetryBusyError):
            await room.say(run, "y" * 1_000)

        assert room.telemetry.figures()["busy_answers_total"] == 1
        assert [len(text) for text in await room.heard(run.id)] == [1_000]


async def test_a_history_that_can_not_be_opened_does_not_hide_what_just_came_in(
    tmp_path: Path,
) -> None:
    async with a_room(tmp_path) as room:
        run = await room.a_run()
        await reopen(room)
        await room.say(run, "new")
        with held_by_another_process(room.core.store.folder.history):
            page = await room.telemetry.logs(room.environment.id, run.id)
            trace = await room.telemetry.trace(room.environment.id, run.id)

        assert [row.message for row in page.rows] == ["new"]
        assert not page.is_complete
        assert not trace.is_complete
        assert trace.nodes[0].message == "send-email"


async def test_measurements_are_kept_in_files_of_their_own(tmp_path: Path) -> None:
    async with a_room(tmp_path) as room:
        metric = {"name": "cpu", "gauge": {"dataPoints": [{"timeUnixNano": "1", "asDouble": 0.5}]}}
        await room.send(Signal.METRICS, metric)
        await room.telemetry.close()

        (points,) = room.core.store.folder.segments.rglob("points-*.ndjson")
        assert b'"cpu"' in points.read_bytes()
        await reopen(room)


async def test_days_that_are_over_are_removed_and_forgotten(tmp_path: Path) -> None:
    async with a_room(tmp_path, kept_days=1) as room:
        run = await room.a_run()
        await room.say(run, "old")
        await reopen(room)
        assert await room.heard(run.id) == ["old"]

        room.clock.advance(3 * 24 * 3_600_000)
        await room.say(run, "new")
        assert await room.telemetry.sweep() > 0

        assert await room.heard(run.id) == ["new"]


def trace_headers(trace_id: str, span_id: str) -> object:
    from trigger_box.engine.traces import Trace  # noqa: PLC0415

    return Trace(traceparent=f"00-{trace_id}-{span_id}-01", is_external=False)
