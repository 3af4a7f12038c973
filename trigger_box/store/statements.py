"""Named parameters, bound by place: SQLite's module looks a name up for every value it binds.

Queries and their callers speak of names only (``:run_id``); what reaches SQLite has numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Final, cast

Parameters = Mapping[str, object]

_NAME: Final = re.compile(r":([a-z_][a-z0-9_]*)")
# What is not to be searched for names: texts and quoted names.
_QUOTED: Final = re.compile(r"('(?:[^']|'')*'|\"[^\"]*\")")


class Statement:
    """One query as SQLite gets it, and how its parameters are put in order."""

    __slots__ = ("_ordered", "text")

    def __init__(self, query: str) -> None:
        names: list[str] = []

        def number(match: re.Match[str]) -> str:
            name = match[1]
            if name not in names:
                names.append(name)
            return f"?{names.index(name) + 1}"

        self.text = "".join(
            part if quoted else _NAME.sub(number, part) for quoted, part in _parts(query)
        )
        self._ordered: Callable[[Parameters], tuple[object, ...]] = _in_order(tuple(names))

    def values(self, parameters: Parameters) -> tuple[object, ...]:
        """Return the values in the order of their numbers; others are left out.

        Raises:
            KeyError: a parameter of the query is missing.
        """
        return self._ordered(parameters)


def _parts(query: str) -> list[tuple[bool, str]]:
    return [(index % 2 == 1, part) for index, part in enumerate(_QUOTED.split(query))]


def _in_order(names: tuple[str, ...]) -> Callable[[Parameters], tuple[object, ...]]:
    match len(names):
        case 0:
            return lambda _parameters: ()
        case 1:
            (only,) = names
            return lambda parameters: (parameters[only],)
        case _:
            return cast("Callable[[Parameters], tuple[object, ...]]", itemgetter(*names))


class Statements(dict[str, Statement]):
    """Statements by the text of their query; each is read once."""

    def __missing__(self, query: str) -> Statement:
        statement = self[query] = Statement(query)
        return statement
