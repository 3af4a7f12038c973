from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest

from trigger_box.api.problems import QueryError
from trigger_box.api.wire.lists import period_ms
from trigger_box.api.wire.run_filters import RunQuery, parse_run_query
from trigger_box.domain.runs import RunStatus

NOW_MS = 1_767_225_600_000
DAY_MS = 24 * 3_600_000


def asked(**given: str) -> RunQuery:
    return parse_run_query(urlencode(given).encode(), now_ms=NOW_MS)


def filtered(name: str, value: str) -> RunQuery:
    return asked(**{f"filter[{name}]": value})


def test_brackets_come_encoded_or_plain() -> None:
    plain = parse_run_query(b"page[size]=7&filter[tag]=a", now_ms=NOW_MS)
    encoded = parse_run_query(b"page%5Bsize%5D=7&filter%5Btag%5D=a", now_ms=NOW_MS)

    assert plain == encoded
    assert plain.page.size == 7
    assert plain.wanted.tags == ("a",)


def test_lists_are_joined_by_commas() -> None:
    query = asked(
        **{
            "filter[taskIdentifier]": "a,b",
            "filter[version]": "20260101.1,",
            "filter[tag]": "user:1,user:2",
            "filter[queue]": "task/a,mine",
            "filter[machine]": "micro,large-2x",
        }
    )

    assert query.wanted.tasks == ("a", "b")
    assert query.wanted.versions == ("20260101.1",)
    assert query.wanted.tags == ("user:1", "user:2")
    assert query.wanted.queues == ("task/a", "mine")
    assert query.wanted.machines == ("micro", "large-2x")


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("QUEUED", RunStatus.PENDING),
        ("WAITING", RunStatus.WAITING_TO_RESUME),
        ("COMPLETED", RunStatus.COMPLETED_SUCCESSFULLY),
        ("FAILED", RunStatus.COMPLETED_WITH_ERRORS),
        ("FROZEN", RunStatus.WAITING_TO_RESUME),
        ("EXPIRED", RunStatus.EXPIRED),
    ],
)
def test_statuses_are_the_api_s_words(word: str, status: RunStatus) -> None:
    assert filtered("status", word).wanted.statuses == (status,)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "DONE"),
        ("machine", "huge"),
        ("isTest", "yes"),
        ("rootOnly", "yes"),
        ("createdAt][from", "yesterday"),
        ("createdAt][period", "soon"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str) -> None:
    with pytest.raises(QueryError) as caught:
        filtered(name, value)

    assert caught.value.details["details"][0]["path"] == [f"filter[{name}]"]  # type: ignore[index] - details hold any JSON


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False), ("", None)])
def test_test_runs_are_in_unless_filtered(*, text: str, value: bool | None) -> None:
    assert filtered("isTest", text).wanted.is_test is value


@pytest.mark.parametrize("text", [str(NOW_MS), "2026-01-01T00:00:00.000Z", "2026-01-01"])
def test_dates_are_milliseconds_or_dates(text: str) -> None:
    query = asked(**{"filter[createdAt][from]": text, "filter[createdAt][to]": text})

    assert query.wanted.created_from_ms == NOW_MS
    assert query.wanted.created_to_ms == NOW_MS


@pytest.mark.parametrize(
    ("text", "length_ms"),
    [
        ("7d", 7 * DAY_MS),
        ("90m", 90 * 60_000),
        ("1w", 7 * DAY_MS),
        ("2 weeks", 14 * DAY_MS),
        ("1d 12h", 36 * 3_600_000),
        ("1.5h", 5_400_000),
        ("", None),
        ("7", None),
        ("d7", None),
        ("7 moons", None),
        ("7d!", None),
        ("9" * 200 + "d", None),
    ],
)
def test_periods_are_amounts_with_units(text: str, length_ms: int | None) -> None:
    assert period_ms(text) == length_ms


def test_a_period_counts_back_from_now() -> None:
    assert filtered("createdAt][period", "1d").wanted.created_from_ms == NOW_MS - DAY_MS


@pytest.mark.parametrize("size", ["0", "101", "-1", "1e1", "ten", "٣"])
def test_a_page_size_is_a_number_from_1_to_100(size: str) -> None:
    with pytest.raises(QueryError):
        asked(**{"page[size]": size})


def test_a_page_goes_one_way() -> None:
    cursor = f"run_{'0' * 26}"
    with pytest.raises(QueryError):
        asked(**{"page[after]": cursor, "page[before]": cursor})


@pytest.mark.parametrize("parameter", ["page[after]", "page[before]"])
@pytest.mark.parametrize("cursor", ["junk", "run_1", "run_" + "z" * 26, "run_" + "0" * 27])
def test_what_is_no_cursor_is_refused_by_name(parameter: str, cursor: str) -> None:
    with pytest.raises(QueryError) as caught:
        asked(**{parameter: cursor})

    assert caught.value.details["details"][0]["path"] == [parameter]  # type: ignore[index] - details hold any JSON


@pytest.mark.parametrize("name", ["tags", "createdAt", "rootonly", "status]["])
def test_a_filter_that_does_not_exist_lets_nothing_through(name: str) -> None:
    with pytest.raises(QueryError) as caught:
        filtered(name, "x")

    assert caught.value.details["details"][0]["path"] == [f"filter[{name}]"]  # type: ignore[index] - details hold any JSON


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", None), ("", None)])
def test_only_roots_are_wanted_when_said_so(*, text: str, value: bool | None) -> None:
    assert filtered("rootOnly", text).wanted.is_root is value


@pytest.mark.parametrize("name", ["batch", "schedule", "bulkAction", "region", "error"])
def test_filters_by_what_no_run_has_yet_match_nothing(name: str) -> None:
    assert filtered(name, "x").matches_nothing


def test_names_with_odd_characters_arrive_whole() -> None:
    query = parse_run_query(b"filter[taskIdentifier]=" + quote("my/täsk").encode(), now_ms=NOW_MS)

    assert query.tasks == ("my/täsk",)
