from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest

from trigger_box.cli.api import Api
from trigger_box.cli.exits import CliError, Exit
from trigger_box.cli.watching import Changed, Kept, Logged, exit_of_run, follow, get_run


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now_s += seconds


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr("trigger_box.cli.watching.time", made)
    return made


class FakeApi:
    """A box whose one run goes through statuses, one a look."""

    def __init__(self, *statuses: str, logs: Mapping[int, list[str]] | None = None) -> None:
        self._statuses = iter([*statuses, *[statuses[-1]] * 1_000])
        self._logs = logs or {}
        self._looks = 0
        self._seen = 0

    def get(self, path: str, *, params: Mapping[str, str] | None = None) -> Any:
        if path.endswith("/events"):
            assert params is not None
            assert params["after"] == str(self._seen)
            lines = self._logs.get(self._looks, [])
            self._looks += 1
            self._seen += len(lines)
            return {
                "events": [{"message": line} for line in lines],
                "pagination": {"next": str(self._seen), "hasMore": False},
            }
        status = next(self._statuses)
        is_final = status in {"COMPLETED", "FAILED"}
        return {"id": "run_1", "status": status, "isCompleted": is_final}


def happenings(api: FakeApi, **options: Any) -> Iterator[str]:
    for happening in follow(cast("Api", api), "run_1", **options):
        match happening:
            case Changed(run):
                yield run["status"]
            case Kept(run, seconds):
                yield f"{run['status']} for {seconds:.0f}s"
            case Logged(event):
                yield event["message"]


def test_each_status_is_told_once_until_the_end() -> None:
    api = FakeApi("QUEUED", "QUEUED", "EXECUTING", "EXECUTING", "COMPLETED")

    told = list(happenings(api, with_logs=False))

    assert told == ["QUEUED", "EXECUTING", "COMPLETED"]


def test_looks_get_rarer_and_frequent_again_after_a_change(time: Time) -> None:
    api = FakeApi(*["QUEUED"] * 20, "EXECUTING", "COMPLETED")

    list(happenings(api, with_logs=False))

    assert max(time.pauses) == 1.0
    assert time.pauses[0] == time.pauses[-1] == 0.05


def test_a_run_that_does_not_begin_is_never_silent(time: Time) -> None:
    api = FakeApi(*["QUEUED"] * 60, *["EXECUTING"] * 60, "COMPLETED")

    told = list(happenings(api, with_logs=False))

    assert time.now_s > 100
    assert told == [
        "QUEUED",
        "QUEUED for 6s",
        "QUEUED for 12s",
        "QUEUED for 24s",
        "QUEUED for 48s",
        "EXECUTING",
        "COMPLETED",
    ]


def test_log_lines_come_in_order_and_the_last_ones_after_the_end() -> None:
    api = FakeApi("EXECUTING", "COMPLETED", logs={0: ["a"], 1: ["b"], 3: ["late"]})

    told = list(happenings(api, with_logs=True))

    assert told == ["a", "EXECUTING", "b", "late", "COMPLETED"]


def test_a_wait_that_takes_too_long_says_that_the_run_goes_on() -> None:
    api = FakeApi("QUEUED")

    with pytest.raises(CliError, match="still QUEUED after 3 seconds; it goes on") as caught:
        list(happenings(api, with_logs=False, timeout_s=3.0, again="watch it again"))

    assert caught.value.code is Exit.TIMED_OUT
    assert caught.value.hint == "watch it again"


def test_a_run_of_another_environment_is_not_found_with_a_hint() -> None:
    class Nothing:
        def get(self, *_: object, **__: object) -> Any:
            raise CliError("Not found", code=Exit.NOT_FOUND)

    with pytest.raises(CliError, match="no run run_1 in this environment") as caught:
        get_run(cast("Api", Nothing()), "run_1")

    assert "--env" in (caught.value.hint or "")


def test_a_run_without_success_has_an_exit_code_of_its_own() -> None:
    assert exit_of_run({"isSuccess": True}) is Exit.OK
    assert exit_of_run({"isSuccess": False}) is Exit.RUN_FAILED
