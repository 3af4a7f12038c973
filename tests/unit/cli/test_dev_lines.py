from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.clock import ManualClock
from trigger_box.cli import dev_lines
from trigger_box.cli.console import Console
from trigger_box.cli.dev_index import Standing
from trigger_box.cli.dev_lines import DevLines, duration
from trigger_box.cli.environment import read_variables
from trigger_box.worker.discovery import Problem
from trigger_box.worker.reports import (
    AttemptFailed,
    AttemptStarted,
    LinePrinted,
    RunStopped,
    RunSucceeded,
    TroubleSeen,
)

EVENTS = (
    AttemptStarted(run_id="run_1", task_id="hello", attempt=1, version="20260131.1"),
    AttemptStarted(run_id="run_1", task_id="hello", attempt=2, version="20260131.1"),
    RunSucceeded(run_id="run_1", task_id="hello", attempt=1, duration_ms=12.3),
    AttemptFailed(
        run_id="run_1",
        task_id="hello",
        attempt=1,
        duration_ms=5,
        message="ValueError: oops\nagain",
        retry_delay_ms=2_000,
    ),
    AttemptFailed(
        run_id="run_1",
        task_id="hello",
        attempt=3,
        duration_ms=5,
        message="ValueError: oops",
        retry_delay_ms=None,
        stack='Traceback (most recent call last):\n  File "/p/tasks/a.py", line 3, in hello\n'
        '    oops()\n  File "/usr/lib/python3/json.py", line 9, in oops\n    raise',
    ),
    RunStopped(run_id="run_1", task_id="hello", attempt=1, reason="cancelled"),
    LinePrinted(
        run_id="run_0123456789",
        task_id="hello",
        level="info",
        text="doing \x1b[2Jit",
        attributes={"size": 3, "code": "a.py:1"},
    ),
    TroubleSeen(message="the box is away"),
)


def printed(capsys: pytest.CaptureFixture[str], *, as_json: bool, shows_logs: bool = True) -> str:
    variables = read_variables({"HOME": "/", "NO_COLOR": "1"})
    lines = DevLines(Console(variables, as_json=as_json), ManualClock(), shows_logs=shows_logs)
    lines.run_url = "http://box/runs/"
    lines.folder = Path("/p")
    for event in EVENTS:
        lines.report(event)
    lines.ready(version="20260131.2", task_ids=["a", "b"], seconds=0.42)
    lines.broken(
        [
            Problem(
                file="tasks/a.py",
                line=3,
                message="KeyError: 'X'",
                advice="Set X.",
                trace="tr\nKeyError: 'X'",
            )
        ],
        "Still running the version before.",
    )
    lines.slow(Standing(file="tasks/a.py", place="helper.py:2"))
    lines.close()
    return capsys.readouterr().out


def test_each_thing_that_happens_is_one_line_with_a_link(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = [line[9:] for line in printed(capsys, as_json=False).splitlines()[:8]]

    assert out == [
        "○ hello  started  http://box/runs/run_1",
        "○ hello  attempt 2 started  http://box/runs/run_1",
        "✓ hello  ok 12 ms  http://box/runs/run_1",
        "✗ hello  failed attempt 1, retry in 2.0 s: ValueError: oops again  http://box/runs/run_1",
        "✗ hello  failed, ValueError: oops  tasks/a.py:3  http://box/runs/run_1",
        "■ hello  cancelled  http://box/runs/run_1",
        "│ hello …456789  doing \ufffd[2Jit size=3",
        "! the box is away",
    ]


def test_a_broken_project_is_told_with_place_trace_and_advice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = printed(capsys, as_json=False)

    assert "✓ version 20260131.2: 2 tasks in 0.42 s  a, b" in out
    assert "… still importing helper.py:2; a save starts anew, after 120 s" in out
    assert "✗ tasks/a.py:3  KeyError: 'X'\n  tr\n  → Set X.\n! Still running" in out


def test_with_json_each_line_is_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    events = [json.loads(line) for line in printed(capsys, as_json=True).splitlines()]

    assert [event["event"] for event in events] == [
        "run.started",
        "run.started",
        "run.succeeded",
        "attempt.failed",
        "attempt.failed",
        "run.stopped",
        "log",
        "trouble",
        "version.ready",
        "project.broken",
        "import.slow",
    ]
    assert events[2]["durationMs"] == 12.3
    assert events[3]["retryDelayMs"] == 2_000
    assert (events[3]["place"], events[4]["place"]) == (None, "tasks/a.py:3")
    assert events[0]["at"] == ManualClock().now_ms()
    assert events[9]["problems"][0]["line"] == 3


def test_logs_can_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert "doing" not in printed(capsys, as_json=False, shows_logs=False)


def test_a_terminal_that_does_not_take_lines_never_holds_up_the_worker(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev_lines, "_LINES_WAITING_MAX", 10)
    variables = read_variables({"HOME": "/", "NO_COLOR": "1"})
    lines = DevLines(Console(variables, as_json=False), ManualClock(), shows_logs=True)

    for number in range(1_000):
        lines.trouble(f"line {number}")
    lines.close()

    out = capsys.readouterr().out
    assert "lines were dropped" in out
    assert len(out.splitlines()) < 1_000


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0.2, "<1 ms"),
        (12.4, "12 ms"),
        (999.4, "999 ms"),
        (3_400, "3.4 s"),
        (125_000, "2 min 5 s"),
        (3_720_000, "1 h 2 min"),
    ],
)
def test_durations_are_readable(milliseconds: float, text: str) -> None:
    assert duration(milliseconds) == text
