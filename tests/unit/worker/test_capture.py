# ruff: noqa: T201 - print is what is tested
from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from trigger_box.worker.capture import Capture, Level

Line = tuple[str, str, dict[str, object]]


@contextmanager
def captured() -> Iterator[tuple[Capture, list[Line]]]:
    """Capture inside the block: pytest replaces streams and handlers around fixtures and tests."""
    lines: list[Line] = []

    def sink(level: Level, text: str, fields: Mapping[str, object]) -> bool:
        lines.append((level, text, dict(fields)))
        return True

    streams = sys.stdout, sys.stderr
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers.clear()
    root.setLevel(logging.WARNING)
    capture = Capture(sink)
    try:
        capture.install()
        yield capture, lines
    finally:
        logging.captureWarnings(capture=False)
        sys.stdout, sys.stderr = streams
        root.handlers[:] = handlers
        root.setLevel(level)


def texts(lines: list[Line]) -> list[tuple[str, str]]:
    return [(level, text) for level, text, _fields in lines]


def test_print_becomes_lines_with_a_level() -> None:
    with captured() as (capture, lines):
        print("one\ntwo")
        print("é", end="", flush=True)
        print("to stderr", file=sys.stderr)
        sys.stdout.buffer.write(b"bytes\r\n")
        capture.finish_lines()

    assert texts(lines) == [
        ("log", "one"),
        ("log", "two"),
        ("warn", "to stderr"),
        ("log", "ébytes"),
    ]


def test_a_line_without_an_end_is_told_when_the_run_ends() -> None:
    with captured() as (capture, lines):
        print("no end", end="")
        before = list(lines)
        capture.finish_lines()
        capture.finish_lines()

    assert before == []
    assert texts(lines) == [("log", "no end")]


def test_a_very_long_line_is_cut() -> None:
    with captured() as (_capture, lines):
        print("x" * 200_000)

    assert all(len(text) <= 128 * 1024 + 1 for _level, text in texts(lines))
    assert lines[0][1].endswith("…")


def test_standard_logging_keeps_level_name_place_and_extras() -> None:
    log = logging.getLogger("shop.orders")
    with captured() as (_capture, lines):
        log.info("order %s", 7, extra={"customer": "ada"})
        log.debug("not shown unless asked for")
        log.error("failed", exc_info=ValueError("oops"))

    assert texts(lines) == [("info", "order 7"), ("error", "failed")]
    assert lines[0][2]["customer"] == "ada"
    assert lines[0][2]["logger"] == "shop.orders"
    assert "test_capture.py" in str(lines[0][2]["code"])
    assert "ValueError: oops" in str(lines[1][2]["exception"])


def test_a_wrong_format_string_does_not_end_the_task() -> None:
    with captured() as (_capture, lines):
        logging.getLogger("a").warning("%d apples", "many")

    assert "could not be formatted" in lines[0][1]


def test_warnings_are_lines_too() -> None:
    with warnings.catch_warnings(), captured() as (_capture, lines):
        warnings.simplefilter("always")
        warnings.warn("careful", stacklevel=1)

    assert lines[0][0] == "warn"
    assert "careful" in lines[0][1]


def test_streams_that_a_run_replaced_are_taken_back() -> None:
    with captured() as (capture, lines):
        sys.stdout = sys.__stdout__
        capture.check()
        print("back")

    assert texts(lines) == [("log", "back")]


def test_child_processes_may_be_given_our_streams() -> None:
    with captured():
        files = sys.stdout.fileno(), sys.stderr.fileno()
        is_terminal = sys.stdout.isatty()

    assert files == (1, 2)
    assert is_terminal is False


def test_a_basic_configuration_of_the_user_does_not_tell_lines_twice() -> None:
    with captured() as (capture, lines):
        logging.getLogger().addHandler(logging.StreamHandler())
        logging.getLogger().removeHandler(capture.handler)
        capture.install()
        logging.getLogger("a").warning("once")

    assert texts(lines) == [("warn", "once")]


def test_lines_outside_of_a_run_go_to_the_real_streams(capfd: pytest.CaptureFixture[str]) -> None:
    streams = sys.stdout, sys.stderr
    capture = Capture(lambda *_line: False)
    try:
        sys.__stdout__, sys.__stderr__ = streams
        capture.check()
        print("nobody's")
    finally:
        sys.stdout, sys.stderr = streams

    assert "nobody's" in capfd.readouterr().out
