"""The verbs of a run that waits: for an instant, for a token (run-engine 10, rest-api 13.9)."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from trigger_box.domain.errors import NotFoundError
from trigger_box.engine.blocking import NotExecutingError, block, may_wait
from trigger_box.engine.core import Core
from trigger_box.engine.heads import head_of
from trigger_box.engine.waitpoints import NewWaitpoint, WaitpointKind, get, make, of_key
from trigger_box.ids import EnvironmentId, RunId, WaitpointId
from trigger_box.store.writer import Transaction


class TokenNotFoundError(NotFoundError):
    """Waitpoint not found"""  # noqa: D415 - the wire's own words

    code = "waitpoint_not_found"


class WaitUntil(NamedTuple):
    """A run's wish to wait for an instant.

    A known ``idempotency_key`` means the wait that had it before, with its instant.
    """

    run_id: str
    at_ms: int
    idempotency_key: str | None = None
    idempotency_ttl_ms: int = 0


class Waiting(NamedTuple):
    """What a run waits for now, and until when."""

    waitpoint_id: WaitpointId
    until_ms: int


async def wait_until(core: Core, environment_id: EnvironmentId, wish: WaitUntil) -> Waiting:
    """Let a run wait for an instant; one that has passed lets it go on at once.

    Raises:
        RunNotFoundError: no such run in this environment.
        NotExecutingError: it is not executing.
    """
    return await core.store.write(partial(_wait_until, core, environment_id, wish))


def _wait_until(
    core: Core, environment_id: EnvironmentId, wish: WaitUntil, tx: Transaction
) -> Waiting:
    head = head_of(tx, RunId(wish.run_id), environment_id)
    if not may_wait(head):
        raise NotExecutingError
    now_ms = core.clock.now_ms()
    key = wish.idempotency_key
    known = None if key is None else of_key(tx, environment_id, key, now_ms=now_ms)
    if known is not None and known.kind == WaitpointKind.DATETIME:
        assert known.due_at_ms is not None, "it is an instant"
        block(core, tx, head, known.id)
        return Waiting(known.id, known.due_at_ms)
    is_over = wish.at_ms <= now_ms
    waitpoint_id = make(
        core,
        tx,
        NewWaitpoint(
            environment_id=environment_id,
            kind=WaitpointKind.DATETIME,
            due_at_ms=wish.at_ms,
            completed_at_ms=now_ms if is_over else None,
            # Only a token may have this key already: it keeps it.
            idempotency_key=key if known is None else None,
            idempotency_expires_at_ms=None if key is None else now_ms + wish.idempotency_ttl_ms,
        ),
    )
    block(core, tx, head, waitpoint_id)
    return Waiting(waitpoint_id, wish.at_ms)


async def wait_for_token(
    core: Core, environment_id: EnvironmentId, run_id: str, token_id: str
) -> None:
    """Let a run wait for a token; one that is complete already lets it go on at once.

    Raises:
        RunNotFoundError: no such run in this environment.
        TokenNotFoundError: no such token in this environment.
        NotExecutingError: the run is not executing.
    """
    await core.store.write(partial(_wait_for_token, core, environment_id, run_id, token_id))


def _wait_for_token(
    core: Core, environment_id: EnvironmentId, run_id: str, token_id: str, tx: Transaction
) -> None:
    head = head_of(tx, RunId(run_id), environment_id)
    token = get(tx, token_id)
    if (
        token is None
        or token.environment_id != environment_id
        or token.kind != WaitpointKind.MANUAL
    ):
        raise TokenNotFoundError
    block(core, tx, head, token.id)
