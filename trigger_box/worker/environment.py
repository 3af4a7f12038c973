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
        self._before: dict[bytes, bytes] = {}

    def apply(self, variables: Mapping[str, str]) -> None:
        """Add the run's variables."""
        self._before = _snapshot()
        for name, value in variables.items():
            if self._before.get(os.fsencode(name)) != os.fsencode(value):
                os.environ[name] = value  # noqa: TID251 - this is the module for it

    def restore(self) -> None:
        """Make the environment what it was before ``apply``."""
        before, after = self._before, _snapshot()
        if after == before:
            return
        for name in after.keys() - before.keys():
            del os.environb[name]
        for name, value in before.items():
            if after.get(name) != value:
                os.environb[name] = value


def _snapshot() -> dict[bytes, bytes]:
    # Copying through the mapping costs a tenth of a millisecond, twice a run; this is its store.
    data: dict[bytes, bytes] | None = getattr(os.environb, "_data", None)
    return dict(os.environb) if data is None else dict(data)


def process_environment() -> dict[str, str]:
    """Return a copy of this process's environment."""
    return dict(os.environ)  # noqa: TID251 - this is the module for it
