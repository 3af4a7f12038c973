"""How often somebody may try: one bucket per key that drains with time. In memory, bounded."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from typing import Final

from trigger_box.clock import Clock
from trigger_box.domain import limits
from trigger_box.domain.errors import LimitError


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """``burst`` attempts at once, then one more every ``refill_s`` seconds."""

    burst: int
    refill_s: float


_IPV6_CUSTOMER_BITS: Final = 64

# A person who mistypes never meets these; a guesser gets a few hundred tries a day.
PER_ACCOUNT_AND_ADDRESS: Final = Allowance(burst=6, refill_s=60)
PER_ADDRESS: Final = Allowance(burst=20, refill_s=20)
# Looser, so that a stranger can't lock the owner out from elsewhere, yet many addresses
# together don't get unbounded guesses at one account either.
PER_ACCOUNT: Final = Allowance(burst=60, refill_s=20)


def source_of(address: str) -> str:
    """Return whom an address stands for: of IPv6, its network, as one customer has all of it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_CUSTOMER_BITS), strict=False))


class Attempts:
    """Counts attempts. Each is taken before the work is done, so parallel tries count, too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # When each key's bucket is empty again (monotonic seconds), least recently used first.
        self._empty_at_s: dict[str, float] = {}

    def take(self, wanted: dict[str, Allowance]) -> None:
        """Take one attempt from every key's allowance, or none of them.

        Raises:
            LimitError: one of them is used up; ``details["seconds"]`` says how long to wait.
        """
        now_s = self._clock.monotonic_s()
        levels = {key: max(self._empty_at_s.get(key, 0.0), now_s) for key in wanted}
        wait_s = max(
            levels[key] + allowance.refill_s - now_s - allowance.burst * allowance.refill_s
            for key, allowance in wanted.items()
        )
        if wait_s > 0:
            seconds = math.ceil(wait_s)
            raise LimitError(
                f"Too many attempts. Try again in {seconds} seconds.",
                seconds=seconds,
                retry_after_s=seconds,
            )
        for key, allowance in wanted.items():
            self._empty_at_s.pop(key, None)
            self._empty_at_s[key] = levels[key] + allowance.refill_s
        while len(self._empty_at_s) > limits.ATTEMPT_KEYS_MAX:
            del self._empty_at_s[next(iter(self._empty_at_s))]

    def forgive(self, key: str) -> None:
        """Forget the attempts under a key: the last one was right."""
        self._empty_at_s.pop(key, None)
