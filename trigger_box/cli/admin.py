"""``trigger-box admin``: accounts and tokens, on the word of whoever owns the data folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

import click

from trigger_box.cli.console import Console
from trigger_box.cli.exits import CliError, Exit
from trigger_box.cli.options import with_console
from trigger_box.cli.owner import data_folder, owner_of

P = ParamSpec("P")
R = TypeVar("R")

_PASSWORD_CHARACTERS_MAX: Final = 4_096


def data_dir_option(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command ``--data-dir``."""
    return click.option(
        "--data-dir", metavar="FOLDER", help="The box's folder. Default: as `serve` has it."
    )(command)


@click.group()
def admin() -> None:
    """Accounts and tokens, for the box's owner.

    Works on a running or a stopped box, as the user who runs it.
    """


@admin.command()
@click.option("--email", required=True, metavar="E", help="The account's e-mail address.")
@click.option("--name", metavar="N", help="The person's name.")
@click.option("--password-stdin", is_flag=True, help="Read the password from stdin.")
@data_dir_option
@with_console
def create(
    console: Console, *, email: str, name: str | None, password_stdin: bool, data_dir: str | None
) -> None:
    """Make an administrator, or give one a new password.

    The first one claims the box. Without a password the account can't sign in to the dashboard; it
    can have access tokens all the same.
    """
    password = _read_password(console, from_stdin=password_stdin)
    owner = owner_of(data_folder(data_dir), may_create=True)
    made = owner.put_admin(email=email, name=name, password=password)
    if made["created"]:
        console.success(f"{made['email']} is an administrator.")
        if password is None:
            console.warn(
                "The account has no password. To sign in to the dashboard, give it one: "
                f"trigger-box admin create --email {made['email']} --password-stdin"
            )
    elif password is not None:
        console.success(f"{made['email']} has a new password and is signed out everywhere.")
    else:
        console.note(f"{made['email']} is an administrator already: nothing changed.")
    if console.as_json:
        console.result(made)


@admin.command()
@click.option("--email", required=True, metavar="E", help="Whose token it is.")
@click.option("--name", required=True, metavar="N", help="What it is for.")
@data_dir_option
@with_console
def token(console: Console, *, email: str, name: str, data_dir: str | None) -> None:
    """Make a personal access token. It is shown this once."""
    owner = owner_of(data_folder(data_dir), may_create=False)
    made = owner.create_token(email=email, name=name)
    console.result(made, made["token"])
    if not console.as_json:
        console.note("It is not shown again. Scripts take it as TRIGGER_ACCESS_TOKEN.")


@admin.command("claim-link")
@data_dir_option
@with_console
def claim_link(console: Console, *, data_dir: str | None) -> None:
    """Print a new claim link of a running box. The one before stops working."""
    link = owner_of(data_folder(data_dir), may_create=False).claim_link()
    if link is None:
        raise CliError(
            "This box has an owner already.",
            hint="trigger-box admin create --email … makes another account.",
            code=Exit.REFUSED,
        )
    console.result({"link": link}, link)


def _read_password(console: Console, *, from_stdin: bool) -> str | None:
    if from_stdin:
        password = sys.stdin.readline(_PASSWORD_CHARACTERS_MAX).rstrip("\r\n")
        if not password:
            raise CliError("--password-stdin: nothing came on stdin.", code=Exit.USAGE)
        return password
    if not console.is_interactive:
        return None
    return click.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True)
