from __future__ import annotations

import io
import json

import pytest

from trigger_box.cli.console import Cell, Console, clean, one_line
from trigger_box.cli.environment import Variables, read_variables


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def variables(**environ: str) -> Variables:
    return read_variables({"HOME": "/home/ada", **environ})


def console(
    out: io.StringIO, *, as_json: bool = False, err: io.StringIO | None = None, **environ: str
) -> Console:
    return Console(variables(**environ), as_json=as_json, out=out, err=err or io.StringIO())


def test_results_go_to_stdout_and_the_rest_to_stderr() -> None:
    out, err = io.StringIO(), io.StringIO()
    writes = console(out, err=err)

    writes.note("looking")
    writes.success("found")
    writes.warn("careful")
    writes.result({"id": 1}, "one")

    assert out.getvalue() == "one\n"
    assert err.getvalue() == "looking\n✓ found\n! careful\n"


def test_with_json_the_result_is_one_json_value() -> None:
    out = io.StringIO()

    console(out, as_json=True).result({"name": "Ünder"}, "text for people")

    assert json.loads(out.getvalue()) == {"name": "Ünder"}
    assert "Ünder" in out.getvalue()


def test_pieces_of_a_result_are_json_values_one_a_line() -> None:
    out = io.StringIO()
    writes = console(out, as_json=True)

    for number in range(2):
        writes.line({"n": number}, "text")

    assert [json.loads(line) for line in out.getvalue().splitlines()] == [{"n": 0}, {"n": 1}]


def test_columns_are_aligned_whatever_is_in_them() -> None:
    table = console(io.StringIO()).table(
        ["run", "status"], [["run_1", "ok"], ["日本", Cell("failed", "red")], ["", "x"]]
    )

    assert table.splitlines() == ["RUN    STATUS", "run_1  ok", "日本   failed", "       x"]


def test_the_last_column_is_cut_to_the_width_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "20")

    table = console(Terminal(), NO_COLOR="1").table(["id", "text"], [["run_1", "x" * 50]])

    assert [len(line) for line in table.splitlines()] == [11, 20]
    assert table.endswith("…")


def test_a_pipe_gets_whole_values() -> None:
    table = console(io.StringIO()).table(["text"], [["x" * 500]])

    assert "x" * 500 in table


@pytest.mark.parametrize(
    ("stream", "environ", "is_colourful"),
    [
        (io.StringIO(), {}, False),
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (io.StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_only_where_it_can_be_seen(
    stream: io.StringIO, environ: dict[str, str], *, is_colourful: bool
) -> None:
    writes = console(stream, **environ)

    assert ("\x1b[" in writes.style("x", "red")) is is_colourful


def test_foreign_text_can_not_steer_the_terminal() -> None:
    text = "a\x1b[2Jb\r\nc\td\x07\u202e"

    assert clean(text) == "a�[2Jb�\nc\td��"
    assert one_line(text) == "a�[2Jb� c d��"


def test_a_table_shows_foreign_text_on_one_clean_line() -> None:
    table = console(io.StringIO()).table(["tag"], [["a\nb\x1b[31m"]])

    assert table.splitlines() == ["TAG", "a b�[31m"]


def test_facts_stand_in_two_columns() -> None:
    text = console(io.StringIO()).facts([("a", "1"), ("longer", Cell("2", "red"))])

    assert text.splitlines() == ["a       1", "longer  2"]
