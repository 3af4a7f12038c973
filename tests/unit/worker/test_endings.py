from __future__ import annotations

import pytest

from trigger_box.worker import endings


@pytest.mark.parametrize(
    ("status", "is_out_of_memory", "code", "words"),
    [
        (1, False, "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE", "code 1"),
        (0, False, "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE", "code 0"),
        (137, False, "TASK_PROCESS_OOM_KILLED", "memory"),
        (-9, True, "TASK_PROCESS_OOM_KILLED", "memory"),
        (-9, False, "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE", "code -1 after signal SIGKILL"),
        (-11, False, "TASK_PROCESS_SIGSEGV", "segmentation"),
        (-15, False, "TASK_PROCESS_SIGTERM", "SIGTERM"),
        (-6, False, "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE", "code -1 after signal SIGABRT"),
        (-99, False, "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE", "signal 99"),
        (None, False, "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE", "disappeared"),
    ],
)
def test_the_end_of_a_process_has_its_code(
    status: int | None, is_out_of_memory: bool, code: str, words: str
) -> None:
    error = endings.crash_error(status, "the tail", is_out_of_memory=is_out_of_memory)

    assert error["type"] == "INTERNAL_ERROR"
    assert error["code"] == code
    assert words in error["message"]
    assert error["stackTrace"] == "the tail"


def test_nothing_on_stderr_means_no_stack() -> None:
    assert "stackTrace" not in endings.crash_error(1, "", is_out_of_memory=False)


def test_a_failed_completion_names_run_and_task() -> None:
    completion = endings.failed("run_1", "hello", endings.cancel_error("Canceled by user"))

    assert completion == {
        "ok": False,
        "id": "run_1",
        "taskIdentifier": "hello",
        "error": {
            "type": "INTERNAL_ERROR",
            "code": "TASK_RUN_CANCELLED",
            "message": "Canceled by user",
        },
    }
