"""The only module of the worker that touches the process environment.

Which variables a task process gets, and from where, is decided by the CLI (``cli/dev_variables``)
and by the box.
"""

from __future__ import annotations

import os
from collections.abc import Mapping


class RunEnvironment:
    """Variables of one run, applied to this process and removed after it.

    What the run itself changed in ``os.environ`` is undone, too: the next run must not see it.
    """

    def __init__(self) -> None:
        self._before: dict[str, str] = {}

    def apply(self, variables: Mapping[str, str]) -> None:
        """Add the run's variables."""
        environment = os.environ  # noqa: TID251 - this is the module for it
        self._before = dict(environment)
        for name, value in variables.items():
            if self._before.get(name) != value:
                environment[name] = value

    def restore(self) -> None:
        """Make the environment what it was before ``apply``."""
        environment = os.environ  # noqa: TID251 - this is the module for it
        after = dict(environment)
        if after == self._before:
            return
        for name in after.keys() - self._before.keys():
            del environment[name]
        for name, value in self._before.items():
            if after.get(name) != value:
                environment[name] = value


def process_environment() -> dict[str, str]:
    """Return a copy of this process's environment."""
    return dict(os.environ)  # noqa: TID251 - this is the module for it
