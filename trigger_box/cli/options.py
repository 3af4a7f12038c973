"""What commands have in common: shared options, and the console each of them gets."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from trigger_box.cli.console import Console
from trigger_box.cli.environment import read_variables
from trigger_box.cli.target import ENVIRONMENTS

P = ParamSpec("P")
R = TypeVar("R")


def with_console(command: Callable[Concatenate[Console, P], R]) -> Callable[..., R]:
    """Give a command ``--json`` and, as its first argument, the console to write to."""

    @click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
    @functools.wraps(command)
    def with_json(*args: Any, as_json: bool, **kwargs: Any) -> R:  # noqa: ANN401 - passed on
        console = Console(read_variables(), as_json=as_json)
        return command(console, *args, **kwargs)

    return with_json


def profile_options(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command ``--profile`` and ``-a``."""
    command = click.option(
        "-a", "--api-url", metavar="URL", help="The box, where no profile or variable says it."
    )(command)
    return click.option(
        "--profile", metavar="NAME", help="Use this profile instead of the current."
    )(command)


def environment_options(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command ``--profile``, ``-a``, ``--project-ref`` and ``--env``."""
    command = profile_options(command)
    command = click.option(
        "-e",
        "--env",
        "slug",
        type=click.Choice(ENVIRONMENTS),
        help="The environment. Default: dev, or the one of TRIGGER_SECRET_KEY.",
    )(command)
    return click.option(
        "-p",
        "--project-ref",
        metavar="REF",
        help="The project, instead of the one in trigger.config.py.",
    )(command)
