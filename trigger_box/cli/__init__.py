"""The command line, ``trigger-box`` and ``tbx``. Nothing is imported before it is needed."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line of this process, and exit with its code."""
    from trigger_box.cli.root import run  # noqa: PLC0415 - late, like everything here

    sys.exit(run(sys.argv[1:]))
