"""Telling people how a run goes that a command waits for."""

from __future__ import annotations

from typing import Any

from trigger_box.cli.api import Api, segment
from trigger_box.cli.console import Console
from trigger_box.cli.exits import Exit
from trigger_box.cli.run_view import (
    duration_of,
    error_text,
    local,
    log_line,
    status_cell,
    value_text,
)
from trigger_box.cli.target import EnvironmentTarget
from trigger_box.cli.watching import Changed, Kept, Logged, exit_of_run, follow


def report_wait(
    console: Console,
    api: Api,
    target: EnvironmentTarget,
    run_id: str,
    *,
    timeout_s: float | None,
) -> Exit:
    """Wait for a run's end; print its output, or why it failed. Return how the command ends."""
    url = target.run_url(run_id)
    console.note(f"{run_id}  {console.mark(url, 'cyan')}")
    run: dict[str, Any] = {}
    again = target.watch_command(run_id)
    for happening in follow(api, run_id, with_logs=False, timeout_s=timeout_s, again=again):
        if isinstance(happening, Changed):
            run = happening.run
            console.note(f"  {status_words(console, run)}")
        elif isinstance(happening, Kept):
            report_kept(console, happening, target)
    if console.as_json:
        console.result({**run, "url": url})
    elif run["isSuccess"]:
        console.result(None, value_text(run.get("output")) if "output" in run else None)
    elif "error" in run:
        console.note(error_text(console, run["error"]))
    return exit_of_run(run)


def report_life(
    console: Console,
    target: EnvironmentTarget,
    run_id: str,
    *,
    with_status: bool,
    timeout_s: float | None,
) -> Exit:
    """Print a run's log lines, and with ``with_status`` its changes, until it ends."""
    run: dict[str, Any] = {}
    again = target.watch_command(run_id)
    with target.api() as api:
        for happening in follow(api, run_id, with_logs=True, timeout_s=timeout_s, again=again):
            if isinstance(happening, Kept):
                report_kept(console, happening, target)
                continue
            if isinstance(happening, Logged):
                console.line(happening.event, log_line(console, happening.event))
                continue
            run = happening.run
            if with_status and console.as_json:
                console.line({"status": run["status"], "run": run}, "")
            elif with_status:
                console.line(None, status_words(console, run))
    if with_status and not console.as_json:
        if run["isSuccess"] and "output" in run:
            console.result(None, value_text(run["output"]))
        elif "error" in run:
            console.result(None, error_text(console, run["error"]))
    return exit_of_run(run) if with_status else Exit.OK


def report_kept(console: Console, kept: Kept, target: EnvironmentTarget) -> None:
    """Say that a run still waits, why as far as one can know, and how to stop waiting for it."""
    run = kept.run
    if run["status"] == "DELAYED" and run.get("delayedUntil"):
        why = f"it is delayed until {local(run['delayedUntil'])}"
    elif target.sign_in is not None and target.slug == "dev" and not is_dev_connected(target):
        why = "no worker is connected: start one with `trigger-box dev`"
    else:
        why = f"its page says why: {target.run_url(run['id'])}"
    console.warn(
        f"{run['status']} for {kept.seconds:.0f}s; {why}. Ctrl-C or --timeout ends only this wait."
    )


def is_dev_connected(target: EnvironmentTarget) -> bool:
    """Return whether a worker is connected in one's own development environment.

    Only a person may ask: ``target`` must come from a sign-in.
    """
    assert target.sign_in is not None, "a secret key can't ask for this"
    with target.sign_in.api() as api:
        answer = api.get(f"/api/v1/projects/{segment(target.project_ref or '')}/dev-status")
    return bool(answer["isConnected"])


def status_words(console: Console, run: dict[str, Any]) -> str:
    """Return a run's status, and how long it took when it has ended."""
    cell = status_cell(run["status"])
    took = duration_of(run) if run["isCompleted"] else ""
    word = console.mark(cell.text, cell.style or "bold")
    return f"{word} {console.mark(took, 'dim')}".rstrip() if took else word
