"""The guard in front of every blocking call: never on a thread whose event loop is running."""

from __future__ import annotations

import sys
import warnings

from trigger_box.sdk.environment import allows_sync_in_async
from trigger_box.sdk.errors import SyncInAsyncError
from trigger_box.sdk.places import is_ours


def refuse_in_loop(name: str) -> None:
    """Refuse to block a thread whose event loop is running.

    Args:
        name: the async form of the call, such as ``runs.retrieve``.

    Raises:
        SyncInAsyncError: unless ``TRIGGER_BOX_ALLOW_SYNC_IN_ASYNC=1``, which makes it a warning.
    """
    # A program that has not imported asyncio runs no loop, and need not import it for this.
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    owner, _, method = name.rpartition(".")
    message = (
        f"{owner}.sync.{method}() would block the event loop that runs in this thread."
        f" Write `await {name}(...)`."
    )
    if not allows_sync_in_async():
        raise SyncInAsyncError(
            f"{message} In a notebook, TRIGGER_BOX_ALLOW_SYNC_IN_ASYNC=1 makes this a warning."
        )
    warnings.warn(message, RuntimeWarning, stacklevel=_levels_to_user())


def _levels_to_user() -> int:
    """Return the ``stacklevel`` that makes a warning name the user's line."""
    level = 1
    frame = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - only cheap way
    while frame.f_back is not None and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
        level += 1
    return level
