"""Runs as the public API shows them: retrieve, lists, results. Built from ``engine.reading.Run``.

Optional keys are left out, never null: the npm client reads a null date as 1970 (rest-api 15.3).
Here ``UNSET`` means "left out" and None means a null on the wire. Source: rest-api 9, 12, 13.3.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from trigger_box.access.actors import Environment
from trigger_box.api.wire.failures import RunError, run_error
from trigger_box.domain import packets
from trigger_box.domain.instants import iso
from trigger_box.domain.packets import Packet
from trigger_box.domain.runs import RunStatus
from trigger_box.engine.reading import Run

_S = RunStatus

API_VERSION: Final = "2025-07-16"

_CURRENT: Final[Mapping[RunStatus, str]] = {
    _S.DELAYED: "DELAYED",
    _S.PENDING: "QUEUED",
    _S.PENDING_VERSION: "PENDING_VERSION",
    _S.DEQUEUED: "DEQUEUED",
    _S.EXECUTING: "EXECUTING",
    _S.WAITING_TO_RESUME: "WAITING",
    _S.COMPLETED_SUCCESSFULLY: "COMPLETED",
    _S.COMPLETED_WITH_ERRORS: "FAILED",
    _S.CANCELED: "CANCELED",
    _S.CRASHED: "CRASHED",
    _S.SYSTEM_FAILURE: "SYSTEM_FAILURE",
    _S.TIMED_OUT: "TIMED_OUT",
    _S.EXPIRED: "EXPIRED",
}
_LEGACY: Final[Mapping[RunStatus, str]] = {
    **_CURRENT,
    _S.DEQUEUED: "EXECUTING",
    _S.WAITING_TO_RESUME: "FROZEN",
}
_FILTERS: Final[Mapping[str, frozenset[RunStatus]]] = {
    **{name: frozenset({status}) for status, name in _CURRENT.items()},
    "FROZEN": frozenset({_S.WAITING_TO_RESUME}),
    "REATTEMPTING": frozenset({_S.EXECUTING}),
    "INTERRUPTED": frozenset({_S.COMPLETED_WITH_ERRORS}),
    "WAITING_FOR_DEPLOY": frozenset({_S.PENDING_VERSION}),
}
"""What ``filter[status]`` may say, current and legacy names."""

_QUEUED: Final = frozenset({_S.PENDING, _S.DELAYED, _S.PENDING_VERSION})
_EXECUTING: Final = frozenset({_S.EXECUTING, _S.DEQUEUED})
# EXPIRED and TIMED_OUT count as completed, so that polls for the end of such a run do end.
_FAILED: Final = frozenset(
    {
        _S.COMPLETED_WITH_ERRORS,
        _S.CRASHED,
        _S.SYSTEM_FAILURE,
        _S.CANCELED,
        _S.EXPIRED,
        _S.TIMED_OUT,
    }
)
_COMPLETED: Final = _FAILED | {_S.COMPLETED_SUCCESSFULLY}
_INTERNAL_METADATA: Final = ("$$streams", "$$streamsVersion", "$$streamsBaseUrl")


def api_status(status: RunStatus, *, is_current: bool) -> str:
    """Return the API's word for a status; clients without the version header get older words."""
    return (_CURRENT if is_current else _LEGACY)[status]


def statuses_named(name: str) -> frozenset[RunStatus] | None:
    """Return which runs a ``filter[status]`` word means, None if there is no such word."""
    return _FILTERS.get(name)


class RunCommon(Struct, rename="camel", kw_only=True):
    """What every shape of a run has. Dates are ISO 8601; durations in ms, costs in cents."""

    id: str
    status: str
    task_identifier: str
    idempotency_key: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    is_queued: bool
    is_executing: bool
    is_waiting: bool
    is_completed: bool
    is_success: bool
    is_failed: bool
    is_cancelled: bool
    is_test: bool
    created_at: str
    updated_at: str
    started_at: str | UnsetType = UNSET
    finished_at: str | UnsetType = UNSET
    delayed_until: str | UnsetType = UNSET
    expired_at: str | UnsetType = UNSET
    ttl: str | UnsetType = UNSET
    tags: list[str]
    cost_in_cents: float
    base_cost_in_cents: float
    duration_ms: float
    metadata: Raw | UnsetType = UNSET
    depth: int


class RelatedRun(RunCommon, rename="camel", kw_only=True):
    """A run beside the one that was asked for."""

    trigger_function: str


class RelatedRuns(Struct, rename="camel"):
    """Root, parent and children; each left out if there is none."""

    root: RelatedRun | UnsetType = UNSET
    parent: RelatedRun | UnsetType = UNSET
    children: list[RelatedRun] | UnsetType = UNSET


class RunAnswer(RelatedRun, rename="camel", kw_only=True):
    """One run with everything about it."""

    payload: Raw | UnsetType = UNSET
    payload_presigned_url: str | UnsetType = UNSET
    output: Raw | UnsetType = UNSET
    output_presigned_url: str | UnsetType = UNSET
    error: RunError | UnsetType = UNSET
    attempt_count: int
    attempts: list[Any]
    related_runs: RelatedRuns


class EnvironmentOfRun(Struct):
    """The environment of a listed run; ``user`` only for a member's own development environment."""

    id: str
    name: str
    user: str | UnsetType = UNSET


class ListedRun(RunCommon, rename="camel", kw_only=True):
    """One run of a list: no payload, no output."""

    env: EnvironmentOfRun


class Cursors(Struct):
    """Where the list goes on; a key is absent where it does not."""

    next: str | UnsetType = UNSET
    previous: str | UnsetType = UNSET


class RunsPage(Struct):
    """A page of runs, newest first."""

    data: list[ListedRun]
    pagination: Cursors


PresignedUrl = Callable[[str], str]
"""Given the path of an uploaded packet, returns a signed address to download it."""


def common(run: Run, *, is_current: bool) -> dict[str, Any]:
    """Return the fields that every shape of a run has, by the names of ``RunCommon``."""
    status = run.status
    return {
        "id": run.id,
        "status": api_status(status, is_current=is_current),
        "task_identifier": run.task,
        "idempotency_key": _or_absent(run.idempotency_key),
        "version": _or_absent(run.version),
        "is_queued": status in _QUEUED,
        "is_executing": status in _EXECUTING,
        "is_waiting": status is _S.WAITING_TO_RESUME,
        "is_completed": status in _COMPLETED,
        "is_success": status is _S.COMPLETED_SUCCESSFULLY,
        "is_failed": status in _FAILED,
        "is_cancelled": status is _S.CANCELED,
        "is_test": run.is_test,
        "created_at": iso(run.created_at_ms),
        "updated_at": iso(run.updated_at_ms),
        "started_at": _date(run.started_at_ms),
        "finished_at": _date(run.completed_at_ms),
        "delayed_until": _date(run.delay_until_ms),
        "expired_at": _date(run.expired_at_ms),
        "ttl": _or_absent(run.ttl),
        "tags": sorted(run.tags),
        "cost_in_cents": run.cost_in_cents,
        "base_cost_in_cents": run.base_cost_in_cents,
        "duration_ms": run.usage_ms,
        "metadata": metadata_value(run.metadata),
        "depth": run.depth,
    }


def related_run(run: Run, *, is_current: bool) -> RelatedRun:
    """Return a run beside the one that was asked for."""
    return RelatedRun(**common(run, is_current=is_current), trigger_function=_function(run))


def run_answer(
    run: Run, related: RelatedRuns, *, is_current: bool, presigned_url: PresignedUrl
) -> RunAnswer:
    """Return one run with everything about it. The output only once it has completed."""
    payload, payload_url = _value_or_url(run.payload, presigned_url)
    output, output_url = (
        _value_or_url(run.output, presigned_url) if run.is_successful else (UNSET, UNSET)
    )
    return RunAnswer(
        **common(run, is_current=is_current),
        trigger_function=_function(run),
        payload=payload,
        payload_presigned_url=payload_url,
        output=output,
        output_presigned_url=output_url,
        error=UNSET if run.error is None else run_error(run.error),
        attempt_count=run.attempt_number,
        attempts=[],
        related_runs=related,
    )


def listed_run(
    run: Run, environment: Environment, user: str | None, *, is_current: bool
) -> ListedRun:
    """Return one run of a list."""
    return ListedRun(
        **common(run, is_current=is_current),
        env=EnvironmentOfRun(id=environment.id, name=environment.slug, user=_or_absent(user)),
    )


def packet_value(packet: Packet | None) -> Raw | UnsetType:
    """Return a packet as a JSON value for people, ``UNSET`` for "undefined" (rest-api 9).

    JSON goes out as the text that came in: no rounding of numbers, keys in their order.
    """
    if packet is None or not packet.data:
        return UNSET
    match packet.type:
        case packets.JSON:
            return _json_or_text(packet.data)
        case packets.SUPER_JSON:
            return _super_json(packet.data)
        case _:
            return Raw(msgspec.json.encode(packet.data))


def metadata_value(packet: Packet | None) -> Raw | UnsetType:
    """Return metadata as an object, without what older clients keep there for themselves."""
    if packet is None or not packet.data:
        return UNSET
    text = packet.data
    if "$$streams" in text:
        members = msgspec.json.decode(text, type=dict[str, Raw])
        for key in _INTERNAL_METADATA:
            members.pop(key, None)
        return Raw(msgspec.json.encode(members))
    return Raw(text.encode())


def _value_or_url(
    packet: Packet | None, presigned_url: PresignedUrl
) -> tuple[Raw | UnsetType, str | UnsetType]:
    if packet is not None and packet.type == packets.STORE and packet.data:
        return UNSET, presigned_url(packet.data)
    return packet_value(packet), UNSET


class _SuperJson(Struct):
    json: Raw | UnsetType = UNSET


_decode_super_json: Final = msgspec.json.Decoder(_SuperJson).decode
_decode_any: Final = msgspec.json.Decoder(Raw).decode


def _super_json(text: str) -> Raw | UnsetType:
    try:
        return _decode_super_json(text).json
    except msgspec.MsgspecError:
        # Half a surrogate pair, written as an escape: fine for JavaScript and for Python's reader.
        try:
            value = json.loads(text)["json"]
        except (ValueError, KeyError, TypeError):
            return Raw(msgspec.json.encode(text))
        return Raw(json.dumps(value, separators=(",", ":")).encode())


def _json_or_text(text: str) -> Raw:
    """Return JSON text as it is; what is none after all goes out as a string."""
    try:
        _decode_any(text)
    except msgspec.MsgspecError:
        try:
            json.loads(text, parse_constant=_refuse)
        except ValueError:
            return Raw(msgspec.json.encode(text))
    return Raw(text.encode())


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _function(run: Run) -> str:
    return "triggerAndWait" if run.resume_parent else "trigger"


def _date(at_ms: int | None) -> str | UnsetType:
    return UNSET if at_ms is None else iso(at_ms)


def _or_absent(text: str | None) -> str | UnsetType:
    return UNSET if text is None else text
