from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from trigger_box import log


@pytest.fixture(autouse=True)
def _back_to_normal() -> Iterator[None]:
    yield
    log.configure()


def test_a_line_is_one_json_object_with_its_room(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(json=True)

    log.get("engine").info("run.dequeued", run_id="run_1", waited_ms=12)

    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "run.dequeued"
    assert line["room"] == "engine"
    assert line["run_id"] == "run_1"
    assert line["level"] == "info"
    assert line["at"].endswith("Z")


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(json=True, level="warning")

    log.get("engine").info("run.dequeued")
    log.get("engine").warning("disk.slow")

    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == [
        "disk.slow"
    ]


@pytest.mark.parametrize("as_json", [True, False])
def test_a_crash_is_written_without_the_values_of_its_variables(
    capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    log.configure(json=as_json)
    token = "tr_dev_" + "planted"  # in two pieces: a quoted source line does not hold it

    try:
        len(token) / 0
    except ZeroDivisionError:
        log.get("api").exception("request.crashed")

    written = capsys.readouterr().err
    assert "ZeroDivisionError" in written
    assert token not in written


def test_stdout_stays_clean(capsys: pytest.CaptureFixture[str]) -> None:
    log.get("app").error("box.broken")

    assert capsys.readouterr().out == ""
