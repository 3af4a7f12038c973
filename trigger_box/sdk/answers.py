"""What a refusal says: status, headers and body become one of the ``ApiError`` classes.

Source: rest-api 6.1, the client's reading of the body.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from trigger_box.sdk.errors import (
    ApiError,
    AuthenticationError,
    BadRequest,
    Conflict,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServerError,
    Unprocessable,
)

_BY_STATUS: Final[Mapping[int, type[ApiError]]] = {
    400: BadRequest,
    401: AuthenticationError,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    422: Unprocessable,
    429: RateLimited,
}
_SERVER_ERRORS_FROM: Final = 500
_TEXT_SHOWN_MAX: Final = 500


def api_error(status: int, headers: Mapping[str, str], body: bytes, *, at_ms: int) -> ApiError:
    """Return the exception for a refusal.

    Args:
        at_ms: when the answer came, to turn the instant a rate limit resets into a wait.
    """
    parsed = _parsed(body)
    message, code = _reading(parsed)
    if message is None:
        text = body.decode("utf-8", "replace").strip()[:_TEXT_SHOWN_MAX]
        message = text if text and parsed is None else f"{status} status code (no body)"
    kind = _BY_STATUS.get(status, ServerError if status >= _SERVER_ERRORS_FROM else ApiError)
    error = kind(message, status=status, headers=headers, body=parsed, code=code)
    if isinstance(error, RateLimited):
        error.retry_after = _retry_after_s(headers, at_ms)
    return error


def _parsed(body: bytes) -> Any:  # noqa: ANN401 - whatever a server or a proxy sends
    try:
        return json.loads(body)
    except ValueError:
        return None


def _reading(parsed: object) -> tuple[str | None, str | None]:
    """Return message and code of a decoded body."""
    if not isinstance(parsed, dict):
        return None, None
    body = cast("dict[str, Any]", parsed)
    error = body.get("error")
    if isinstance(error, dict):
        inner = cast("dict[str, Any]", error)
        message = inner.get("message")
        return (message if isinstance(message, str) else json.dumps(inner)), _text(inner, "code")
    if isinstance(error, str):
        return error, _text(body, "code")
    return (None if error is None else json.dumps(error)), _text(body, "code")


def _text(mapping: Mapping[str, Any], key: str) -> str | None:
    value = mapping.get(key)
    return value if isinstance(value, str) else None


def _retry_after_s(headers: Mapping[str, str], at_ms: int) -> float | None:
    try:
        # Milliseconds since 1970, unlike the usual seconds (rest-api 15, trap 11).
        until_ms = int(headers["x-ratelimit-reset"]) - at_ms
        if until_ms > 0:
            return until_ms / 1000
    except (KeyError, ValueError):
        pass
    try:
        return max(0.0, float(headers["retry-after"]))
    except (KeyError, ValueError):
        return None
