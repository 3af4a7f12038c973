"""Metadata of the run: operations as sent, and the copy this process sees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from tests.support.sdk import RecordingRuntime, an_execution
from trigger_box import Context, MetadataError, NotInTaskError, OptionError, metadata, tags
from trigger_box.sdk.metadata_document import MetadataDocument, MetadataOperation
from trigger_box.sdk.runtime import running


def test_changes_show_at_once_and_are_sent() -> None:
    runtime = RecordingRuntime(metadata=MetadataDocument({"old": True}))

    with running(runtime):
        metadata.set("step", "first mail").increment("sent").append("log", "a").append("log", "b")
        metadata.decrement("sent", 3).delete("old").remove("log", "a")
        current = metadata.current()
        step = metadata.get("step")

    assert current == {"step": "first mail", "sent": -2, "log": ["b"]}
    assert step == "first mail"
    assert runtime.operations == [
        ("self", {"type": "set", "key": "step", "value": "first mail"}),
        ("self", {"type": "increment", "key": "sent", "value": 1}),
        ("self", {"type": "append", "key": "log", "value": "a"}),
        ("self", {"type": "append", "key": "log", "value": "b"}),
        ("self", {"type": "increment", "key": "sent", "value": -3}),
        ("self", {"type": "delete", "key": "old"}),
        ("self", {"type": "remove", "key": "log", "value": "a"}),
    ]


def test_update_sets_keys_and_replace_sets_everything() -> None:
    runtime = RecordingRuntime(metadata=MetadataDocument({"a": 1, "b": 2}))

    with running(runtime):
        metadata.update({"b": 3, "c": 4})
        assert metadata.current() == {"a": 1, "b": 3, "c": 4}
        metadata.replace({"d": 5})
        assert metadata.current() == {"d": 5}

    assert runtime.operations[-1] == ("self", {"type": "update", "value": {"d": 5}})


def test_parent_and_root_are_changed_from_afar() -> None:
    context = Context.from_execution(an_execution(parentTaskRunId="run_p", rootTaskRunId="run_r"))
    runtime = RecordingRuntime(context=context)

    with running(runtime):
        metadata.parent.increment("done").set("last", "x")
        metadata.root.append("log", "y")
        assert metadata.current() == {}

    assert [target for target, _ in runtime.operations] == ["parent", "parent", "root"]


def test_a_run_without_parent_and_root_is_changed_itself() -> None:
    runtime = RecordingRuntime()

    with running(runtime):
        metadata.parent.increment("done")
        metadata.root.increment("done")
        assert metadata.get("done") == 2


def test_values_are_copied_as_json_has_them() -> None:
    runtime = RecordingRuntime()
    value: dict[str, Any] = {"at": datetime(2026, 1, 31, tzinfo=UTC), "n": [1]}

    with running(runtime):
        metadata.set("v", value)
        value["n"].append(2)
        metadata.get("v")["n"].append(3)
        assert metadata.get("v") == {"at": "2026-01-31T00:00:00Z", "n": [1]}


@pytest.mark.parametrize(
    "change",
    [
        lambda: metadata.set("x", float("nan")),
        lambda: metadata.set("x", object()),
        lambda: metadata.set("__proto__", 1),
        lambda: metadata.set("$.a.constructor", 1),
        lambda: metadata.set("$.", 1),
        lambda: metadata.set("$.a..b", 1),
        lambda: metadata.set("$.a[x]", 1),
        lambda: metadata.increment("x", "1"),  # type: ignore[arg-type]
        lambda: metadata.increment("x", float("inf")),
        lambda: metadata.replace([1]),  # type: ignore[arg-type]
        lambda: metadata.set("x", "y" * 262_144),
        lambda: metadata.set("$.list[20000]", 1),
    ],
)
def test_what_can_not_be_stored_is_refused_and_not_sent(change: Any) -> None:
    runtime = RecordingRuntime()

    with running(runtime), pytest.raises(MetadataError):
        change()

    assert runtime.operations == []
    assert runtime.metadata.current() == {}


def test_outside_of_a_run_there_is_no_metadata() -> None:
    for use in (lambda: metadata.set("a", 1), metadata.current, lambda: metadata.get("a")):
        with pytest.raises(NotInTaskError, match="metadata"):
            use()


def apply(initial: dict[str, Any], *operations: MetadataOperation) -> dict[str, Any]:
    document = MetadataDocument(initial)
    for operation in operations:
        document.apply(operation)
    return document.current()


@pytest.mark.parametrize(
    ("initial", "operation", "expected"),
    [
        ({}, {"type": "set", "key": "$.a.b", "value": 1}, {"a": {"b": 1}}),
        ({}, {"type": "set", "key": "a.b", "value": 1}, {"a.b": 1}),
        ({"a": [1, 2]}, {"type": "set", "key": "$.a[0]", "value": 9}, {"a": [9, 2]}),
        ({}, {"type": "set", "key": "$.a[1].b", "value": 9}, {"a": [None, {"b": 9}]}),
        ({}, {"type": "set", "key": '$.a["x.y"]', "value": 1}, {"a": {"x.y": 1}}),
        ({"a": 1}, {"type": "append", "key": "a", "value": 2}, {"a": [1, 2]}),
        ({}, {"type": "append", "key": "$.a.b", "value": 2}, {"a": {"b": [2]}}),
        ({"a": "text"}, {"type": "increment", "key": "a", "value": 2}, {"a": 2}),
        ({"a": True}, {"type": "increment", "key": "a", "value": 2}, {"a": 2}),
        ({"a": 1}, {"type": "increment", "key": "a", "value": 0.5}, {"a": 1.5}),
        (
            {"a": [{"x": 1}, 2, {"x": 1}]},
            {"type": "remove", "key": "a", "value": {"x": 1}},
            {"a": [2]},
        ),
        ({"a": [1, True]}, {"type": "remove", "key": "a", "value": True}, {"a": [1]}),
        ({"a": 1}, {"type": "remove", "key": "a", "value": 1}, {"a": 1}),
        ({"$.a": 1, "a": 2}, {"type": "delete", "key": "$.a"}, {"a": 2}),
        ({"a": 1}, {"type": "update", "value": {"b": 2}}, {"b": 2}),
    ],
)
def test_operations_do_what_the_server_does(
    initial: dict[str, Any], operation: MetadataOperation, expected: dict[str, Any]
) -> None:
    assert apply(initial, operation) == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [("$.a.b", 1), ("$.list[1]", 3), ("$.a.x", "none"), ("$.list[9]", "none"), ("a.b", "none")],
)
def test_values_are_found_by_path(key: str, value: object) -> None:
    document = MetadataDocument({"a": {"b": 1}, "list": [2, 3]})

    assert document.get(key, "none") == value


def test_the_servers_copy_replaces_ours_but_not_what_it_has_not_seen() -> None:
    document = MetadataDocument({"n": 5})

    document.rebase({"n": 2, "other": True}, [{"type": "increment", "key": "n", "value": 1}])

    assert document.current() == {"n": 3, "other": True}


def test_tags_are_added_once_and_counted_with_those_the_run_has() -> None:
    runtime = RecordingRuntime()

    with running(runtime):
        tags.add("a", "b", "a", "user_1")
        tags.add("b")
        tags.add(*[f"t{n}" for n in range(7)])
        with pytest.raises(OptionError, match="this one has 10, and 1 more"):
            tags.add("one-more")

    assert runtime.tags == ["a", "b", *[f"t{n}" for n in range(7)]]
    with running(RecordingRuntime()):
        tags.add("fresh run, fresh count")


@pytest.mark.parametrize("tag", ["", " ", "x" * 129, 7, None, {"a": 1}])
def test_a_tag_that_is_no_tag_is_refused(tag: Any) -> None:
    with running(RecordingRuntime()), pytest.raises(OptionError, match="The tag"):
        tags.add(tag)


@pytest.mark.parametrize("listed", [["a", "b"], ("a",), {"a"}])
def test_a_list_of_tags_is_told_how_to_be_added(listed: Any) -> None:
    with (
        running(RecordingRuntime()),
        pytest.raises(OptionError, match=r"is a list, .* tags\.add\(\*names\)"),
    ):
        tags.add(listed)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: metadata.set("a", object()), "a value of type 'object' has no JSON form"),
        (lambda: metadata.set(cast("Any", None), 1), "key None must be text"),
        (lambda: metadata.delete(cast("Any", ["a"])), r"key \['a'\] must be text"),
        (lambda: metadata.get(cast("Any", None)), "key None must be text"),
        (lambda: metadata.update(cast("Any", None)), "must be a mapping, not None"),
        (lambda: metadata.replace(cast("Any", [1])), r"must be a mapping, not \[1\]"),
        (lambda: metadata.decrement("a", cast("Any", "x")), "can't grow by 'x': use a number"),
    ],
)
def test_metadata_of_the_wrong_kind_is_named(change: Callable[[], object], words: str) -> None:
    with running(RecordingRuntime()), pytest.raises(MetadataError, match=words):
        change()


def test_outside_of_a_run_there_are_no_tags() -> None:
    with pytest.raises(NotInTaskError, match=r"tags\.add"):
        tags.add("a")
