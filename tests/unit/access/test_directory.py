from __future__ import annotations

import pytest

from trigger_box.access.directory import branch_name


@pytest.mark.parametrize(
    ("header", "branch"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("main", "main"),
        ("feature/a", "feature/a"),
        ("refs/heads/feature/a", "feature/a"),
        ("refs/pull/12", "12"),
        ("refs/tags/v1", "v1"),
        ("refs/remotes/origin/x", "origin/x"),
        ("refs/merge/1", "1"),
        ("refs/release/1", "1"),
        ("refs/notes/x", None),
        ("refs/heads/", None),
        ("heads/x", "heads/x"),
    ],
)
def test_a_branch_header_is_cleaned_as_the_client_means_it(
    header: str | None, branch: str | None
) -> None:
    assert branch_name(header) == branch
