"""The generated pages say what the code says."""

from __future__ import annotations

import pytest

from tests.tidy.pages import FOLDER, PAGES, WRITE, error_classes
from trigger_box.api.problems import problem_of


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_says_what_the_code_says(name: str) -> None:
    written = FOLDER.joinpath(name).read_text(encoding="utf-8")

    assert written == PAGES[name](), f"write it anew: {WRITE}"


def test_an_error_code_means_one_status_wherever_it_is_raised() -> None:
    ambiguous = {
        code: sorted(statuses)
        for code, kinds in error_classes().items()
        if len(statuses := {problem_of(kind(), path="/").status for kind in kinds}) > 1
    }

    assert ambiguous == {}


def test_an_error_code_has_one_class() -> None:
    doubles = {
        code: [f"{kind.__module__}.{kind.__name__}" for kind in kinds]
        for code, kinds in error_classes().items()
        if len(kinds) > 1
    }

    assert doubles == {}


def test_every_error_has_a_code_of_its_own() -> None:
    nameless = [
        kind.__name__
        for kinds in error_classes().values()
        for kind in kinds
        if "code" not in vars(kind)
    ]

    assert nameless == []
