"""``trigger-box whoami``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trigger_box.cli.console import Cell, Console
from trigger_box.cli.environment import read_variables
from trigger_box.cli.options import profile_options, with_console
from trigger_box.cli.project import find_ref
from trigger_box.cli.target import find_sign_in


@click.command()
@click.option("-p", "--project-ref", metavar="REF", help="Also say whether you see this project.")
@profile_options
@with_console
def whoami(
    console: Console, *, project_ref: str | None, profile: str | None, api_url: str | None
) -> None:
    """Show who you are, on which box, and in which project."""
    variables = read_variables()
    sign_in = find_sign_in(variables, profile=profile, api_url=api_url, warn=console.warn)
    found = find_ref(project_ref, variables, Path.cwd())
    params = {} if found is None else {"projectRef": found.ref}
    with sign_in.api() as api:
        person: dict[str, Any] = api.get("/api/v2/whoami", params=params)
    facts: list[tuple[str, str | Cell]] = [
        ("e-mail", Cell(person["email"], "bold")),
        ("box", sign_in.api_url),
        ("from", sign_in.origin),
    ]
    value = {**person, "apiUrl": sign_in.api_url, "from": sign_in.origin}
    if found is not None:
        project: dict[str, Any] | None = person.get("project")
        value |= {"projectRef": found.ref, "projectFrom": found.origin}
        if project is None:
            problem = f"{found.ref} is not a project you can see ({found.origin})"
            value["projectProblem"] = problem
            facts.append(("project", Cell(problem, "yellow")))
        else:
            facts.append(("project", f"{project['name']} ({found.ref}), {project['orgTitle']}"))
    console.result(value, console.facts(facts))
