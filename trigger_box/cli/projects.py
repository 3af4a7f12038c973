"""``trigger-box projects``: create and list."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import click

from trigger_box.cli.admin import data_dir_option
from trigger_box.cli.api import Api, is_loopback, segment
from trigger_box.cli.console import Cell, Console, one_line
from trigger_box.cli.environment import Variables, read_variables
from trigger_box.cli.exits import CliError, Exit
from trigger_box.cli.options import profile_options, with_console
from trigger_box.cli.owner import data_folder, has_box, owner_of, public_url, running_address
from trigger_box.cli.profiles import Profiles
from trigger_box.cli.target import find_sign_in
from trigger_box.store.folder import DataFolder

_SLUGS: Final = ("dev", "stg", "prod", "preview")
_PATH_SLUGS: Final = {"stg": "staging"}


@click.group()
def projects() -> None:
    """Create and list projects."""


@projects.command()
@click.argument("name")
@click.option("--email", metavar="E", help="Whose project it is. Default: the oldest account's.")
@data_dir_option
@profile_options
@with_console
def create(  # noqa: PLR0913 - its options
    console: Console,
    *,
    name: str,
    email: str | None,
    data_dir: str | None,
    profile: str | None,
    api_url: str | None,
) -> None:
    """Make a project with its four environments; print its ref and their secret keys.

    On the machine of the box this works on its data folder, running or stopped. Elsewhere, or with
    --profile or -a, it asks the box as whoever is signed in. Where you are signed in to another box
    than the one of the data folder, say which is meant.
    """
    variables = read_variables()
    is_remote = profile is not None or api_url is not None
    if is_remote and data_dir is not None:
        raise CliError(
            "--data-dir names the box of a folder, --profile and -a name the one you are signed in "
            "to: use one of them.",
            code=Exit.USAGE,
        )
    folder = data_folder(data_dir)
    if not is_remote and (data_dir is not None or has_box(folder)):
        if data_dir is None:
            _must_be_meant(variables, folder)
        made = owner_of(folder, may_create=False).create_project(name=name, email=email)
        address = running_address(folder)
        box = f"the box in {folder.root}, which is stopped" if address is None else address
    else:
        if email is not None:
            raise CliError(
                "--email is for the box's owner: elsewhere the project is of who is signed in.",
                hint="On the box's machine, name its folder: --data-dir FOLDER.",
                code=Exit.USAGE,
            )
        sign_in = find_sign_in(variables, profile=profile, api_url=api_url, warn=console.warn)
        with sign_in.api() as api:
            made = create_remotely(api, name=name)
        box = sign_in.api_url
    keys: dict[str, str] = made["keys"]
    facts = [("project", Cell(f"{made['name']}", "bold")), ("ref", made["ref"])]
    facts += [(f"{slug} key", keys[slug]) for slug in _SLUGS if slug in keys]
    console.success(f"Made project {one_line(made['name'])} in {box}.")
    console.result({"ref": made["ref"], "keys": keys}, console.facts(facts))


def _must_be_meant(variables: Variables, folder: DataFolder) -> None:
    """Refuse to guess between the box of this machine's folder and another one's address.

    Raises:
        CliError: a variable or the profile in use names another box.
    """
    profile = Profiles.of(variables).get()
    # A profile with a token goes to its own address, unless the variables bring a token, too.
    is_profile = profile.access_token is not None and variables.access_token is None
    if variables.api_url is not None and not is_profile:
        named, origin, remote = variables.api_url, "TRIGGER_API_URL", f"-a {variables.api_url}"
    elif profile.api_url is not None and (is_profile or variables.access_token is not None):
        named, origin = profile.api_url, f"profile {profile.name}"
        remote = f"--profile {profile.name}"
    else:
        return
    address = running_address(folder)
    # Nobody can say which port of this machine a stopped box had.
    is_same = is_loopback(named) if address is None else _place(named) == _place(address)
    if is_same or _place(named) == _place(public_url() or ""):
        return
    here = f"the one in {folder.root}" + ("" if address is None else f" ({address})")
    raise CliError(
        f"Two boxes could be meant: {here}, and {named} ({origin}).",
        hint=f"Say which: --data-dir {folder.root}, or {remote}.",
        code=Exit.USAGE,
    )


def _place(url: str) -> tuple[str, int | None]:
    """Return what is compared of an address: all names of this machine's loopback are one."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return url, None
    is_here = is_loopback(url) or parts.hostname in {"0.0.0.0", "::"}  # noqa: S104 - only compared
    return "loopback" if is_here else parts.hostname or "", port


@projects.command("list")
@profile_options
@with_console
def list_projects(console: Console, *, profile: str | None, api_url: str | None) -> None:
    """List the projects you can see."""
    sign_in = find_sign_in(read_variables(), profile=profile, api_url=api_url, warn=console.warn)
    with sign_in.api() as api:
        found: list[dict[str, Any]] = api.get("/api/v1/projects")
    if not found and not console.as_json:
        console.note("No projects yet. `trigger-box init` makes one for a folder.")
        return
    rows = [
        [project["externalRef"], project["name"], project["organization"]["title"]]
        for project in found
    ]
    console.result(found, console.table(["ref", "name", "organization"], rows))


def create_remotely(api: Api, *, name: str) -> dict[str, Any]:
    """Make a project in the oldest organization of whoever is signed in.

    Raises:
        CliError: the person has no organization, or the box refuses.
    """
    organizations: list[dict[str, Any]] = api.get("/api/v1/orgs")
    if not organizations:
        raise CliError("You are in no organization of this box.", code=Exit.REFUSED)
    path = f"/api/v1/orgs/{segment(organizations[0]['slug'])}/projects"
    project = api.post(path, {"name": name})
    ref = project["externalRef"]
    keys = {
        slug: api.get(f"/api/v1/projects/{ref}/{_PATH_SLUGS.get(slug, slug)}")["apiKey"]
        for slug in _SLUGS
    }
    return {"ref": ref, "name": project["name"], "slug": project["slug"], "keys": keys}
