"""``trigger-box serve``: runs the box in this process until it is told to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from trigger_box.cli.console import Console
from trigger_box.cli.exits import CliError, Exit
from trigger_box.cli.options import with_console

if TYPE_CHECKING:
    from trigger_box.app import Ready


@click.command()
@click.option("--data-dir", metavar="FOLDER", help="Where the box keeps everything.")
@click.option("--host", metavar="ADDRESS", help="Address to listen on. Default: 127.0.0.1.")
@click.option("--port", type=int, metavar="N", help="Port; 0 takes a free one. Default: 3030.")
@click.option("--public-url", metavar="URL", help="How others reach it: https://tasks.example.com.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="The least important line to write. Default: info.",
)
@click.option(
    "--log-format",
    type=click.Choice(["auto", "console", "json"]),
    help="For people, for machines, or by where stderr goes.",
)
@click.option("--config", metavar="FILE", help="Settings file. Default: box.toml in the folder.")
@with_console
def serve(console: Console, **flags: object) -> None:
    """Run the box.

    Prints `ready http://HOST:PORT` on stdout once requests are answered and, until the box has an
    owner, `claim URL`: open that link to make the first account. Log lines go to stderr. Ctrl-C or
    SIGTERM stops it in order.

    Every option can also be a TRIGGER_BOX_… variable or a line in the settings file:
    `trigger-box config show --origin` tells what holds and why.
    """
    from trigger_box.settings import Settings, SettingsError  # noqa: PLC0415 - late

    try:
        settings = Settings.load(flags)
    except SettingsError as error:
        raise CliError(str(error), code=Exit.USAGE) from error

    import uvloop  # noqa: PLC0415 - only the box itself needs it

    from trigger_box import app  # noqa: PLC0415 - the whole server

    uvloop.run(app.serve(settings, on_ready=lambda ready: announce(console, ready)))


def announce(console: Console, ready: Ready) -> None:
    """Say that the box answers, and how to claim it."""
    if console.as_json:
        console.line({"ready": ready.origin, "claim": ready.claim_link}, "")
        return
    console.result(None, f"ready {ready.origin}")
    if ready.claim_link is not None:
        console.result(None, f"claim {ready.claim_link}")
        console.note("This box has no owner yet: open the claim link to make the first account.")
