"""Password hashing: argon2id, off the event loop, the same time whether or not there is an account.

How often somebody may try lives in ``attempts.py``.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from trigger_box.domain import limits
from trigger_box.domain.errors import UnavailableError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """How hard one guess is. Source: the second recommended option of RFC 9106, on one lane."""

    passes: int = 3
    memory_kib: int = 64 * 1024
    lanes: int = 1


class Passwords:
    """Hashes and checks passwords, one at a time, in a thread of its own."""

    def __init__(self, cost: Cost | None = None) -> None:
        self._cost = cost or Cost()
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="access-passwords")
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Return what may be stored of a password."""
        return await self._in_thread(lambda: _hasher(self._cost).hash(password))

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Return whether the password fits.

        Without an account (None) it takes as long, and says no.
        """
        stored = password_hash or _decoy(self._cost)
        fits = await self._in_thread(lambda: _fits(self._cost, stored, password))
        return fits and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Return whether a hash was made with another cost and should be made again."""
        return _hasher(self._cost).check_needs_rehash(password_hash)

    def close(self) -> None:
        """End the thread."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._waiting >= limits.PASSWORDS_WAITING_MAX:
            raise UnavailableError("Too many people sign in right now. Try again in a moment.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _hasher(cost: Cost):  # noqa: ANN202 - the type is only known once argon2 is imported
    from argon2 import PasswordHasher  # noqa: PLC0415 - the CLI imports this module, without argon2

    return PasswordHasher(
        time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes
    )


def _fits(cost: Cost, stored: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - as above

    try:
        return _hasher(cost).verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _decoy(cost: Cost) -> str:
    """Return a well-formed hash that fits no password and costs as much to check as a real one."""
    salt = base64.b64encode(bytes(16)).decode().rstrip("=")
    digest = base64.b64encode(bytes(32)).decode().rstrip("=")
    return f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}${salt}${digest}"
