"""What ``dev`` prints: one line for each thing that happens, or one JSON object with ``--json``.

Writing happens on a thread of its own: a terminal that is held with Ctrl-S must not hold up
heartbeats. Lines that would pile up are dropped and counted.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Thread
from typing import Final

from trigger_box.cli.console import Console, one_line
from trigger_box.cli.dev_index import Standing
from trigger_box.clock import Clock
from trigger_box.worker.discovery import Problem, users_places
from trigger_box.worker.limits import IMPORT_S_MAX
from trigger_box.worker.reports import (
    AttemptFailed,
    AttemptStarted,
    LinePrinted,
    Report,
    RunStopped,
    RunSucceeded,
    TroubleSeen,
)

_LINES_WAITING_MAX: Final = 10_000
_LINES_AT_ONCE_MAX: Final = 500
# A moment to gather what belongs on the screen together: a wake-up a line costs more than the line.
_GATHER_S: Final = 0.02
_CLOSE_S_MAX: Final = 2.0
_RUN_CHARACTERS_SHOWN: Final = 6
_LEVEL_STYLES: Final = {"error": "red", "warn": "yellow", "debug": "dim"}
# Where the line was written, which the run page shows, and what a traceback repeats.
_NOT_SHOWN: Final = frozenset({"code", "logger", "exception"})

Line = tuple[dict[str, object], str]


class DevLines:
    """Prints the events of one ``dev``. Safe to call from the event loop: it never blocks.

    Args:
        shows_logs: also print what tasks log.

    Attributes:
        run_url: start of a run's page; its id follows.
        folder: the project's; lines of code are named relative to it.
    """

    def __init__(self, console: Console, clock: Clock, *, shows_logs: bool) -> None:
        self._console = console
        self._clock = clock
        self._shows_logs = shows_logs
        self._waiting: Queue[Line | None] = Queue(_LINES_WAITING_MAX)
        self._dropped = 0
        self._thread = Thread(target=self._write, name="dev-lines", daemon=True)
        self._thread.start()
        self.run_url = ""
        self.folder: Path | None = None

    def close(self) -> None:
        """Print what waits, for a bounded time."""
        try:
            self._waiting.put(None, timeout=_CLOSE_S_MAX)
        except Full:
            return
        self._thread.join(_CLOSE_S_MAX)

    # What happens to runs.

    def report(self, event: Report) -> None:
        """Print one event of the controller."""
        match event:
            case AttemptStarted():
                text = "started" if event.attempt == 1 else f"attempt {event.attempt} started"
                self._run(event, "run.started", "○", "blue", text)
            case RunSucceeded():
                text = f"ok {duration(event.duration_ms)}"
                self._run(event, "run.succeeded", "✓", "green", text)
            case AttemptFailed():
                place = self._place(event)
                message = one_line(event.message) + (f"  {place}" if place else "")
                text = f"failed, {message}"
                if event.retry_delay_ms is not None:
                    text = (
                        f"failed attempt {event.attempt}, retry in "
                        f"{duration(event.retry_delay_ms)}: {message}"
                    )
                self._run(event, "attempt.failed", "✗", "red", text)
            case RunStopped():
                self._run(event, "run.stopped", "■", "yellow", event.reason)
            case LinePrinted():
                self._log(event)
            case TroubleSeen():
                self.trouble(event.message)

    def _run(
        self,
        event: AttemptStarted | RunSucceeded | AttemptFailed | RunStopped,
        name: str,
        glyph: str,
        colour: str,
        text: str,
    ) -> None:
        facts: dict[str, object] = {
            "runId": event.run_id,
            "taskId": event.task_id,
            "attempt": event.attempt,
        }
        match event:
            case AttemptStarted():
                facts["version"] = event.version
            case RunSucceeded():
                facts["durationMs"] = round(event.duration_ms, 1)
            case AttemptFailed():
                facts |= {
                    "durationMs": round(event.duration_ms, 1),
                    "error": event.message,
                    "place": self._place(event),
                    "retryDelayMs": event.retry_delay_ms,
                }
            case RunStopped():
                facts["reason"] = event.reason
        url = f"{self.run_url}{event.run_id}"
        style = self._console.style
        self._put(
            name,
            {**facts, "url": url},
            f"{style(glyph, colour)} {style(event.task_id, 'bold')}  {text}  {style(url, 'dim')}",
        )

    def _place(self, event: AttemptFailed) -> str | None:
        """Return the line of the project's own code that failed."""
        places = users_places(event.stack, self.folder) if self.folder is not None else []
        return places[-1] if places else None

    def _log(self, event: LinePrinted) -> None:
        if not self._shows_logs:
            return
        facts: dict[str, object] = {
            "runId": event.run_id,
            "taskId": event.task_id,
            "level": event.level,
            "text": event.text,
            "attributes": dict(event.attributes),
        }
        style = self._console.style
        colour = _LEVEL_STYLES.get(event.level)
        fields = "".join(
            f" {name}={value}" for name, value in event.attributes.items() if name not in _NOT_SHOWN
        )
        text = one_line(event.text + fields)
        name = f"{event.task_id} …{event.run_id[-_RUN_CHARACTERS_SHOWN:]}"
        self._put(
            "log",
            facts,
            f"{style('│', 'dim')} {style(name, 'dim')}  {style(text, colour) if colour else text}",
        )

    # What happens to the project.

    def ready(self, *, version: str, task_ids: Sequence[str], seconds: float) -> None:
        """Print that a version takes runs now."""
        names = ", ".join(task_ids)
        count = f"{len(task_ids)} task{'' if len(task_ids) == 1 else 's'}"
        style = self._console.style
        self._put(
            "version.ready",
            {"version": version, "tasks": list(task_ids), "seconds": round(seconds, 3)},
            f"{style('✓', 'green')} version {style(version, 'bold')}: {count} in "
            f"{seconds:.2f} s  {style(names, 'dim')}",
        )

    def broken(self, problems: Sequence[Problem], consequence: str) -> None:
        """Print what is wrong with the project, where, and what to do."""
        style = self._console.style
        lines: list[str] = []
        for problem in problems:
            place = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
            lines.append(f"{style('✗', 'red')} {style(place, 'bold')}  {problem.message}")
            # Its last line is the message once more.
            trace = problem.trace.removesuffix(problem.message)
            lines += [f"  {style(line, 'dim')}" for line in trace.splitlines()]
            lines.append(f"  {style('→', 'dim')} {problem.advice}")
        lines.append(f"{style('!', 'yellow')} {consequence}")
        self._put(
            "project.broken",
            {
                "problems": [problem.as_dict() for problem in problems],
                "consequence": consequence,
            },
            "\n".join(lines),
        )

    def slow(self, standing: Standing) -> None:
        """Print where the imports stand that take so long."""
        self._put(
            "import.slow",
            {"file": standing.file, "place": standing.place},
            f"{self._console.style('…', 'yellow')} still importing {standing.text}; "
            f"a save starts anew, after {IMPORT_S_MAX:g} s it is given up",
        )

    def note(self, name: str, text: str, **facts: object) -> None:
        """Print something people may want to know."""
        self._put(name, {**facts, "text": text}, text)

    def trouble(self, message: str) -> None:
        """Print that something outside of the tasks went wrong."""
        mark = self._console.style("!", "yellow")
        self._put("trouble", {"message": message}, f"{mark} {message}")

    def _put(self, name: str, facts: dict[str, object], text: str) -> None:
        now_ms = self._clock.now_ms()
        clock = time.strftime("%H:%M:%S", time.localtime(now_ms / 1000))
        line: Line = (
            {"event": name, "at": now_ms, **facts},
            f"{self._console.style(clock, 'dim')} {text}",
        )
        try:
            self._waiting.put_nowait(line)
        except Full:
            self._dropped += 1

    def _write(self) -> None:
        """Write what waits, a screenful at a time: one call and one flush for many lines."""
        is_open = True
        while is_open:
            lines = [self._waiting.get()]
            time.sleep(_GATHER_S)
            with suppress(Empty):
                while len(lines) < _LINES_AT_ONCE_MAX:
                    lines.append(self._waiting.get_nowait())
            is_open = None not in lines
            texts = [self._text(line) for line in lines if line is not None]
            if self._dropped and self._waiting.qsize() < _LINES_WAITING_MAX // 2:
                dropped, self._dropped = self._dropped, 0
                text = f"! {dropped} lines were dropped: the terminal was too slow"
                texts.append(self._text(({"event": "lines.dropped", "count": dropped}, text)))
            try:
                sys.stdout.write("".join(f"{text}\n" for text in texts))
                sys.stdout.flush()
            except (OSError, ValueError):
                # Nobody reads us any more. The work goes on; only its lines are lost.
                if is_open:
                    self._drain()
                return

    def _text(self, line: Line) -> str:
        facts, text = line
        return json.dumps(facts, ensure_ascii=False) if self._console.as_json else text

    def _drain(self) -> None:
        while True:
            try:
                if self._waiting.get(timeout=60) is None:
                    return
            except Empty:
                continue


def duration(milliseconds: float) -> str:
    """Return a duration as people read it: ``12 ms``, ``3.4 s``, ``2 min 5 s``."""
    if milliseconds < 1_000:  # noqa: PLR2004 - a second
        return f"{milliseconds:.0f} ms" if milliseconds >= 1 else "<1 ms"
    seconds = milliseconds / 1_000
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004 - an hour
