"""The reference page of the command line, written from the commands themselves.

``python -m trigger_box.cli.reference > docs/reference/commands.md``; a test fails when they differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import click

from trigger_box.cli.exits import MEANINGS
from trigger_box.cli.root import SECTIONS, root

_HEAD = """\
# Commands

`trigger-box`, or `tbx` for short. Results go to stdout, everything else to stderr. Every command
has `--help`, and `--json` for scripts: with it, stdout is JSON, and an error is one JSON object on
stderr (`error`, `hint`, `exit`).

## Exit codes

| Code | Means |
|---|---|
"""

_VARIABLES = """
## Variables and profiles

`login` writes where you are signed in to `~/.config/trigger/config.json` (or below
`XDG_CONFIG_HOME`), the file of the npm CLI: either tool signs in for both.

A command acts with `TRIGGER_ACCESS_TOKEN`, on the box of `-a`, `TRIGGER_API_URL` or the profile, in
this order; without that token as the profile, on the box it is signed in to and on no other. What
gives way is said on stderr; `whoami` shows what holds.

| Variable | Says |
|---|---|
| `TRIGGER_API_URL` | The box, for `login` and with one of the next two; a profile keeps its own. |
| `TRIGGER_ACCESS_TOKEN` | A personal access token; wins over the profile. |
| `TRIGGER_SECRET_KEY` | An environment's secret key: enough for `runs` and `tasks trigger`. |
| `TRIGGER_PROJECT_REF` | The project, instead of the one in `trigger.config.py`. |
| `NO_COLOR`, `FORCE_COLOR` | No colours, or colours in a pipe, too. |
| `TRIGGER_BOX_DEBUG` | Show where a bug of the command line happened. |

## Options of many commands

| Option | |
|---|---|
"""

_SHARED: Final = ("project_ref", "slug", "profile", "api_url", "data_dir", "as_json")


def render() -> str:
    """Return the page as Markdown."""
    codes = "\n".join(f"| {int(code)} | {meaning} |" for code, meaning in MEANINGS.items())
    context = click.Context(root, info_name="trigger-box")
    shared = _rows(_command(_command(root, "tasks", context), "list", context), context, _SHARED)
    shared += _rows(
        _command(_command(root, "admin", context), "token", context), context, ("data_dir",)
    )
    parts = [_HEAD + codes + "\n" + _VARIABLES + shared + "\n"]
    for title, section in SECTIONS.items():
        parts.append(f"## {title}\n")
        for name in section:
            command = _command(root, name, context)
            parts += _pages(command, click.Context(command, info_name=name, parent=context))
    return "\n".join(parts)


def _pages(command: click.Command, context: click.Context) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = _command(command, name, context)
            yield from _pages(child, click.Context(child, info_name=name, parent=context))
        return
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"### {context.command_path.removeprefix('trigger-box ')}\n"
    yield f"`{usage}`\n"
    yield _prose(command.help or "") + "\n"
    own = [option.name for option in _options(command) if option.name not in _SHARED]
    if own:
        yield "| Option | |\n|---|---|\n" + _rows(command, context, own)
    shared = [f"`{option.opts[-1]}`" for option in _options(command) if option.name in _SHARED]
    yield f"Also {', '.join(shared)}.\n"


def _command(group: click.Command, name: str, context: click.Context) -> click.Command:
    assert isinstance(group, click.Group), group.name
    command = group.get_command(context, name)
    assert command is not None, name
    return command


def _options(command: click.Command) -> list[click.Option]:
    return [option for option in command.params if isinstance(option, click.Option)]


def _rows(command: click.Command, context: click.Context, names: Sequence[str | None]) -> str:
    """Return the rows of a table for these options of a command."""
    records = [
        record
        for option in _options(command)
        if option.name in names and (record := option.get_help_record(context)) is not None
    ]
    return "".join(f"| `{_cell(option)}` | {_cell(text)} |\n" for option, text in records)


def _prose(text: str) -> str:
    """Return help text as paragraphs: click breaks lines by itself, Markdown does so, too."""
    paragraphs = text.replace("\b", "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(render(), end="")  # noqa: T201 - this is what it is for
