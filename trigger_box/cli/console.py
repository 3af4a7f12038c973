"""What people and scripts see: results on stdout, everything else on stderr.

Colour only on a terminal. What comes from outside is cleaned of control characters, so that a run's
output can't move the cursor or fake a line.
"""

from __future__ import annotations

import json
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TextIO

from trigger_box.cli.environment import Variables

_CODES: Final = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
}
_GAP: Final = "  "
_ELLIPSIS: Final = "…"
_COLUMN_WIDTH_MIN: Final = 6


@dataclass(frozen=True, slots=True)
class Cell:
    """A text in a table with its colour, and whether it may be cut when the line is too long."""

    text: str
    style: str | None = None


class Console:
    """Writes for one command.

    Args:
        as_json: results are one JSON value instead of text for people.
    """

    def __init__(
        self,
        variables: Variables,
        *,
        as_json: bool,
        out: TextIO | None = None,
        err: TextIO | None = None,
    ) -> None:
        self.as_json = as_json
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._is_colourful = {
            stream: (variables.is_colour_forced or stream.isatty()) and not variables.is_colour_off
            for stream in (self._out, self._err)
        }

    @property
    def is_interactive(self) -> bool:
        """Return whether a person is there to answer a question."""
        return sys.stdin.isatty() and self._err.isatty()

    def result(self, value: object, text: str | None = None) -> None:
        """Write what the command was asked for: ``value`` with --json, else ``text``."""
        if self.as_json:
            self._write(json.dumps(value, ensure_ascii=False, indent=2))
        elif text is not None:
            self._write(text)

    def line(self, value: object, text: str) -> None:
        """Write one piece of a result that comes bit by bit: JSON values, one a line."""
        self._write(json.dumps(value, ensure_ascii=False) if self.as_json else text)

    def note(self, text: str = "") -> None:
        """Tell people something that is not the result."""
        print(text, file=self._err, flush=True)

    def success(self, text: str) -> None:
        """Tell people that something worked."""
        self.note(f"{self.mark('✓', 'green')} {text}")

    def warn(self, text: str) -> None:
        """Tell people what they may not expect."""
        self.note(f"{self.mark('!', 'yellow')} {text}")

    def style(self, text: str, *styles: str) -> str:
        """Return text for stdout in a colour, if stdout shows colours."""
        return _styled(text, styles) if self._is_colourful[self._out] else text

    def mark(self, text: str, *styles: str) -> str:
        """Return text for stderr in a colour, if stderr shows colours."""
        return _styled(text, styles) if self._is_colourful[self._err] else text

    def table(self, titles: Sequence[str], rows: Sequence[Sequence[Cell | str]]) -> str:
        """Return rows under titles, in columns; the last column is cut to fit the terminal."""
        cells = [[_cell(value) for value in row] for row in rows]
        widths = [
            max([_width(title)] + [_width(row[column].text) for row in cells])
            for column, title in enumerate(titles)
        ]
        if self._out.isatty():
            room = shutil.get_terminal_size().columns
            taken = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
            widths[-1] = max(_COLUMN_WIDTH_MIN, min(widths[-1], room - taken))
        lines = [self._row([Cell(title.upper(), "dim") for title in titles], widths)]
        lines += [self._row(row, widths) for row in cells]
        return "\n".join(lines)

    def facts(self, facts: Sequence[tuple[str, str | Cell]]) -> str:
        """Return names and values, one pair a line, values in a column."""
        width = max((_width(name) for name, _ in facts), default=0)
        return "\n".join(
            self.style(_padded(name, width), "dim") + _GAP + self._coloured(_cell(value))
            for name, value in facts
        )

    def _row(self, row: Sequence[Cell], widths: Sequence[int]) -> str:
        pieces: list[str] = []
        for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
            text = _cut(cell.text, width)
            padding = "" if column == len(widths) - 1 else " " * (width - _width(text))
            pieces.append(self._coloured(Cell(text, cell.style)) + padding)
        return _GAP.join(pieces).rstrip()

    def _coloured(self, cell: Cell) -> str:
        return self.style(cell.text, cell.style) if cell.style else cell.text

    def _write(self, text: str) -> None:
        print(text, file=self._out, flush=True)


def clean(text: str) -> str:
    """Return foreign text without what steers a terminal; line breaks and tabs stay."""
    return "".join(c if c in "\n\t" or c.isprintable() else "\ufffd" for c in text)


def one_line(text: str) -> str:
    """Return foreign text as one clean line."""
    return " ".join(clean(text).split())


def _cell(value: Cell | str) -> Cell:
    cell = value if isinstance(value, Cell) else Cell(value)
    return Cell(one_line(cell.text), cell.style)


def _styled(text: str, styles: Sequence[str]) -> str:
    return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


def _width(text: str) -> int:
    """Return how many columns text takes: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _cut(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    while text and _width(text) > width - 1:
        text = text[:-1]
    return text + _ELLIPSIS
