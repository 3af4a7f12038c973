"""``trigger-box profiles``: where one is signed in, and which of it is in use."""

from __future__ import annotations

import click

from trigger_box.cli.console import Cell, Console
from trigger_box.cli.environment import read_variables
from trigger_box.cli.options import with_console
from trigger_box.cli.profiles import Profiles


@click.group()
def profiles() -> None:
    """List and switch profiles: one for each box and account."""


@profiles.command("list")
@with_console
def list_profiles(console: Console) -> None:
    """List the profiles; a star marks the one in use."""
    variables = read_variables()
    known = Profiles.of(variables)
    if variables.access_token is not None:
        console.warn("TRIGGER_ACCESS_TOKEN is set: it wins over every profile.")
    found, current = known.all(), known.current
    value = [
        {
            "name": profile.name,
            "apiUrl": profile.api_url,
            "isSignedIn": profile.access_token is not None,
            "isCurrent": profile.name == current,
        }
        for profile in found
    ]
    if not found and not console.as_json:
        console.note("No profiles yet. `trigger-box login` makes one.")
        return
    rows = [
        [
            Cell("*", "green") if profile.name == current else "",
            profile.name,
            profile.api_url or "",
            "signed in" if profile.access_token is not None else Cell("signed out", "dim"),
        ]
        for profile in found
    ]
    console.result(value, console.table(["", "profile", "box", ""], rows))


@profiles.command()
@click.argument("name")
@with_console
def switch(console: Console, *, name: str) -> None:
    """Use a profile from now on."""
    Profiles.of(read_variables()).switch(name)
    console.success(f"Profile {name} is in use now.")
    if console.as_json:
        console.result({"profile": name})


@profiles.command()
@click.argument("name")
@with_console
def remove(console: Console, *, name: str) -> None:
    """Remove a profile with its token."""
    Profiles.of(read_variables()).remove(name)
    console.success(f"Profile {name} is removed.")
    if console.as_json:
        console.result({"profile": name})
