from __future__ import annotations

import pytest

from trigger_box.cli.exits import MEANINGS, Exit, exit_of
from trigger_box.domain import errors
from trigger_box.store.folder import FolderInUseError


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Exit)
    assert [int(code) for code in Exit] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 130]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidError(), Exit.REFUSED),
        (errors.UnauthenticatedError(), Exit.NOT_SIGNED_IN),
        (errors.RunNotFoundError(), Exit.NOT_FOUND),
        (errors.StoreFullError(), Exit.UNAVAILABLE),
        (FolderInUseError(), Exit.REFUSED),
        (errors.BoxError(), Exit.FAILURE),
    ],
)
def test_an_error_of_the_box_ends_with_its_familys_code(error: errors.BoxError, code: Exit) -> None:
    assert exit_of(error) is code
