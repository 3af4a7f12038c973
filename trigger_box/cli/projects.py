"""``trigger-box projects``: create and list."""

from __future__ import annotations

from typing import Any, Final

import click

from trigger_box.cli.admin import data_dir_option
from trigger_box.cli.api import Api, segment
from trigger_box.cli.console import Cell, Console
from trigger_box.cli.environment import read_variables
from trigger_box.cli.exits import CliError, Exit
from trigger_box.cli.options import profile_options, with_console
from trigger_box.cli.owner import data_folder, owner_of
from trigger_box.cli.target import find_sign_in

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
    --profile or -a, it asks the box as whoever is signed in.
    """
    is_remote = profile is not None or api_url is not None
    folder = data_folder(data_dir)
    if not is_remote and (data_dir is not None or folder.database.exists()):
        owner = owner_of(folder, may_create=False)
        made = owner.create_project(name=name, email=email)
    else:
        sign_in = find_sign_in(read_variables(), profile=profile, api_url=api_url)
        with sign_in.api() as api:
            made = create_remotely(api, name=name)
    keys: dict[str, str] = made["keys"]
    facts = [("project", Cell(f"{made['name']}", "bold")), ("ref", made["ref"])]
    facts += [(f"{slug} key", keys[slug]) for slug in _SLUGS if slug in keys]
    console.result({"ref": made["ref"], "keys": keys}, console.facts(facts))


@projects.command("list")
@profile_options
@with_console
def list_projects(console: Console, *, profile: str | None, api_url: str | None) -> None:
    """List the projects you can see."""
    sign_in = find_sign_in(read_variables(), profile=profile, api_url=api_url)
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
