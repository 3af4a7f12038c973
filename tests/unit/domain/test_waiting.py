from dataclasses import replace

import pytest

from trigger_box.domain.runs import RunState
from trigger_box.domain.waiting import Awaited, Waiting, why_waiting

NEXT = Waiting(
    state=RunState.QUEUED,
    task="send",
    status_reason=None,
    queue_name="task/send",
    concurrency_key=None,
    due_at_ms=None,
    attempt_number=0,
    is_environment_paused=False,
    environment_slots=10,
    environment_running=2,
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


@pytest.mark.parametrize(
    ("awaited", "sentence"),
    [
        ([Awaited("RUN", "run_a", None)], "It waits for the run run_a."),
        ([Awaited("DATETIME", "waitpoint_a", 0)], "It waits until 1970-01-01T00:00:00Z."),
        ([Awaited("MANUAL", "waitpoint_a", None)], "It waits for the token waitpoint_a."),
        (
            [Awaited("MANUAL", "waitpoint_a", 0)],
            "It waits for the token waitpoint_a (until 1970-01-01T00:00:00Z).",
        ),
        (
            [Awaited("RUN", "run_a", None), Awaited("DATETIME", "waitpoint_a", 0)],
            ("It waits for the first of these: the run run_a; the instant 1970-01-01T00:00:00Z."),
        ),
        ([], None),
    ],
)
def test_a_run_whose_code_waits_says_for_what(awaited: list[Awaited], sentence: str | None) -> None:
    state = RunState.EXECUTING_WITH_WAITPOINTS

    assert why_waiting(replace(NEXT, state=state, awaited=tuple(awaited))) == sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "It is next, once a worker asks for a run."),
        (
            {"version": "20260101.1"},
            "It is next, once a worker with version 20260101.1 asks for a run.",
        ),
        ({"ahead": 1}, "1 run is ahead of it in its queue."),
        ({"ahead": 7}, "7 runs are ahead of it in its queue."),
        (
            {"is_worker_connected": False},
            "No worker is connected. Start one with 'trigger-box dev'.",
        ),
        (
            {"has_version": False},
            "No version is registered in this environment yet. Start one: 'trigger-box dev'.",
        ),
        (
            {"has_task": False, "is_worker_connected": False},
            (
                "The current version has no task 'send'. "
                "It starts by itself once one that has it is registered."
            ),
        ),
        (
            {"has_version": False, "is_worker_connected": None},
            "No version is deployed to this environment yet. It starts by itself once one is.",
        ),
        (
            {"is_environment_paused": True},
            "Its environment is paused. Resume the environment to let it go.",
        ),
        (
            {"is_queue_paused": True},
            "Its queue 'task/send' is paused. Resume the queue to let it go.",
        ),
        (
            {"environment_running": 10, "holders": ("run_a", "run_b")},
            "All 10 slots of its environment are taken by run_a, run_b.",
        ),
        (
            {"lane_slots": 1, "lane_running": 1, "holders": ("run_a",)},
            "The limit of 1 of its queue 'task/send' is reached by run_a.",
        ),
        (
            {
                "lane_slots": 4,
                "lane_running": 4,
                "concurrency_key": "u1",
                "holders": ("a", "b", "c", "d"),
            },
            (
                "The limit of 4 of its queue 'task/send' (key 'u1') is reached, "
                "among others by a, b, c."
            ),
        ),
        (
            {"due_at_ms": 1_767_225_600_000, "attempt_number": 1},
            "It will be tried again at 2026-01-01T00:00:00Z.",
        ),
        ({"due_at_ms": 1_767_225_600_000}, "It will be handed out again at 2026-01-01T00:00:00Z."),
        (
            {"state": RunState.DELAYED, "due_at_ms": 1_767_225_600_000},
            "It is delayed until 2026-01-01T00:00:00Z.",
        ),
        (
            {"state": RunState.RUN_CREATED, "status_reason": "TASK_NEVER_REGISTERED"},
            (
                "It waits for a version: no version has ever had the task 'send'. "
                "It starts by itself once one that can is registered."
            ),
        ),
        (
            {
                "state": RunState.RUN_CREATED,
                "status_reason": "NO_WORKER",
                "is_worker_connected": None,
            },
            (
                "It waits for a version: none is in this environment yet. "
                "It starts by itself once one that can is deployed."
            ),
        ),
        (
            {"state": RunState.RUN_CREATED},
            (
                "It waits for a version: no version can run it. "
                "It starts by itself once one that can is registered."
            ),
        ),
        (
            {"state": RunState.QUEUED_EXECUTING},
            "What it waited for is done; it waits for a free slot to go on.",
        ),
        ({"state": RunState.EXECUTING}, None),
        ({"state": RunState.FINISHED}, None),
    ],
)
def test_the_sentence_names_what_keeps_a_run(
    changes: dict[str, object], sentence: str | None
) -> None:
    assert why_waiting(replace(NEXT, **changes)) == sentence
