"""``trigger-box dev``: run a project's tasks on this machine, reload when files are saved."""

from __future__ import annotations

from pathlib import Path

import click

from trigger_box.cli.console import Console
from trigger_box.cli.environment import read_variables
from trigger_box.cli.options import profile_options, with_console

_INSPECT_PORT = 5678


@click.command("dev")
@click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default="."
)
@profile_options
@click.option("-p", "--project-ref", metavar="REF", help="The project, instead of the config's.")
@click.option(
    "-b",
    "--branch",
    metavar="NAME",
    envvar="TRIGGER_DEV_BRANCH",
    help="Run on a branch of your development environment. Also TRIGGER_DEV_BRANCH.",
)
@click.option(
    "--env-file",
    type=click.Path(path_type=Path),
    help="Read variables from this file instead of .env, .env.development, .env.local, …",
)
@click.option(
    "--max-concurrent-runs",
    "runs_max",
    type=click.IntRange(min=1),
    metavar="N",
    help="The most runs at once; the box may allow fewer.",
)
@click.option(
    "--inspect",
    "is_inspecting",
    is_flag=True,
    help=f"Each run waits until a debugger is attached (debugpy, port {_INSPECT_PORT}).",
)
@click.option(
    "--inspect-port",
    type=click.IntRange(1, 65_535),
    default=_INSPECT_PORT,
    show_default=True,
    help="Where --inspect listens.",
)
@click.option(
    "--python",
    metavar="PROGRAM",
    help="The interpreter of your tasks. Default: the project's virtual environment.",
)
@click.option("--logs/--no-logs", "shows_logs", default=True, help="Print what tasks log, too.")
@click.option("--watchdog", type=int, nargs=2, hidden=True)
@with_console
def dev(  # noqa: PLR0913 - one parameter an option
    console: Console,
    *,
    folder: Path,
    profile: str | None,
    api_url: str | None,
    project_ref: str | None,
    branch: str | None,
    env_file: Path | None,
    runs_max: int | None,
    is_inspecting: bool,
    inspect_port: int,
    python: str | None,
    shows_logs: bool,
    watchdog: tuple[int, int] | None,
) -> int:
    """Run the tasks of the project in FOLDER here, and reload them when you save a file.

    Runs that are triggered in your development environment execute on this machine. A project
    that cannot be imported does not end this: it says what is wrong, where, and waits for the next
    save. Ctrl-C ends it and cancels the runs in flight.
    """
    if watchdog is not None:
        from trigger_box.worker.watchdog import watch  # noqa: PLC0415 - another program in effect

        watch(*watchdog)
        return 0
    import asyncio  # noqa: PLC0415 - `--help` does without

    from trigger_box.cli.dev_session import DevOptions, DevSession  # noqa: PLC0415 - as above

    options = DevOptions(
        start=folder,
        project_ref=project_ref,
        profile=profile,
        api_url=api_url,
        branch=None if branch in {None, "", "default"} else branch,
        env_file=env_file,
        python=python,
        runs_max=runs_max,
        inspect_port=inspect_port if is_inspecting else None,
        shows_logs=shows_logs,
    )

    async def run() -> int:
        return await DevSession(options, console, read_variables()).run()

    return asyncio.run(run())
