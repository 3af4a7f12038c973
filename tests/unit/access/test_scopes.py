from __future__ import annotations

import pytest

from trigger_box.access.scopes import Resource, allows, allows_any, allows_every

RUN = Resource("runs", "run_1")


@pytest.mark.parametrize(
    ("scope", "action", "resource", "is_granted"),
    [
        ("read:runs:run_1", "read", RUN, True),
        ("read:runs:run_2", "read", RUN, False),
        ("read:runs", "read", RUN, True),
        ("read:all", "read", RUN, True),
        ("read", "read", RUN, False),
        ("*:runs", "write", RUN, True),
        ("write:runs", "read", RUN, False),
        ("read:tags:env:staging", "read", Resource("tags", "env:staging"), True),
        ("read:tags:env", "read", Resource("tags", "env:staging"), False),
        ("admin", "write", Resource("envvars"), True),
        ("admin:runs", "read", RUN, False),
        ("admin:sessions", "admin", Resource("sessions"), True),
        ("read:runs:run_1", "read", Resource("runs"), False),
        ("read:runs", "read", Resource("runs"), True),
        ("", "read", RUN, False),
        (":", "", Resource("", None), True),
    ],
)
def test_a_scope_grants_what_the_grammar_says(
    scope: str, action: str, resource: Resource, *, is_granted: bool
) -> None:
    assert allows([scope], action, resource) is is_granted


def test_any_resource_is_enough_for_any_and_too_few_for_every() -> None:
    scopes = ["batchTrigger:tasks:a"]
    both = [Resource("tasks", "a"), Resource("tasks", "b")]

    assert allows_any(scopes, "batchTrigger", both)
    assert not allows_every(scopes, "batchTrigger", both)
    assert allows_every([*scopes, "batchTrigger:tasks:b"], "batchTrigger", both)


def test_an_empty_list_of_resources_is_denied() -> None:
    assert not allows_any(["admin"], "read", [])
    assert not allows_every(["admin"], "read", [])
