"""One environment of an open engine, with the verbs as a test says them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.builders import (
    a_core,
    a_registration,
    a_request,
    a_success,
    a_task,
    an_environment,
)
from tests.support.clock import ManualClock
from trigger_box.access.actors import Environment, EnvironmentType
from trigger_box.domain.failures import BuiltInError, TaskRunError
from trigger_box.domain.retries import RetryAsked
from trigger_box.engine import attempts, keepers, reading, workers
from trigger_box.engine.cancel import Cancelled, cancel
from trigger_box.engine.core import Core
from trigger_box.engine.dequeue import dequeue
from trigger_box.engine.executions import Completed, Completion, Dequeued, FailedAttempt, Started
from trigger_box.engine.leases import heartbeat
from trigger_box.engine.reading import Run
from trigger_box.engine.trigger import Triggered, trigger
from trigger_box.engine.workers import Registered
from trigger_box.ids import RunId, WorkerId
from trigger_box.store.writer import Transaction

BOOM = BuiltInError(name="Error", message="boom")


class Engine:
    """The verbs on one environment. Every worker here has a name; ``w1`` where none is given."""

    def __init__(self, core: Core, environment: Environment) -> None:
        assert isinstance(core.clock, ManualClock)
        self.core = core
        self.clock = core.clock
        self.environment = environment
        self._sweeps = keepers.sweeps(core)

    async def register(
        self, *tasks: Any, content_hash: str = "hash-1", **fields: Any
    ) -> Registered:
        """Register a version with these tasks, or with one called send-email."""
        registration = a_registration(*tasks, content_hash=content_hash, **fields)
        return await workers.register(self.core, self.environment, registration)

    async def trigger(self, task: str = "send-email", **fields: Any) -> RunId:
        """Trigger a run; return its id."""
        return (await self.triggered(task, **fields)).run_id

    async def triggered(self, task: str = "send-email", **fields: Any) -> Triggered:
        """Trigger a run."""
        return await trigger(self.core, a_request(self.environment, task, **fields))

    async def take(
        self,
        runs_max: int = 1,
        *,
        worker: str = "w1",
        start: bool = False,
        worker_ids: frozenset[WorkerId] | None = None,
    ) -> list[Dequeued]:
        """Dequeue without waiting."""
        return await dequeue(
            self.core,
            environment=self.environment,
            runner_id=worker,
            runs_max=runs_max,
            start=start,
            worker_ids=worker_ids,
        )

    async def take_one(self, **fields: Any) -> Dequeued:
        """Dequeue the one run that must be there."""
        (one,) = await self.take(**fields)
        return one

    async def start(
        self, run: Dequeued | Completed, *, worker: str = "w1", key: str | None = None
    ) -> Started:
        """Start the attempt of a run that was dequeued, or is to be retried in place."""
        return await attempts.start(
            self.core,
            environment=self.environment,
            run_id=run.run.id,
            snapshot_id=run.snapshot.id,
            runner_id=worker,
            request_key=key,
        )

    async def begin(self, *, worker: str = "w1") -> Started:
        """Dequeue and start the one run that must be there."""
        return await self.start(await self.take_one(worker=worker), worker=worker)

    async def complete(
        self,
        run: Started | Completed | Dequeued,
        completion: Completion | None = None,
        *,
        worker: str = "w1",
        key: str | None = None,
        take: bool = False,
        snapshot_id: str | None = None,
    ) -> Completed:
        """Complete an attempt, well if nothing else is said."""
        return await attempts.complete(
            self.core,
            environment=self.environment,
            run_id=run.run.id,
            snapshot_id=run.snapshot.id if snapshot_id is None else snapshot_id,
            completion=completion or a_success(),
            runner_id=worker,
            request_key=key,
            take=take,
        )

    async def fail(
        self,
        run: Started,
        error: TaskRunError = BOOM,
        *,
        delay_ms: int | None = None,
        **fields: Any,
    ) -> Completed:
        """Complete an attempt badly; ``delay_ms``: the worker asks for a retry after that."""
        return await self.complete(run, self.failure(error, delay_ms=delay_ms), **fields)

    def failure(self, error: TaskRunError = BOOM, *, delay_ms: int | None = None) -> FailedAttempt:
        """Return a failed attempt's report."""
        retry = None
        if delay_ms is not None:
            retry = RetryAsked(at_ms=self.clock.now_ms() + delay_ms, delay_ms=delay_ms)
        return FailedAttempt(error=error, retry=retry)

    async def beat(self, run: Started | Dequeued) -> None:
        """Give a sign of life."""
        await heartbeat(
            self.core,
            environment=self.environment,
            run_id=run.run.id,
            snapshot_id=run.snapshot.id,
        )

    async def cancel(self, run_id: str, **fields: Any) -> Cancelled:
        """Cancel a run."""
        return await cancel(self.core, self.environment.id, run_id, **fields)

    async def run(self, run_id: str) -> Run:
        """Read a run."""
        return await reading.get_run(self.core, self.environment.id, run_id)

    async def status(self, run_id: str) -> str:
        """Read a run's status."""
        return str((await self.run(run_id)).status)

    async def sweep(self, *names: str) -> None:
        """Let keepers look once: those named, or all."""
        for name, (look, _) in self._sweeps.items():
            if not names or name in names:
                await look()

    async def pass_time(self, ms: int, *names: str) -> None:
        """Let time pass in steps no longer than a keeper's sleep; keepers look after each."""
        for step in itertools.chain(itertools.repeat(20_000, ms // 20_000), (ms % 20_000,)):
            self.clock.advance(step)
            await self.sweep(*names)

    async def snapshots(self, run_id: str) -> list[str]:
        """Return the states a run went through."""
        found = await reading.snapshots_of(self.core, self.environment.id, run_id)
        return [str(one.state) for one in found]

    async def check(self) -> None:
        """Check what must hold at every commit."""
        await self.core.store.write(self._check)

    def _check(self, tx: Transaction) -> None:
        counted = {lane: (ready, held) for lane, ready, held in self.core.lanes.lines.counts()}
        rows = tx.all(
            "SELECT environment_id, queue_name, concurrency_key, sum(is_ready) AS ready,"
            " sum(state IN ('PENDING_EXECUTING', 'EXECUTING', 'EXECUTING_WITH_WAITPOINTS',"
            " 'PENDING_CANCEL') AND NOT is_parked) AS held"
            " FROM runs GROUP BY 1, 2, 3 HAVING ready OR held"
        )
        stored = {tuple(row)[:3]: tuple(row)[3:] for row in rows}
        assert counted == stored, "the lanes in memory are not what the store says"
        lines = [one.run_id for one in self.core.lanes.resuming(self.environment.id)]
        queued = tx.all("SELECT id FROM runs WHERE state = 'QUEUED_EXECUTING' ORDER BY rank_ms, id")
        assert lines == [row["id"] for row in queued], "the line for slots is not the store's"
        live = tx.all(
            "SELECT run_id FROM attempts WHERE ended_at_ms IS NULL GROUP BY 1 HAVING count(*) > 1"
        )
        assert not live, "a run has two attempts at once"


@asynccontextmanager
async def an_engine(
    folder: Path,
    kind: EnvironmentType = EnvironmentType.PRODUCTION,
    *,
    seed: int = 1,
    clock: ManualClock | None = None,
    **limits: Any,
) -> AsyncIterator[Engine]:
    """Open an engine with one environment that has a version; check its invariants at the end.

    A production environment's version is made current by hand: deploying comes later.
    """
    async with a_core(folder, clock=clock or ManualClock(), seed=seed) as core:
        engine = Engine(core, await an_environment(core, kind, **limits))
        yield engine
        await engine.check()


async def make_current(engine: Engine, worker_id: WorkerId) -> None:
    """Make a version current, as promoting a deployment will."""

    def change(tx: Transaction) -> None:
        version = engine.core.versions.of(tx, worker_id)
        assert version is not None
        state = engine.core.lanes.environment(tx, engine.environment.id)
        workers.make_current(engine.core, tx, state, version)

    await engine.core.store.write(change)


__all__ = ["BOOM", "Engine", "a_task", "an_engine", "make_current"]
