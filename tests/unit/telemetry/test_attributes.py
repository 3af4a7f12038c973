from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_box.domain import limits
from trigger_box.telemetry.attributes import Budget, nest, under


@pytest.mark.parametrize(
    ("flat", "nested"),
    [
        ({"a": 1}, {"a": 1}),
        ({"a.b": 1, "a.c": 2}, {"a": {"b": 1, "c": 2}}),
        ({"a.[0]": 1, "a.[1].b": 2}, {"a": [1, {"b": 2}]}),
        ({"[0]": "x", "[1]": "y"}, ["x", "y"]),
        ({"a": "$@null(("}, {"a": None}),
        ({"a.b": "$@circular(("}, {"a": {"b": "[circular]"}}),
        ({"a": [1, 2], "b": {"c": 3}}, {"a": [1, 2], "b": {"c": 3}}),
    ],
)
def test_flat_attributes_become_what_their_author_wrote(flat: dict, nested: object) -> None:
    assert nest(flat) == nested


def test_keys_that_contradict_each_other_hide_nothing() -> None:
    assert nest({"a": 1, "a.b": 2}) == {"a": 1, "a.b": 2}
    assert nest({"a.b": 2, "a": 1}) == {"a": {"b": 2, "": 1}}


def test_a_list_with_a_hole_is_filled_and_a_huge_index_makes_no_huge_list() -> None:
    assert nest({"a.[0]": 1, "a.[2]": 3}) == {"a": [1, None, 3]}
    assert nest({"a.[99999]": 1}) == {"a": {"[99999]": 1}}


def test_keys_with_empty_parts_stay_as_they_are() -> None:
    assert nest({"": 1, "a..b": 2, ".x": 3}) == {"": 1, "a..b": 2, ".x": 3}


def test_what_stands_under_a_prefix_is_a_value_or_an_object() -> None:
    assert under({"$output": "done"}, "$output") == "done"
    assert under({"$output.a": 1, "$output.b.[0]": 2, "x": 3}, "$output") == {"a": 1, "b": [2]}
    assert under({"x": 3}, "$output") is None


@given(st.dictionaries(st.text(max_size=12), st.integers() | st.text(max_size=5), max_size=20))
def test_nesting_never_fails_and_loses_no_value(flat: dict) -> None:
    nested = json.dumps(nest(flat))

    for item in flat.values():
        if isinstance(item, str) and "$@" not in item:
            assert json.dumps(item) in nested


def test_a_long_value_is_shortened_and_counted() -> None:
    budget = Budget()

    kept = budget.attributes({"a": "x" * (limits.ATTRIBUTE_VALUE_CHARACTERS_MAX + 1)}, 10)

    assert isinstance(kept["a"], str)
    assert len(kept["a"]) == limits.ATTRIBUTE_VALUE_CHARACTERS_MAX
    assert kept["a"].endswith("…")
    assert budget.cut == 1


def test_attributes_beyond_the_limit_are_dropped_and_counted() -> None:
    budget = Budget()

    kept = budget.attributes({f"k{i}": i for i in range(10)}, 4)

    assert list(kept) == ["k0", "k1", "k2", "k3"]
    assert budget.cut == 6


def test_a_record_of_many_large_values_stays_within_its_bound() -> None:
    budget = Budget()

    kept = budget.attributes({f"k{i}": "x" * 100_000 for i in range(50)}, 100)

    assert sum(len(str(item)) for item in kept.values()) <= limits.RECORD_CHARACTERS_MAX
    assert budget.cut > 0


def test_a_value_that_is_nested_too_deeply_ends_in_an_ellipsis() -> None:
    deep: object = "bottom"
    for _ in range(50):
        deep = [deep]
    budget = Budget()

    kept = json.dumps(budget.value(deep), ensure_ascii=False)

    assert "bottom" not in kept
    assert "…" in kept
    assert budget.cut == 1
