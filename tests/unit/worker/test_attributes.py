from __future__ import annotations

from decimal import Decimal

from trigger_box.worker.attributes import flattened
from trigger_box.worker.limits import ATTRIBUTE_CHARACTERS_MAX, ATTRIBUTES_MAX


def test_structures_become_dotted_names_and_places_in_lists() -> None:
    assert flattened({"user": {"id": 7, "tags": ["a", {"b": True}]}, "none": None, "f": 1.5}) == {
        "user.id": 7,
        "user.tags.[0]": "a",
        "user.tags.[1].b": True,
        "f": 1.5,
    }


def test_values_without_a_json_form_become_text() -> None:
    class Broken:
        def __str__(self) -> str:
            raise ValueError

    flat = flattened(
        {"d": Decimal("1.5"), "b": b"x", "nan": float("nan"), "big": 2**70, "broken": Broken()}
    )

    assert flat["d"] == "1.5"
    assert flat["b"] == "b'x'"
    assert flat["nan"] == "nan"
    assert flat["big"] == str(2**70)
    assert flat["broken"] == "<Broken>"


def test_long_texts_many_names_and_cycles_are_cut() -> None:
    cycle: dict[str, object] = {}
    cycle["again"] = cycle

    assert len(str(flattened({"text": "x" * 20_000})["text"])) == ATTRIBUTE_CHARACTERS_MAX + 1
    assert len(flattened({str(n): n for n in range(1_000)})) == ATTRIBUTES_MAX
    assert len(flattened({"list": list(range(1_000))})) == ATTRIBUTES_MAX
    assert "…" in flattened(cycle).values()
