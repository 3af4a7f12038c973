"""Request bodies: read within a bound, parsed as JSON whatever the content type says, checked.

Clients label JSON as ``text/plain``, and send a JSON content type with no body at all (rest-api 2,
cli-protocol 2), so nothing here looks at the content type. Routes that keep parts of a body as the
text that came in use msgspec (``decode_body``), the others pydantic (``parse_json``, ``check``).
"""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from typing import Any, Final, NoReturn, TypeVar

import msgspec
from pydantic import BaseModel, ValidationError

from trigger_box.api.asgi import Headers, Receive
from trigger_box.api.problems import BodyError, BodyTooLargeError, EmptyBodyError, NotJsonError

M = TypeVar("M", bound=BaseModel)
S = TypeVar("S")
_FALSY: Final = frozenset({b"null", b"0", b"false", b'""'})
# msgspec says: "Expected `str`, got `int` - at `$.options.tags[0]`". People want the field first.
_LOCATION: Final = re.compile(r"^(?P<said>.*?)(?: - at `\$\.?(?P<where>.*)`)?$", re.DOTALL)
_PROBLEMS_SHOWN_MAX: Final = 20
_HALF_A_PAIR: Final = "It has half of a UTF-16 surrogate pair, which is no character."
# What may be a number beyond 1.8e308: a big exponent, or a great many digits.
_BIG_EXPONENT: Final = re.compile(rb"[0-9][eE]\+?[0-9]{3}")
_MANY_DIGITS: Final = re.compile(rb"[0-9.]{200}")
_TWO_DIGITS: Final = re.compile(rb"[0-9.]{2}")


async def read_body(headers: Headers, receive: Receive, *, bytes_max: int) -> bytes:
    """Return the request's body, chunked or not.

    Raises:
        BodyTooLargeError: it is longer than ``bytes_max``; known from the header, or counted.
        ConnectionResetError: the caller hung up in the middle.
    """
    for name, value in headers:
        if name == b"content-length":
            if value.isdigit() and int(value) > bytes_max:
                raise BodyTooLargeError(limit_bytes=bytes_max)
            break
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body = message["body"]
        if len(body) > bytes_max:
            raise BodyTooLargeError(limit_bytes=bytes_max)
        return body
    pieces = bytearray()
    while True:
        if message["type"] != "http.request":
            raise ConnectionResetError("the caller hung up before the body was complete")
        pieces += message["body"]
        if len(pieces) > bytes_max:
            raise BodyTooLargeError(limit_bytes=bytes_max)
        if not message.get("more_body"):
            return bytes(pieces)
        message = await receive()


def parse_json(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON value in ``body``, refusing what JSON does not have.

    Raises:
        EmptyBodyError: there is no body.
        NotJsonError: it is not JSON in UTF-8, has NaN or Infinity, a lone surrogate, or is nested
            too deeply.
    """
    if not body.strip():
        raise EmptyBodyError
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise NotJsonError from error
    if b"\\u" in body and not _is_encodable(value):
        raise NotJsonError("Invalid JSON", details=_HALF_A_PAIR)
    return value


def _why(error: Exception, body: bytes) -> str:
    # The decoder says of half a surrogate pair that the input was truncated.
    with suppress(ValueError, RecursionError):
        if not _is_encodable(json.loads(body)):
            return _HALF_A_PAIR
    return str(error)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


class _InfiniteError(ValueError):
    """A number that is none any more once it is read."""


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _InfiniteError(f"{text[:32]} is out of range")
    return number


def _check_numbers(body: bytes) -> None:
    """Refuse numbers that become Infinity: the decoder steps over them in what it only keeps.

    On the hot path: nearly all bodies have nothing that looks like one, and are not parsed again.
    Many digits in a row are two digits in a row among every hundredth byte.
    """
    if not _BIG_EXPONENT.search(body) and not (
        _TWO_DIGITS.search(body[::100]) and _MANY_DIGITS.search(body)
    ):
        return
    try:
        json.loads(body, parse_float=_finite)
    except _InfiniteError as error:
        raise NotJsonError("Invalid JSON", reason=str(error)) from error
    except (ValueError, RecursionError):
        return  # what the other decoder takes, it takes


def _is_encodable(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def check(model: type[M], value: object) -> M:
    """Return ``value`` as a ``model``.

    Raises:
        NotJsonError: a falsy JSON value stands where an object should (rest-api 6.1).
        BodyError: it does not fit; the message names the first field and what is wrong with it.
    """
    if not value and not isinstance(value, dict | list):
        raise NotJsonError
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise BodyError(readable(error), issues=issues(error)) from error


def decode_body(decoder: msgspec.json.Decoder[S], body: bytes) -> S:
    """Return a body as ``decoder``'s type. What it keeps as ``Raw`` stays the text that came in.

    Raises:
        EmptyBodyError: there is no body.
        NotJsonError: it is not JSON (NaN, 1e999 and half surrogate pairs are not), or a bare
            ``null``.
        BodyError: it does not fit; the message names the field and what is wrong with it.
    """
    try:
        decoded = decoder.decode(body)
    except msgspec.ValidationError as error:
        if body.strip() in _FALSY:
            raise NotJsonError from error
        match = _LOCATION.match(str(error))
        assert match is not None, "the pattern takes any text"
        raise BodyError(f"{match['where'] or 'body'}: {match['said']}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if not body.strip():
            raise EmptyBodyError from error
        raise NotJsonError("Invalid JSON", reason=_why(error, body)) from error
    _check_numbers(body)
    return decoded


def readable(error: ValidationError) -> str:
    """Return a sentence about the first thing that is wrong."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "body"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"


def issues(error: ValidationError) -> list[dict[str, object]]:
    """Return what is wrong, one entry per field, bounded."""
    return [
        {
            "path": list(problem["loc"]),
            "message": problem["msg"].removeprefix("Value error, "),
            "code": problem["type"],
        }
        for problem in error.errors(include_url=False, include_input=False)[:_PROBLEMS_SHOWN_MAX]
    ]
