"""Which Python interpreter runs a project's tasks under ``dev``."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from trigger_box.cli.installing import new_environment_commands

_PLACES: Final = ("bin/python", "Scripts/python.exe")


class PythonNotFoundError(Exception):
    """There is no interpreter for the project; the message says what to do."""


def find_python(
    folder: Path, *, asked: str | None, environment: Mapping[str, str], is_frozen: bool
) -> str:
    """Return the interpreter for a project: the one asked for, its virtual environment's, ours.

    Args:
        asked: ``--python``.
        is_frozen: this program is the packed binary, which is no interpreter itself.

    Raises:
        PythonNotFoundError: there is none.
    """
    if asked is not None:
        found = shutil.which(asked, path=environment.get("PATH"))
        if found is None:
            raise PythonNotFoundError(f"--python {asked}: there is no such program.")
        return found
    found = environment_python(folder, environment)
    if found is not None:
        return found
    if not is_frozen:
        return sys.executable
    for name in ("python3", "python"):
        found = shutil.which(name, path=environment.get("PATH"))
        if found is not None:
            return found
    commands = " && ".join(new_environment_commands(environment))
    raise PythonNotFoundError(
        "No Python was found for the project: make a virtual environment in its folder "
        f"(`{commands}`), or name one with --python."
    )


def environment_python(folder: Path, environment: Mapping[str, str]) -> str | None:
    """Return the interpreter of the virtual environment that is active or the project's, if any."""
    homes = [Path(home)] if (home := environment.get("VIRTUAL_ENV")) else []
    for program in (home / name for home in [*homes, *_near(folder)] for name in _PLACES):
        if program.is_file():
            return str(program)
    return None


def _near(folder: Path) -> Iterator[Path]:
    """Yield where virtual environments of a project usually are, up to its repository's root.

    What is found is executed: outside a repository no other folder is searched, and above the
    project only what belongs to its owner, or to root, is taken.
    """
    above = _up_to_the_repository(folder)
    places = [folder, *above]
    # A new project's own folder may not be there yet.
    owners = {next((place.stat().st_uid for place in places if place.exists()), 0), 0}
    for place in places:
        for home in (place / ".venv", place / "venv"):
            if place == folder or (home.is_dir() and home.stat().st_uid in owners):
                yield home


def _up_to_the_repository(folder: Path) -> list[Path]:
    """Return the folders above a project that are in its repository; none if it is in none."""
    places = [folder, *folder.parents]
    for depth, place in enumerate(places):
        if (place / ".git").exists():
            return places[1 : depth + 1]
    return []
