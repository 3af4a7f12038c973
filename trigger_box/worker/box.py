"""The box as the worker sees it: one method for each route of the dev protocol.

Shapes follow cli-protocol 7, 8 and 12. The worker's own additions (several runs an answer, a long
poll, "complete and take", news by server-sent events) are optional: a box that ignores them is
simply asked more often.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import quote, urlsplit

from trigger_box.version import __version__
from trigger_box.worker.calls import AnswerError, Caller, CallError, ServerEvent
from trigger_box.worker.limits import CALL_S_MAX, DEQUEUE_WAIT_MS, LEASE_S

WORKER_HEADER: Final = {"x-trigger-box-worker": f"python/{__version__}"}
_REGISTER_S_MAX: Final = 60.0
_DISCONNECT_S_MAX: Final = 5.0

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DevSettings:
    """How the box wants to be asked (``GET /engine/v1/dev/config``)."""

    environment_id: str
    pause_with_run_s: float
    pause_without_run_s: float
    concurrent_runs_max: int
    engine_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """An attempt that the box has started: what the executor needs to begin.

    Attributes:
        execution: the box's own description of run, task, queue, attempt, environment.
        variables: environment variables for this attempt; secret.
    """

    run_id: str
    snapshot_id: str
    attempt_number: int
    execution: Json
    variables: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A run that the box handed to this worker, perhaps with its attempt already started."""

    run_id: str
    snapshot_id: str
    version_id: str
    task_id: str | None
    start: Started | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The box's answer to a completion.

    Attributes:
        status: ``RUN_FINISHED``, ``RUN_PENDING_CANCEL``, ``RETRY_QUEUED`` or
            ``RETRY_IMMEDIATELY``.
        taken: the next run, when the box had one ready and we asked for it.
    """

    status: str
    snapshot_id: str
    taken: Handed | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """A run's newest snapshot."""

    snapshot_id: str
    state: str
    attempt_number: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A version the box now knows."""

    id: str
    version: str
    warnings: tuple[str, ...]


class RunRoutes:
    """The routes of one run, under whichever door the worker came in by."""

    def __init__(self, caller: Caller, prefix: str) -> None:
        self._caller = caller
        self._prefix = prefix

    async def start(self, run_id: str, snapshot_id: str, *, is_warm: bool) -> Started:
        """Start the next attempt.

        Raises:
            AnswerError: the run has moved on.
            CallError: the box could not be reached; it will hand the run out again.
        """
        answer = await self._caller.call_until(
            "POST",
            self._path(run_id, snapshot_id, "attempts/start"),
            {"isWarmStart": is_warm},
            key=_new_key(),
            insist_s=30.0,
        )
        return parse_started(answer.json())

    async def complete(
        self,
        run_id: str,
        snapshot_id: str,
        completion: Mapping[str, object],
        *,
        is_taking: bool,
    ) -> Verdict:
        """Report how an attempt ended, again and again until its lease is surely gone.

        Args:
            is_taking: ask for the next run in the same call.

        Raises:
            AnswerError: the run has moved on: somebody else decided.
            CallError: the box was away for longer than the lease.
        """
        answer = await self._caller.call_until(
            "POST",
            self._path(run_id, snapshot_id, "attempts/complete"),
            {"completion": completion},
            key=_new_key(),
            headers={"x-trigger-box-take": "1"} if is_taking else None,
            tries_max=0,
            insist_s=LEASE_S,
        )
        body = answer.json()
        result = body["result"]
        taken = body.get("next")
        return Verdict(
            status=str(result["attemptStatus"]),
            snapshot_id=str(result["snapshot"]["friendlyId"]),
            taken=parse_handed(taken["message"], taken.get("start")) if taken else None,
        )

    async def heartbeat(self, run_id: str, snapshot_id: str) -> None:
        """Extend the attempt's lease. One try: the next beat is the retry.

        Raises:
            CallError: it did not arrive.
        """
        path = self._path(run_id, snapshot_id, "heartbeat")
        answer = await self._caller.call("POST", path, {"cpu": 0, "memory": 0})
        answer.raise_for_status()

    async def latest(self, run_id: str) -> Latest:
        """Return the run's newest snapshot.

        Raises:
            CallError: the box could not be asked now.
        """
        path = f"{self._prefix}/runs/{quote(run_id)}/snapshots/latest"
        answer = (await self._caller.call("GET", path)).raise_for_status()
        execution = answer.json()["execution"]
        number = execution["run"].get("attemptNumber")
        return Latest(
            snapshot_id=str(execution["snapshot"]["friendlyId"]),
            state=str(execution["snapshot"]["executionStatus"]),
            attempt_number=None if number is None else int(number),
        )

    def _path(self, run_id: str, snapshot_id: str, rest: str) -> str:
        return f"{self._prefix}/runs/{quote(run_id)}/snapshots/{quote(snapshot_id)}/{rest}"


class DevBox:
    """A box and one of its dev environments. Create with ``connect``; close when done."""

    def __init__(self, api: Caller, engine: Caller, settings: DevSettings) -> None:
        self._api = api
        self._engine = engine
        self.settings = settings
        self.runs = RunRoutes(engine, "/engine/v1/dev")

    @classmethod
    async def connect(
        cls, api_url: str, environment_key: str, *, branch: str | None = None
    ) -> DevBox:
        """Fetch the settings and return the box.

        Raises:
            CallError: no answer, or a refusal.
        """
        headers = {"authorization": f"Bearer {environment_key}", **WORKER_HEADER}
        if branch:
            headers["x-trigger-branch"] = branch
        api = Caller(api_url, headers)
        body = (await api.call("GET", "/engine/v1/dev/config")).raise_for_status().json()
        settings = DevSettings(
            environment_id=str(body["environmentId"]),
            pause_with_run_s=float(body["dequeueIntervalWithRun"]) / 1000,
            pause_without_run_s=float(body["dequeueIntervalWithoutRun"]) / 1000,
            concurrent_runs_max=int(body["maxConcurrentRuns"]),
            engine_url=str(body["engineUrl"]),
        )
        return cls(api, Caller(settings.engine_url, headers), settings)

    async def variables(self, project_ref: str) -> dict[str, str]:
        """Return the environment's variables, built-ins included. Blank ones are left out.

        Raises:
            CallError: the box could not be asked.
        """
        answer = await self._api.call("GET", f"/api/v1/projects/{quote(project_ref)}/envvars")
        body = answer.raise_for_status().json()
        keeps_blank = bool(body.get("allowEmptyEnvironmentVariableValues"))
        found = cast("dict[str, str]", body["variables"])
        return {key: value for key, value in found.items() if keeps_blank or value.strip()}

    async def register(self, project_ref: str, body: Mapping[str, object]) -> Registered:
        """Register a version.

        Raises:
            AnswerError: the box refuses it, and says why.
            CallError: the box could not be reached.
        """
        answer = await self._api.call_until(
            "POST",
            f"/api/v1/projects/{quote(project_ref)}/background-workers",
            body,
            key=_new_key(),
            timeout_s=_REGISTER_S_MAX,
        )
        found = answer.json()
        warnings = found.get("warnings") or ()
        return Registered(
            id=str(found["id"]),
            version=str(found["version"]),
            warnings=tuple(str(warning) for warning in warnings),
        )

    async def dequeue(
        self, current: str, older: Sequence[str], *, runs_max: int, is_starting: bool = True
    ) -> list[Handed]:
        """Wait a while for runs; return those handed to this worker, perhaps none.

        Args:
            current: id of the newest version; ``older`` are those still held here.
            is_starting: ask the box to start the attempts in the same call.

        Raises:
            CallError: the box could not be asked now.
        """
        answer = await self._engine.call(
            "POST",
            "/engine/v1/dev/dequeue",
            {
                "currentWorker": current,
                "oldWorkers": list(older),
                "maxRunCount": runs_max,
                "waitMs": DEQUEUE_WAIT_MS,
                "start": is_starting,
            },
            timeout_s=CALL_S_MAX + DEQUEUE_WAIT_MS / 1000,
        )
        messages = cast("list[Json]", answer.raise_for_status().json()["dequeuedMessages"])
        return [parse_handed(message, message.get("start")) for message in messages]

    def presence(self) -> AbstractAsyncContextManager[AsyncIterator[ServerEvent]]:
        """Open the stream that tells the box that this worker is here."""
        return self._engine.events("/engine/v1/dev/presence")

    def news(self) -> AbstractAsyncContextManager[AsyncIterator[ServerEvent]]:
        """Open the stream of runs that somebody else changed."""
        return self._engine.events("/engine/v1/dev/notifications")

    async def disconnect(self, run_ids: Sequence[str]) -> int:
        """Have the box cancel these runs at once; return how many it cancelled.

        Raises:
            CallError: the box could not be told.
        """
        answer = await self._engine.call_until(
            "POST",
            "/engine/v1/dev/disconnect",
            {"runFriendlyIds": list(run_ids)},
            key=_new_key(),
            timeout_s=_DISCONNECT_S_MAX,
            insist_s=_DISCONNECT_S_MAX,
        )
        return int(answer.json().get("cancelled") or 0)

    async def change_metadata(
        self, run_id: str, operations: Mapping[str, object], *, key: str
    ) -> None:
        """Apply metadata operations: ``operations``, ``parentOperations``, ``rootOperations``.

        Args:
            key: the same for each repeat, so that an increment counts once.

        Raises:
            AnswerError: refused.
            CallError: nobody knows whether they were applied.
        """
        path = f"/api/v1/runs/{quote(run_id)}/metadata"
        await self._api.call_until("PUT", path, operations, key=key, insist_s=10.0)

    async def add_tags(self, run_id: str, tags: list[str]) -> None:
        """Add tags to a run.

        Raises:
            AnswerError: refused.
            CallError: the box could not be told.
        """
        path = f"/api/v1/runs/{quote(run_id)}/tags"
        await self._api.call_until("POST", path, {"tags": tags}, key=_new_key(), insist_s=10.0)

    async def fetch_packet(self, path: str) -> tuple[str, str]:
        """Return text and type of a packet that a client uploaded itself (rest-api 9, import).

        Raises:
            AnswerError: nothing is stored there.
            CallError: the box could not be asked.
            ValueError: what is stored is no text.
        """
        route = f"/api/v1/packets/{quote(path, safe='')}"
        answer = await self._api.call_until("GET", route, key=_new_key())
        url = urlsplit(str(answer.json()["presignedUrl"]))
        # The address itself is the permission: the key must not travel to wherever it points.
        stranger = Caller(f"{url.scheme}://{url.netloc}", {})
        try:
            target = f"{url.path}?{url.query}"
            answer = await stranger.call_until("GET", target, key=_new_key())
            return answer.body.decode(), answer.headers.get("content-type", "")
        finally:
            await stranger.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()
        await self._engine.close()


def parse_started(body: Json) -> Started:
    """Return the attempt in an attempts/start answer.

    Raises:
        CallError: the answer contradicts itself.
    """
    execution = body["execution"]
    number = int(execution["attempt"]["number"])
    if int(body["run"].get("attemptNumber") or number) != number:
        raise CallError("the box's start answer names two different attempts")
    return Started(
        run_id=str(execution["run"]["id"]),
        snapshot_id=str(body["snapshot"]["friendlyId"]),
        attempt_number=number,
        execution=execution,
        variables=cast("dict[str, str]", body.get("envVars") or {}),
    )


def parse_handed(message: Json, start: Json | None) -> Handed:
    """Return the run in a dequeued message."""
    started = parse_started(start) if start else None
    return Handed(
        run_id=str(message["run"]["friendlyId"]),
        snapshot_id=str(message["snapshot"]["friendlyId"]),
        version_id=str(message["backgroundWorker"]["friendlyId"]),
        task_id=str(started.execution["task"]["id"]) if started else None,
        start=started,
    )


def _new_key() -> str:
    return secrets.token_hex(16)


__all__ = [
    "AnswerError",
    "CallError",
    "DevBox",
    "DevSettings",
    "Handed",
    "Latest",
    "Registered",
    "RunRoutes",
    "Started",
    "Verdict",
]
