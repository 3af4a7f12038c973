"""The command line, ``trigger-box`` and ``tbx``. Nothing is imported before it is needed."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> None:
    """Run the command line of this process, and exit with its code."""
    try:
        from trigger_box.cli.root import run  # noqa: PLC0415 - late, like everything here
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("trigger_box"):
            raise
        _give_way(error.name)
    sys.exit(run(sys.argv[1:]))


def _give_way(missing: str) -> NoReturn:
    """Become the command line that is installed elsewhere; here are the tasks' packages only."""
    import os  # noqa: PLC0415 - late, like everything here

    from trigger_box.cli.environment import process_environment  # noqa: PLC0415 - as above
    from trigger_box.cli.installing import program_elsewhere, sdk_source  # noqa: PLC0415 - as above

    program = program_elsewhere(sys.argv[0], process_environment().get("PATH", ""))
    if program is not None:
        os.execv(program, [program, *sys.argv[1:]])  # noqa: S606 - our own program, as it was typed
    sys.exit(
        "Error: Here trigger-box is installed for tasks only, without its command line "
        f"({missing} is missing).\n  → pip install {sdk_source('cli')}, or with [server] to run a "
        "box too."
    )
