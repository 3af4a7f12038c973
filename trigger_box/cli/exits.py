"""How commands end: the one table of exit codes, and the error that carries one."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from trigger_box.domain import errors
from trigger_box.domain.errors import BoxError


class Exit(IntEnum):
    """What the process's exit code says. Stable: scripts rely on it."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    NOT_FOUND = 4
    REFUSED = 5
    UNAVAILABLE = 6
    RUN_FAILED = 7
    TIMED_OUT = 8
    INTERRUPTED = 130


MEANINGS: Final = {
    Exit.OK: "The command did what it says.",
    Exit.FAILURE: "Something went wrong that has no code of its own.",
    Exit.USAGE: "The command line is not right: an unknown option, a missing argument, bad JSON.",
    Exit.NOT_SIGNED_IN: "No access token or secret key, or one that is not good.",
    Exit.NOT_FOUND: "No such run, task, project, profile or account.",
    Exit.REFUSED: "The box refused: a rule, a limit, a conflict.",
    Exit.UNAVAILABLE: "No box answers, or it can't do its work now. Try again later.",
    Exit.RUN_FAILED: "The run that was waited for ended without success.",
    Exit.TIMED_OUT: "The run that was waited for still goes on.",
    Exit.INTERRUPTED: "Ctrl-C.",
}
"""For the reference page."""

_OF_FAMILY: Final = {
    errors.InvalidError: Exit.REFUSED,
    errors.UnauthenticatedError: Exit.NOT_SIGNED_IN,
    errors.DeniedError: Exit.REFUSED,
    errors.NotFoundError: Exit.NOT_FOUND,
    errors.ConflictError: Exit.REFUSED,
    errors.TooLargeError: Exit.REFUSED,
    errors.RefusedError: Exit.REFUSED,
    errors.LimitError: Exit.REFUSED,
    errors.UnavailableError: Exit.UNAVAILABLE,
}


class CliError(Exception):
    """A command can't go on.

    Args:
        message: one sentence: what is wrong.
        hint: the next step, if there is one.
        code: how the process ends.
    """

    def __init__(self, message: str, *, hint: str | None = None, code: Exit = Exit.FAILURE) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


def exit_of(error: BoxError) -> Exit:
    """Return how the process ends after an error of the box itself (a stopped one, opened here)."""
    return next(
        (_OF_FAMILY[family] for family in type(error).__mro__ if family in _OF_FAMILY),
        Exit.FAILURE,
    )
