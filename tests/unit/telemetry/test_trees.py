from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.otlp import RUN_ID, START_NS, TRACE_ID
from trigger_box.domain.runs import RunStatus
from trigger_box.ids import EnvironmentId, RunId
from trigger_box.telemetry.families import Failure, Family, TracedAttempt, TracedRun
from trigger_box.telemetry.nodes import Node, NodeKind, Trace
from trigger_box.telemetry.rows import Kind, Level, Row, RowEvent, RowStatus
from trigger_box.telemetry.trees import build

MS = 1_000_000
T0 = START_NS // MS
ROOT = "1" * 16
ATTEMPT = "a" * 16
WORK = "b" * 16
CHILD_ROOT = "2" * 16

VALUE_ERROR = Failure(
    name="ValueError", message="no street", stack_trace="at x", is_out_of_memory=False
)


def a_run(**fields: Any) -> TracedRun:
    run = TracedRun(
        id=RunId(RUN_ID),
        environment_id=EnvironmentId("env_1"),
        task="send-email",
        trace_id=TRACE_ID,
        span_id=ROOT,
        parent_span_id=None,
        parent_run_id=None,
        status=RunStatus.EXECUTING,
        is_finished=False,
        is_scheduled=False,
        created_at_ms=T0,
        completed_at_ms=None,
        version="20261124.1",
        queue_name="task/send-email",
        machine=None,
        ttl=None,
        tags=(),
        failure=None,
        attempts=(),
    )
    return replace(run, **fields)


def an_attempt(number: int = 1, **fields: Any) -> TracedAttempt:
    attempt = TracedAttempt(
        number=number,
        started_at_ms=T0 + 10,
        ended_at_ms=None,
        result=None,
        failure=None,
        retry_at_ms=None,
    )
    return replace(attempt, **fields)


def finished(status: RunStatus = RunStatus.COMPLETED_SUCCESSFULLY, **fields: Any) -> TracedRun:
    return a_run(status=status, is_finished=True, completed_at_ms=T0 + 5_000, **fields)


SEQ = iter(range(1, 1_000_000))


def a_row(span_id: str, parent_id: str = ROOT, message: str = "work", **fields: Any) -> Row:
    defaults: dict[str, Any] = {
        "seq": next(SEQ),
        "received_ms": T0,
        "environment_id": "env_1",
        "kind": Kind.SPAN,
        "run_id": RUN_ID,
        "trace_id": TRACE_ID,
        "attempt": 1,
        "start_ns": START_NS + 20 * MS,
        "duration_ns": 100 * MS,
    }
    return Row(span_id=span_id, parent_id=parent_id, message=message, **{**defaults, **fields})


def a_partial(of: str, parent_id: str = ROOT, **fields: Any) -> Row:
    given = {"replaces": of, "status": RowStatus.PARTIAL, "duration_ns": 0, **fields}
    return a_row("f" * 16, parent_id, **given)


def a_log(message: str, parent_id: str = WORK, **fields: Any) -> Row:
    given = {"kind": Kind.LOG, "level": Level.INFO, "duration_ns": 0, **fields}
    return a_row("", parent_id, message, **given)


def tree(
    run: TracedRun, *rows: Row, below: tuple[TracedRun, ...] = (), now_ms: int = T0 + 60_000
) -> Trace:
    family = Family(run=run, below=below, is_cut=False)
    return build(family, rows, now_ms=now_ms, is_truncated=False, is_complete=True)


def shape(trace: Trace) -> list[tuple[int, str]]:
    return [(node.depth, node.message) for node in trace.nodes]


def node(trace: Trace, message: str) -> Node:
    (found,) = [each for each in trace.nodes if each.message == message]
    return found


def test_a_run_that_sent_nothing_shows_its_root_as_running() -> None:
    trace = tree(a_run(status=RunStatus.PENDING), now_ms=T0 + 1_500)

    (root,) = trace.nodes
    assert (root.id, root.parent_id, root.kind) == (ROOT, None, NodeKind.RUN)
    assert root.is_partial
    assert root.duration_ns == 1_500 * MS
    assert root.style == {"icon": "task"}


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (RunStatus.COMPLETED_SUCCESSFULLY, RowStatus.OK),
        (RunStatus.CANCELED, RowStatus.CANCELLED),
        (RunStatus.CRASHED, RowStatus.ERROR),
    ],
)
def test_the_root_of_a_finished_run_tells_its_outcome(status: RunStatus, shown: RowStatus) -> None:
    root = tree(finished(status)).nodes[0]

    assert root.status is shown
    assert root.duration_ns == 5_000 * MS


def test_an_expired_run_says_which_ttl_it_missed() -> None:
    trace = tree(finished(RunStatus.EXPIRED, ttl="10m"))

    (event,) = node(trace, "EXPIRED").events
    assert event.attributes["exception.message"] == "Run expired because the TTL (10m) was reached"


def test_spans_and_logs_hang_below_their_parents_in_order_of_time() -> None:
    trace = tree(
        finished(),
        a_log("late", ATTEMPT, start_ns=START_NS + 90 * MS),
        a_row(WORK, ATTEMPT, "work", start_ns=START_NS + 30 * MS),
        a_log("hello", WORK, start_ns=START_NS + 40 * MS),
        a_row(ATTEMPT, ROOT, "Attempt 1", entity="attempt"),
    )

    assert shape(trace) == [
        (0, "send-email"),
        (1, "Attempt 1"),
        (2, "work"),
        (3, "hello"),
        (2, "late"),
    ]
    assert node(trace, "Attempt 1").kind is NodeKind.ATTEMPT
    assert node(trace, "hello").level is Level.INFO


def test_a_finished_span_takes_the_place_of_its_partial_one_whichever_came_first() -> None:
    final = a_row(WORK, ATTEMPT, "work")
    partial = a_partial(WORK, ATTEMPT)
    attempt = a_row(ATTEMPT, ROOT, "Attempt 1", entity="attempt")

    for rows in ((attempt, partial, final), (attempt, final, partial)):
        trace = tree(a_run(), *rows)

        assert shape(trace) == [(0, "send-email"), (1, "Attempt 1"), (2, "work")]
        assert not node(trace, "work").is_partial


def test_a_partial_span_of_a_running_run_runs_until_now_under_the_real_id() -> None:
    run = a_run(attempts=(an_attempt(),))

    trace = tree(
        run,
        a_partial(ATTEMPT, ROOT, message="Attempt 1", entity="attempt"),
        a_partial(WORK, ATTEMPT, start_ns=START_NS + 20 * MS),
        a_log("inside", WORK),
        now_ms=T0 + 1_020,
    )

    work = node(trace, "work")
    assert (work.id, work.parent_id) == (WORK, ATTEMPT)
    assert work.is_partial
    assert work.duration_ns == 1_000 * MS
    assert node(trace, "inside").parent_id == WORK


@pytest.mark.parametrize(
    ("status", "result", "shown"),
    [
        (RunStatus.COMPLETED_SUCCESSFULLY, "SUCCEEDED", RowStatus.UNSET),
        (RunStatus.CANCELED, "CANCELED", RowStatus.CANCELLED),
        (RunStatus.COMPLETED_WITH_ERRORS, "FAILED", RowStatus.ERROR),
    ],
)
def test_partial_spans_left_over_are_closed_with_their_attempt(
    status: RunStatus, result: str, shown: RowStatus
) -> None:
    attempt = an_attempt(ended_at_ms=T0 + 2_000, result=result)

    trace = tree(
        finished(status, attempts=(attempt,)),
        a_partial(ATTEMPT, ROOT, message="Attempt 1", entity="attempt", start_ns=START_NS),
        a_partial(WORK, ATTEMPT, start_ns=START_NS + 500 * MS),
    )

    work = node(trace, "work")
    assert not work.is_partial
    assert work.status is shown
    assert work.duration_ns == 1_500 * MS


def test_a_partial_span_of_an_attempt_that_is_retried_is_closed_while_the_run_goes_on() -> None:
    failed = an_attempt(ended_at_ms=T0 + 1_000, result="FAILED", failure=VALUE_ERROR)
    again = an_attempt(2, started_at_ms=T0 + 2_000)

    trace = tree(
        a_run(attempts=(failed, again)),
        a_partial(WORK, ROOT, message="first", start_ns=START_NS),
        a_partial("c" * 16, ROOT, message="second", attempt=2, start_ns=START_NS + 2_000 * MS),
    )

    assert node(trace, "first").is_error
    assert node(trace, "second").is_partial


def test_an_attempt_that_sent_nothing_is_shown_from_the_store_with_its_error() -> None:
    crashed = Failure(
        name="TASK_RUN_STALLED_EXECUTING", message="stalled", stack_trace="", is_out_of_memory=False
    )
    attempt = an_attempt(ended_at_ms=T0 + 4_000, result="FAILED", failure=crashed)

    trace = tree(finished(RunStatus.CRASHED, attempts=(attempt,)))

    assert shape(trace) == [
        (0, "send-email"),
        (1, "Attempt 1"),
        (2, "TASK_RUN_STALLED_EXECUTING"),
    ]
    assert node(trace, "Attempt 1").duration_ns == 3_990 * MS
    assert node(trace, "TASK_RUN_STALLED_EXECUTING").kind is NodeKind.ERROR


def test_an_attempt_whose_worker_died_is_closed_with_the_servers_reason() -> None:
    attempt = an_attempt(ended_at_ms=T0 + 4_000, result="FAILED", failure=VALUE_ERROR)

    trace = tree(
        finished(RunStatus.CRASHED, attempts=(attempt,)),
        a_partial(ATTEMPT, ROOT, message="Attempt 1", entity="attempt"),
    )

    assert node(trace, "Attempt 1").is_error
    assert node(trace, "ValueError").parent_id == ATTEMPT


def test_logs_of_a_silent_attempt_hang_below_it() -> None:
    trace = tree(a_run(attempts=(an_attempt(),)), a_log("hello", parent_id=""))

    assert shape(trace) == [(0, "send-email"), (1, "Attempt 1"), (2, "hello")]


def test_the_time_between_two_attempts_is_a_row_of_its_own() -> None:
    failed = an_attempt(
        ended_at_ms=T0 + 1_000, result="FAILED", failure=VALUE_ERROR, retry_at_ms=T0 + 9_000
    )
    run = a_run(attempts=(failed,))

    waiting = node(tree(run, now_ms=T0 + 3_000), "Retry #1 delay")
    over = node(tree(run, now_ms=T0 + 20_000), "Retry #1 delay")

    assert waiting.is_partial
    assert waiting.duration_ns == 2_000 * MS
    assert over.status is RowStatus.OK
    assert over.duration_ns == 8_000 * MS
    assert over.id == waiting.id


def test_a_retry_after_memory_ran_out_says_so() -> None:
    failure = replace(VALUE_ERROR, is_out_of_memory=True)
    failed = an_attempt(
        ended_at_ms=T0 + 1_000, result="FAILED", failure=failure, retry_at_ms=T0 + 9_000
    )

    assert node(tree(a_run(attempts=(failed,))), "Retry #1 delay after OOM")


def test_a_cancel_while_waiting_for_a_retry_ends_the_wait() -> None:
    failed = an_attempt(
        ended_at_ms=T0 + 1_000, result="FAILED", failure=VALUE_ERROR, retry_at_ms=T0 + 900_000
    )

    delay = node(tree(finished(RunStatus.CANCELED, attempts=(failed,))), "Retry #1 delay")

    assert not delay.is_partial
    assert delay.duration_ns == 4_000 * MS


def test_an_exception_that_a_span_recorded_is_a_row_below_it() -> None:
    event = RowEvent(
        name="exception", at_ns=START_NS + 70 * MS, attributes={"exception.type": "KeyError"}
    )

    trace = tree(a_run(), a_row(WORK, ROOT, "work", events=[event], status=RowStatus.ERROR))

    error = node(trace, "KeyError")
    assert (error.parent_id, error.kind, error.start_ns) == (WORK, NodeKind.ERROR, event.at_ns)


def test_an_exception_is_shown_where_it_was_raised_not_where_it_passed() -> None:
    event = RowEvent(name="exception", at_ns=START_NS, attributes={"exception.type": "KeyError"})
    other = RowEvent(name="exception", at_ns=START_NS, attributes={"exception.type": "IOError"})

    trace = tree(
        a_run(),
        a_row(ATTEMPT, ROOT, "Attempt 1", entity="attempt", events=[event, other]),
        a_row(WORK, ATTEMPT, "work", events=[event]),
    )

    assert shape(trace) == [
        (0, "send-email"),
        (1, "Attempt 1"),
        (2, "IOError"),
        (2, "work"),
        (3, "KeyError"),
    ]


def test_runs_below_hang_at_the_span_that_triggered_them_with_their_own_rows() -> None:
    child = a_run(
        id=RunId("run_child"),
        task="resize",
        span_id=CHILD_ROOT,
        parent_span_id=WORK,
        parent_run_id=RunId(RUN_ID),
        created_at_ms=T0 + 50,
    )

    trace = tree(
        a_run(),
        a_row(WORK, ROOT, "work"),
        a_log("in the child", "", run_id="run_child"),
        below=(child,),
    )

    assert shape(trace) == [
        (0, "send-email"),
        (1, "work"),
        (2, "resize"),
        (3, "in the child"),
    ]


def test_a_child_whose_parent_span_is_not_here_hangs_below_its_parent_run() -> None:
    child = a_run(
        id=RunId("run_child"),
        task="resize",
        span_id=CHILD_ROOT,
        parent_span_id="9" * 16,
        parent_run_id=RunId(RUN_ID),
    )

    assert shape(tree(a_run(), below=(child,))) == [(0, "send-email"), (1, "resize")]


def test_spans_that_name_each_other_as_parents_are_shown_once() -> None:
    trace = tree(a_run(), a_row("7" * 16, "8" * 16, "x"), a_row("8" * 16, "7" * 16, "y"))

    assert sorted(each.message for each in trace.nodes) == ["send-email", "x", "y"]


def test_nobody_can_take_the_place_of_the_root() -> None:
    trace = tree(a_run(), a_row(ROOT, WORK, "I am the root"))

    assert shape(trace) == [(0, "send-email")]


SPAN_IDS = st.sampled_from([f"{i:016x}" for i in range(1, 8)] + [ROOT, ""])


@given(st.lists(st.tuples(SPAN_IDS, SPAN_IDS, st.sampled_from(["span", "partial", "log"]))))
def test_whatever_comes_every_row_is_shown_once_and_the_root_comes_first(
    drawn: list[tuple[str, str, str]],
) -> None:
    make = {"span": a_row, "partial": a_partial, "log": lambda _, parent: a_log("log", parent)}

    trace = tree(a_run(), *(make[kind](span, parent) for span, parent, kind in drawn))

    ids = [each.id for each in trace.nodes]
    assert len(ids) == len(set(ids))
    assert (trace.nodes[0].id, trace.nodes[0].parent_id) == (ROOT, None)
    seen = set()
    for each in trace.nodes:
        assert each.parent_id is None or each.parent_id in seen
        seen.add(each.id)
    logs = sum(1 for _, _, kind in drawn if kind == "log")
    assert sum(each.kind is NodeKind.LOG for each in trace.nodes) == logs
