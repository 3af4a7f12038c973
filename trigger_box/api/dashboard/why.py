"""Why a run is not running, for its page: the sentence, what was looked at, its place in line."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from trigger_box.api.dashboard.shapes import Check, RunsLink, Why
from trigger_box.domain.runs import RunState
from trigger_box.domain.waiting import NO_WORKER, Awaited, Waiting, why_waiting

_RUNNING: Final = ("DEQUEUED", "EXECUTING")
# Marks that turn the direction of writing or hide, and letters that are written to the left.
_TURNING: Final = re.compile(r"[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_TO_THE_LEFT: Final = re.compile(
    r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_ISOLATED: Final = "\u2068{}\u2069"


def why_of(facts: Waiting | None) -> Why | None:
    """Return why a run is not running, None if nothing keeps it."""
    sentence = None if facts is None else why_waiting(_with_plain_names(facts))
    if facts is None or sentence is None:
        return None
    if facts.due_at_ms is not None:
        # The page writes the instant, in its reader's zone.
        what = "tried" if facts.attempt_number else "handed out"
        is_delayed = facts.state is RunState.DELAYED
        return Why(
            title="It is delayed until" if is_delayed else f"It is {what} again at",
            detail="",
            at_ms=facts.due_at_ms,
            checks=[],
            place=None,
            show_runs=None,
            needs_worker=False,
        )
    if facts.state is RunState.EXECUTING_WITH_WAITPOINTS:
        return _why_awaiting(facts.awaited, sentence)
    title, detail = _parts(sentence)
    is_queued = facts.state is RunState.QUEUED
    return Why(
        title=title,
        detail=detail,
        at_ms=None,
        checks=_checks(facts) if is_queued else [],
        place=facts.ahead + 1 if is_queued else None,
        show_runs=_holders(facts) if is_queued else None,
        needs_worker=sentence == NO_WORKER,
    )


def _why_awaiting(awaited: tuple[Awaited, ...], sentence: str) -> Why:
    """Return what a run's code waits for; an instant alone is written in the reader's zone."""
    is_instant = len(awaited) == 1 and awaited[0].kind == "DATETIME"
    return Why(
        title="It waits until" if is_instant else sentence,
        detail="",
        at_ms=awaited[0].until_ms if is_instant else None,
        checks=[],
        place=None,
        show_runs=None,
        needs_worker=False,
    )


def _with_plain_names(facts: Waiting) -> Waiting:
    """Return the facts with names that can stand inside a sentence."""
    key = facts.concurrency_key
    return replace(
        facts,
        task=_named(facts.task),
        queue_name=_named(facts.queue_name),
        concurrency_key=None if key is None else _named(key),
    )


def _named(name: str) -> str:
    """Return a name somebody chose so that the words around it keep their direction."""
    words = _TURNING.sub(lambda mark: f"\\u{ord(mark[0]):04x}", name)
    return _ISOLATED.format(words) if _TO_THE_LEFT.search(words) else words


def _parts(sentence: str) -> tuple[str, str]:
    """Return what is said first and what is said after it, both as sentences."""
    ends = [place for mark in (". ", ": ") if (place := sentence.find(mark)) >= 0]
    if not ends:
        return sentence, ""
    end = min(ends)
    rest = sentence[end + 2 :]
    return f"{sentence[:end]}.", rest[:1].upper() + rest[1:]


def _checks(facts: Waiting) -> list[Check]:
    slots, running = facts.environment_slots, facts.environment_running
    checks = [
        Check(
            is_ok=not facts.is_environment_paused,
            title="Environment is paused"
            if facts.is_environment_paused
            else "Environment is not paused",
            fact="",
        ),
        Check(
            is_ok=running < slots,
            title="Environment has free slots" if running < slots else "Environment is full",
            fact=f"{running} of {slots} slots",
        ),
        _version_check(facts),
    ]
    if facts.is_worker_connected is not None:
        checks.append(
            Check(
                is_ok=facts.is_worker_connected,
                title="A worker is connected"
                if facts.is_worker_connected
                else "No worker is connected",
                fact="",
            )
        )
    return [*checks, _lane_check(facts)]


def _version_check(facts: Waiting) -> Check:
    if not facts.has_version:
        return Check(is_ok=False, title="No version is here yet", fact=facts.version or "")
    if not facts.has_task and facts.version is None:
        return Check(is_ok=False, title="The current version does not have its task", fact="")
    return Check(
        is_ok=True, title="A version with its task is here", fact=facts.version or "current"
    )


def _lane_check(facts: Waiting) -> Check:
    name = _named(facts.queue_name.removeprefix("task/"))
    if facts.concurrency_key is not None:
        name = f"{name}, key {_named(facts.concurrency_key)}"
    if facts.is_queue_paused:
        return Check(is_ok=False, title=f"Queue {name} is paused", fact="")
    if facts.lane_slots is None:
        return Check(is_ok=True, title=f"Queue {name} has no limit of its own", fact="")
    is_full = facts.lane_running >= facts.lane_slots
    return Check(
        is_ok=not is_full,
        title=f"Queue {name} is at its limit" if is_full else f"Queue {name} has room",
        fact=f"{facts.lane_running} of {facts.lane_slots}",
    )


def _holders(facts: Waiting) -> RunsLink | None:
    """Return the way to the runs that hold the slots, when slots are what is missing."""
    asked = [("status", status) for status in _RUNNING] + [("period", "all")]
    if facts.lane_slots is not None and facts.lane_running >= facts.lane_slots:
        asked.append(("queue", facts.queue_name))
        return RunsLink(label=f"Show the {facts.lane_running} running", query=urlencode(asked))
    if facts.environment_running >= facts.environment_slots:
        return RunsLink(
            label=f"Show the {facts.environment_running} running", query=urlencode(asked)
        )
    return None
