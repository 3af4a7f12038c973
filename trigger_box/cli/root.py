"""The table of commands. A command's module is imported when it is run, not before."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from trigger_box.cli.console import Console
from trigger_box.cli.environment import read_variables
from trigger_box.cli.exits import CliError, Exit, exit_of
from trigger_box.domain.errors import BoxError
from trigger_box.version import VERSION


@dataclass(frozen=True, slots=True)
class _Lazy:
    """A command that is not loaded yet: ``module:attribute``, and its line in the help."""

    place: str
    help: str

    def load(self) -> click.Command:
        module, _, attribute = self.place.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command), f"{self.place} is no command"
        return command


SECTIONS: Final[Mapping[str, Mapping[str, _Lazy]]] = {
    "Your tasks": {
        "init": _Lazy("trigger_box.cli.init:init", "Set up a Python project in this folder."),
        "dev": _Lazy("trigger_box.cli.dev:dev", "Run your tasks here; reload when you save."),
        "tasks": _Lazy("trigger_box.cli.tasks:tasks", "List tasks, trigger runs."),
        "runs": _Lazy("trigger_box.cli.runs:runs", "List, watch, cancel and replay runs."),
    },
    "Your account": {
        "login": _Lazy("trigger_box.cli.login:login", "Sign in to a box."),
        "logout": _Lazy("trigger_box.cli.login:logout", "Forget the token of a profile."),
        "whoami": _Lazy("trigger_box.cli.whoami:whoami", "Show who you are, and where."),
        "profiles": _Lazy("trigger_box.cli.profile_commands:profiles", "List and switch profiles."),
    },
    "The box": {
        "serve": _Lazy("trigger_box.cli.serve:serve", "Run the box."),
        "admin": _Lazy("trigger_box.cli.admin:admin", "Accounts and tokens, for the box's owner."),
        "projects": _Lazy("trigger_box.cli.projects:projects", "Create and list projects."),
        "config": _Lazy("trigger_box.cli.config:config", "Show the box's settings."),
    },
}


class _Root(click.Group):
    """The program: commands in sections, loaded late."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's shape
        return [name for section in SECTIONS.values() for name in section]

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's shape
        cmd_name: str,
    ) -> click.Command | None:
        for section in SECTIONS.values():
            if cmd_name in section:
                return section[cmd_name].load()
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = _closest(args[0], self.list_commands(ctx))
            raise click.UsageError(
                f"There is no command {args[0]!r}."
                + (f" Did you mean {close!r}?" if close else ""),
                ctx,
            ) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(len(name) for name in self.list_commands(ctx))
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(name.ljust(width), lazy.help) for name, lazy in section.items()]
                )


@click.group(
    cls=_Root,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Each command has its own --help, and --json for scripts.",
)
@click.version_option(VERSION, "-V", "--version", message="trigger-box %(version)s")
def root() -> None:
    """Durable background tasks and AI-agent runs that you host yourself."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line; return the process's exit code."""
    name = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else ""
    program = name if name in {"trigger-box", "tbx"} else "trigger-box"
    as_json = "--json" in arguments
    try:
        answer = root.main(list(arguments), prog_name=program, standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.UsageError as error:
        return _usage(error)
    except click.ClickException as error:
        return _fail(CliError(error.format_message()), as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except CliError as error:
        return _fail(error, as_json=as_json)
    except BoxError as error:
        return _fail(CliError(error.message, code=exit_of(error)), as_json=as_json)
    except BrokenPipeError:
        # Whoever read our output has enough (`… | head`). Python would complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except ModuleNotFoundError as error:
        return _lacks(error, as_json=as_json)
    except Exception as error:  # noqa: BLE001 - the last place: people get a sentence, no trace
        return _fail_unexpectedly(error, as_json=as_json)
    return answer if isinstance(answer, int) else Exit.OK


def _usage(error: click.UsageError) -> int:
    console = Console(read_variables(), as_json=False)
    message = error.format_message()
    console.note(f"{console.mark('Error:', 'red', 'bold')} {message}")
    if error.ctx is not None:
        console.note(f"  {console.mark('→', 'dim')} {error.ctx.command_path} --help")
    return Exit.USAGE


def _fail(error: CliError, *, as_json: bool) -> int:
    console = Console(read_variables(), as_json=as_json)
    if as_json:
        facts = {"error": error.message, "hint": error.hint, "exit": int(error.code)}
        console.note(json.dumps({name: fact for name, fact in facts.items() if fact is not None}))
    else:
        console.note(f"{console.mark('Error:', 'red', 'bold')} {error.message}")
        if error.hint:
            console.note(f"  {console.mark('→', 'dim')} {error.hint}")
    return error.code


def _lacks(error: ModuleNotFoundError, *, as_json: bool) -> int:
    if error.name is None or error.name.startswith("trigger_box"):
        return _fail_unexpectedly(error, as_json=as_json)
    from trigger_box.cli.installing import sdk_source  # noqa: PLC0415 - only here it is needed

    return _fail(
        CliError(
            f"This command needs the whole box, and {error.name} is not installed here.",
            hint=f"{sys.executable} -m pip install {sdk_source('server')}",
        ),
        as_json=as_json,
    )


def _fail_unexpectedly(error: Exception, *, as_json: bool) -> int:
    variables = read_variables()
    if variables.wants_traces:
        import traceback  # noqa: PLC0415 - rarely needed

        traceback.print_exception(error)
    return _fail(
        CliError(
            f"This is a bug in trigger-box: {type(error).__name__}: {error}",
            hint="Run it again with TRIGGER_BOX_DEBUG=1 to see where, and report that.",
        ),
        as_json=as_json,
    )


def _closest(name: str, known: list[str]) -> str | None:
    import difflib  # noqa: PLC0415 - only after a mistake

    return next(iter(difflib.get_close_matches(name, known, n=1)), None)
