from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel

from trigger_box.api.bodies import check, decode_body, parse_json, read_body
from trigger_box.api.problems import (
    BodyError,
    BodyTooLargeError,
    EmptyBodyError,
    NotJsonError,
)


class Caller:
    """The receiving end of a request whose body comes in these pieces."""

    def __init__(self, *pieces: bytes, hangs_up: bool = False) -> None:
        self._messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": piece, "more_body": True} for piece in pieces
        ]
        if hangs_up:
            self._messages.append({"type": "http.disconnect"})
        elif self._messages:
            self._messages[-1]["more_body"] = False
        else:
            self._messages.append({"type": "http.request", "body": b"", "more_body": False})
        self.read = 0

    async def __call__(self) -> dict[str, Any]:
        self.read += 1
        return self._messages.pop(0)


def length(number: int) -> Iterable[tuple[bytes, bytes]]:
    return [(b"content-length", str(number).encode())]


async def test_a_chunked_body_without_a_length_is_read_whole() -> None:
    assert await read_body([], Caller(b"ab", b"c", b"d"), bytes_max=4) == b"abcd"


async def test_a_body_that_says_it_is_too_long_is_refused_before_it_is_read() -> None:
    caller = Caller(b"12345")

    with pytest.raises(BodyTooLargeError):
        await read_body(length(5), caller, bytes_max=4)

    assert caller.read == 0


async def test_a_body_that_lies_about_its_length_is_counted() -> None:
    with pytest.raises(BodyTooLargeError) as caught:
        await read_body(length(1), Caller(b"123", b"45", b"6789"), bytes_max=4)

    assert caught.value.details == {"limit_bytes": 4}


async def test_a_caller_that_hangs_up_in_the_middle_has_sent_no_body() -> None:
    with pytest.raises(ConnectionResetError):
        await read_body([], Caller(b"half", hangs_up=True), bytes_max=100)


@pytest.mark.parametrize("body", [b"", b"  \n"])
def test_no_body_is_told_apart_from_bad_json(body: bytes) -> None:
    with pytest.raises(EmptyBodyError):
        parse_json(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[1,]",
        b"NaN",
        b'{"a": Infinity}',
        b"[-Infinity]",
        b"1e999",
        b'"\xff"',
        b'{"a": "\\ud800"}',
        b'["\\udc00\\ud800"]',
        b"[" * 100_000,
    ],
)
def test_what_json_does_not_have_is_refused(body: bytes) -> None:
    with pytest.raises(NotJsonError):
        parse_json(body)


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert parse_json(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


def test_big_whole_numbers_keep_all_their_digits() -> None:
    assert parse_json(b"12345678901234567890") == 12345678901234567890


class Shape(BaseModel):
    name: str
    count: int = 1


@pytest.mark.parametrize("value", [None, 0, False, ""])
def test_a_falsy_value_where_an_object_belongs_counts_as_bad_json(value: object) -> None:
    with pytest.raises(NotJsonError):
        check(Shape, value)


def test_a_wrong_shape_names_the_field() -> None:
    with pytest.raises(BodyError) as caught:
        check(Shape, {"name": "x", "count": "many"})

    assert caught.value.message.startswith("count: ")
    assert caught.value.details["issues"][0]["path"] == ["count"]  # type: ignore[index] - details hold any JSON


class Options(msgspec.Struct):
    tags: list[str] = []


class Kept(msgspec.Struct):
    payload: msgspec.Raw
    options: Options | None = None


DECODER = msgspec.json.Decoder(Kept)


def test_a_kept_part_is_the_text_that_came_in() -> None:
    kept = decode_body(DECODER, b'{"payload": {"b" : 1e2, "a": 12345678901234567890} }')

    assert bytes(kept.payload) == b'{"b" : 1e2, "a": 12345678901234567890}'


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"payload":1,"options":{"tags":["x",1]}}', "options.tags[1]: Expected `str`, got `int`"),
        (b"[]", "body: Expected `object`, got `array`"),
        (b"{}", "body: Object missing required field `payload`"),
    ],
)
def test_a_wrong_shape_is_told_with_the_field_first(body: bytes, message: str) -> None:
    with pytest.raises(BodyError) as caught:
        decode_body(DECODER, body)

    assert caught.value.message == message


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"0",
        b"false",
        b'""',
        b"{",
        b'{"payload":NaN}',
        b'{"payload":[-Infinity]}',
        b'{"payload":"\\ud800"}',
        b'{"payload":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    ],
)
def test_kept_parts_are_checked_for_what_json_does_not_have(body: bytes) -> None:
    with pytest.raises(NotJsonError):
        decode_body(DECODER, body)


def test_half_a_surrogate_pair_is_called_what_it_is() -> None:
    with pytest.raises(NotJsonError) as caught:
        decode_body(DECODER, b'{"payload":"\\ud800"}')

    assert "surrogate pair" in str(caught.value.details["reason"])


def test_an_empty_body_of_a_kept_kind_is_empty() -> None:
    with pytest.raises(EmptyBodyError):
        decode_body(DECODER, b" ")


class Kept(msgspec.Struct):
    payload: msgspec.Raw = msgspec.Raw(b"null")


KEPT = msgspec.json.Decoder(Kept)


@pytest.mark.parametrize(
    "number", ["1e999", "-1E+400", "[0.1e400]", '{"a": 1e309}', "1" * 400 + ".5", "12e308"]
)
def test_a_number_that_would_be_infinite_is_refused_also_where_text_is_kept(number: str) -> None:
    with pytest.raises(NotJsonError):
        decode_body(KEPT, f'{{"payload": {number}}}'.encode())
    with pytest.raises(NotJsonError):
        parse_json(number.encode())


@pytest.mark.parametrize(
    "value",
    ["1e308", "1e-999", '"1e999"', '"c0ffee3e999"', "1" * 400, "0." + "1" * 400, "0.001e309"],
)
def test_what_only_looks_like_an_infinite_number_stays_as_it_is(value: str) -> None:
    body = f'{{"payload": {value}}}'.encode()

    assert bytes(decode_body(KEPT, body).payload) == value.encode()
