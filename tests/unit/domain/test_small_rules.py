"""Rules of a line or two: queues, versions, machines, tags."""

import pytest

from trigger_box.domain.errors import InvalidError
from trigger_box.domain.labels import TooManyTagsError, clean_tags
from trigger_box.domain.machines import DEFAULT, PRESETS, machine_named, smallest_preset
from trigger_box.domain.queues import (
    EnvironmentLimits,
    declared_limit,
    effective_limit,
    queue_name,
    queue_slots,
    task_queue,
)
from trigger_box.domain.versions import day_of, next_version, version_order


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("emails", "emails"),
        ("a/b-c_D", "a/b-c_D"),
        ("é mails!", "mails"),
        ("", "task/send"),
        ("!!!", "task/send"),
        ("x" * 200, "x" * 128),
    ],
)
def test_queue_names_are_made_safe(asked: str, name: str) -> None:
    assert queue_name(asked, task="send") == name


def test_a_task_has_a_queue_of_its_own() -> None:
    assert task_queue("send") == "task/send"


@pytest.mark.parametrize(
    ("limit", "burst", "is_paused", "slots"),
    [
        (10, 1.0, False, 10),
        (10, 2.0, False, 20),
        (5, 1.5, False, 7),
        (10, 2.0, True, 0),
        (0, 2.0, False, 0),
    ],
)
def test_an_environment_has_its_limit_times_its_burst(
    limit: int, burst: float, is_paused: bool, slots: int
) -> None:
    assert EnvironmentLimits(limit=limit, burst_factor=burst, is_paused=is_paused).slots == slots


@pytest.mark.parametrize(
    ("limit", "is_paused", "slots"),
    [(None, False, 10), (3, False, 3), (99, False, 10), (0, False, 0), (3, True, 0)],
)
def test_a_queue_never_has_more_than_its_environment_without_burst(
    limit: int | None, is_paused: bool, slots: int
) -> None:
    assert queue_slots(limit=limit, environment_limit=10, is_paused=is_paused) == slots


@pytest.mark.parametrize(("asked", "limit"), [(None, None), (-5, 0), (3, 3), (5_000, 100)])
def test_declared_limits_are_clamped(asked: int | None, limit: int | None) -> None:
    assert declared_limit(asked, environment_limit=100) == limit


@pytest.mark.parametrize(
    ("override", "percent", "limit"),
    [(None, None, 7), (2, None, 2), (0, None, 0), (None, 10.0, 1), (None, 55.0, 5), (None, 0.1, 1)],
)
def test_what_people_set_wins_over_what_code_declares(
    override: int | None, percent: float | None, limit: int
) -> None:
    found = effective_limit(
        base=7, override=override, override_percent=percent, environment_limit=10
    )

    assert found == limit


NOON_MS = 1_767_268_800_000  # 2026-01-01 12:00 UTC


def test_versions_count_up_within_a_day() -> None:
    assert day_of(NOON_MS) == "20260101"
    assert next_version([], now_ms=NOON_MS) == "20260101.1"
    assert next_version(["20260101.9", "20260101.10", "20251231.77"], now_ms=NOON_MS) == (
        "20260101.11"
    )
    assert next_version(["nonsense"], now_ms=NOON_MS) == "20260101.1"


def test_versions_compare_by_day_then_number() -> None:
    versions = ["20260101.10", "20260101.9", "20251231.99", "odd"]

    assert sorted(versions, key=version_order) == [
        "odd",
        "20251231.99",
        "20260101.9",
        "20260101.10",
    ]


def test_machines_are_known_by_name_and_unknown_ones_are_the_default() -> None:
    assert machine_named("large-2x").memory == 16
    assert machine_named(None) is DEFAULT
    assert machine_named("quantum") is DEFAULT
    assert DEFAULT.name == "small-1x"


@pytest.mark.parametrize(
    ("cpu", "memory", "name"),
    [
        (None, None, None),
        (0.3, None, "small-1x"),
        (None, 3, "medium-2x"),
        (4, 1, "large-1x"),
        (64, 1, None),
    ],
)
def test_the_smallest_machine_that_fits_is_chosen(
    cpu: float | None, memory: float | None, name: str | None
) -> None:
    assert smallest_preset(cpu=cpu, memory=memory) == name


def test_presets_are_the_seven_of_the_wire() -> None:
    assert list(PRESETS) == [
        "micro", "small-1x", "small-2x", "medium-1x", "medium-2x", "large-1x", "large-2x",
    ]  # fmt: skip


def test_tags_lose_blanks_and_doubles_and_keep_their_order() -> None:
    assert clean_tags(("b", "", "a", "b", "  ")) == ("b", "a")


def test_ten_tags_are_enough() -> None:
    ten = tuple(f"t{n}" for n in range(10))

    assert clean_tags(ten) == ten
    with pytest.raises(TooManyTagsError, match="Runs can only have 10 tags"):
        clean_tags((*ten, "t10"))


def test_a_tag_that_is_too_long_is_named() -> None:
    with pytest.raises(InvalidError, match="this one has 129: xxx"):
        clean_tags(("x" * 129,))
