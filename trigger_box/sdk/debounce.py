"""``Debounce``: triggers that come soon after each other make one run (rest-api 11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from trigger_box.sdk.durations import Duration, duration_s
from trigger_box.sdk.errors import OptionError
from trigger_box.sdk.limits import DEBOUNCE_KEY_CHARACTERS_MAX

_MODES: Final = ("leading", "trailing")


@dataclass(frozen=True, slots=True)
class Debounce:
    """How triggers share a run: ``debounce=Debounce("user-1", "5s")``.

    Attributes:
        key: what they share it by, among the triggers of one task.
        delay: how long after the last of them the run is due.
        mode: whose payload it gets: the first one's (``leading``) or the last one's
            (``trailing``), and with it its metadata, tags, machine and limits.
        max_delay: a run this old is pushed no further; the next trigger makes another.
    """

    key: str
    delay: Duration
    mode: Literal["leading", "trailing"] = "leading"
    max_delay: Duration | None = None

    def to_wire(self) -> dict[str, Any]:
        """Return the option as the server reads it.

        Raises:
            OptionError: a part of it can't be; the message names it.
        """
        if not isinstance(self.key, str) or not 0 < len(self.key) <= DEBOUNCE_KEY_CHARACTERS_MAX:  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
            raise OptionError(
                f"debounce.key={self.key!r} must be text of 1 to {DEBOUNCE_KEY_CHARACTERS_MAX} "
                "characters."
            )
        if self.mode not in _MODES:
            raise OptionError(f"debounce.mode={self.mode!r} must be 'leading' or 'trailing'.")
        delay_s = duration_s(self.delay, option="debounce.delay")
        if delay_s == 0:
            raise OptionError(f"debounce.delay={self.delay!r} must be longer than no time at all.")
        wire: dict[str, Any] = {"key": self.key, "delay": f"{delay_s}s", "mode": self.mode}
        if self.max_delay is not None:
            max_delay_s = duration_s(self.max_delay, option="debounce.max_delay")
            if max_delay_s <= delay_s:
                raise OptionError(
                    f"debounce.max_delay={self.max_delay!r} must be longer than "
                    f"debounce.delay={self.delay!r}."
                )
            wire["maxDelay"] = f"{max_delay_s}s"
        return wire
