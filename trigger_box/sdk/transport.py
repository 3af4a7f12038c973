"""Calls to the server without any I/O: what to send, what to retry, what to make of an answer.

An operation is a generator: it yields ``Request`` and ``Pause`` and is sent ``Answer``. One
description of each call thus serves both drivers, the async and the blocking one
(``drivers.py``). Source of the retry rules: rest-api 6.2.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypedDict, TypeVar
from urllib.parse import quote, urlencode

from trigger_box.sdk.answers import api_error
from trigger_box.sdk.errors import ConnectionFailed, UnexpectedAnswer
from trigger_box.sdk.limits import (
    CALL_ATTEMPTS_MAX,
    CALL_PAUSE_FACTOR,
    CALL_PAUSE_MS_MAX,
    CALL_PAUSE_MS_MIN,
    RATE_LIMIT_JITTER_MS,
    RATE_LIMIT_PAUSE_MS_MAX,
)
from trigger_box.sdk.retries import RetryPolicy, retry_delay_ms

if TYPE_CHECKING:
    from trigger_box.sdk.client import Client
    from trigger_box.sdk.environment import Settings
    from trigger_box.sdk.runtime import RunRuntime

T = TypeVar("T")

CALL_RETRY: Final = RetryPolicy(
    max_attempts=CALL_ATTEMPTS_MAX,
    factor=CALL_PAUSE_FACTOR,
    min_delay_ms=CALL_PAUSE_MS_MIN,
    max_delay_ms=CALL_PAUSE_MS_MAX,
    jitter=False,
)
"""The npm client's own: pauses of 1000, 1600, 2560 and 4096 ms."""

_RETRIED_STATUSES: Final = frozenset({408, 409, 429})
_RATE_LIMITED: Final = 429
_SERVER_ERRORS_FROM: Final = 500
_SUCCESSES: Final = range(200, 300)


class CallOptions(TypedDict, total=False):
    """What every call takes.

    ``timeout`` is the seconds to wait for each answer; ``extra_headers`` are sent along.
    """

    timeout: float
    extra_headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, ready to be sent."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Wait, and up to ``jitter_s`` longer."""

    seconds: float
    jitter_s: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer. Header names are in lower case; ``at_ms`` is when it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    at_ms: int

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return self.status in _SUCCESSES


class UnreachableError(Exception):
    """The driver's word to the operation: no answer came, or it could not be read."""


Operation = Generator[Request | Pause, Answer | None, T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Where a client's calls go, as of one moment.

    Attributes:
        runtime: the run the call is made from, when the client belongs to it.
        random_unit: draws from [0, 1); ``now_ms`` and ``request_key`` come from the client, too.
    """

    client: Client
    base_url: str
    settings: Settings
    headers: Mapping[str, str]
    retry: RetryPolicy
    runtime: RunRuntime | None
    now_ms: Callable[[], int]
    monotonic_s: Callable[[], float]
    random_unit: Callable[[], float]
    request_key: Callable[[], str]

    def request(  # noqa: PLR0913 - the parts of a request
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        options: CallOptions | None = None,
    ) -> Request:
        """Return a request to one of the server's routes, with the client's own headers."""
        given = options or {}
        url = f"{self.base_url}{path}"
        if query:
            url += f"?{urlencode(query, quote_via=quote)}"
        return Request(
            method=method,
            url=url,
            headers={**self.headers, **(headers or {}), **given.get("extra_headers", {})},
            body=body,
            timeout_s=given.get("timeout"),
        )


def segment(value: str) -> str:
    """Return ``value`` as one segment of a path: a slash inside becomes ``%2F``."""
    # encodeURIComponent's own set, so that both clients spell one path.
    return quote(value, safe="-_.!~*'()")


def send(line: Line, request: Request, *, retry: RetryPolicy | None = None) -> Operation[Answer]:
    """Send a request until it is answered well, refused for good, or tried often enough.

    All tries carry one request key, so that a call whose answer was lost is not done twice.

    Raises:
        ApiError: the server refused.
        ConnectionFailed: it could not be reached, or its answer could not be read.
    """
    answer, _ = yield from _sent(line, request, retry or line.retry, read=_nothing)
    return answer


def send_json(line: Line, request: Request) -> Operation[tuple[Any, Answer]]:
    """Send a request and return the parsed JSON of its answer, and the answer.

    Raises:
        ApiError: the server refused.
        ConnectionFailed: it could not be reached, or its answer could not be read.
    """
    answer, parsed = yield from _sent(line, request, line.retry, read=json.loads)
    return parsed, answer


def shaped(answer: Answer, read: Callable[[], T]) -> T:
    """Return what ``read`` makes of an answer.

    Raises:
        UnexpectedAnswer: it raised ValueError, KeyError or TypeError: another shape.
    """
    try:
        return read()
    except (ValueError, KeyError, TypeError) as error:
        raise UnexpectedAnswer(
            f"The server's answer has another shape than this SDK knows: {error}",
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
        ) from error


def _sent(
    line: Line, request: Request, retry: RetryPolicy, *, read: Callable[[bytes], Any]
) -> Operation[tuple[Answer, Any]]:
    headers = {**request.headers, "x-trigger-request-idempotency-key": line.request_key()}
    request = replace(request, headers=headers)
    attempt = 0
    while True:
        attempt += 1
        pause = _pause(line, retry, attempt)
        try:
            answer = yield request
            assert answer is not None  # a driver answers a request
            if answer.is_success:
                return answer, read(answer.body)
        except (UnreachableError, ValueError) as error:
            if pause is None:
                raise ConnectionFailed(_unreachable(request, error, attempt)) from error
        else:
            if pause is None or not _is_retried(answer):
                raise api_error(answer.status, answer.headers, answer.body, at_ms=answer.at_ms)
            pause = _until_reset(answer) or pause
        yield pause


def _pause(line: Line, retry: RetryPolicy, attempt: int) -> Pause | None:
    delay_ms = retry_delay_ms(retry, attempt_number=attempt, random_unit=line.random_unit())
    return None if delay_ms is None else Pause(seconds=delay_ms / 1000)


def _is_retried(answer: Answer) -> bool:
    asked = answer.headers.get("x-should-retry")
    if asked in ("true", "false"):
        return asked == "true"
    return answer.status in _RETRIED_STATUSES or answer.status >= _SERVER_ERRORS_FROM


def _until_reset(answer: Answer) -> Pause | None:
    """Return the pause a rate limit asks for, or None when it asks for none that makes sense."""
    if answer.status != _RATE_LIMITED:
        return None
    try:
        reset_at_ms = int(answer.headers.get("x-ratelimit-reset", ""))
    except ValueError:
        return None
    until_ms = reset_at_ms - answer.at_ms
    if not 0 < until_ms <= RATE_LIMIT_PAUSE_MS_MAX:
        return None
    return Pause(seconds=until_ms / 1000, jitter_s=RATE_LIMIT_JITTER_MS / 1000)


def _unreachable(request: Request, error: Exception, attempts: int) -> str:
    tries = "1 try" if attempts == 1 else f"{attempts} tries"
    address = request.url.split("?", 1)[0]
    return f"No readable answer from {request.method} {address} after {tries}: {error}"


def _nothing(_: bytes) -> None:
    return None
