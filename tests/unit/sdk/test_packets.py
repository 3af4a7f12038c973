from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from uuid import UUID

import pytest
from pydantic import BaseModel

from trigger_box.sdk.errors import UnsendableError
from trigger_box.sdk.packets import JSON, SUPERJSON, TEXT, Packet, decode_packet, encode_packet


class Colour(Enum):
    RED = "red"


class Model(BaseModel):
    at: datetime


@dataclass
class Point:
    x: int
    inner: object


def test_values_of_python_become_the_json_pydantic_writes() -> None:
    value = {
        "at": datetime(2026, 1, 31, tzinfo=UTC),
        "id": UUID(int=1),
        "colour": Colour.RED,
        "model": Model(at=datetime(2026, 1, 31, tzinfo=UTC)),
        "point": Point(1, [None]),
        "members": {3},
        "text": "żółw",
    }

    assert encode_packet(value) == Packet(
        data='{"at":"2026-01-31T00:00:00Z","id":"00000000-0000-0000-0000-000000000001",'
        '"colour":"red","model":{"at":"2026-01-31T00:00:00Z"},"point":{"x":1,"inner":[null]},'
        '"members":[3],"text":"żółw"}',
        type=JSON,
    )


def test_the_size_of_a_packet_is_counted_in_utf_8() -> None:
    assert Packet(data="żółw").size == 7
    assert Packet(data=None).size == 0


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": [1, {"b": float("nan")}]}, r"a\[1\]\.b: NaN"),
        ({"a": float("inf")}, "a: NaN and infinity"),
        ({"x": ["fine", "\ud800"]}, r"x\[1\]: .*lone surrogate"),
        ({"\ud800": 1}, "a key in the value: .*lone surrogate"),
        ({"f": b"raw"}, "base64"),
        (Point(1, bytearray(b"raw")), "base64"),
        (object(), "'object'"),
        ({(1, 2): 3}, "no JSON form"),
        (float("nan"), "NaN"),
        ("\udfff", "lone surrogate"),
    ],
)
def test_what_json_can_not_say_is_refused_with_the_place(value: object, words: str) -> None:
    with pytest.raises(UnsendableError, match=words):
        encode_packet(value)


def test_a_value_that_contains_itself_is_refused() -> None:
    inner: dict[str, object] = {}
    inner["self"] = inner

    with pytest.raises(UnsendableError, match="contains itself"):
        encode_packet(inner)


def test_a_value_without_bottom_is_refused() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(UnsendableError, match="nested too deeply"):
        encode_packet(deep)
    with pytest.raises(UnsendableError):
        encode_packet(deep, "superjson")


@pytest.mark.parametrize(
    ("data", "packet_type", "value"),
    [
        ('{"a":[1,null]}', JSON, {"a": [1, None]}),
        ("null", JSON, None),
        (None, JSON, None),
        ("", TEXT, None),
        ("plain", TEXT, "plain"),
        ("<x/>", "application/xml", "<x/>"),
        ('{"json":{"n":"5"},"meta":{"values":{"n":["bigint"]}}}', SUPERJSON, {"n": 5}),
        ('"\\ud83d\\ude00"', JSON, "😀"),
    ],
)
def test_packets_are_read_by_their_type(data: str | None, packet_type: str, value: object) -> None:
    assert decode_packet(data, packet_type) == value


@pytest.mark.parametrize(
    ("data", "packet_type"),
    [
        ("{", JSON),
        ("NaN", JSON),
        ("[-Infinity]", JSON),
        ("[1]", SUPERJSON),
        ("trigger/packet_x/payload.json", "application/store"),
        ("[" * 100_000, JSON),
    ],
)
def test_a_packet_that_is_not_what_it_says_is_refused(data: str, packet_type: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_packet(data, packet_type)
