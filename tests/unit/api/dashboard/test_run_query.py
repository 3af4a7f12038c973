from __future__ import annotations

import pytest

from trigger_box.api.dashboard.run_query import newer_than, older_than, parse_run_query
from trigger_box.api.problems import QueryError
from trigger_box.domain.runs import RunStatus

NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000


def test_an_empty_address_asks_for_the_last_week() -> None:
    query = parse_run_query(b"", now_ms=NOW_MS)

    assert query.wanted.created_from_ms == NOW_MS - 7 * DAY_MS
    assert query.wanted.created_to_ms is None
    assert query.wanted.is_test is None
    assert query.page.after is None


def test_values_may_be_repeated_and_hold_commas_and_signs() -> None:
    wanted = parse_run_query(
        b"tag=a%2Cb&tag=a%2Cb&tag=%C3%A9&task=x+y&queue=task%2Fa&tagMode=all", now_ms=NOW_MS
    ).wanted

    assert wanted.tags == ("a,b", "é")
    assert wanted.has_all_tags
    assert (wanted.tasks, wanted.queues) == (("x y",), ("task/a",))


def test_the_words_for_statuses_are_those_of_the_page() -> None:
    wanted = parse_run_query(b"status=QUEUED&status=CRASHED", now_ms=NOW_MS).wanted

    assert RunStatus.CRASHED in wanted.statuses
    assert RunStatus.PENDING in wanted.statuses


@pytest.mark.parametrize(
    ("period", "from_ms"),
    [(b"5m", NOW_MS - 300_000), (b"30d", NOW_MS - 30 * DAY_MS), (b"all", None)],
)
def test_a_period_ends_now(period: bytes, from_ms: int | None) -> None:
    query = parse_run_query(b"period=" + period, now_ms=NOW_MS)

    assert query.wanted.created_from_ms == from_ms


def test_a_range_has_its_own_ends() -> None:
    both = parse_run_query(b"from=5&to=9&period=1d", now_ms=NOW_MS).wanted
    one = parse_run_query(b"to=9", now_ms=NOW_MS).wanted

    assert (both.created_from_ms, both.created_to_ms) == (5, 9)
    assert (one.created_from_ms, one.created_to_ms) == (None, 9)


@pytest.mark.parametrize(
    "query",
    [
        b"period=soon",
        b"period=0d",
        b"from=yesterday",
        b"to=-1",
        b"from=1e5",
        b"from=%D9%A1",
        b"&".join([b"tag=x"] * 101),
    ],
)
def test_what_can_not_be_read_is_refused_with_a_reason(query: bytes) -> None:
    with pytest.raises(QueryError):
        parse_run_query(query, now_ms=NOW_MS)


def test_a_period_longer_than_time_itself_asks_for_everything() -> None:
    wanted = parse_run_query(b"period=99999d", now_ms=NOW_MS).wanted

    assert wanted.created_from_ms is not None
    assert wanted.created_from_ms >= 0


def test_cursors_lead_to_the_page_before_and_after() -> None:
    five, nine = f"run_{'5' * 26}", f"run_{'9' * 26}"
    older, newer = older_than(five), newer_than(nine)
    assert older is not None
    assert newer is not None

    after = parse_run_query(f"cursor={older}".encode(), now_ms=NOW_MS).page
    before = parse_run_query(f"cursor={newer}".encode(), now_ms=NOW_MS).page

    assert (after.after, after.before) == (five, None)
    assert (before.after, before.before) == (None, nine)
    assert older_than(None) is None
    assert newer_than(None) is None


@pytest.mark.parametrize("query", ["cursor=older.junk", "cursor=run_1", "status=DONE"])
def test_what_means_nothing_is_refused_by_name(query: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_run_query(query.encode(), now_ms=NOW_MS)

    assert str(caught.value.details["details"]).startswith(query.split("=", maxsplit=1)[0])
