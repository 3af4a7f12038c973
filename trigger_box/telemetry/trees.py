"""From rows and run facts to the tree a run page shows. Pure.

Three things do not come from any worker and are made here (run-engine 22): the root row of each
run, an attempt that sent nothing, and the time between two attempts. Partial spans give way to the
finished ones; those of a run or attempt that is over are closed with its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final

from trigger_box.domain import limits
from trigger_box.domain.runs import RunStatus
from trigger_box.telemetry.families import Failure, Family, TracedAttempt, TracedRun
from trigger_box.telemetry.nodes import (
    Draft,
    Node,
    NodeKind,
    Trace,
    draft_of_log,
    draft_of_span,
    node_of,
)
from trigger_box.telemetry.rows import Kind, Level, Row, RowEvent, RowStatus

_NS_PER_MS: Final = 1_000_000
_EXCEPTION: Final = "exception"


def build(
    family: Family, rows: Sequence[Row], *, now_ms: int, is_truncated: bool, is_complete: bool
) -> Trace:
    """Return the tree of a family's run from the rows of the family."""
    planting = _Planting(family, now_ms)
    planting.place_rows(rows)
    for run in family.runs:
        planting.place_run(run)
    planting.place_errors()
    planting.close_leftovers()
    is_thinned = planting.thin(limits.TRACE_ROWS_MAX)
    nodes = planting.grow()
    return Trace(
        trace_id=family.run.trace_id,
        run=family.run,
        nodes=tuple(nodes[: limits.TRACE_ROWS_MAX]),
        runs=family.runs,
        is_truncated=is_truncated or family.is_cut or is_thinned,
        is_complete=is_complete,
    )


class _Planting:
    """Collects drafts by id, links them, and walks them."""

    def __init__(self, family: Family, now_ms: int) -> None:
        self._family = family
        self._now_ms = now_ms
        self._runs: dict[str, TracedRun] = {run.id: run for run in family.runs}
        self._drafts: dict[str, Draft] = {}
        self._attempts: dict[tuple[str, int], str] = {}

    def place_rows(self, rows: Iterable[Row]) -> None:
        """Place spans and logs. A finished span wins over partial ones."""
        for row in rows:
            if row.kind is Kind.LOG:
                draft = draft_of_log(row)
                self._drafts[draft.id] = draft
                continue
            span_id = row.replaces or row.span_id
            present = self._drafts.get(span_id)
            if (
                present is not None
                and row.status is RowStatus.PARTIAL
                and present.status is not RowStatus.PARTIAL
            ):
                continue
            self._drafts[span_id] = draft_of_span(row, span_id)
            if row.entity == "attempt" and row.run_id:
                self._attempts[row.run_id, row.attempt] = span_id

    def place_run(self, run: TracedRun) -> None:
        """Place what the store knows of a run: its root, silent attempts, pauses before retries."""
        end_ms = run.completed_at_ms if run.is_finished else None
        root = Draft(
            id=run.span_id,
            parent_id=self._parent_of(run),
            kind=NodeKind.RUN,
            run_id=run.id,
            task=run.task,
            attempt=0,
            message=run.task,
            start_ns=run.created_at_ms * _NS_PER_MS,
            duration_ns=self._ns_until(run.created_at_ms, end_ms),
            status=_status_of(run),
            style={"icon": "scheduled" if run.is_scheduled else "task"},
            entity="run",
        )
        self._drafts[root.id] = root
        for attempt in run.attempts:
            self._place_attempt(run, attempt)
            self._place_delay(run, attempt)
        if root.status is RowStatus.ERROR and not any(a.failure for a in run.attempts[-1:]):
            self._place_failure(root, _failure_of(run), at_ms=end_ms or run.created_at_ms)

    def place_errors(self) -> None:
        """Place a row for each exception that spans recorded, where it was raised.

        On its way up, every span it passes records it again: those are left out.
        """
        raised = [
            (draft, number, event)
            for draft in self._drafts.values()
            if draft.row is not None
            for number, event in enumerate(draft.events)
            if event.name == _EXCEPTION
        ]
        passed_on = {(draft.parent_id, *_words_of(event)) for draft, _, event in raised}
        for draft, number, event in raised:
            if (draft.id, *_words_of(event)) not in passed_on:
                self._place_exception(draft, number, event)

    def close_leftovers(self) -> None:
        """Close partial spans whose run or attempt is over; let the others run until now."""
        attempts = {
            (str(run.id), attempt.number): attempt
            for run in self._family.runs
            for attempt in run.attempts
        }
        for draft in self._drafts.values():
            if draft.status is not RowStatus.PARTIAL or draft.row is None:
                continue
            run = self._runs.get(draft.run_id)
            attempt = attempts.get((draft.run_id, draft.attempt))
            end_ms = None if attempt is None else attempt.ended_at_ms
            if end_ms is None and run is not None and run.is_finished:
                end_ms = run.completed_at_ms
            start_ms = draft.start_ns // _NS_PER_MS
            draft.duration_ns = self._ns_until(start_ms, end_ms)
            if end_ms is not None:
                draft.status = _status_left(run, attempt)

    def thin(self, most: int) -> bool:
        """Leave out the newest logs if there are more rows than ``most``; return whether it did."""
        excess = len(self._drafts) - most
        if excess <= 0:
            return False
        logs = [draft for draft in self._drafts.values() if draft.kind is NodeKind.LOG]
        logs.sort(key=lambda draft: draft.order, reverse=True)
        for draft in logs[:excess]:
            del self._drafts[draft.id]
        return True

    def grow(self) -> list[Node]:
        """Link everything below the family's run and return it in display order."""
        root = self._drafts[self._family.run.span_id]
        children: dict[str, list[Draft]] = {}
        for draft in self._drafts.values():
            if draft is not root:
                children.setdefault(self._anchor(draft, root), []).append(draft)
        for siblings in children.values():
            siblings.sort(key=lambda draft: (draft.start_ns, draft.order))
        nodes = _walk(root, children)
        if len(nodes) < len(self._drafts):
            # Spans that name each other as parents: show them below the root, as they are.
            seen = {node.id for node in nodes}
            lost = [draft for draft in self._drafts.values() if draft.id not in seen]
            nodes += [node_of(draft, root.id, 1) for draft in lost]
        return nodes

    def _parent_of(self, run: TracedRun) -> str:
        if run is self._family.run:
            return ""
        parent = self._runs.get(run.parent_run_id) if run.parent_run_id else None
        return run.parent_span_id or ("" if parent is None else parent.span_id)

    def _anchor(self, draft: Draft, root: Draft) -> str:
        """Return below which node a draft hangs: its parent, else its attempt, run, or the root."""
        if draft.parent_id in self._drafts and draft.parent_id != draft.id:
            return draft.parent_id
        if draft.kind is NodeKind.RUN:
            parent = self._runs[draft.run_id].parent_run_id
            return self._runs[parent].span_id if parent in self._runs else root.id
        attempt = self._attempts.get((draft.run_id, draft.attempt))
        if attempt is not None and attempt != draft.id:
            return attempt
        run = self._runs.get(draft.run_id)
        return root.id if run is None else run.span_id

    def _place_attempt(self, run: TracedRun, attempt: TracedAttempt) -> None:
        sent = self._attempts.get((run.id, attempt.number))
        if sent is not None:
            draft = self._drafts[sent]
            if draft.status is RowStatus.PARTIAL and attempt.ended_at_ms is not None:
                # The worker never closed it: the server decided (stall, crash, cancel).
                self._place_failure(draft, attempt.failure, at_ms=attempt.ended_at_ms)
            return
        draft = Draft(
            id=_made_id(run.id, "attempt", attempt.number),
            parent_id=run.span_id,
            kind=NodeKind.ATTEMPT,
            run_id=run.id,
            task=run.task,
            attempt=attempt.number,
            message=f"Attempt {attempt.number}",
            start_ns=attempt.started_at_ms * _NS_PER_MS,
            duration_ns=self._ns_until(attempt.started_at_ms, attempt.ended_at_ms),
            status=_status_of_attempt(attempt),
            entity="attempt",
            style={"icon": "attempt"},
        )
        self._drafts[draft.id] = draft
        self._attempts[run.id, attempt.number] = draft.id
        if attempt.ended_at_ms is not None:
            self._place_failure(draft, attempt.failure, at_ms=attempt.ended_at_ms)

    def _place_delay(self, run: TracedRun, attempt: TracedAttempt) -> None:
        if attempt.retry_at_ms is None or attempt.ended_at_ms is None:
            return
        after = attempt.failure is not None and attempt.failure.is_out_of_memory
        is_over = attempt.retry_at_ms <= self._now_ms or run.is_finished
        end_ms = attempt.retry_at_ms
        if run.is_finished and run.completed_at_ms is not None:
            end_ms = min(end_ms, run.completed_at_ms)
        draft = Draft(
            id=_made_id(run.id, "delay", attempt.number),
            parent_id=run.span_id,
            kind=NodeKind.RETRY_DELAY,
            run_id=run.id,
            task=run.task,
            attempt=attempt.number,
            message=f"Retry #{attempt.number} delay" + (" after OOM" if after else ""),
            start_ns=attempt.ended_at_ms * _NS_PER_MS,
            duration_ns=self._ns_until(attempt.ended_at_ms, end_ms if is_over else None),
            status=RowStatus.OK if is_over else RowStatus.PARTIAL,
            style={"icon": "schedule-attempt"},
        )
        if draft.status is RowStatus.PARTIAL:
            draft.events = [RowEvent(name="retry.at", at_ns=attempt.retry_at_ms * _NS_PER_MS)]
        self._drafts[draft.id] = draft

    def _place_failure(self, below: Draft, failure: Failure | None, *, at_ms: int) -> None:
        if failure is None:
            return
        event = RowEvent(
            name=_EXCEPTION,
            at_ns=at_ms * _NS_PER_MS,
            attributes={
                "exception.type": failure.name,
                "exception.message": failure.message,
                "exception.stacktrace": failure.stack_trace,
            },
        )
        below.events = [*below.events, event]
        self._place_exception(below, len(below.events) - 1, event)

    def _place_exception(self, below: Draft, number: int, event: RowEvent) -> None:
        name, message = _words_of(event)
        draft = Draft(
            id=_made_id(below.run_id, below.id, number),
            parent_id=below.id,
            kind=NodeKind.ERROR,
            run_id=below.run_id,
            task=below.task,
            attempt=below.attempt,
            message=(name or message or "Error")[: limits.SPAN_NAME_CHARACTERS_MAX],
            start_ns=event.at_ns,
            level=Level.ERROR,
            status=RowStatus.ERROR,
            style={"icon": "error"},
            events=[event],
        )
        self._drafts[draft.id] = draft

    def _ns_until(self, start_ms: int, end_ms: int | None) -> int:
        end_ms = self._now_ms if end_ms is None else end_ms
        return max(0, end_ms - start_ms) * _NS_PER_MS


def _walk(root: Draft, children: dict[str, list[Draft]]) -> list[Node]:
    nodes: list[Node] = []
    waiting: list[tuple[Draft, str | None, int]] = [(root, None, 0)]
    while waiting:
        draft, parent_id, depth = waiting.pop()
        nodes.append(node_of(draft, parent_id, depth))
        waiting += [(child, draft.id, depth + 1) for child in reversed(children.get(draft.id, ()))]
    return nodes


def _status_of(run: TracedRun) -> RowStatus:
    if not run.is_finished:
        return RowStatus.PARTIAL
    match run.status:
        case RunStatus.COMPLETED_SUCCESSFULLY:
            return RowStatus.OK
        case RunStatus.CANCELED:
            return RowStatus.CANCELLED
        case _:
            return RowStatus.ERROR


def _status_of_attempt(attempt: TracedAttempt) -> RowStatus:
    match attempt.result:
        case None:
            return RowStatus.PARTIAL
        case "SUCCEEDED":
            return RowStatus.OK
        case "CANCELED":
            return RowStatus.CANCELLED
        case _:
            return RowStatus.ERROR


def _status_left(run: TracedRun | None, attempt: TracedAttempt | None) -> RowStatus:
    """Return how a span counts that nobody closed: like the attempt it was part of, or the run."""
    status = RowStatus.UNSET
    if attempt is not None and attempt.result is not None:
        status = _status_of_attempt(attempt)
    elif run is not None:
        status = _status_of(run)
    # It did not finish itself, so a good end of the whole says nothing about it.
    return RowStatus.UNSET if status in {RowStatus.OK, RowStatus.PARTIAL} else status


def _failure_of(run: TracedRun) -> Failure:
    if run.failure is not None:
        return run.failure
    message = f"The run ended as {run.status}."
    if run.status is RunStatus.EXPIRED:
        message = f"Run expired because the TTL ({run.ttl}) was reached"
    return Failure(name=str(run.status), message=message, stack_trace="", is_out_of_memory=False)


def _words_of(event: RowEvent) -> tuple[str, str]:
    """Return type and message of an exception event."""
    given = event.attributes
    return str(given.get("exception.type", "")), str(given.get("exception.message", ""))


def _made_id(*parts: object) -> str:
    """Return a span id for a row made here: the same one at every look."""
    text = "\0".join(str(part) for part in parts)
    return blake2b(text.encode(), digest_size=8).hexdigest()
