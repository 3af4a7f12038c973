from __future__ import annotations

import logging

import pytest

from tests.support.sdk import RecordingRuntime
from trigger_box import logger
from trigger_box.sdk.runtime import running


def test_each_level_is_told_to_the_run_with_its_fields() -> None:
    runtime = RecordingRuntime()

    with running(runtime):
        logger.debug("d", level=1)
        logger.info("i")
        logger.log("l")
        logger.warning("w")
        logger.warn("w")
        logger.error("e", message_id="m", message="a field of that name")

    assert runtime.logs == [
        ("debug", "d", {"level": 1}),
        ("info", "i", {}),
        ("log", "l", {}),
        ("warn", "w", {}),
        ("warn", "w", {}),
        ("error", "e", {"message_id": "m", "message": "a field of that name"}),
    ]


def test_an_exception_is_told_with_its_traceback() -> None:
    runtime = RecordingRuntime()

    with running(runtime):
        try:
            _ = {}["k"]
        except KeyError:
            logger.exception("not found", key="k")

    level, message, fields = runtime.logs[0]
    assert (level, message, fields["key"]) == ("error", "not found", "k")
    assert "KeyError: 'k'" in str(fields["exception"])


def test_outside_of_a_run_lines_go_to_the_standard_logging(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG, logger="trigger_box"):
        logger.warning("sent 100 %", message_id="m")
        logger.debug("plain")

    first, second = caplog.records
    assert (first.levelname, first.getMessage()) == ("WARNING", "sent 100 % message_id='m'")
    assert (second.levelname, second.getMessage()) == ("DEBUG", "plain")
    assert first.filename == "test_logger.py"


def test_a_span_is_ended_with_the_error_that_left_it() -> None:
    runtime = RecordingRuntime()

    with running(runtime):
        with logger.span("render", pages=3) as span:
            span.set_attribute("bytes", 10)
        with pytest.raises(ValueError, match="bad"), logger.span("fail"):
            raise ValueError("bad")

    render, fail = runtime.spans
    assert (render.name, render.attributes) == ("render", {"pages": 3, "bytes": 10})
    assert render.is_ended
    assert render.error is None
    assert isinstance(fail.error, ValueError)


def test_a_span_outside_of_a_run_does_nothing() -> None:
    with logger.span("render") as span:
        span.set_attribute("bytes", 10)

    assert (span.trace_id, span.span_id) == ("0" * 32, "0" * 16)


async def test_traced_functions_make_a_span_for_each_call() -> None:
    runtime = RecordingRuntime()

    @logger.traced
    def plain(n: int) -> int:
        return n + 1

    @logger.traced
    async def awaited(n: int) -> int:
        return n + 1

    with running(runtime):
        assert plain(1) == 2
        assert await awaited(2) == 3

    assert [span.name.rpartition(".")[2] for span in runtime.spans] == ["plain", "awaited"]
    assert plain.__name__ == "plain"
