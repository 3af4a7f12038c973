"""One run in this worker: attempt after attempt, until it is final, queued again or taken away.

The box decides (run-engine 7.3); this module tells it what happened and does what it answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import Enum, auto
from typing import Any, Protocol

from trigger_box.worker import endings
from trigger_box.worker.attempt import Attempt, Ending, Stop, Surroundings, error_text
from trigger_box.worker.box import Handed, Latest, RunRoutes, Started, Verdict
from trigger_box.worker.calls import AnswerError
from trigger_box.worker.executors import Executor
from trigger_box.worker.limits import FREE_S_MAX, FREE_SOON_S, PAYLOAD_BYTES_MAX
from trigger_box.worker.nursery import NurseryError
from trigger_box.worker.pool import Pool
from trigger_box.worker.reports import AttemptFailed, AttemptStarted, RunStopped, RunSucceeded
from trigger_box.worker.updates import UpdateRoutes, Updates

_GONE_STATES = frozenset({"FINISHED", "QUEUED", "PENDING_EXECUTING", "RUN_CREATED", "DELAYED"})
_CANCELLED = "Canceled by user"


class RunWideRoutes(UpdateRoutes, Protocol):
    """The routes outside of the dev protocol that a run needs."""

    async def fetch_packet(self, path: str) -> tuple[str, str]:
        """Return text and type of a packet that a client uploaded itself."""
        ...


class Phase(Enum):
    """What the run is doing here."""

    STARTING = auto()
    EXECUTING = auto()
    COMPLETING = auto()
    PAUSING = auto()


class RunLife:
    """Lives through one run that the box handed to this worker.

    Attributes:
        snapshot_id: the newest snapshot this worker knows.
        pool: where its executors come from; None when its version is not loaded.
        beaten_s, looked_s: loop times of the last heartbeat and of the last look at the box.
    """

    def __init__(  # noqa: PLR0913 - what a run needs here
        self,
        handed: Handed,
        pool: Pool | None,
        *,
        routes: RunRoutes,
        wide_routes: RunWideRoutes,
        around: Surroundings,
        wants_next: Callable[[], bool],
        give_back: Callable[[Pool, Executor, Attempt], None],
    ) -> None:
        self.run_id = handed.run_id
        self.snapshot_id = handed.snapshot_id
        self.phase = Phase.STARTING
        self._handed = handed
        self.pool = pool
        self._routes = routes
        self._around = around
        self._wants_next = wants_next
        self._give_back = give_back
        self._loop = asyncio.get_running_loop()
        self._attempt: Attempt | None = None
        self._attempt_number: int | None = None
        self._cancel_reason: str | None = None
        self._is_abandoned = False
        self._is_look_owed = False
        self._retry_at_ms = 0
        self._interrupted = asyncio.Event()
        self.beaten_s = self.looked_s = self._loop.time()
        self.is_beating = self.is_looking = False
        self._wide_routes = wide_routes
        self.updates = Updates(self.run_id, wide_routes, on_refused=self._warn)

    @property
    def has_lease(self) -> bool:
        """Whether heartbeats keep this run's lease."""
        return self.phase is not Phase.STARTING

    async def live(self) -> Handed | None:
        """Live through the run; return the next one if the box gave one with its last answer.

        Raises:
            CallError: the box could not be reached for too long.
        """
        started = self._handed.start
        if started is None:
            started = await self._routes.start(self.run_id, self.snapshot_id, is_warm=True)
        while True:
            verdict = await self._attempt_once(started)
            if verdict is None or verdict.status != "RETRY_IMMEDIATELY":
                return verdict.taken if verdict is not None else None
            started = await self._next_attempt(started, verdict)
            if started is None:
                return None

    def cancel(self, reason: str) -> None:
        """Stop user code and report the run as cancelled."""
        if self._cancel_reason is not None or self.phase is Phase.COMPLETING:
            return
        self._cancel_reason = reason
        self._interrupted.set()
        if self._attempt is not None:
            self._attempt.cancel(reason)

    def abandon(self, reason: str) -> None:
        """Stop user code at once and report nothing: the run is not ours any more."""
        self._is_abandoned = True
        self._interrupted.set()
        if self._attempt is not None:
            self._attempt.abandon(reason)

    def see(self, latest: Latest) -> None:
        """Act on the run's newest snapshot (worker-protocol 5.2)."""
        if self.phase in {Phase.STARTING, Phase.COMPLETING}:
            # Our own call is about to change the snapshot: look again after it.
            self._is_look_owed = True
            return
        if latest.snapshot_id < self.snapshot_id:
            return
        is_other_attempt = (
            latest.attempt_number is not None
            and self._attempt_number is not None
            and latest.attempt_number > self._attempt_number
        )
        if is_other_attempt or latest.state in _GONE_STATES:
            self.abandon("the run went on without this worker")
            return
        self.snapshot_id = latest.snapshot_id
        if latest.state == "PENDING_CANCEL":
            self.cancel(_CANCELLED)

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.looked_s = float("-inf") if self._is_look_owed else self._loop.time()
        self._is_look_owed = False

    def lost(self, message: str) -> None:
        """Say that the box could not be reached for this run."""
        self._stopped(self._handed.task_id or "a run", f"the box could not be told: {message}")

    async def _attempt_once(self, started: Started) -> Verdict | None:
        self.snapshot_id = started.snapshot_id
        self._attempt_number = started.attempt_number
        self._enter(Phase.EXECUTING)
        self.beaten_s = self._loop.time()
        task_id = str(started.execution["task"]["id"])
        if self.pool is None:
            return await self._refuse(
                task_id,
                "COULD_NOT_FIND_EXECUTOR",
                "The version this run belongs to is not loaded here any more: "
                "its code was changed several times since. Replay the run.",
            )
        try:
            started = await self._with_payload(started)
        except (AnswerError, ValueError) as error:
            message = f"The payload of {task_id!r} can't be fetched: {error}"
            return await self._refuse(task_id, "TASK_INPUT_ERROR", message)
        try:
            executor = await self.pool.take()
        except NurseryError as error:
            return await self._refuse(task_id, "COULD_NOT_FIND_EXECUTOR", str(error))
        attempt = Attempt(started, executor, self.pool.version, self.updates, self._around)
        self._attempt = attempt
        try:
            attempt.begin()
            if self._is_abandoned:
                attempt.abandon("the run went on without this worker")
            elif self._cancel_reason is not None:
                attempt.cancel(self._cancel_reason)
            self._around.reporter.report(
                AttemptStarted(
                    run_id=self.run_id,
                    task_id=task_id,
                    attempt=started.attempt_number,
                    version=self.pool.version.version,
                )
            )
            ending = await attempt.ended
        except Exception:
            # A bug of ours: what the process is at, nobody knows.
            attempt.abandon("the worker failed")
            self._give_back(self.pool, executor, attempt)
            raise
        finally:
            self._attempt = None
        self._give_back(self.pool, executor, attempt)
        verdict = await self._report(started, task_id, attempt, ending)
        if not attempt.freed.done() and not self.pool.idle:
            # Worth a moment: the next run would have a new process made.
            is_debugged = not self.pool.version.has_time_limits
            await asyncio.wait({attempt.freed}, timeout=FREE_S_MAX if is_debugged else FREE_SOON_S)
        return verdict

    async def _with_payload(self, started: Started) -> Started:
        """Fetch a payload that was stored apart; user code gets the value, not where it lies.

        Raises:
            AnswerError: nothing is stored there.
            ValueError: it is no text, or too large.
        """
        run: Mapping[str, Any] = started.execution["run"]
        if run.get("payloadType") != "application/store":
            return started
        text, kind = await self._wide_routes.fetch_packet(str(run.get("payload")))
        size = len(text.encode())
        if size > PAYLOAD_BYTES_MAX:
            raise ValueError(f"it has {size} bytes; the limit is {PAYLOAD_BYTES_MAX}")
        known = {**run, "payload": text, "payloadType": kind}
        return replace(started, execution={**started.execution, "run": known})

    async def _report(
        self, started: Started, task_id: str, attempt: Attempt, ending: Ending
    ) -> Verdict | None:
        if ending.completion is None:
            self._stopped(task_id, attempt.reason)
            return None
        self.phase = Phase.COMPLETING
        completion = ending.completion
        flushed = await self.updates.settle()
        if flushed is not None:
            completion["flushedMetadata"] = flushed
        try:
            verdict = await self._complete(completion)
        except AnswerError as error:
            # Somebody else decided meanwhile: a cancel that was forced, a lease that had lapsed.
            self._stopped(task_id, f"the box no longer takes its result: {error.message}")
            return None
        if completion["ok"]:
            self._around.reporter.report(
                RunSucceeded(
                    run_id=self.run_id,
                    task_id=task_id,
                    attempt=started.attempt_number,
                    duration_ms=ending.duration_ms,
                )
            )
        elif attempt.stop is Stop.CANCELLED or verdict.status == "RUN_PENDING_CANCEL":
            self._stopped(task_id, "cancelled")
        else:
            is_retried = verdict.status in {"RETRY_IMMEDIATELY", "RETRY_QUEUED"}
            retry: Mapping[str, Any] = completion.get("retry") or {}
            self._around.reporter.report(
                AttemptFailed(
                    run_id=self.run_id,
                    task_id=task_id,
                    attempt=started.attempt_number,
                    duration_ms=ending.duration_ms,
                    message=error_text(completion),
                    retry_delay_ms=int(retry.get("delay") or 0) if is_retried else None,
                    stack=str(completion["error"].get("stackTrace") or ""),
                )
            )
            if verdict.status == "RETRY_IMMEDIATELY":
                self._retry_at_ms = int(retry.get("timestamp") or 0)
        return verdict

    async def _complete(self, completion: dict[str, Any]) -> Verdict:
        return await self._routes.complete(
            self.run_id, self.snapshot_id, completion, is_taking=self._wants_next()
        )

    async def _next_attempt(self, before: Started, verdict: Verdict) -> Started | None:
        """Wait out the delay of a retry in place, then start the next attempt."""
        self.snapshot_id = verdict.snapshot_id
        self._enter(Phase.PAUSING)
        pause_s = (self._retry_at_ms - self._around.clock.now_ms()) / 1000
        if pause_s > 0:
            try:
                async with asyncio.timeout(pause_s):
                    await self._interrupted.wait()
            except TimeoutError:
                pass
        if self._is_abandoned:
            self._stopped(str(before.execution["task"]["id"]), "the run went on elsewhere")
            return None
        if self._cancel_reason is not None:
            task_id = str(before.execution["task"]["id"])
            error = endings.cancel_error(self._cancel_reason)
            await self._complete(endings.failed(self.run_id, task_id, error))
            self._stopped(task_id, "cancelled")
            return None
        self.phase = Phase.STARTING
        return await self._routes.start(self.run_id, self.snapshot_id, is_warm=True)

    async def _refuse(self, task_id: str, code: str, message: str) -> Verdict | None:
        self.phase = Phase.COMPLETING
        completion = endings.failed(self.run_id, task_id, endings.internal_error(code, message))
        try:
            verdict = await self._complete(completion)
        except AnswerError as error:
            self._stopped(task_id, error.message)
            return None
        self._around.reporter.report(
            AttemptFailed(
                run_id=self.run_id,
                task_id=task_id,
                attempt=self._attempt_number or 1,
                duration_ms=0,
                message=message,
                retry_delay_ms=None,
            )
        )
        return verdict

    def _stopped(self, task_id: str, reason: str) -> None:
        self._around.reporter.report(
            RunStopped(
                run_id=self.run_id,
                task_id=task_id,
                attempt=self._attempt_number or 1,
                reason=reason,
            )
        )

    def _warn(self, text: str) -> None:
        if self._attempt is not None:
            self._attempt.warn(text)
