"""Queues as task authors declare them, and the names the server will make of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from trigger_box.sdk.errors import OptionError
from trigger_box.sdk.limits import QUEUE_NAME_CHARACTERS_MAX
from trigger_box.sdk.places import Place, calling_place
from trigger_box.sdk.registry import REGISTRY

# The server drops what is not in here, silently (rest-api 13.1): better an error than another name.
_NAME: Final = re.compile(r"[a-zA-Z0-9_/-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A named queue that several tasks may share.

    Attributes:
        concurrency_limit: how many of its runs execute at once; None for the environment's limit.
        place: where it was declared.
    """

    name: str
    concurrency_limit: int | None = None
    place: Place = field(default=("<unknown>", 0), compare=False, repr=False)

    def to_wire(self) -> dict[str, object]:
        """Return the queue as a worker registers it (cli-protocol 12)."""
        wire: dict[str, object] = {"name": self.name}
        if self.concurrency_limit is not None:
            wire["concurrencyLimit"] = self.concurrency_limit
        return wire


def queue(name: str, *, concurrency_limit: int | None = None) -> Queue:
    """Declare a queue at module level and pass it to tasks: ``@task("id", queue=mail_queue)``.

    Raises:
        OptionError: a name the server would change, or a limit below zero.
        DuplicateQueueError: it was declared elsewhere with another limit.
    """
    checked = Queue(
        name=checked_queue_name(name),
        concurrency_limit=checked_concurrency_limit(concurrency_limit),
        place=calling_place(),
    )
    REGISTRY.add_queue(checked)
    return checked


def checked_queue_name(name: str) -> str:
    """Return ``name`` if the server keeps it as it is.

    Raises:
        OptionError: it would not.
    """
    if len(name) > QUEUE_NAME_CHARACTERS_MAX or _NAME.fullmatch(name) is None:
        raise OptionError(
            f"The queue name {name!r} must have 1 to {QUEUE_NAME_CHARACTERS_MAX} characters"
            " out of letters, digits, '_', '-' and '/'."
        )
    return name


def checked_concurrency_limit(limit: int | None) -> int | None:
    """Return ``limit`` if it is None or not negative.

    Raises:
        OptionError: it is negative.
    """
    if limit is not None and limit < 0:
        raise OptionError(f"concurrency_limit={limit} must not be negative.")
    return limit
