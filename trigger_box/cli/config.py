"""``trigger-box config``: what the box's settings are, and where each came from."""

from __future__ import annotations

from typing import Any, Final

import click

from trigger_box.cli.admin import data_dir_option
from trigger_box.cli.console import Cell, Console
from trigger_box.cli.exits import CliError, Exit
from trigger_box.cli.options import with_console

_NOT_SET: Final = "not set"


@click.group()
def config() -> None:
    """Show the box's settings."""


@config.command()
@click.option("--origin", "with_origin", is_flag=True, help="Say where each value comes from.")
@click.option("--config", "file", metavar="FILE", help="Settings file, as for `serve`.")
@data_dir_option
@with_console
def show(console: Console, *, with_origin: bool, file: str | None, data_dir: str | None) -> None:
    """Show the settings that `serve` would use here."""
    from trigger_box.settings import SettingsError, load_with_origins  # noqa: PLC0415 - late

    try:
        loaded = load_with_origins({"data_dir": data_dir, "config": file})
    except SettingsError as error:
        raise CliError(str(error), code=Exit.USAGE) from error
    # Dumped as JSON, secrets are masked already.
    values: dict[str, Any] = loaded.settings.model_dump(mode="json")
    if not with_origin:
        shown = [(name, _cell(value)) for name, value in values.items()]
        console.result(values, console.facts(shown))
        return
    facts = {
        name: {"value": value, "origin": loaded.origins[name]} for name, value in values.items()
    }
    rows = [[name, _cell(value), loaded.origins[name]] for name, value in values.items()]
    console.result(facts, console.table(["setting", "value", "origin"], rows))


def _cell(value: Any) -> Cell:  # noqa: ANN401 - any setting
    return Cell(_NOT_SET, "dim") if value is None else Cell(str(value))
