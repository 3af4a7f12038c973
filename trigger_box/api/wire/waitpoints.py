"""Waits and waitpoint tokens on the wire. Source: rest-api 13.9."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qsl

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from trigger_box.api.problems import NotJsonError
from trigger_box.api.wire.lists import created_between, page_of, refused
from trigger_box.domain import durations, limits, packets
from trigger_box.domain.errors import InvalidError, RefusedError
from trigger_box.domain.instants import iso
from trigger_box.domain.packets import NOTHING, Packet
from trigger_box.engine.listing import Page
from trigger_box.engine.tokens import NewToken, Token, TokenFilter, TokenPage
from trigger_box.engine.waits import Waiting, WaitUntil
from trigger_box.ids import EnvironmentId, WaitpointId

Key = Annotated[str, Meta(max_length=limits.IDEMPOTENCY_KEY_CHARACTERS_MAX)]
Status = Literal["WAITING", "COMPLETED", "TIMED_OUT"]

_QUOTE: Final = b'"'
_TOKEN_ID: Final = re.compile(r"waitpoint_[0-9a-v]{26}")
_STATUSES: Final = ("WAITING", "COMPLETED", "TIMED_OUT")


class InvalidTimeoutError(RefusedError):
    """The timeout is neither a date nor a duration."""

    code = "invalid_timeout"


class TokenBody(Struct, rename="camel"):
    """How a token is to be made."""

    idempotency_key: Key | None = None
    idempotency_key_ttl: Key | None = msgspec.field(default=None, name="idempotencyKeyTTL")
    timeout: Key | None = None
    tags: str | list[str] | None = None


class CompleteBody(Struct):
    """What those who wait are given."""

    data: Raw | UnsetType = UNSET


class UntilBody(Struct, rename="camel"):
    """Until when a run waits."""

    date: Key
    idempotency_key: Key | None = None
    idempotency_key_ttl: Key | None = msgspec.field(default=None, name="idempotencyKeyTTL")


class MadeTokenAnswer(Struct, rename="camel"):
    """A token and its callback address."""

    id: WaitpointId
    is_cached: bool
    url: str


class TokenAnswer(Struct, rename="camel", omit_defaults=True):
    """A token; its output only where one was asked for."""

    id: WaitpointId
    url: str
    status: Status
    tags: tuple[str, ...]
    created_at: str
    type: str | UnsetType = UNSET
    completed_at: str | UnsetType = UNSET
    timeout_at: str | UnsetType = UNSET
    completed_after: str | UnsetType = UNSET
    idempotency_key: str | UnsetType = UNSET
    idempotency_key_expires_at: str | UnsetType = UNSET
    output: str | UnsetType = UNSET
    output_type: str | UnsetType = UNSET
    output_is_error: bool | UnsetType = UNSET


class TokenCursors(Struct, omit_defaults=True):
    """What is older, and what is newer."""

    next: str | UnsetType = UNSET
    previous: str | UnsetType = UNSET


class TokensPage(Struct):
    """A page of tokens, newest first."""

    data: list[TokenAnswer]
    pagination: TokenCursors


class Done(Struct):
    """It is done."""

    success: bool = True


class WaitpointNamed(Struct):
    """Names a waitpoint."""

    id: WaitpointId


class WaitingAnswer(Struct, rename="camel"):
    """What a run waits for, and until when."""

    wait_until: str
    waitpoint: WaitpointNamed


token_body: Final = msgspec.json.Decoder(TokenBody)
complete_body: Final = msgspec.json.Decoder(CompleteBody)
until_body: Final = msgspec.json.Decoder(UntilBody)


def new_token(body: TokenBody, environment_id: EnvironmentId, *, now_ms: int) -> NewToken:
    """Return a token as the engine makes it.

    Raises:
        InvalidTimeoutError: the timeout is neither a date nor a duration.
    """
    timeout_at_ms = None
    if body.timeout is not None:
        timeout_at_ms = durations.due_ms(body.timeout, now_ms=now_ms)
        if timeout_at_ms is None:
            raise InvalidTimeoutError(
                f"Invalid timeout: {body.timeout[:100]!r}. Write a date such as "
                "2026-01-31T10:00:00Z or a duration such as 1h30m (units w, d, hr, h, m, s)."
            )
    tags = (body.tags,) if isinstance(body.tags, str) else tuple(body.tags or ())
    return NewToken(
        environment_id,
        timeout_at_ms=timeout_at_ms,
        idempotency_key=body.idempotency_key,
        idempotency_ttl_ms=durations.key_ttl_ms(body.idempotency_key_ttl),
        tags=tags,
    )


def wait_until_of(body: UntilBody, run_id: str) -> WaitUntil:
    """Return a run's wish to wait as the engine takes it.

    Raises:
        InvalidError: the date is none.
    """
    at_ms = durations.instant_ms(body.date)
    if at_ms is None:
        raise InvalidError(f"date: {body.date[:100]!r} is no date such as 2026-01-31T10:00:00Z.")
    return WaitUntil(
        run_id,
        at_ms,
        idempotency_key=body.idempotency_key,
        idempotency_ttl_ms=durations.key_ttl_ms(body.idempotency_key_ttl),
    )


def output_of(data: Raw | UnsetType) -> Packet:
    """Return a value that came as JSON as the packet those who wait get (rest-api 9)."""
    if data is UNSET:
        return NOTHING
    raw = bytes(data)
    if raw.startswith(_QUOTE):
        return Packet(msgspec.json.decode(raw, type=str), packets.TEXT)
    try:
        return Packet(f'{{"json":{raw.decode()}}}', packets.SUPER_JSON)
    except UnicodeDecodeError as error:
        raise NotJsonError from error


def waiting_answer(waiting: Waiting) -> WaitingAnswer:
    """Return what a run waits for as the wire has it."""
    return WaitingAnswer(
        wait_until=iso(waiting.until_ms), waitpoint=WaitpointNamed(waiting.waitpoint_id)
    )


def token_answer(token: Token, url: str, *, is_whole: bool = False) -> TokenAnswer:
    """Return a token as the wire has it; ``is_whole`` with its output."""
    answer = TokenAnswer(
        id=token.id,
        url=url,
        status=_status(token),
        tags=token.tags,
        created_at=iso(token.created_at_ms),
        completed_at=_instant(token.completed_at_ms),
        timeout_at=_instant(token.timeout_at_ms),
        completed_after=_instant(token.timeout_at_ms),
        idempotency_key=token.idempotency_key or UNSET,
        idempotency_key_expires_at=_instant(token.idempotency_expires_at_ms),
    )
    if is_whole:
        answer.type = "MANUAL"
        answer.output_is_error = token.has_timed_out
        if token.output is not None:
            answer.output_type = token.output.type
            answer.output = UNSET if token.output.data is None else token.output.data
    return answer


def tokens_page(page: TokenPage, answers: list[TokenAnswer]) -> TokensPage:
    """Return a page of tokens as the wire has it."""
    return TokensPage(
        data=answers,
        pagination=TokenCursors(next=page.next or UNSET, previous=page.previous or UNSET),
    )


def parse_token_query(query: bytes, *, now_ms: int) -> tuple[TokenFilter, Page]:
    """Return what a list call asks for.

    Raises:
        QueryError: a value can't be used; ``details`` names the parameter.
    """
    given: dict[str, Any] = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))

    def listed(name: str) -> tuple[str, ...]:
        return tuple(part for part in given.get(f"filter[{name}]", "").split(",") if part)

    statuses = listed("status")
    unknown = next((one for one in statuses if one not in _STATUSES), None)
    if unknown is not None:
        raise refused("filter[status]", f"{unknown[:64]!r} is none of {', '.join(_STATUSES)}.")
    from_ms, to_ms = created_between(given, now_ms)
    wanted = TokenFilter(
        statuses=statuses,
        idempotency_key=given.get("filter[idempotencyKey]") or None,
        tags=listed("tags"),
        created_from_ms=from_ms,
        created_to_ms=to_ms,
    )
    return wanted, page_of(given, is_cursor=_is_token_id)


def _is_token_id(text: str) -> bool:
    return _TOKEN_ID.fullmatch(text) is not None


def _status(token: Token) -> Status:
    if token.completed_at_ms is None:
        return "WAITING"
    return "TIMED_OUT" if token.has_timed_out else "COMPLETED"


def _instant(at_ms: int | None) -> str | UnsetType:
    return UNSET if at_ms is None else iso(at_ms)
