"""Identifiers: their types, and the one source that makes new ones.

Ids sort by creation time as plain strings where the wire needs it (runs, workers, snapshots). The
same value is used inside and on the wire. Parsing and checking ids that come in lives in ``api/``.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import Final, NewType
from uuid import UUID

from trigger_box.clock import Clock

RunId = NewType("RunId", str)
SnapshotId = NewType("SnapshotId", str)
WorkerId = NewType("WorkerId", str)
WaitpointId = NewType("WaitpointId", str)
QueueId = NewType("QueueId", str)
EnvironmentId = NewType("EnvironmentId", str)
ProjectId = NewType("ProjectId", str)
ProjectRef = NewType("ProjectRef", str)
OrganizationId = NewType("OrganizationId", str)
UserId = NewType("UserId", str)

_BASE32: Final = "0123456789abcdefghijklmnopqrstuv"
_PAIRS: Final = [first + second for first in _BASE32 for second in _BASE32]
_LOOKALIKE_FREE: Final = "123456789abcdefghijkmnopqrstuvwxyz"
_ALPHANUMERIC: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"

_TIME_BITS: Final = 48
_RANDOM_BITS: Final = 82  # 48 + 82 = 130 bits = 26 base32 characters
_RUN_BODY_LENGTH: Final = 26
_SNAPSHOT_NUMBER_LENGTH: Final = 6
_SNAPSHOT_PREFIX: Final = "snapshot_"
_RUN_PREFIX: Final = "run_"


@lru_cache(maxsize=1024)
def _snapshot_suffix(number: int) -> str:
    return _base32(number, _SNAPSHOT_NUMBER_LENGTH)


def _base32(number: int, length: int) -> str:
    assert length % 2 == 0, "two characters at a time: this is on the way of every trigger"
    pairs: list[str] = []
    for _ in range(length // 2):
        pairs.append(_PAIRS[number & 1023])
        number >>= 10
    pairs.reverse()
    return "".join(pairs)


def snapshot_id(run_id: RunId, number: int) -> SnapshotId:
    """Return the wire id of a run's snapshot ``number`` (from 1).

    It is the run's body followed by the number in fixed width, so the ids of one run sort in
    creation order as strings. Source: run-engine 3, the controller in images drops a snapshot
    whose id compares lower than the one it holds.
    """
    return SnapshotId(f"{_SNAPSHOT_PREFIX}{run_id[len(_RUN_PREFIX) :]}{_snapshot_suffix(number)}")


def snapshot_number(run_id: RunId, snapshot: str) -> int | None:
    """Return the number inside a snapshot id of this run, or None if it is not one of its ids."""
    body = snapshot.removeprefix(_SNAPSHOT_PREFIX)
    if (
        len(body) <= _SNAPSHOT_NUMBER_LENGTH
        or body[:-_SNAPSHOT_NUMBER_LENGTH] != run_id[len(_RUN_PREFIX) :]
    ):
        return None
    try:
        return int(body[-_SNAPSHOT_NUMBER_LENGTH:], 32)
    except ValueError:
        return None


def run_id_floor(at_ms: int) -> RunId:
    """Return an id that sorts before every run made at ``at_ms`` or later; no run has it."""
    return RunId(f"{_RUN_PREFIX}{_base32(max(0, at_ms) << _RANDOM_BITS, _RUN_BODY_LENGTH)}")


class IdSource:
    """Makes ids. Thread-safe. Give it a seeded ``random.Random`` and a manual clock in tests."""

    def __init__(self, clock: Clock, rng: random.Random | None = None) -> None:
        self._clock = clock
        # Ids are no secrets (``new_secret`` makes those): one seed from the system is enough, and
        # asking it anew for each id would cost a system call.
        fresh = random.Random(secrets.randbits(256))  # noqa: S311 - see above
        self._rng = fresh if rng is None else rng
        self._lock = Lock()
        self._last = 0

    def run(self) -> RunId:
        """Return a new run id; later ids of this process sort after earlier ones."""
        return RunId(f"{_RUN_PREFIX}{self._ordered()}")

    def worker(self) -> WorkerId:
        """Return a new id of a registered worker (a version)."""
        return WorkerId(f"worker_{self._ordered()}")

    def waitpoint(self) -> WaitpointId:
        """Return a new waitpoint id; later ids of this process sort after earlier ones."""
        return WaitpointId(f"waitpoint_{self._ordered()}")

    def queue(self) -> QueueId:
        """Return a new queue id."""
        return QueueId(f"queue_{self._pick(_LOOKALIKE_FREE, 21)}")

    def environment(self) -> EnvironmentId:
        """Return a new environment id."""
        return EnvironmentId(f"env_{self._ordered()}")

    def project(self) -> ProjectId:
        """Return a new internal project id."""
        return ProjectId(f"project_{self._ordered()}")

    def project_ref(self) -> ProjectRef:
        """Return a new public project ref: ``proj_`` and 20 lower-case letters."""
        return ProjectRef(f"proj_{self._pick(_LETTERS, 20)}")

    def organization(self) -> OrganizationId:
        """Return a new organization id."""
        return OrganizationId(f"org_{self._ordered()}")

    def user(self) -> UserId:
        """Return a new user id."""
        return UserId(f"user_{self._ordered()}")

    def token_row(self) -> str:
        """Return a new id of a stored token, session or key row. It is no secret."""
        return self._ordered()

    def trace(self) -> str:
        """Return a new W3C trace id: 32 hex digits, not all zero."""
        return f"{self._rng.getrandbits(128) | 1:032x}"

    def span(self) -> str:
        """Return a new W3C span id: 16 hex digits, not all zero."""
        return f"{self._rng.getrandbits(64) | 1:016x}"

    def uuid(self) -> str:
        """Return a new random UUID (version 4): what clients send as a request's own key."""
        return str(UUID(int=self._rng.getrandbits(128), version=4))

    def random_unit(self) -> float:
        """Return a number in [0, 1): the randomness that pure decisions ask for."""
        return self._rng.random()

    def _ordered(self) -> str:
        """Return 26 characters that sort by time, strictly increasing within this process."""
        with self._lock:
            fresh = (self._clock.now_ms() << _RANDOM_BITS) | self._rng.getrandbits(_RANDOM_BITS - 1)
            # Within one millisecond, or when the clock steps back, count on from the last id.
            self._last = fresh if fresh > self._last else self._last + 1
            return _base32(self._last, _RUN_BODY_LENGTH)

    def _pick(self, alphabet: str, length: int) -> str:
        return "".join(self._rng.choice(alphabet) for _ in range(length))


def new_secret(prefix: str, length: int, *, lookalike_free: bool = False) -> str:
    """Return ``prefix`` and ``length`` random characters from the operating system's generator."""
    alphabet = _LOOKALIKE_FREE if lookalike_free else _ALPHANUMERIC
    choose: Callable[[str], str] = secrets.choice
    return prefix + "".join(choose(alphabet) for _ in range(length))
