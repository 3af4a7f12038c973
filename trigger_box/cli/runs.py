"""``trigger-box runs``: list, get, watch, logs, cancel, replay."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from trigger_box.cli.api import segment
from trigger_box.cli.console import Console
from trigger_box.cli.environment import read_variables
from trigger_box.cli.exits import CliError, Exit
from trigger_box.cli.options import environment_options, with_console
from trigger_box.cli.run_report import report_life, report_wait
from trigger_box.cli.run_view import RUN_TITLES, log_line, run_rows, run_text
from trigger_box.cli.target import EnvironmentTarget, find_environment
from trigger_box.cli.tasks import read_payload
from trigger_box.cli.watching import get_run, log_events
from trigger_box.clock import SystemClock

_STATUSES: Final = (
    "PENDING_VERSION",
    "QUEUED",
    "DEQUEUED",
    "EXECUTING",
    "WAITING",
    "COMPLETED",
    "CANCELED",
    "FAILED",
    "CRASHED",
    "SYSTEM_FAILURE",
    "DELAYED",
    "EXPIRED",
    "TIMED_OUT",
)
_PAGE_SIZE: Final = 20
_PAGE_SIZE_MAX: Final = 100


@click.group()
def runs() -> None:
    """List, watch, cancel and replay runs."""


@runs.command("list")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    metavar="STATUS",
    type=click.Choice(_STATUSES, case_sensitive=False),
    help="Such as FAILED or QUEUED; may be repeated.",
)
@click.option(
    "--task", "task_ids", multiple=True, metavar="TASK", help="Runs of this task; may be repeated."
)
@click.option(
    "--tag", "tags", multiple=True, metavar="TAG", help="Runs with this tag; may be repeated."
)
@click.option("--period", metavar="T", help="Created within this time: 1h, 7d.")
@click.option(
    "--limit",
    type=click.IntRange(1, _PAGE_SIZE_MAX),
    default=_PAGE_SIZE,
    metavar="N",
    show_default=True,
    help="How many.",
)
@click.option("--after", metavar="CURSOR", help="Go on from where an earlier list ended.")
@environment_options
@with_console
def list_runs(  # noqa: PLR0913 - its options
    console: Console,
    *,
    statuses: tuple[str, ...],
    task_ids: tuple[str, ...],
    tags: tuple[str, ...],
    period: str | None,
    limit: int,
    after: str | None,
    **where: Any,  # noqa: ANN401 - passed on
) -> None:
    """List runs, newest first."""
    asked = {
        "page[size]": str(limit),
        "page[after]": after,
        "filter[status]": ",".join(statuses) or None,
        "filter[taskIdentifier]": ",".join(task_ids) or None,
        "filter[tag]": ",".join(tags) or None,
        "filter[createdAt][period]": period,
    }
    target = _target(console, where)
    with target.api() as api:
        page: dict[str, Any] = api.get(
            "/api/v1/runs", params={name: value for name, value in asked.items() if value}
        )
    found: list[dict[str, Any]] = page["data"]
    if not found and not console.as_json:
        console.note(f"No such runs in {target.slug}.")
        return
    console.result(page, console.table(RUN_TITLES, run_rows(found, now=_now())))
    following = page["pagination"].get("next")
    if following and not console.as_json:
        console.note(f"There are more: --after {following}")


@runs.command()
@click.argument("run_id", metavar="RUN")
@environment_options
@with_console
def get(console: Console, *, run_id: str, **where: Any) -> None:  # noqa: ANN401 - passed on
    """Show one run: status, times, payload, output, error."""
    target = _target(console, where)
    with target.api() as api:
        run = get_run(api, run_id)
    url = target.run_url(run_id)
    console.result({**run, "url": url}, run_text(console, run, url=url, now=_now()))


@runs.command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0),
    metavar="S",
    help="Stop watching after S seconds (exit code 8); the run goes on.",
)
@environment_options
@with_console
def watch(
    console: Console,
    *,
    run_id: str,
    timeout_s: float | None,
    **where: Any,  # noqa: ANN401 - passed on
) -> int:
    """Follow a run: each change of status and each log line, until it ends.

    Ends with exit code 7 if the run does not succeed. Ctrl-C only stops watching.
    """
    target = _target(console, where)
    return report_life(console, target, run_id, with_status=True, timeout_s=timeout_s)


@runs.command()
@click.argument("run_id", metavar="RUN")
@click.option("-f", "--follow", "follows", is_flag=True, help="Go on until the run ends.")
@environment_options
@with_console
def logs(
    console: Console,
    *,
    run_id: str,
    follows: bool,
    **where: Any,  # noqa: ANN401 - passed on
) -> int:
    """Print a run's log lines."""
    target = _target(console, where)
    if follows:
        return report_life(console, target, run_id, with_status=False, timeout_s=None)
    with target.api() as api:
        get_run(api, run_id)
        for event in log_events(api, run_id):
            console.line(event, log_line(console, event))
    return Exit.OK


@runs.command()
@click.argument("run_ids", metavar="RUN…", nargs=-1, required=True)
@click.option("-y", "--yes", is_flag=True, help="Accepted for scripts of the npm CLI.")
@environment_options
@with_console
def cancel(
    console: Console,
    *,
    run_ids: tuple[str, ...],
    yes: bool,  # noqa: ARG001 - naming the run is explicit enough
    **where: Any,  # noqa: ANN401 - passed on
) -> int:
    """Cancel runs, with the runs they have started. One that has ended stays as it is."""
    canceled: list[dict[str, Any]] = []
    failed: CliError | None = None
    with _target(console, where).api() as api:
        for run_id in run_ids:
            try:
                before = get_run(api, run_id)
                api.post(f"/api/v2/runs/{segment(run_id)}/cancel")
            except CliError as error:
                console.warn(f"{run_id}: {error.message}")
                failed = error
                continue
            had_ended: bool = before["isCompleted"]
            canceled.append({"id": run_id, "hadEnded": had_ended})
            if had_ended:
                console.note(f"{run_id} had ended already ({before['status']}).")
            else:
                console.success(f"{run_id} is being canceled.")
    console.result(canceled)
    return Exit.OK if failed is None else failed.code


@runs.command()
@click.argument("run_id", metavar="RUN")
@click.option("--payload", metavar="JSON", help="Another payload: JSON text, @FILE, or -.")
@click.option("--wait", "waits", is_flag=True, help="Wait for the end; print the output.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0),
    metavar="S",
    help="With --wait: give up waiting after S seconds (exit code 8); the run goes on.",
)
@environment_options
@with_console
def replay(
    console: Console,
    *,
    run_id: str,
    payload: str | None,
    waits: bool,
    timeout_s: float | None,
    **where: Any,  # noqa: ANN401 - passed on
) -> int:
    """Trigger a run again, with the same payload unless told otherwise; print the new run's id."""
    body = None if payload is None else {"payload": read_payload(payload)}
    target = _target(console, where)
    with target.api() as api:
        get_run(api, run_id)
        made: dict[str, Any] = api.post(f"/api/v1/runs/{segment(run_id)}/replay", body)
        if waits:
            return report_wait(console, api, target, made["id"], timeout_s=timeout_s)
    url = target.run_url(made["id"])
    console.result({**made, "url": url}, made["id"])
    if not console.as_json:
        console.note(console.mark(url, "cyan"))
    return Exit.OK


def _target(console: Console, where: dict[str, Any]) -> EnvironmentTarget:
    return find_environment(read_variables(), start=Path.cwd(), warn=console.warn, **where)


def _now() -> datetime:
    return datetime.fromtimestamp(SystemClock().now_ms() / 1000, tz=UTC)
