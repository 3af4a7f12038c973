"""The verbs on waitpoint tokens: make one, complete it, look at it (rest-api 13.9)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

import msgspec

from trigger_box.domain.labels import clean_tags
from trigger_box.domain.packets import Packet
from trigger_box.engine import waitpoints
from trigger_box.engine.core import Core
from trigger_box.engine.listing import Page
from trigger_box.engine.packets import StoredPacket, fetch, put_away
from trigger_box.engine.waitpoints import NewWaitpoint, Waitpoint, WaitpointKind
from trigger_box.engine.waits import TokenNotFoundError
from trigger_box.ids import EnvironmentId, WaitpointId
from trigger_box.store.queries import waits as sql
from trigger_box.store.writer import Transaction

_encode: Final = msgspec.json.Encoder().encode
_decode_tags: Final = msgspec.json.Decoder(tuple[str, ...]).decode
_NEWEST: Final = "x"  # sorts after every waitpoint's id


class NewToken(NamedTuple):
    """A token to be made. ``timeout_at_ms`` None: it waits for ever."""

    environment_id: EnvironmentId
    timeout_at_ms: int | None = None
    idempotency_key: str | None = None
    idempotency_ttl_ms: int = 0
    tags: tuple[str, ...] = ()


class MadeToken(NamedTuple):
    """A token; ``is_cached``: its idempotency key had it already."""

    id: WaitpointId
    is_cached: bool


class Token(NamedTuple):
    """A token as people see it. ``output`` only where it was asked for."""

    id: WaitpointId
    created_at_ms: int
    timeout_at_ms: int | None
    completed_at_ms: int | None
    has_timed_out: bool
    idempotency_key: str | None
    idempotency_expires_at_ms: int | None
    tags: tuple[str, ...]
    output: Packet | None


class TokenFilter(NamedTuple):
    """Which tokens are wanted. None and nothing mean all."""

    statuses: tuple[str, ...] = ()
    idempotency_key: str | None = None
    tags: tuple[str, ...] = ()
    created_from_ms: int | None = None
    created_to_ms: int | None = None


class TokenPage(NamedTuple):
    """A part of the list, newest first, and the cursors of what is older and newer."""

    tokens: tuple[Token, ...]
    next: WaitpointId | None
    previous: WaitpointId | None


async def create_token(core: Core, new: NewToken) -> MadeToken:
    """Make a token, or find the one that its idempotency key has.

    Raises:
        TooManyTagsError: more than ten tags.
        InvalidError: a tag is too long.
    """
    tags = clean_tags(new.tags)
    return await core.store.write(partial(_create, core, new._replace(tags=tags)))


def _create(core: Core, new: NewToken, tx: Transaction) -> MadeToken:
    now_ms = core.clock.now_ms()
    key = new.idempotency_key
    if key is not None:
        known = waitpoints.of_key(tx, new.environment_id, key, now_ms=now_ms)
        if known is not None:
            return MadeToken(known.id, is_cached=True)
    made = waitpoints.make(
        core,
        tx,
        NewWaitpoint(
            environment_id=new.environment_id,
            kind=WaitpointKind.MANUAL,
            due_at_ms=new.timeout_at_ms,
            idempotency_key=key,
            idempotency_expires_at_ms=None if key is None else now_ms + new.idempotency_ttl_ms,
            tags=_encode(sorted(new.tags)).decode(),
        ),
    )
    return MadeToken(made, is_cached=False)


async def complete_token(
    core: Core, environment_id: EnvironmentId | None, token_id: str, output: Packet
) -> bool:
    """Complete a token and let all who wait for it go on; return whether it was pending.

    Args:
        core: the engine.
        environment_id: the caller's; None for a caller who has the token's own secret.
        token_id: the token.
        output: what those who wait are given; without data, nothing.

    Raises:
        TokenNotFoundError: no such token in this environment.
    """
    stored = await put_away(core.store, output)
    return await core.store.write(partial(_complete, core, environment_id, token_id, stored))


def _complete(
    core: Core,
    environment_id: EnvironmentId | None,
    token_id: str,
    output: StoredPacket,
    tx: Transaction,
) -> bool:
    token = _checked(waitpoints.get(tx, token_id), environment_id)
    return waitpoints.complete(core, tx, token.id, output=output)


async def get_token(core: Core, environment_id: EnvironmentId, token_id: str) -> Token:
    """Return a token with its output.

    Raises:
        TokenNotFoundError: no such token in this environment.
    """
    row = await core.store.readers.one(sql.waitpoint, {"id": token_id})
    found = _checked(None if row is None else Waitpoint._make(row), environment_id)
    output = None
    if found.output_type is not None:
        output = await fetch(
            core.store,
            packet_type=found.output_type,
            data=found.output,
            blob=found.output_blob,
        )
    return _token(found, output)


async def list_tokens(
    core: Core, environment_id: EnvironmentId, wanted: TokenFilter, page: Page
) -> TokenPage:
    """Return a page of an environment's tokens, newest first."""
    is_back = page.before is not None
    rows = await core.store.readers.all(
        sql.tokens_after if is_back else sql.tokens_before,
        {
            "environment_id": environment_id,
            "statuses": _listed(wanted.statuses),
            "idempotency_key": wanted.idempotency_key,
            "tags": _listed(wanted.tags),
            "from_ms": wanted.created_from_ms,
            "to_ms": wanted.created_to_ms,
            "cursor": page.before or page.after or _NEWEST,
            "limit": page.size + 1,
        },
    )
    has_more = len(rows) > page.size
    found = [_token(Waitpoint._make(row), None) for row in rows[: page.size]]
    if is_back:
        found.reverse()
    has_older = is_back or has_more
    has_newer = has_more if is_back else page.after is not None
    return TokenPage(
        tokens=tuple(found),
        next=found[-1].id if found and has_older else None,
        previous=found[0].id if found and has_newer else None,
    )


def _listed(values: Sequence[str]) -> str | None:
    return _encode(list(values)).decode() if values else None


def _checked(found: Waitpoint | None, environment_id: EnvironmentId | None) -> Waitpoint:
    if (
        found is None
        or found.kind != WaitpointKind.MANUAL
        or (environment_id is not None and found.environment_id != environment_id)
    ):
        raise TokenNotFoundError
    return found


def _token(row: Waitpoint, output: Packet | None) -> Token:
    return Token(
        id=row.id,
        created_at_ms=row.created_at_ms,
        timeout_at_ms=row.due_at_ms,
        completed_at_ms=row.completed_at_ms,
        has_timed_out=bool(row.is_error),
        idempotency_key=row.idempotency_key,
        idempotency_expires_at_ms=row.idempotency_expires_at_ms,
        tags=_decode_tags(row.tags),
        output=output,
    )
