"""Durations and instants as people write them, and as the wire spells them.

One grammar for both (rest-api 11): ``1w2d3h``, units summed, each unit counted once.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from trigger_box.sdk.errors import OptionError
from trigger_box.sdk.limits import DURATION_CHARACTERS_MAX

Duration = str | timedelta | int | float
"""``"1h30m"``, a ``timedelta``, or seconds."""

_GRAMMAR: Final = re.compile(r"(?:[0-9]+(?:w|d|hr|h|m|s))+", re.ASCII)
_UNITS: Final = (
    (re.compile(r"([0-9]+)w"), 604_800_000),
    (re.compile(r"([0-9]+)d"), 86_400_000),
    (re.compile(r"([0-9]+)(?:hr|h)"), 3_600_000),
    (re.compile(r"([0-9]+)m"), 60_000),
    (re.compile(r"([0-9]+)s"), 1_000),
)
_HINT: Final = "use a text such as '1h30m' (units w, d, h, m, s), a timedelta, or seconds"


def duration_text_ms(text: str) -> int | None:
    """Return the milliseconds that a duration text stands for, or None if it is not one.

    Only the first number of each unit counts, as on the server.
    """
    if len(text) > DURATION_CHARACTERS_MAX or _GRAMMAR.fullmatch(text) is None:
        return None
    return sum(
        int(found.group(1)) * unit_ms
        for pattern, unit_ms in _UNITS
        if (found := pattern.search(text)) is not None
    )


def duration_ms(value: Duration, *, option: str) -> int:
    """Return ``value`` in milliseconds, rounded up.

    Raises:
        OptionError: not a duration, or negative; the message names ``option``.
    """
    if isinstance(value, str):
        milliseconds = duration_text_ms(value)
        if milliseconds is None:
            raise OptionError(f"{option}={value!r} is not a duration: {_HINT}.")
        return milliseconds
    # bool is an int to isinstance, and True as one second is never meant.
    if isinstance(value, bool) or not isinstance(value, int | float | timedelta):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise OptionError(f"{option}={value!r} is not a duration: {_HINT}.")
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if not math.isfinite(seconds) or seconds < 0:
        raise OptionError(f"{option}={value!r} must be a finite time that is not negative.")
    return math.ceil(round(seconds * 1000, 6))


def duration_s(value: Duration, *, option: str) -> int:
    """Return ``value`` in whole seconds, rounded up.

    Raises:
        OptionError: not a duration, or negative.
    """
    return -(-duration_ms(value, option=option) // 1000)


def instant_text(value: datetime, *, option: str) -> str:
    """Return an aware instant as the wire's text: UTC, milliseconds, ``Z``.

    Raises:
        OptionError: the datetime is naive, so nobody knows which instant it is.
    """
    if value.tzinfo is None or value.utcoffset() is None:
        raise OptionError(
            f"{option}={value!r} has no time zone: use an aware datetime,"
            " such as datetime.now(tz=timezone.utc)."
        )
    # Not strftime: its %Y has three digits for the year 999.
    spelled = value.astimezone(UTC).isoformat(timespec="milliseconds")
    return spelled.removesuffix("+00:00") + "Z"


def delay_text(value: Duration | datetime, *, now_ms: int, option: str = "delay") -> str:
    """Return a delay as the wire spells it: a duration text or an instant.

    Raises:
        OptionError: neither a duration nor an aware instant.
    """
    if isinstance(value, datetime):
        return instant_text(value, option=option)
    if isinstance(value, str):
        if duration_text_ms(value) is not None:
            return value
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            raise OptionError(
                f"{option}={value!r} is neither a duration nor an ISO date: {_HINT},"
                " or an aware datetime."
            ) from None
        return instant_text(instant, option=option)
    milliseconds = duration_ms(value, option=option)
    if milliseconds % 1000 == 0:
        return f"{milliseconds // 1000}s"
    # The wire's durations stop at seconds; an instant keeps the fraction.
    due = datetime.fromtimestamp(0, tz=UTC) + timedelta(milliseconds=now_ms + milliseconds)
    return instant_text(due, option=option)


def seconds_text(value: Duration, *, option: str) -> str:
    """Return a duration with one unit only, for fields that take no more (rest-api 10.2).

    Raises:
        OptionError: not a duration, or negative.
    """
    return f"{duration_s(value, option=option)}s"
