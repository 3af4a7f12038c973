"""What can be asked about runs, as operations: the wire's side of ``runs`` and of handles.

Source: rest-api 13.3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypedDict, cast

from trigger_box.sdk.durations import Duration, delay_text, duration_s, instant_text
from trigger_box.sdk.errors import OptionError, PayloadError, UnexpectedAnswer, WaitTimeout
from trigger_box.sdk.limits import (
    PAGE_SIZE_MAX,
    RESULT_POLL_FACTOR,
    RESULT_POLL_S_MAX,
    RESULT_POLL_S_MIN,
)
from trigger_box.sdk.packets import JSON, encode_packet
from trigger_box.sdk.pages import Page
from trigger_box.sdk.queues import Queue
from trigger_box.sdk.results import Err, Ok, Result
from trigger_box.sdk.transport import (
    CallOptions,
    Line,
    Operation,
    Pause,
    segment,
    send_json,
    shaped,
)
from trigger_box.sdk.trigger_options import TriggerOptions, replay_options
from trigger_box.sdk.uploads import download

if TYPE_CHECKING:
    from trigger_box.sdk.declaration import DeclaredTask
    from trigger_box.sdk.models import Run, RunStatus, RunSummary
    from trigger_box.sdk.schemas import ValueType


class RunFilters(CallOptions, total=False):
    """Which runs to list; every part may be left out, and lists mean "any of".

    Attributes:
        status: such as ``"FAILED"``, or several.
        task: a task or its id, or several.
        version: such as ``"20260131.1"``, or several.
        tag: runs that have any of these tags.
        queue: a queue, its name, or ``task/<id>`` for a task's own; or several.
        machine: a preset, or several.
        region: a worker group, or several.
        bulk_action, schedule, batch: the id of the one that made the run.
        is_test: only test runs, or only others.
        error: the id of an error group.
        created_after, created_before: aware instants.
        period: created within this time, such as ``"7d"``.
        limit: runs for each request, at most 100. Iterating goes on through all pages.
        after, before: ``Page.next`` or ``Page.previous`` of an earlier page.
    """

    status: RunStatus | Sequence[RunStatus]
    task: DeclaredTask | str | Sequence[DeclaredTask | str]
    version: str | Sequence[str]
    tag: str | Sequence[str]
    queue: Queue | str | Sequence[Queue | str]
    machine: str | Sequence[str]
    region: str | Sequence[str]
    bulk_action: str
    schedule: str
    batch: str
    is_test: bool
    error: str
    created_after: datetime
    created_before: datetime
    period: Duration
    limit: int
    after: str
    before: str


class ReplayOptions(TypedDict, total=False):
    """What a replayed run has different from the original; ``version="latest"`` unlocks it."""

    payload: Any
    metadata: Mapping[str, Any]
    tags: str | Sequence[str]
    queue: Queue | str
    concurrency_key: str | float
    machine: str
    version: str
    region: str
    delay: Duration | datetime
    ttl: Duration
    idempotency_key: str | Sequence[str]
    idempotency_key_ttl: Duration
    max_attempts: int
    max_duration: Duration | None
    priority: float


_LISTS: Final = {
    "status": "filter[status]",
    "task": "filter[taskIdentifier]",
    "version": "filter[version]",
    "tag": "filter[tag]",
    "queue": "filter[queue]",
    "machine": "filter[machine]",
    "region": "filter[region]",
}
_SINGLES: Final = {
    "bulk_action": "filter[bulkAction]",
    "schedule": "filter[schedule]",
    "batch": "filter[batch]",
    "error": "filter[error]",
    "after": "page[after]",
    "before": "page[before]",
}
_KNOWN_FILTERS: Final = frozenset(RunFilters.__annotations__) | frozenset(
    CallOptions.__annotations__
)


def retrieve(
    line: Line, run_id: str, options: CallOptions, output_type: ValueType | None = None
) -> Operation[Run[Any]]:
    """Fetch one run, with its payload and output wherever they are stored."""
    request = line.request("GET", f"/api/v3/runs/{segment(run_id)}", options=options)
    wire, answer = yield from send_json(line, request)
    run = shaped(answer, lambda: _run(wire))
    changes: dict[str, Any] = {}
    if run.payload_presigned_url is not None:
        changes["payload"] = yield from download(line, run.payload_presigned_url)
    output: Any = run.output
    if run.output_presigned_url is not None:
        changes["output"] = output = yield from download(line, run.output_presigned_url)
    if output_type is not None and run.is_success:
        changes["output"] = _typed_output(run, output, output_type)
    return run.model_copy(update=changes) if changes else run


def list_page(line: Line, filters: RunFilters, cursor: str | None) -> Operation[Page[RunSummary]]:
    """Fetch one page of runs, newest first.

    Raises:
        OptionError: a filter has a value that can't be sent.
    """
    query = filter_query(filters)
    if cursor is not None:
        query.pop("page[before]", None)
        query["page[after]"] = cursor
    request = line.request("GET", "/api/v1/runs", query=query, options=filters)
    wire, answer = yield from send_json(line, request)
    return shaped(answer, lambda: _page(wire))


def cancel(line: Line, run_id: str, options: CallOptions) -> Operation[None]:
    """Cancel a run and its unfinished children; a run that has ended stays as it is."""
    path = f"/api/v2/runs/{segment(run_id)}/cancel"
    yield from send_json(line, line.request("POST", path, options=options))


def replay(line: Line, run_id: str, changes: ReplayOptions, options: CallOptions) -> Operation[str]:
    """Trigger a run again; return the new run's id.

    Raises:
        OptionError, PayloadError: a change has a value that can't be sent.
    """
    body = _replay_body(changes, line)
    request = line.request(
        "POST", f"/api/v1/runs/{segment(run_id)}/replay", body=body, options=options
    )
    wire, answer = yield from send_json(line, request)
    return shaped(answer, lambda: str(wire["id"]))


def reschedule(
    line: Line, run_id: str, delay: Duration | datetime, options: CallOptions
) -> Operation[Run[Any]]:
    """Give a delayed run another time.

    Raises:
        OptionError: the delay can't be sent.
    """
    body = json.dumps({"delay": delay_text(delay, now_ms=line.now_ms())}).encode()
    request = line.request(
        "POST", f"/api/v1/runs/{segment(run_id)}/reschedule", body=body, options=options
    )
    wire, answer = yield from send_json(line, request)
    return shaped(answer, lambda: _run(wire))


def await_end(
    line: Line,
    run_id: str,
    *,
    timeout: Duration | None,
    interval_s: float | None,
    output_type: ValueType | None = None,
) -> Operation[Run[Any]]:
    """Ask for a run until it has ended.

    Args:
        timeout: None waits as long as it takes.
        interval_s: the pause between two questions; None for pauses that grow from 0.1 to 2 s.

    Raises:
        WaitTimeout: it has not ended in time. The run goes on.
    """
    limit_s = None if timeout is None else duration_s(timeout, option="timeout")
    started_s = line.monotonic_s()
    pause_s = interval_s or RESULT_POLL_S_MIN
    while True:
        run = yield from retrieve(line, run_id, CallOptions(), output_type)
        if run.is_final:
            return run
        left_s = None if limit_s is None else limit_s - (line.monotonic_s() - started_s)
        if left_s is not None and left_s <= 0:
            raise WaitTimeout(
                f"The run {run_id} has not ended within {limit_s} s: it is {run.status}."
            )
        yield Pause(seconds=pause_s if left_s is None else min(pause_s, left_s))
        if interval_s is None:
            pause_s = min(pause_s * RESULT_POLL_FACTOR, RESULT_POLL_S_MAX)


def result(
    line: Line, run_id: str, timeout: Duration | None, output_type: ValueType | None
) -> Operation[Result[Any]]:
    """Wait for a run's end; return how it ended.

    Raises:
        WaitTimeout: it has not ended in time. The run goes on.
    """
    run = yield from await_end(
        line, run_id, timeout=timeout, interval_s=None, output_type=output_type
    )
    return result_of(run)


def result_of(run: Run[Any]) -> Result[Any]:
    """Return how an ended run ended."""
    from trigger_box.sdk.models import RunError  # noqa: PLC0415 - pydantic, at first use

    if run.is_success:
        return Ok(run.output, id=run.id, task_id=run.task_id)
    error = run.error or RunError(message=f"The run ended as {run.status}.", name=run.status)
    return Err(error, id=run.id, task_id=run.task_id)


def filter_query(filters: RunFilters) -> dict[str, str]:
    """Return filters as the wire's query.

    Raises:
        OptionError: unknown, or of a value that can't be sent.
    """
    unknown = set(filters) - _KNOWN_FILTERS
    if unknown:
        raise OptionError(f"Unknown filters: {', '.join(sorted(unknown))}.")
    given = cast("dict[str, Any]", filters)
    query = {
        name: ",".join(_listed(given[key], key))
        for key, name in _LISTS.items()
        if given.get(key) is not None
    }
    query |= {name: str(given[key]) for key, name in _SINGLES.items() if given.get(key) is not None}
    if (is_test := filters.get("is_test")) is not None:
        query["filter[isTest]"] = "true" if is_test else "false"
    if (after := filters.get("created_after")) is not None:
        query["filter[createdAt][from]"] = instant_text(after, option="created_after")
    if (before := filters.get("created_before")) is not None:
        query["filter[createdAt][to]"] = instant_text(before, option="created_before")
    if (period := filters.get("period")) is not None:
        seconds = duration_s(period, option="period")
        query["filter[createdAt][period]"] = f"{seconds}s"
    if (limit := filters.get("limit")) is not None:
        if not 1 <= limit <= PAGE_SIZE_MAX:
            raise OptionError(f"limit={limit} must be between 1 and {PAGE_SIZE_MAX}.")
        query["page[size]"] = str(limit)
    if "page[after]" in query and "page[before]" in query:
        raise OptionError("after and before can't be used together.")
    return query


def _listed(value: object, option: str) -> list[str]:
    single = isinstance(value, str | Queue) or hasattr(value, "id")
    members = [value] if single else list(cast("Sequence[object]", value))
    texts = [_named(member, option) for member in members]
    if (bad := next((text for text in texts if "," in text), None)) is not None:
        raise OptionError(f"{option}={bad!r} has a comma, which the server's lists are split at.")
    return texts


def _named(member: object, option: str) -> str:
    if isinstance(member, str):
        return member
    if isinstance(member, Queue):
        return member.name
    task_id = getattr(member, "id", None)
    if not isinstance(task_id, str):
        raise OptionError(f"{option}={member!r} must be text.")
    return f"task/{task_id}" if option == "queue" else task_id


def _replay_body(changes: ReplayOptions, line: Line) -> bytes | None:
    if not changes:
        # Servers of an older release take no body here at all.
        return None
    given = dict(changes)
    has_payload, payload = "payload" in given, given.pop("payload", None)
    wire = replay_options(cast("TriggerOptions", given), line)
    if has_payload:
        try:
            packet = encode_packet(payload)
        except ValueError as error:
            raise PayloadError(f"The payload can't be sent: {error}") from None
        wire |= {"payload": json.loads(packet.data or "null"), "payloadType": JSON}
    return json.dumps(wire, ensure_ascii=False).encode()


def _run(wire: Any) -> Run[Any]:  # noqa: ANN401 - JSON
    from trigger_box.sdk.models import Run  # noqa: PLC0415 - pydantic, at first use

    return Run[Any].model_validate(wire)


def _page(wire: Any) -> Page[RunSummary]:  # noqa: ANN401 - JSON
    from trigger_box.sdk.models import RunSummary  # noqa: PLC0415 - pydantic, at first use

    pagination = cast("Mapping[str, str | None]", wire["pagination"])
    return Page(
        items=[RunSummary.model_validate(item) for item in wire["data"]],
        next=pagination.get("next"),
        previous=pagination.get("previous"),
    )


def _typed_output(run: Run[Any], output: object, output_type: ValueType) -> Any:  # noqa: ANN401
    try:
        return output_type.check_json(output)
    except ValueError as error:
        raise UnexpectedAnswer(
            f"The output of run {run.id} does not fit the task's return annotation: {error}",
            status=200,
            headers={},
            body=output,
        ) from None
