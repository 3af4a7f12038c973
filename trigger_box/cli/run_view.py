"""How runs look on a terminal: status, times, payload, output, error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from trigger_box.cli.console import Cell, Console, clean, one_line

_STYLES: Final = {
    "COMPLETED": ("✓", "green"),
    "FAILED": ("✗", "red"),
    "CRASHED": ("✗", "red"),
    "SYSTEM_FAILURE": ("✗", "red"),
    "TIMED_OUT": ("✗", "red"),
    "EXPIRED": ("✗", "yellow"),
    "CANCELED": ("-", "dim"),
    "EXECUTING": ("●", "blue"),
    "DEQUEUED": ("●", "blue"),
    "WAITING": ("●", "cyan"),
    "QUEUED": ("○", "dim"),
    "DELAYED": ("○", "dim"),
    "PENDING_VERSION": ("○", "yellow"),
}
_LEVEL_STYLES: Final = {"ERROR": "red", "WARN": "yellow", "DEBUG": "dim", "TRACE": "dim"}
_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
_SECOND_MS: Final = 1_000
_VALUE_CHARACTERS_MAX: Final = 20_000
_PROPERTY_CHARACTERS_MAX: Final = 200


def status_cell(status: str) -> Cell:
    """Return a status as mark, word and colour."""
    mark, style = _STYLES.get(status, ("?", "yellow"))
    return Cell(f"{mark} {status}", style)


def run_rows(runs: list[dict[str, Any]], *, now: datetime) -> list[list[Cell | str]]:
    """Return a table's rows for listed runs."""
    return [
        [
            run["id"],
            status_cell(run["status"]),
            run["taskIdentifier"],
            ago(run["createdAt"], now=now),
            duration_of(run),
            Cell(" ".join(run["tags"]), "dim"),
        ]
        for run in runs
    ]


RUN_TITLES: Final = ("run", "status", "task", "created", "took", "tags")


def run_text(console: Console, run: Mapping[str, Any], *, url: str, now: datetime) -> str:
    """Return everything about one run."""
    facts: list[tuple[str, str | Cell]] = [
        ("run", Cell(run["id"], "bold")),
        ("status", status_cell(run["status"])),
        ("task", run["taskIdentifier"]),
        ("created", f"{local(run['createdAt'])} ({ago(run['createdAt'], now=now)})"),
    ]
    facts += [
        (name, local(run[key]))
        for name, key in (
            ("delayed until", "delayedUntil"),
            ("started", "startedAt"),
            ("finished", "finishedAt"),
            ("expired", "expiredAt"),
        )
        if run.get(key)
    ]
    if took := duration_of(run):
        facts.append(("took", took))
    facts.append(("attempts", str(run.get("attemptCount", 0))))
    facts += [
        (name, str(run[key]))
        for name, key in (("version", "version"), ("ttl", "ttl"), ("key", "idempotencyKey"))
        if run.get(key)
    ]
    if run["tags"]:
        facts.append(("tags", " ".join(run["tags"])))
    if run["isTest"]:
        facts.append(("test", "yes"))
    related: Mapping[str, Any] = run.get("relatedRuns", {})
    if "parent" in related:
        facts.append(("parent", related["parent"]["id"]))
    if related.get("children"):
        facts.append(("children", str(len(related["children"]))))
    facts.append(("page", Cell(url, "cyan")))
    parts = [console.facts(facts)]
    for title, key in (("payload", "payload"), ("metadata", "metadata"), ("output", "output")):
        parts += _section(console, title, run, key)
    if "error" in run:
        parts += [_title(console, "error"), error_text(console, run["error"])]
    return "\n".join(parts)


def error_text(console: Console, error: Mapping[str, Any]) -> str:
    """Return a run's error: its name and message, then the trace, then what lies behind it."""
    message = clean(str(error.get("message", "")))
    name = one_line(str(error.get("name", "")))
    lines = [console.style(f"{name}: {message}" if name else message, "red")]
    if error.get("stackTrace"):
        lines.append(console.style(clean(str(error["stackTrace"])).rstrip(), "dim"))
    for cause in error.get("causes") or ():
        lines += ["", console.style("caused by", "dim"), error_text(console, cause)]
    return "\n".join(lines)


def value_text(value: object) -> str:
    """Return a JSON value for reading; a long one is cut."""
    text = clean(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    )
    if len(text) <= _VALUE_CHARACTERS_MAX:
        return text
    left = len(text) - _VALUE_CHARACTERS_MAX
    return f"{text[:_VALUE_CHARACTERS_MAX]}\n… {left} more characters (--json has all)"


def log_line(console: Console, event: Mapping[str, Any]) -> str:
    """Return one line of a run's log: time, level, message, fields."""
    level = str(event["level"]).upper()
    moment = _parsed(event["startTime"]).astimezone()
    time = f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"
    style = _LEVEL_STYLES.get(level)
    level_text = f"{level:<5}"
    pieces = [
        console.style(time, "dim"),
        console.style(level_text, style) if style else level_text,
        clean(str(event["message"])),
    ]
    properties: Mapping[str, Any] | None = event.get("properties")
    if properties:
        pieces.append(console.style(_fields(properties), "dim"))
    return " ".join(pieces)


def ago(instant: str, *, now: datetime) -> str:
    """Return how long ago an instant was; the date itself when it is over a day."""
    seconds = round((now - _parsed(instant)).total_seconds())
    if seconds < 0:
        return local(instant)
    if seconds < _MINUTE_S:
        return f"{seconds}s ago"
    if seconds < _HOUR_S:
        return f"{seconds // _MINUTE_S}m ago"
    if seconds < _DAY_S:
        return f"{seconds // _HOUR_S}h ago"
    return local(instant)


def local(instant: str) -> str:
    """Return an instant in the person's own time zone."""
    return f"{_parsed(instant).astimezone():%Y-%m-%d %H:%M:%S}"


def duration_of(run: Mapping[str, Any]) -> str:
    """Return how long a run has computed; nothing if it has not begun."""
    milliseconds = run["durationMs"]
    if not milliseconds and not run.get("startedAt"):
        return ""
    if milliseconds < _SECOND_MS:
        return f"{milliseconds:.0f}ms"
    seconds = milliseconds / _SECOND_MS
    if seconds < _MINUTE_S:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), _MINUTE_S)
    if minutes < _MINUTE_S:
        return f"{minutes}m {rest}s"
    return f"{minutes // _MINUTE_S}h {minutes % _MINUTE_S}m"


def _section(console: Console, title: str, run: Mapping[str, Any], key: str) -> list[str]:
    if f"{key}PresignedUrl" in run:
        return [_title(console, title), f"It is large: {run[f'{key}PresignedUrl']}"]
    if key not in run or (key == "metadata" and not run[key]):
        return []
    return [_title(console, title), value_text(run[key])]


def _title(console: Console, title: str) -> str:
    return "\n" + console.style(title.upper(), "dim")


def _fields(properties: Mapping[str, Any]) -> str:
    text = " ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in properties.items()
    )
    text = one_line(text)
    limit = _PROPERTY_CHARACTERS_MAX
    return text if len(text) <= limit else text[:limit] + "…"


def _parsed(instant: str) -> datetime:
    return datetime.fromisoformat(instant).astimezone(UTC)
