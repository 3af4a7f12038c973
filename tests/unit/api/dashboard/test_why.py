from __future__ import annotations

from dataclasses import replace

import pytest

from trigger_box.api.dashboard.shapes import Why
from trigger_box.api.dashboard.why import why_of
from trigger_box.domain.runs import RunState
from trigger_box.domain.waiting import Waiting

QUEUED = Waiting(
    state=RunState.QUEUED,
    task="send-email",
    status_reason=None,
    queue_name="task/send-email",
    concurrency_key=None,
    due_at_ms=None,
    attempt_number=0,
    is_environment_paused=False,
    environment_slots=100,
    environment_running=3,
    is_queue_paused=False,
    lane_slots=None,
    lane_running=0,
    holders=(),
    has_version=True,
    has_task=True,
    is_worker_connected=True,
    version=None,
    ahead=0,
)


def told(facts: Waiting | None) -> Why:
    why = why_of(facts)
    assert why is not None
    return why


def held_by(facts: Waiting) -> list[str]:
    return [check.title for check in told(facts).checks if not check.is_ok]


def test_a_run_that_nothing_keeps_has_no_reason() -> None:
    assert why_of(None) is None
    assert why_of(replace(QUEUED, state=RunState.EXECUTING)) is None


def test_a_reason_is_a_title_and_what_follows_from_it() -> None:
    why = told(replace(QUEUED, has_version=False))

    assert why.title == "No version is registered in this environment yet."
    assert why.detail == "Start one: 'trigger-box dev'."
    assert why.at_ms is None


def test_a_reason_with_a_colon_is_told_in_two_sentences() -> None:
    why = told(
        replace(
            QUEUED, state=RunState.RUN_CREATED, status_reason="TASK_NEVER_REGISTERED", task="a: b"
        )
    )

    assert why.title == "It waits for a version."
    assert why.detail.startswith("No version has ever had the task 'a: b'.")
    assert why.checks == []
    assert why.place is None


def test_a_reason_of_one_sentence_is_a_title() -> None:
    why = told(replace(QUEUED, lane_slots=1, lane_running=1, holders=("run_1",)))

    assert why.title == "The limit of 1 of its queue 'task/send-email' is reached by run_1."
    assert why.detail == ""


@pytest.mark.parametrize(
    ("facts", "title"),
    [
        (replace(QUEUED, state=RunState.DELAYED, due_at_ms=5), "It is delayed until"),
        (replace(QUEUED, due_at_ms=5, attempt_number=1), "It is tried again at"),
        (replace(QUEUED, due_at_ms=5), "It is handed out again at"),
    ],
)
def test_an_instant_is_told_as_a_number_that_the_page_writes_in_its_readers_zone(
    facts: Waiting, title: str
) -> None:
    why = told(facts)

    assert (why.title, why.at_ms, why.checks) == (title, 5, [])


@pytest.mark.parametrize(
    ("facts", "title"),
    [
        (replace(QUEUED, is_environment_paused=True), "Environment is paused"),
        (replace(QUEUED, environment_running=100), "Environment is full"),
        (replace(QUEUED, has_version=False), "No version is here yet"),
        (replace(QUEUED, is_worker_connected=False), "No worker is connected"),
        (replace(QUEUED, is_queue_paused=True), "Queue send-email is paused"),
        (
            replace(QUEUED, lane_slots=2, lane_running=2, concurrency_key="acme"),
            "Queue send-email, key acme is at its limit",
        ),
    ],
)
def test_the_check_that_holds_a_run_is_the_one_that_is_not_fine(facts: Waiting, title: str) -> None:
    assert held_by(facts) == [title]


def test_nothing_is_said_of_workers_where_they_come_by_themselves() -> None:
    titles = [check.title for check in told(replace(QUEUED, is_worker_connected=None)).checks]

    assert not any("worker" in title for title in titles)


def test_the_place_in_line_counts_from_one() -> None:
    assert told(QUEUED).place == 1
    assert told(replace(QUEUED, ahead=117)).place == 118


def test_who_holds_the_slots_is_one_click_away() -> None:
    by_queue = told(replace(QUEUED, queue_name="a&b", lane_slots=1, lane_running=1)).show_runs
    by_environment = told(replace(QUEUED, environment_running=100)).show_runs

    assert by_queue is not None
    assert by_queue.label == "Show the 1 running"
    assert by_queue.query == "status=DEQUEUED&status=EXECUTING&period=all&queue=a%26b"
    assert by_environment is not None
    assert "queue=" not in by_environment.query
    assert told(QUEUED).show_runs is None


def test_a_name_turns_none_of_the_words_around_it() -> None:
    facts = replace(
        QUEUED, queue_name="task/a\u202eb", concurrency_key="\u05d0", lane_slots=1, lane_running=1
    )
    why = told(facts)

    assert why.checks[-1].title == "Queue a\\u202eb, key \u2068\u05d0\u2069 is at its limit"
    assert "'task/a\\u202eb' (key '\u2068\u05d0\u2069')" in why.title
    assert why.show_runs is not None
    assert why.show_runs.query.endswith("queue=task%2Fa%E2%80%AEb")


def test_a_current_version_without_the_task_is_not_fine() -> None:
    facts = replace(QUEUED, has_task=False)

    assert held_by(facts) == ["The current version does not have its task"]
    assert told(facts).title == "The current version has no task 'send-email'."


def test_a_run_that_is_bound_to_a_version_is_not_kept_by_the_current_one() -> None:
    assert held_by(replace(QUEUED, has_task=False, version="20260101.1")) == []


def test_only_where_nothing_else_is_missing_a_worker_is_what_it_needs() -> None:
    alone = replace(QUEUED, is_worker_connected=False)

    assert told(alone).needs_worker
    assert not told(replace(alone, is_environment_paused=True)).needs_worker
    assert not told(replace(alone, version="20260101.1")).needs_worker
    assert not told(QUEUED).needs_worker
