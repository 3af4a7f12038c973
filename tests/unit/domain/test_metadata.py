import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_box.domain.metadata import (
    Append,
    Delete,
    Increment,
    MetadataKeyError,
    Operation,
    Remove,
    Set,
    Update,
    apply,
    segments,
)


def after(before: dict[str, Any], *operations: Operation) -> dict[str, Any]:
    return apply(before, operations)[0]


def test_operations_happen_in_their_order() -> None:
    assert after({}, Set("n", 1), Increment("n", 2), Append("n", "x"), Delete("gone")) == {
        "n": [3, "x"]
    }


@pytest.mark.parametrize(
    ("before", "operation", "result"),
    [
        ({}, Set("a.b", 1), {"a.b": 1}),
        ({}, Set("$.a.b", 1), {"a": {"b": 1}}),
        ({"a": 5}, Set("$.a.b", 1), {"a": {"b": 1}}),
        ({}, Set("$.list[1]", "x"), {"list": [None, "x"]}),
        ({"list": [1, 2]}, Set("$.list[0]", 9), {"list": [9, 2]}),
        ({}, Set('$.a["b.c"].d', 1), {"a": {"b.c": {"d": 1}}}),
        ({}, Set("$.['x y']", 1), {"x y": 1}),
        ({"a": {"b": [{"c": 1}]}}, Increment("$.a.b[0].c", 2), {"a": {"b": [{"c": 3}]}}),
        ({"l": [1]}, Append("l", 2), {"l": [1, 2]}),
        ({}, Append("l", 2), {"l": [2]}),
        ({"l": None}, Append("l", 2), {"l": [2]}),
        ({"l": "old"}, Append("l", 2), {"l": ["old", 2]}),
        ({"l": [1, {"a": [1]}, {"a": [1]}]}, Remove("l", {"a": [1]}), {"l": [1]}),
        ({"l": [1, True]}, Remove("l", 1), {"l": [True]}),
        ({"l": "x"}, Remove("l", "x"), {"l": "x"}),
        ({"n": "text"}, Increment("n", 1), {"n": 1}),
        ({"n": True}, Increment("n", 1), {"n": 1}),
        ({"n": 1}, Increment("n", -0.5), {"n": 0.5}),
        ({"$.a": 1, "a": 2}, Delete("$.a"), {"a": 2}),
        ({"a": 1}, Update({"b": 2}), {"b": 2}),
        ({"l": [1]}, Set("$.l.name", 5), {"l": [1]}),
    ],
)
def test_each_operation_does_what_the_specification_says(
    before: dict[str, Any], operation: Operation, result: dict[str, Any]
) -> None:
    untouched = copy.deepcopy(before)

    assert after(before, operation) == result
    assert before == untouched


@pytest.mark.parametrize(
    ("before", "operation"),
    [
        ({}, Delete("a")),
        ({"l": [1]}, Remove("l", 2)),
        ({"l": 1}, Remove("l", 1)),
        ({}, Remove("l", 1)),
    ],
)
def test_an_operation_without_effect_is_not_counted(
    before: dict[str, Any], operation: Operation
) -> None:
    assert apply(before, (operation,)) == (before, 0)


@pytest.mark.parametrize(
    "key",
    [
        "$.", "$.a..b", "$.a[", "$.a[x]", "$.a]b", "$..", "$.a[0]b", "__proto__", "$.a.__proto__",
        "$.constructor.x", "prototype", '$.["__proto__"]', "$.a[999999]",
    ],
)  # fmt: skip
def test_keys_that_lead_nowhere_good_are_refused(key: str) -> None:
    with pytest.raises(MetadataKeyError):
        segments(key)


def test_delete_takes_every_key_literally() -> None:
    assert after({"__proto__": 1}, Delete("__proto__")) == {}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.sampled_from(["a", "b", "$.a", "$.a.b", "$.l[0]", "$.l[1].c"])
operations = st.one_of(
    st.builds(Set, names, json_values),
    st.builds(Append, names, json_values),
    st.builds(Remove, names, json_values),
    st.builds(Increment, names, st.integers(-5, 5)),
    st.builds(Delete, names),
)


@given(st.lists(operations, max_size=8))
def test_no_sequence_of_operations_breaks_the_object(sequence: list[Operation]) -> None:
    result, applied = apply({}, sequence)

    assert isinstance(result, dict)
    assert 0 <= applied <= len(sequence)
    assert (applied > 0) or result == {}


@given(names, json_values)
def test_what_is_set_is_found_again(key: str, value: object) -> None:
    once = after({}, Set(key, value))

    assert after(once, Set(key, value)) == once
