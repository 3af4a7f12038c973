from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from trigger_box.cli.console import Console
from trigger_box.cli.environment import read_variables
from trigger_box.cli.run_view import (
    ago,
    duration_of,
    error_text,
    log_line,
    run_rows,
    run_text,
    status_cell,
    value_text,
)

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
PLAIN = Console(read_variables({"HOME": "/"}), as_json=False, out=io.StringIO(), err=io.StringIO())


def a_run(**changes: Any) -> dict[str, Any]:
    run: dict[str, Any] = {
        "id": "run_1",
        "status": "COMPLETED",
        "taskIdentifier": "hello",
        "createdAt": "2026-01-31T11:59:30.000Z",
        "startedAt": "2026-01-31T11:59:31.000Z",
        "finishedAt": "2026-01-31T11:59:32.000Z",
        "durationMs": 820,
        "tags": ["user_1"],
        "isTest": False,
        "attemptCount": 1,
        "metadata": {},
        "relatedRuns": {},
    }
    return run | changes


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        ("2026-01-31T11:59:58.600Z", "1s ago"),
        ("2026-01-31T11:58:59.000Z", "1m ago"),
        ("2026-01-31T09:00:00.000Z", "3h ago"),
    ],
)
def test_a_recent_instant_is_told_as_a_distance(instant: str, words: str) -> None:
    assert ago(instant, now=NOW) == words


@pytest.mark.parametrize("instant", ["2026-01-29T09:00:00.000Z", "2026-02-01T09:00:00.000Z"])
def test_a_distant_or_coming_instant_is_told_as_a_date(instant: str) -> None:
    assert ago(instant, now=NOW).startswith("2026-0")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"durationMs": 0, "startedAt": None}, ""),
        ({"durationMs": 0}, "0ms"),
        ({"durationMs": 820.4}, "820ms"),
        ({"durationMs": 1_500}, "1.5s"),
        ({"durationMs": 63_000}, "1m 3s"),
        ({"durationMs": 3_780_000}, "1h 3m"),
    ],
)
def test_a_duration_is_told_in_the_unit_that_fits(changes: dict[str, Any], words: str) -> None:
    assert duration_of(a_run(**changes)) == words


def test_every_status_is_a_mark_and_a_word() -> None:
    assert status_cell("COMPLETED").text == "✓ COMPLETED"
    assert status_cell("SOMETHING_NEW").text == "? SOMETHING_NEW"


def test_a_listed_run_is_one_row() -> None:
    ((run_id, status, task, created, took, tags),) = run_rows([a_run()], now=NOW)

    assert (run_id, task, created, took) == ("run_1", "hello", "30s ago", "820ms")
    assert getattr(status, "text", None) == "✓ COMPLETED"
    assert getattr(tags, "text", None) == "user_1"


def test_one_run_shows_its_facts_and_its_values() -> None:
    run = a_run(
        payload={"name": "Ada"},
        output="Hello\x1b[2J",
        metadata={"progress": 1},
        version="20260131.1",
        relatedRuns={"parent": {"id": "run_0"}, "children": [{"id": "run_2"}]},
    )

    text = run_text(PLAIN, run, url="http://box/runs/run_1", now=NOW)

    for words in ("run_1", "✓ COMPLETED", "20260131.1", "user_1", "run_0", "http://box/runs/run_1"):
        assert words in text
    assert '"name": "Ada"' in text
    assert '"progress": 1' in text
    assert "Hello�[2J" in text
    assert "\x1b" not in text


def test_what_a_run_does_not_have_is_left_out() -> None:
    run = a_run(status="QUEUED", startedAt=None, finishedAt=None, durationMs=0, tags=[])

    text = run_text(PLAIN, run, url="u", now=NOW)

    for title in ("took", "started", "tags", "PAYLOAD", "OUTPUT", "ERROR", "METADATA"):
        assert title not in text


def test_a_large_value_is_a_link_or_cut() -> None:
    linked = run_text(PLAIN, a_run(outputPresignedUrl="http://box/x"), url="u", now=NOW)
    cut = value_text("x" * 25_000)

    assert "http://box/x" in linked
    assert cut.endswith("… 5000 more characters (--json has all)")


def test_an_error_shows_its_name_its_message_and_its_trace() -> None:
    error = {"name": "ValueError", "message": "bad\x1b[1m", "stackTrace": "  File x\n"}

    assert error_text(PLAIN, error) == "ValueError: bad�[1m\n  File x"
    assert error_text(PLAIN, {"message": "bad"}) == "bad"


def test_what_lies_behind_an_error_is_shown_below_it() -> None:
    causes = [{"name": "OSError", "message": "away", "stackTrace": "  File y"}]
    error = {"name": "ValueError", "message": "bad", "stackTrace": "  File x", "causes": causes}

    assert error_text(PLAIN, error) == (
        "ValueError: bad\n  File x\n\ncaused by\nOSError: away\n  File y"
    )


def test_a_log_line_has_time_level_message_and_fields() -> None:
    event = {
        "level": "info",
        "startTime": "2026-01-31T11:59:30.123Z",
        "message": "saying hello",
        "properties": {"name": "Ada", "n": 1, "o": {"a": [1]}},
    }

    line = log_line(PLAIN, event)

    assert line.endswith('.123 INFO  saying hello name=Ada n=1 o={"a": [1]}')
