"""What can go wrong, in nine families. Only ``api/problems.py`` knows their HTTP statuses.

The docstring of a class is the sentence people see, unless the raiser has a better one. ``code``
is stable, documented and never reused.
"""

from __future__ import annotations

from typing import ClassVar


class BoxError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str | None = None, **details: object) -> None:
        self.message = message or (self.__doc__ or "").strip().split("\n", 1)[0]
        self.details = details
        super().__init__(self.message)


class InvalidError(BoxError):
    """The request is not well formed."""

    code = "invalid_request"


class UnauthenticatedError(BoxError):
    """Invalid or Missing API key"""  # noqa: D415 - the wire's own words (rest-api 5.1)

    code = "unauthenticated"


class DeniedError(BoxError):
    """Unauthorized"""  # noqa: D415 - the wire's own words (rest-api 5.4)

    code = "unauthorized"


class NotFoundError(BoxError):
    """Not found"""  # noqa: D415 - the wire's own words (rest-api 6.1)

    code = "not_found"


class ConflictError(BoxError):
    """Somebody else changed this first."""

    code = "conflict"


class TooLargeError(BoxError):
    """The request is larger than the limit."""

    code = "too_large"


class RefusedError(BoxError):
    """A rule says no."""

    code = "refused"


class LimitError(BoxError):
    """Too many requests."""

    code = "rate_limited"


class UnavailableError(BoxError):
    """The box can't do this right now. Try again in a moment."""

    code = "unavailable"


class StaleTransitionError(ConflictError):
    """This run has moved on: the message is late or repeated."""

    code = "stale_snapshot"


class RunNotFoundError(NotFoundError):
    """Run not found"""  # noqa: D415 - the wire's own words

    code = "run_not_found"


class PacketNotFoundError(NotFoundError):
    """There is no such packet: nothing was stored under this name."""

    code = "packet_not_found"


class NotDevelopmentError(DeniedError):
    """This is for development environments only: deploy to the others."""

    code = "not_development"


class UnclaimedError(UnavailableError):
    """This box has no owner yet: open the claim link it printed when it started."""

    code = "unclaimed"


class StoreFullError(UnavailableError):
    """The disk is full: nothing was stored. Free some space, then try again."""

    code = "disk_full"
