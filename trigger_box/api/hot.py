"""The hot routes: trigger, dequeue, attempts/start, attempts/complete, as plain ASGI.

Measured, the framework costs more than the durable write (decision record 0012), so these few
stand in front of it. Nothing else differs: same credentials, same verbs, same errors.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from trigger_box.access.actors import Environment
from trigger_box.access.scopes import Resource
from trigger_box.api.asgi import Receive, Scope, Send, headers_of, send_answer, send_problem
from trigger_box.api.authentication import (
    SECRET,
    SECRET_OR_PUBLIC,
    Caller,
    Credential,
    environment_of,
)
from trigger_box.api.bodies import read_body
from trigger_box.api.front import CORS_HEADERS
from trigger_box.api.problems import ParametersError, method_not_allowed, problem_of
from trigger_box.api.rooms import Rooms
from trigger_box.api.wire import executions
from trigger_box.api.wire.triggers import TriggerAnswer, TriggerBody, parse_body, request_of
from trigger_box.api.wire.worker_calls import (
    CompleteBody,
    DequeueBody,
    StartBody,
    completion_of,
    parse_complete,
    parse_dequeue,
    parse_start,
)
from trigger_box.api.worker.variables import task_variables
from trigger_box.domain import limits, packets
from trigger_box.domain.errors import RunNotFoundError
from trigger_box.engine import stored_packets
from trigger_box.engine.attempts import complete, start
from trigger_box.engine.dequeue import dequeue
from trigger_box.engine.reading import get_run
from trigger_box.engine.trigger import TriggerRequest, trigger
from trigger_box.ids import EnvironmentId, RunId, WorkerId

HotRoute = Callable[[Scope, Receive, Send], Awaitable[None]]
Answer = Callable[[list[str], Scope, Receive, Send], Awaitable[None]]

_encode: Final = msgspec.json.Encoder().encode
_TASKS: Final = b"/api/v1/tasks/"
_TRIGGER: Final = b"/trigger"
_DEQUEUE: Final = b"/engine/v1/dev/dequeue"
_RUNS: Final = b"/engine/v1/dev/runs/"
_START: Final = b"/attempts/start"
_COMPLETE: Final = b"/attempts/complete"
_RUN_PATH_PARTS: Final = 3  # run / "snapshots" / snapshot
_SNAPSHOTS: Final = b"snapshots"
_ANY_RUNNER: Final = "dev"
_VARIABLES_CACHED_MAX: Final = 256
_RUNNER_CHARACTERS_MAX: Final = 128
_KEY_CHARACTERS_MAX: Final = 256

RUNNER_HEADER: Final = b"x-trigger-box-runner"
TAKE_HEADER: Final = b"x-trigger-box-take"


@dataclass(frozen=True, slots=True, kw_only=True)
class HotOperation:
    """A hot route as the OpenAPI document and the tests of permissions see it. All are POST."""

    path: str
    summary: str
    auth: frozenset[Credential]
    body: type
    answer: type | None
    """The answer's type; None for the workers' own shapes, which are built by hand."""


OPERATIONS: Final = (
    HotOperation(
        path="/api/v1/tasks/{task_id}/trigger",
        summary="Trigger a task: make a run",
        auth=SECRET_OR_PUBLIC,
        body=TriggerBody,
        answer=TriggerAnswer,
    ),
    HotOperation(
        path="/engine/v1/dev/dequeue",
        summary="Take runs to execute",
        auth=SECRET,
        body=DequeueBody,
        answer=None,
    ),
    HotOperation(
        path="/engine/v1/dev/runs/{run_id}/snapshots/{snapshot_id}/attempts/start",
        summary="Begin an attempt",
        auth=SECRET,
        body=StartBody,
        answer=None,
    ),
    HotOperation(
        path="/engine/v1/dev/runs/{run_id}/snapshots/{snapshot_id}/attempts/complete",
        summary="Report how an attempt ended",
        auth=SECRET,
        body=CompleteBody,
        answer=None,
    ),
)


class HotRoutes:
    """Finds and answers the hot routes of one box."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._variables: dict[tuple[EnvironmentId, str], Mapping[str, str]] = {}

    def find(self, method: str, path: bytes) -> HotRoute | None:
        """Return what answers this request, or None: then the framework does."""
        answer: Answer | None = None
        segments: list[bytes] = []
        if path.startswith(_TASKS) and path.endswith(_TRIGGER):
            answer, segments = self._trigger, [path[len(_TASKS) : -len(_TRIGGER)]]
        elif path.startswith(_RUNS):
            if path.endswith(_START):
                answer, segments = self._start, _run_segments(path[len(_RUNS) : -len(_START)])
            elif path.endswith(_COMPLETE):
                answer, segments = self._complete, _run_segments(path[len(_RUNS) : -len(_COMPLETE)])
        elif path == _DEQUEUE:
            answer, segments = self._dequeue, [b"dev"]
        if answer is None or not segments or not all(segments) or b"/" in segments[0]:
            return None
        if method != "POST":
            return None if method == "OPTIONS" else _refuse_method
        return partial(_answer, answer, segments)

    async def _trigger(
        self, segments: list[str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        rooms = self._rooms
        task = segments[0]
        if len(task) > limits.TASK_ID_CHARACTERS_MAX:
            raise ParametersError(
                details=[f"A task id has at most {limits.TASK_ID_CHARACTERS_MAX} characters."]
            )
        headers = headers_of(scope)
        caller = await self._identify(scope, headers, SECRET_OR_PUBLIC)
        body = await read_body(scope["headers"], receive, bytes_max=limits.TRIGGER_BODY_BYTES_MAX)
        parsed = parse_body(body)
        environment = environment_of(caller)
        request = request_of(environment, task, parsed, headers, now_ms=rooms.clock.now_ms())
        token = caller.public_token
        if token is not None:
            await self._check_token(caller, request)
            if token.is_one_time:
                request = replace(request, one_time_token_hash=token.token_hash)
        if request.payload.type == packets.STORE:
            await stored_packets.check_named(rooms.core, environment.id, request.payload)
        made = await trigger(rooms.core, request)
        token, claims = self._handle_token(caller, environment, made.run_id)
        await _send_json(
            send,
            _encode(TriggerAnswer(id=made.run_id, is_cached=made.is_cached)),
            (b"x-trigger-jwt", token),
            (b"x-trigger-jwt-claims", claims),
            *CORS_HEADERS,
        )

    async def _check_token(self, caller: Caller, request: TriggerRequest) -> None:
        """Check that a public token may trigger this task, and write to the parent it names."""
        caller.require("trigger", Resource("tasks", request.task))
        parent_id = request.parent_run_id
        if parent_id is None:
            return
        as_what = [Resource("runs"), Resource("runs", parent_id)]
        with suppress(RunNotFoundError):
            parent = await get_run(
                self._rooms.core, request.environment.id, parent_id, with_packets=False
            )
            as_what.append(Resource("tasks", parent.task))
        caller.require("write", *as_what)

    def _handle_token(
        self, caller: Caller, environment: Environment, run_id: RunId
    ) -> tuple[bytes, bytes]:
        """Return the token of a run's handle, and its claims as JSON (rest-api 5.5)."""
        access = self._rooms.access
        scopes = [f"read:runs:{run_id}", f"write:inputStreams:{run_id}"]
        extra: dict[str, Any] = {}
        if caller.public_token is not None and caller.public_token.realtime is not None:
            extra["realtime"] = caller.public_token.realtime
        token = access.public_token(environment, scopes, **extra)
        claims = _encode(access.public_claims(environment, scopes, **extra))
        if not claims.isascii():
            # A header holds ASCII only, whatever a caller's own realtime claim holds.
            claims = json.dumps(msgspec.json.decode(claims)).encode()
        return token.encode(), claims

    async def _dequeue(self, _: list[str], scope: Scope, receive: Receive, send: Send) -> None:
        rooms = self._rooms
        headers = headers_of(scope)
        caller = await self._identify(scope, headers, SECRET)
        body = parse_dequeue(
            await read_body(scope["headers"], receive, bytes_max=limits.SMALL_BODY_BYTES_MAX)
        )
        environment = environment_of(caller)
        # Whoever asks for runs is there, with or without a stream of its own.
        with (
            rooms.core.presence.connected(environment.id),
            rooms.streams.watch(receive) as gone,
        ):
            taken = await dequeue(
                rooms.core,
                environment=environment,
                runner_id=_runner(headers),
                runs_max=body.max_run_count,
                wait_ms=body.patience_ms,
                gone=gone,
                worker_ids=self._versions_of(environment, body),
                start=body.start,
            )
        variables = self._variables_for(environment, scope, headers)
        messages = [executions.dequeued_message(one, environment, variables) for one in taken]
        await _send_json(send, _encode({"dequeuedMessages": messages}))

    def _versions_of(
        self, environment: Environment, body: DequeueBody
    ) -> frozenset[WorkerId] | None:
        """Return the versions that the caller can run; None means any."""
        if body.current_worker is None:
            return None
        current = WorkerId(body.current_worker)
        # The npm CLI has older versions, too, but never names them.
        known = self._rooms.core.presence.held_with(environment.id, current)
        return known.union(WorkerId(older) for older in body.old_workers)

    async def _start(self, segments: list[str], scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(scope)
        caller = await self._identify(scope, headers, SECRET)
        body = parse_start(
            await read_body(scope["headers"], receive, bytes_max=limits.SMALL_BODY_BYTES_MAX)
        )
        environment = environment_of(caller)
        begun = await start(
            self._rooms.core,
            environment=environment,
            run_id=RunId(segments[0]),
            snapshot_id=segments[1],
            runner_id=_runner(headers),
            request_key=_request_key(headers),
            is_warm=body.is_warm_start,
        )
        variables = self._variables_for(environment, scope, headers)
        await _send_json(send, _encode(executions.started(begun, environment, variables)))

    async def _complete(
        self, segments: list[str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        headers = headers_of(scope)
        caller = await self._identify(scope, headers, SECRET)
        body = parse_complete(
            await read_body(scope["headers"], receive, bytes_max=limits.COMPLETE_BODY_BYTES_MAX)
        )
        environment = environment_of(caller)
        ended = await complete(
            self._rooms.core,
            environment=environment,
            run_id=RunId(segments[0]),
            snapshot_id=segments[1],
            completion=completion_of(body),
            runner_id=_runner(headers),
            request_key=_request_key(headers),
            take=TAKE_HEADER in headers,
        )
        variables = self._variables_for(environment, scope, headers)
        await _send_json(send, _encode(executions.completed(ended, environment, variables)))

    async def _identify(
        self, scope: Scope, headers: Mapping[bytes, bytes], allowed: frozenset[Credential]
    ) -> Caller:
        authenticator = self._rooms.authenticator
        authenticator.check_claimed()
        return await authenticator.identify(scope, allowed, headers=headers)

    def _variables_for(
        self, environment: Environment, scope: Scope, headers: Mapping[bytes, bytes]
    ) -> Mapping[str, str]:
        key = (environment.id, self._rooms.origins.of(scope, headers))
        known = self._variables.get(key)
        if known is None:
            if len(self._variables) >= _VARIABLES_CACHED_MAX:
                self._variables.clear()
            token = self._rooms.access.otlp_token(environment.id)
            known = self._variables[key] = task_variables(
                environment, origin=key[1], otlp_token=token
            )
        return known


async def _refuse_method(_scope: Scope, _receive: Receive, send: Send) -> None:
    problem = method_not_allowed(["POST"])
    await send_problem(send, problem, extra=CORS_HEADERS)


async def _answer(
    answer: Answer, segments: list[bytes], scope: Scope, receive: Receive, send: Send
) -> None:
    try:
        await answer([_decoded(segment) for segment in segments], scope, receive, send)
    except Exception as error:  # noqa: BLE001 - problem_of logs what is not the caller's own fault
        await send_problem(send, problem_of(error, path=scope["path"]), extra=CORS_HEADERS)


def _run_segments(path: bytes) -> list[bytes]:
    parts = path.split(b"/")
    if len(parts) != _RUN_PATH_PARTS or parts[1] != _SNAPSHOTS:
        return []
    return [parts[0], parts[2]]


def _decoded(segment: bytes) -> str:
    if segment.isalnum():
        return segment.decode("ascii")
    try:
        return unquote(segment.decode("ascii"), errors="strict")
    except UnicodeDecodeError as error:
        raise ParametersError(details=["A path segment is not percent-encoded UTF-8."]) from error


def _runner(headers: Mapping[bytes, bytes]) -> str:
    name = headers.get(RUNNER_HEADER)
    return _ANY_RUNNER if name is None else name.decode("latin-1")[:_RUNNER_CHARACTERS_MAX]


def _request_key(headers: Mapping[bytes, bytes]) -> str | None:
    key = headers.get(b"x-trigger-request-idempotency-key")
    return None if key is None else key.decode("latin-1")[:_KEY_CHARACTERS_MAX]


async def _send_json(send: Send, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    await send_answer(
        send,
        status=200,
        headers=(
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            *headers,
        ),
        body=body,
    )
