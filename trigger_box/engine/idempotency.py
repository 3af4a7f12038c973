"""One run for equal requests: lost answers (request keys) and users' own keys.

Source: rest-api 10.1 and 10.2, run-engine 4.1. Both are looked up and set inside the transaction
that makes the run, so concurrent equal calls give one run.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from trigger_box.domain import limits
from trigger_box.domain.errors import RefusedError
from trigger_box.domain.runs import FAILED_STATUSES
from trigger_box.ids import EnvironmentId, RunId
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction

_encode: Final = msgspec.json.Encoder().encode
_RELEASING: Final = frozenset(str(status) for status in FAILED_STATUSES)


class TokenUsedError(RefusedError):
    """This token was good for one run, and has made it."""

    code = "token_used"


def request_hash(request_key: str, environment_id: EnvironmentId, task: str) -> str:
    """Return what a call is remembered by (rest-api 10.1)."""
    return hashlib.sha256(_encode([request_key, environment_id, task])).hexdigest()


def run_of_request(tx: Transaction, key_hash: str, *, now_ms: int) -> RunId | None:
    """Return the run that an earlier try of the same call made within the last 24 hours."""
    row = tx.one(sql.run_of_request, {"key_hash": key_hash})
    if row is None or row["created_at_ms"] <= now_ms - limits.REQUEST_IDEMPOTENCY_TTL_MS:
        return None
    return RunId(row["run_id"])


def remember_request(tx: Transaction, key_hash: str, run_id: RunId, *, now_ms: int) -> None:
    """Remember which run a call made."""
    tx.execute(sql.remember_request, {"key_hash": key_hash, "run_id": run_id, "now_ms": now_ms})


def check_one_time(tx: Transaction, token_hash: str, task: str) -> None:
    """Check that a token that is good for one run has made none yet (rest-api 5.3).

    Raises:
        TokenUsedError: it has.
    """
    if tx.one(sql.run_of_one_time_token, {"token_hash": token_hash}) is not None:
        raise TokenUsedError(
            f"Cannot trigger {task} with a one-time use token as it has already been used."
        )


def use_one_time(tx: Transaction, token_hash: str, run_id: RunId) -> None:
    """Note the run that a token for one run has made."""
    tx.execute(sql.use_one_time_token, {"token_hash": token_hash, "run_id": run_id})


def run_of_key(
    tx: Transaction, environment_id: EnvironmentId, task: str, key: str, *, now_ms: int
) -> RunId | None:
    """Return the run that holds a user's key. A key that is over is taken from its run.

    Over: expired, or its run ended in failure. A cancelled run keeps its key.
    """
    row = tx.one(
        sql.run_of_idempotency_key,
        {"environment_id": environment_id, "task": task, "idempotency_key": key},
    )
    if row is None:
        return None
    expires_at_ms = row["idempotency_expires_at_ms"]
    is_expired = expires_at_ms is not None and expires_at_ms <= now_ms
    if is_expired or row["outcome"] in _RELEASING:
        tx.execute(sql.release_idempotency_key, {"id": row["id"], "now_ms": now_ms})
        return None
    return RunId(row["id"])
