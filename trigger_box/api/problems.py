"""Which status and body each error gets on the wire. Nothing else in the box knows statuses.

Sources: rest-api 5.4, 6.1 and 6.2 of the specification: the npm client reads ``error`` (shown to
people as it is), ``code``, ``param`` and ``type``, and retries 409, 429 and 5xx unless
``x-should-retry`` says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from litestar.exceptions import HTTPException

from trigger_box import log
from trigger_box.domain import errors
from trigger_box.domain.errors import BoxError, InvalidError, TooLargeError, UnauthenticatedError
from trigger_box.ids import new_secret

_log = log.get("api")

_STATUSES: Final[Mapping[type[BoxError], int]] = {
    errors.InvalidError: 400,
    errors.UnauthenticatedError: 401,
    errors.DeniedError: 403,
    errors.NotFoundError: 404,
    errors.ConflictError: 409,
    errors.TooLargeError: 413,
    errors.RefusedError: 422,
    errors.LimitError: 429,
    errors.UnavailableError: 503,
}
_CLIENT_ERRORS: Final = range(400, 500)
_NOT_FOUND: Final = 404
_METHOD_NOT_ALLOWED: Final = 405
_TOO_LARGE: Final = 413
_UNEXPECTED: Final = 500


class ParametersError(InvalidError):
    """Params Error"""  # noqa: D415 - the wire's own words

    code = "invalid_parameters"


class QueryError(InvalidError):
    """Query Error"""  # noqa: D415 - the wire's own words

    code = "invalid_query"


class HeadersError(InvalidError):
    """Headers Error"""  # noqa: D415 - the wire's own words

    code = "invalid_headers"


class EmptyBodyError(InvalidError):
    """Request body is empty"""  # noqa: D415 - the wire's own words

    code = "empty_body"


class NotJsonError(InvalidError):
    """Invalid JSON"""  # noqa: D415 - the wire's own words

    code = "invalid_json"


class BodyError(InvalidError):
    """The body does not have the expected shape."""

    code = "invalid_body"


class BodyTooLargeError(TooLargeError):
    """Request body too large"""  # noqa: D415 - the wire's own words

    code = "body_too_large"


class NoCredentialError(UnauthenticatedError):
    """Invalid or Missing API key"""  # noqa: D415 - the wire's own words

    code = "missing_credential"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error as it goes over the wire."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    media_type: str = "application/json"

    def encoded(self) -> bytes:
        """Return the body's bytes."""
        return msgspec.json.encode(self.body)


def problem_of(error: BaseException, *, path: str) -> Problem:
    """Return what the caller is told about ``error``; log it if it is a bug of ours.

    Args:
        path: the path asked for, for the log only.
    """
    if isinstance(error, BoxError):
        return _of_box_error(error)
    if isinstance(error, HTTPException):
        return _of_framework(error)
    if isinstance(error, ConnectionResetError):
        # The caller hung up in the middle of its own body: nobody will read this.
        return Problem(status=400, body={"error": "The body is incomplete", "code": "hung_up"})
    return _of_bug(error, path)


def _of_box_error(error: BoxError) -> Problem:
    status = next(
        (_STATUSES[family] for family in type(error).__mro__ if family in _STATUSES), _UNEXPECTED
    )
    if isinstance(error, NoCredentialError):
        return _of_missing_credential(error, status)
    details = dict(error.details)
    headers = _headers_of(error, details)
    body: dict[str, Any] = {"error": error.message, "code": error.code}
    if isinstance(error, errors.DeniedError):
        body |= {"param": "access_token", "type": "authorization"}
    # Two generations of routes differ in where they name the bad fields (rest-api 6.1).
    body |= {key: details.pop(key) for key in ("issues", "details") if key in details}
    if details:
        body.setdefault("details", details)
    return Problem(status=status, body=body, headers=headers)


def _headers_of(error: BoxError, details: dict[str, object]) -> dict[str, str]:
    """Return the headers that tell clients whether to repeat; take their facts from ``details``."""
    match error:
        case errors.NotFoundError() | errors.ConflictError():
            # The npm client repeats 409s, upstream asks it to repeat 404s: ours are final.
            return {"x-should-retry": "false"}
        case errors.UnavailableError():
            return {"x-should-retry": "true", "retry-after": "1"}
        case errors.LimitError():
            headers: dict[str, str] = {}
            if isinstance(after_s := details.pop("retry_after_s", None), int | float):
                headers["retry-after"] = str(max(1, round(after_s)))
            if isinstance(reset_ms := details.pop("reset_at_ms", None), int):
                headers["x-ratelimit-reset"] = str(reset_ms)
            return headers
        case _:
            return {}


def _of_missing_credential(error: BoxError, status: int) -> Problem:
    return Problem(
        status=status,
        body={
            "title": "Unauthorized",
            "status": status,
            "type": "about:blank",
            "detail": "No authorization header provided",
            "error": error.message,
        },
        media_type="application/problem+json",
    )


def _of_framework(error: HTTPException) -> Problem:
    headers = dict(error.headers or {})
    status = error.status_code
    if status == _NOT_FOUND:
        headers["x-should-retry"] = "false"
        return Problem(
            status=status, body={"error": "Not found", "code": "not_found"}, headers=headers
        )
    if status == _METHOD_NOT_ALLOWED:
        return method_not_allowed(headers.get("allow", "").split(", "))
    if status == _TOO_LARGE:
        return _of_box_error(BodyTooLargeError())
    body: dict[str, Any] = {"error": error.detail, "code": "invalid_request"}
    if error.extra:
        body["details"] = error.extra
    if status not in _CLIENT_ERRORS:
        body = {"error": "Internal Server Error", "code": "internal_error"}
    return Problem(status=status, body=body, headers=headers)


def method_not_allowed(allowed: Iterable[str]) -> Problem:
    """Return the answer to a method a path does not have; it names those it has."""
    names = sorted(name for name in allowed if name not in {"", "OPTIONS"})
    return Problem(
        status=_METHOD_NOT_ALLOWED,
        body={"error": "Method not allowed", "code": "method_not_allowed"},
        headers={"allow": ", ".join(names), "x-should-retry": "false"},
    )


def _of_bug(error: BaseException, path: str) -> Problem:
    incident = new_secret("incident_", 10)
    _log.exception("request.crashed", incident=incident, path=path, exc_info=error)
    return Problem(
        status=_UNEXPECTED,
        body={"error": "Internal Server Error", "code": "internal_error", "incident": incident},
    )
