"""``trigger-box tasks``: what can be triggered, and triggering it."""

from __future__ import annotations

import difflib
import json
import sys
from pathlib import Path
from typing import Any, Final

import click

from trigger_box.cli.api import Api, segment
from trigger_box.cli.console import Cell, Console
from trigger_box.cli.environment import read_variables
from trigger_box.cli.exits import CliError, Exit
from trigger_box.cli.options import environment_options, with_console
from trigger_box.cli.run_report import is_dev_connected, report_wait
from trigger_box.cli.target import EnvironmentTarget, find_environment

_CLOSE_ENOUGH: Final = 0.4
_PAYLOAD_BYTES_MAX: Final = 16 * 1024 * 1024
_LONG: Final = {"stg": "staging"}


@click.group()
def tasks() -> None:
    """List tasks, trigger runs."""


@tasks.command("list")
@environment_options
@with_console
def list_tasks(console: Console, **where: Any) -> int:  # noqa: ANN401 - passed on
    """List the tasks of the environment's current version."""
    target = find_environment(read_variables(), start=Path.cwd(), warn=console.warn, **where)
    worker = _current_worker(target)
    if worker is None:
        raise CliError(
            f"No version of this project is known in {target.slug}.",
            hint="trigger-box dev" if target.slug == "dev" else "Deploy one first.",
            code=Exit.NOT_FOUND,
        )
    found: list[dict[str, Any]] = worker["tasks"]
    rows = [[Cell(task["slug"], "bold"), task["filePath"]] for task in found]
    if not console.as_json:
        count = "1 task" if len(found) == 1 else f"{len(found)} tasks"
        console.note(f"Version {worker['version']} in {target.slug}, {count}")
    console.result(worker, console.table(["task", "file"], rows))
    return Exit.OK


@tasks.command()
@click.argument("task_id", metavar="TASK")
@click.option("--payload", metavar="JSON", help="JSON text, @FILE, or - for stdin.")
@click.option("--wait", "waits", is_flag=True, help="Wait for the end; print the output.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0),
    metavar="S",
    help="With --wait: give up waiting after S seconds (exit code 8); the run goes on.",
)
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A label; may be repeated.")
@click.option("--delay", metavar="WHEN", help="Such as 10m, or an ISO date.")
@click.option("--ttl", metavar="T", help="Give up if it has not begun after this: 1h.")
@click.option("--queue", metavar="NAME", help="Another queue than the task's own.")
@click.option("--concurrency-key", metavar="KEY", help="Such as a customer: limits count per key.")
@click.option("--idempotency-key", metavar="KEY", help="A second call with it makes no new run.")
@click.option("--max-attempts", type=click.IntRange(1), metavar="N", help="Tries before it fails.")
@click.option("--priority", type=float, metavar="S", help="Seconds ahead of others in its queue.")
@click.option("--machine", metavar="PRESET", help="Such as small-1x.")
@click.option("--version", "locked_version", metavar="V", help="Run this version: 20260131.1.")
@click.option("--test", "is_test", is_flag=True, help="Mark it as a test run.")
@environment_options
@with_console
def trigger(  # noqa: PLR0913 - its options
    console: Console,
    *,
    task_id: str,
    payload: str | None,
    waits: bool,
    timeout_s: float | None,
    tags: tuple[str, ...],
    locked_version: str | None,
    is_test: bool,
    delay: str | None,
    ttl: str | None,
    queue: str | None,
    concurrency_key: str | None,
    idempotency_key: str | None,
    max_attempts: int | None,
    priority: float | None,
    machine: str | None,
    **where: Any,  # noqa: ANN401 - passed on
) -> int:
    """Trigger a run of TASK and print its id; with --wait, its output.

    With --wait the command fails (exit code 7) if the run does. Without --timeout it waits as long
    as it takes, and says why a run has not begun, or which page says it.
    """
    value = read_payload(payload)
    options = {
        "tags": list(tags) or None,
        "delay": delay,
        "ttl": ttl,
        "queue": None if queue is None else {"name": queue},
        "concurrencyKey": concurrency_key,
        "idempotencyKey": idempotency_key,
        "maxAttempts": max_attempts,
        "priority": priority,
        "machine": machine,
        "lockToVersion": locked_version,
        "test": True if is_test else None,
    }
    target = find_environment(read_variables(), start=Path.cwd(), warn=console.warn, **where)
    body: dict[str, Any] = {"options": {k: v for k, v in options.items() if v is not None}}
    if payload is not None:
        body["payload"] = value
    with target.api() as api:
        run: dict[str, Any] = api.post(f"/api/v1/tasks/{segment(task_id)}/trigger", body)
        _warn(console, target, task_id)
        if waits:
            return report_wait(console, api, target, run["id"], timeout_s=timeout_s)
    url = target.run_url(run["id"])
    console.result({**run, "url": url}, run["id"])
    if not console.as_json:
        again = " (the key was used before: no new run)" if run.get("isCached") else ""
        console.note(f"{console.mark(url, 'cyan')}{again}")
    return Exit.OK


def read_payload(text: str | None) -> Any:  # noqa: ANN401 - any JSON
    """Return the JSON value given as text, ``@FILE`` or ``-``.

    Raises:
        CliError: it can't be read, or is not JSON.
    """
    if text is None:
        return None
    origin, content = _read(text)
    try:
        return json.loads(content, parse_constant=_refuse)
    except ValueError as error:
        raise CliError(
            f"The payload ({origin}) is not JSON: {error}.",
            hint="""Quote it for the shell: --payload '{"name": "Ada"}', --payload '"text"'.""",
            code=Exit.USAGE,
        ) from error


def _read(text: str) -> tuple[str, str]:
    """Return where a payload comes from, and its text."""
    if text == "-":
        return "stdin", sys.stdin.read(_PAYLOAD_BYTES_MAX)
    if not text.startswith("@"):
        return "--payload", text
    file = text[1:]
    try:
        return file, Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"{file} can't be read: {error}.", code=Exit.USAGE) from error


def _refuse(constant: str) -> Any:  # noqa: ANN401 - never returns
    raise ValueError(f"{constant} does not exist in JSON")


def _warn(console: Console, target: EnvironmentTarget, task_id: str) -> None:
    """Say why the run may not begin, where one can know."""
    if target.sign_in is None:
        return
    worker = _current_worker(target)
    known = [task["slug"] for task in worker["tasks"]] if worker is not None else []
    if worker is not None and task_id not in known:
        close = difflib.get_close_matches(task_id, known, n=1, cutoff=_CLOSE_ENOUGH)
        console.warn(
            f"Version {worker['version']} has no task {task_id!r}: the run waits for one that has."
            + (f" Did you mean {close[0]!r}?" if close else "")
        )
    elif target.slug == "dev" and not is_dev_connected(target):
        console.warn("No worker is connected: the run waits until `trigger-box dev` runs.")


def _current_worker(target: EnvironmentTarget) -> dict[str, Any] | None:
    """Return the version new runs go to, None if there is none yet."""
    if target.sign_in is None or target.project_ref is None:
        raise CliError(
            "Tasks are listed for people: a secret key can't do that.",
            hint="trigger-box login, or set TRIGGER_ACCESS_TOKEN.",
            code=Exit.NOT_SIGNED_IN,
        )
    slug = _LONG.get(target.slug, target.slug)
    path = f"/api/v1/projects/{segment(target.project_ref)}/{slug}/workers/current"
    with target.sign_in.api() as api:
        return _worker_at(api, path)


def _worker_at(api: Api, path: str) -> dict[str, Any] | None:
    try:
        worker: dict[str, Any] = api.get(path)["worker"]
    except CliError as error:
        if error.code is Exit.NOT_FOUND:
            return None
        raise
    return worker
