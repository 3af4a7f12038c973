"""``trigger-box init``: makes a folder a project of the box."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from trigger_box.cli import scaffold
from trigger_box.cli.api import Api, segment
from trigger_box.cli.console import Console
from trigger_box.cli.environment import process_environment, read_variables
from trigger_box.cli.exits import CliError, Exit
from trigger_box.cli.options import profile_options, with_console
from trigger_box.cli.projects import create_remotely
from trigger_box.cli.target import find_sign_in

_TRY: Final = """trigger-box tasks trigger hello-world --payload '{"name": "Ada"}' --wait"""
_CHOICES_MAX: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    ref: str
    name: str
    is_new: bool


@click.command()
@click.option("-p", "--project-ref", metavar="REF", help="Use this project of the box.")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing.")
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@profile_options
@with_console
def init(  # noqa: PLR0913 - its options
    console: Console,
    *,
    project_ref: str | None,
    yes: bool,
    folder: Path | None,
    profile: str | None,
    api_url: str | None,
) -> None:
    """Set up a Python project in this folder (or FOLDER): configuration, example task, its test.

    The box's project is the one you choose; with -y the one named like the folder, made if need be.
    Files that are there already are left alone.
    """
    variables = read_variables()
    place = (folder or Path.cwd()).resolve()
    if (place / scaffold.CONFIG_FILE).exists():
        raise CliError(
            f"{place / scaffold.CONFIG_FILE} is there already: this folder is set up.",
            hint="trigger-box dev",
            code=Exit.REFUSED,
        )
    wanted = project_ref or variables.project_ref
    sign_in = find_sign_in(variables, profile=profile, api_url=api_url, warn=console.warn)
    with sign_in.api() as api:
        if wanted is not None:
            chosen = _existing(api, wanted)
        else:
            asks = console.is_interactive and not yes
            chosen = _choose(console, api, place.name, asks=asks)
        written = scaffold.write_files(place, project_ref=chosen.ref, project_name=chosen.name)
        api.post(f"/api/v1/projects/{segment(chosen.ref)}/init")
    steps = scaffold.install_steps(
        place, process_environment(), is_frozen=bool(getattr(sys, "frozen", False))
    )
    if console.as_json:
        value = {
            "project": {"ref": chosen.ref, "name": chosen.name, "created": chosen.is_new},
            "files": [name for name, is_new in written.items() if is_new],
            "kept": [name for name, is_new in written.items() if not is_new],
            "tool": scaffold.tool_of(place).name,
            "install": steps,
        }
        console.result(value)
        return
    made = "Made project" if chosen.is_new else "Using project"
    console.success(f"{made} {chosen.name} ({chosen.ref}).")
    for name, is_new in written.items():
        console.note(f"  {'wrote' if is_new else 'kept '}  {name}")
    console.note()
    console.note("Next:")
    prefix = [f"cd {folder}"] if folder is not None else []
    for step in [*prefix, *steps, "trigger-box dev", _TRY]:
        console.note(f"  {console.mark(step, 'cyan')}")


def _existing(api: Api, ref: str) -> _Chosen:
    project = api.get(f"/api/v1/projects/{segment(ref)}")
    return _Chosen(ref=project["externalRef"], name=project["name"], is_new=False)


def _choose(console: Console, api: Api, folder_name: str, *, asks: bool) -> _Chosen:
    """Return the project for a folder: one named like it, one the person picks, or a new one."""
    projects: list[dict[str, Any]] = api.get("/api/v1/projects")
    name = folder_name or "My project"
    alike = next((p for p in projects if p["name"] == name), None)
    if not asks:
        return (
            _new(api, name)
            if alike is None
            else _Chosen(ref=alike["externalRef"], name=alike["name"], is_new=False)
        )
    shown = projects[:_CHOICES_MAX]
    for number, project in enumerate(shown, start=1):
        console.note(
            f"  {number}  {project['name']}  {console.mark(project['externalRef'], 'dim')}"
        )
    console.note(f"  {len(shown) + 1}  a new project")
    default = len(shown) + 1 if alike is None else projects.index(alike) + 1
    number: int = click.prompt(
        "Which project", type=click.IntRange(1, len(shown) + 1), default=default, err=True
    )
    if number <= len(shown):
        return _Chosen(
            ref=shown[number - 1]["externalRef"], name=shown[number - 1]["name"], is_new=False
        )
    return _new(api, click.prompt("Its name", default=name, err=True))


def _new(api: Api, name: str) -> _Chosen:
    made = create_remotely(api, name=name)
    return _Chosen(ref=made["ref"], name=made["name"], is_new=True)
