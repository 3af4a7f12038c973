"""Vectors written by superjson 2.2.6, the package inside the npm client."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.sdk import EPOCH
from trigger_box.sdk import superjson
from trigger_box.sdk.errors import UnsendableError

VECTORS: list[tuple[str, Any]] = [
    ('{"json":"1970-01-01T00:00:00.000Z","meta":{"values":["Date"],"v":1}}', EPOCH),
    (
        (
            '{"json":{"a":{"b":[{"c":"1970-01-01T00:00:00.000Z"}]}},'
            '"meta":{"values":{"a.b.0.c":["Date"]},"v":1}}'
        ),
        {"a": {"b": [{"c": EPOCH}]}},
    ),
    (
        '{"json":[1,"1970-01-01T00:00:00.000Z"],"meta":{"values":["set",{"1":["Date"]}],"v":1}}',
        {1, EPOCH},
    ),
    (
        (
            '{"json":[["k","1970-01-01T00:00:00.000Z"],["j",null]],'
            '"meta":{"values":["map",{"0.1":["Date"],"1.1":["undefined"]}],"v":1}}'
        ),
        {"k": EPOCH, "j": None},
    ),
    ('{"json":[[{"a":1},2]],"meta":{"values":["map"],"v":1}}', [[{"a": 1}, 2]]),
    ('{"json":null,"meta":{"values":["undefined"],"v":1}}', None),
    (
        (
            '{"json":{"a":null,"b":[null,1]},"meta":{"values":{"a":["undefined"],'
            '"b.0":["undefined"]},"v":1}}'
        ),
        {"b": [None, 1]},
    ),
    (
        '{"json":{"n":"12345678901234567890"},"meta":{"values":{"n":["bigint"]},"v":1}}',
        {"n": 12345678901234567890},
    ),
    (
        (
            '{"json":{"a.b":{"c.d":"1970-01-01T00:00:00.000Z"}},'
            '"meta":{"values":{"a\\\\.b.c\\\\.d":["Date"]},"v":1}}'
        ),
        {"a.b": {"c.d": EPOCH}},
    ),
    (
        (
            '{"json":{"a\\\\":"1970-01-01T00:00:00.000Z","b\\\\":{"c":"1970-01-01T00:00:00.000Z"}},'
            '"meta":{"values":{"a\\\\\\\\":["Date"],"b\\\\\\\\.c":["Date"]},"v":1}}'
        ),
        {"a\\": EPOCH, "b\\": {"c": EPOCH}},
    ),
    (
        '{"json":{"":"1970-01-01T00:00:00.000Z"},"meta":{"values":{"":["Date"]},"v":1}}',
        {"": EPOCH},
    ),
    (
        '{"json":{"x":{"n":1},"y":{"n":1}},"meta":{"referentialEqualities":{"x":["y"]},"v":1}}',
        {"x": {"n": 1}, "y": {"n": 1}},
    ),
    (
        (
            '{"json":{"r":"/a.b/gi","u":"http://x.y/z"},'
            '"meta":{"values":{"r":["regexp"],"u":["URL"]},"v":1}}'
        ),
        {"r": "/a.b/gi", "u": "http://x.y/z"},
    ),
    (
        '{"json":{"e":{"name":"Error","message":"boom"}},"meta":{"values":{"e":["Error"]},"v":1}}',
        {"e": {"name": "Error", "message": "boom"}},
    ),
    (
        '{"json":{"t":[1,2]},"meta":{"values":{"t":[["typed-array","Uint8Array"]]},"v":1}}',
        {"t": [1, 2]},
    ),
    (
        (
            '{"json":{"s":[[[1,"2"]]]},'
            '"meta":{"values":{"s":["set",{"0":["map",{"0.1":["bigint"]}]}]},"v":1}}'
        ),
        {"s": [{1: 2}]},
    ),
    ('{"json":{"a":1}}', {"a": 1}),
    # Before version 1 a backslash in a key was not escaped, only a dot.
    (
        '{"json":{"a\\\\b":"1970-01-01T00:00:00.000Z"},"meta":{"values":{"a\\\\b":["Date"]}}}',
        {"a\\b": EPOCH},
    ),
]


@pytest.mark.parametrize(("text", "value"), VECTORS)
def test_what_the_npm_client_wrote_comes_back_as_python_values(text: str, value: object) -> None:
    assert superjson.decode(json.loads(text)) == value


def test_numbers_that_json_lacks_come_back() -> None:
    text = (
        '{"json":["NaN","Infinity","-Infinity","-0"],"meta":{"values":'
        '{"0":["number"],"1":["number"],"2":["number"],"3":["number"]},"v":1}}'
    )

    nan, *rest = superjson.decode(json.loads(text))

    assert math.isnan(nan)
    assert rest == [math.inf, -math.inf, -0.0]
    assert math.copysign(1, rest[-1]) == -1


def test_a_value_that_contained_itself_does_so_again() -> None:
    text = '{"json":{"name":"c","self":null},"meta":{"referentialEqualities":[["self"]],"v":1}}'

    value = superjson.decode(json.loads(text))

    assert value["self"] is value


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '{"json":{},"meta":{"values":{"missing":["Date"]}}}',
        '{"json":"soon","meta":{"values":["Date"]}}',
        '{"json":[1],"meta":{"values":{"9":["set"]}}}',
        '{"json":1,"meta":{"values":["number"]}}',
        '{"json":1,"meta":{"values":' + '{"a":' * 600 + "1" + "}" * 600 + "}}",
    ],
)
def test_a_document_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not superjson"):
        superjson.decode(json.loads(text))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            {"a": 1, "d": EPOCH},
            '{"json":{"a":1,"d":"1970-01-01T00:00:00.000Z"},"meta":{"values":{"d":["Date"]}}}',
        ),
        ({"a": [1, None, True]}, '{"json":{"a":[1,null,true]}}'),
        (EPOCH, '{"json":"1970-01-01T00:00:00.000Z","meta":{"values":["Date"]}}'),
        ({1}, '{"json":[1],"meta":{"values":["set"]}}'),
        (
            {"s": {EPOCH}},
            (
                '{"json":{"s":["1970-01-01T00:00:00.000Z"]},'
                '"meta":{"values":{"s":["set",{"0":["Date"]}]}}}'
            ),
        ),
        (
            {1: 2**60},
            '{"json":[[1,"1152921504606846976"]],"meta":{"values":["map",{"0.1":["bigint"]}]}}',
        ),
        (
            {"a.b": {"c": -0.0}},
            '{"json":{"a.b":{"c":"-0"}},"meta":{"values":{"a\\\\.b.c":["number"]}}}',
        ),
        (
            {"when": date(2026, 1, 31), "price": Decimal("1.10")},
            '{"json":{"when":"2026-01-31","price":"1.10"}}',
        ),
        ((1, (2,)), '{"json":[1,[2]]}'),
    ],
)
def test_python_values_are_written_as_the_npm_client_reads_them(value: object, text: str) -> None:
    assert json.dumps(superjson.encode(value), separators=(",", ":")) == text


def test_a_value_that_contains_itself_can_not_be_written() -> None:
    inner: list[object] = []
    inner.append(inner)

    with pytest.raises(UnsendableError, match="contains itself"):
        superjson.encode({"a": inner})


def test_one_value_may_appear_twice() -> None:
    shared = {"n": 1}

    assert superjson.encode([shared, shared]) == {"json": [{"n": 1}, {"n": 1}]}


@pytest.mark.parametrize(
    "value",
    [
        {"constructor": 1},
        {"a": {"__proto__": 1}},
        {"a\\": {"b": EPOCH}},
        {"d": datetime(2026, 1, 1)},  # noqa: DTZ001 - what is tested
        {"b": b"x"},
    ],
)
def test_what_no_client_could_read_back_is_refused(value: object) -> None:
    with pytest.raises(UnsendableError):
        superjson.encode(value)


KEYS = st.text(max_size=5).filter(
    lambda key: key not in {"__proto__", "constructor", "prototype"} and not key.endswith("\\")
)
INSTANTS = st.datetimes(timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False) | INSTANTS
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.sets(st.integers() | INSTANTS, max_size=3)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_reads_back_equal(value: object) -> None:
    text = json.dumps(superjson.encode(value))

    assert superjson.decode(json.loads(text)) == value
