"""The command line, ``trigger-box`` and ``tbx``. Nothing is imported before it is needed."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line of this process, and exit with its code."""
    try:
        from trigger_box.cli.root import run  # noqa: PLC0415 - late, like everything here
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("trigger_box"):
            raise
        sys.exit(
            "Error: Here trigger-box is installed for tasks only, without its command line "
            f"({error.name} is missing).\n  → Install trigger-box[cli], or trigger-box[server] "
            "to run a box too."
        )
    sys.exit(run(sys.argv[1:]))
