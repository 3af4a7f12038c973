"""The controller: takes runs from the box, lives through them, keeps their leases.

No user code runs here, so nothing a task does can starve a heartbeat. One asyncio loop; every
loop below ends with the ``TaskGroup`` it is started in.
"""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, Protocol

from trigger_box.worker.attempt import Attempt, Surroundings
from trigger_box.worker.box import DevBox, Handed
from trigger_box.worker.calls import AnswerError, CallError, ServerEvent
from trigger_box.worker.executors import Executor
from trigger_box.worker.limits import (
    CALL_PAUSE_S_MAX,
    CALL_PAUSE_S_MIN,
    DEQUEUE_RUNS_MAX,
    DEQUEUE_WAIT_MS,
    GROWTH_QUIET_S,
    HEARTBEAT_S,
    IDLE_VERSIONS_MAX,
    POLL_S,
    POLL_WITH_NEWS_S,
    STREAM_PAUSE_S,
    STREAM_PAUSE_S_MAX,
    WATCH_TICK_S,
)
from trigger_box.worker.pool import WARM_EXECUTORS, Pool
from trigger_box.worker.reports import TroubleSeen
from trigger_box.worker.run_life import RunLife

_NOT_FOUND: Final = 404


class Roster(Protocol):
    """Knows which runs are in flight, also when this process is killed."""

    def add(self, run_id: str) -> None:
        """A run is in flight."""
        ...

    def remove(self, run_id: str) -> None:
        """It is not any more."""
        ...


class Controller:
    """Runs everything between the box and the executors, for one dev environment.

    Args:
        runs_max: how many runs may be in flight at once.
    """

    def __init__(self, box: DevBox, around: Surroundings, roster: Roster, *, runs_max: int) -> None:
        self._box = box
        self._around = around
        self._roster = roster
        self._runs_max = runs_max
        self._pools: dict[str, Pool] = {}
        self._replaced: list[Pool] = []
        self._current: Pool | None = None
        self._lives: dict[str, RunLife] = {}
        self._group: asyncio.TaskGroup | None = None
        self._changed = asyncio.Event()
        self._has_work = asyncio.Event()
        self._is_stopping = False
        self._has_news = False
        self._freed_s = float("-inf")
        self._was_reachable = True

    @property
    def runs_in_flight(self) -> tuple[str, ...]:
        """The ids of the runs that this worker holds."""
        return tuple(self._lives)

    async def run(self) -> None:
        """Work until cancelled; then every process is ended."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._around.telemetry.run())
                group.create_task(self._watch())
                group.create_task(self._be_present())
                group.create_task(self._hear_news())
                group.create_task(self._dequeue())
        finally:
            self._group = None
            for pool in [*self._pools.values(), *self._replaced]:
                await pool.close()

    async def add_version(self, pool: Pool) -> None:
        """Hand new runs to ``pool`` from now on; older versions finish what they have."""
        same = self._pools.get(pool.version.id)
        if same is not None and same is not pool:
            # Equal code, other surroundings (a variable in .env): the box sees the same version.
            self._replaced.append(same)
        self._pools[pool.version.id] = pool
        before, self._current = self._current, pool
        if before is not None and before is not pool:
            before.shrink()
        await self._drop_idle_pools()
        self._changed.set()

    async def stop(self) -> int:
        """Take no more runs, stop those in flight and have the box cancel them.

        Returns how many were in flight.
        """
        if self._is_stopping:
            return 0
        self._is_stopping = True
        lives = list(self._lives.values())
        for life in lives:
            life.abandon("dev ended")
        if lives:
            try:
                await self._box.disconnect([life.run_id for life in lives])
            except CallError as error:
                self._trouble(f"the runs in flight could not be cancelled: {error}")
        await self._around.telemetry.close()
        return len(lives)

    # Taking runs.

    async def _dequeue(self) -> None:
        pause_s = CALL_PAUSE_S_MIN
        loop = asyncio.get_running_loop()
        while not self._is_stopping:
            self._changed.clear()
            room = self._room()
            if room < 1 or self._current is None:
                await self._wait_for_room()
                continue
            asked_s = loop.time()
            current = self._current.version.id
            try:
                handed = await self._box.dequeue(
                    current, [id_ for id_ in self._pools if id_ != current], runs_max=room
                )
            except CallError as error:
                self._noticed_box(error)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, CALL_PAUSE_S_MAX)
                continue
            self._noticed_box(None)
            pause_s = CALL_PAUSE_S_MIN
            for one in handed:
                self._begin(one)
            waited_s = loop.time() - asked_s
            if not handed and waited_s < DEQUEUE_WAIT_MS / 2000:
                # The box does not wait for runs: ask as often as it says.
                settings = self._box.settings
                pause = settings.pause_with_run_s if self._lives else settings.pause_without_run_s
                await asyncio.sleep(max(0.0, pause - waited_s))

    def _room(self) -> int:
        """Return how many more runs to ask for.

        Idle executors are filled at once. New ones are forked only while nothing has finished for
        a moment: a backlog of tiny tasks is worked off by few busy processes, long tasks get many.
        """
        if self._current is None:
            return 0
        idle, total = self._current.idle, self._current.total
        is_quiet = asyncio.get_running_loop().time() - self._freed_s >= GROWTH_QUIET_S
        growth = max(total, 1) if is_quiet or total < WARM_EXECUTORS else 0
        free = self._runs_max - len(self._lives)
        return max(0, min(idle + growth, free, DEQUEUE_RUNS_MAX))

    async def _wait_for_room(self) -> None:
        may_grow = self._current is not None and len(self._lives) < self._runs_max
        try:
            async with asyncio.timeout(GROWTH_QUIET_S if may_grow else None):
                await self._changed.wait()
        except TimeoutError:
            pass

    def _begin(self, handed: Handed) -> None:
        assert self._group is not None, "runs are taken only while the controller runs"
        life = self._hold(handed)
        if life is not None:
            self._group.create_task(self._live(life))

    def _hold(self, handed: Handed) -> RunLife | None:
        """Count a run among those in flight; None if it is already."""
        if handed.run_id in self._lives:
            return None
        life = RunLife(
            handed,
            self._pools.get(handed.version_id),
            routes=self._box.runs,
            wide_routes=self._box,
            around=self._around,
            wants_next=self._wants_next,
            give_back=self._give_back,
        )
        self._lives[handed.run_id] = life
        self._roster.add(handed.run_id)
        self._has_work.set()
        return life

    async def _live(self, first: RunLife) -> None:
        """Live through a run, and through those that the box gives with its last answers."""
        life: RunLife | None = first
        while life is not None:
            handed: Handed | None = None
            try:
                handed = await life.live()
            except CallError as error:
                life.lost(str(error))
            except Exception as error:  # noqa: BLE001 - a bug of ours in one run must not stop the others
                self._trouble(
                    f"{life.run_id}: the worker failed, please report this: {error!r}\n"
                    + "".join(traceback.format_exception(error))
                )
            finally:
                del self._lives[life.run_id]
                self._roster.remove(life.run_id)
                self._freed_s = asyncio.get_running_loop().time()
                self._changed.set()
            life = self._hold(handed) if handed is not None else None
        if len(self._pools) > 1 or self._replaced:
            await self._drop_idle_pools()

    def _give_back(self, pool: Pool, executor: Executor, attempt: Attempt) -> None:
        """Have an executor go back to its pool once it has tidied up; nobody waits for that."""
        self._spawn(self._taken_back(pool, executor, attempt))

    async def _taken_back(self, pool: Pool, executor: Executor, attempt: Attempt) -> None:
        await pool.give_back(executor, unfit=await attempt.freed)
        self._changed.set()

    def _wants_next(self) -> bool:
        return not self._is_stopping and len(self._lives) <= self._runs_max

    async def _drop_idle_pools(self) -> None:
        """End what no run needs: replaced pools, and all but the last few older versions."""
        held = {id(life.pool) for life in self._lives.values()}
        idle = [
            pool
            for pool in self._pools.values()
            if pool is not self._current and id(pool) not in held
        ]
        dropped = idle[: max(0, len(idle) - IDLE_VERSIONS_MAX)]
        for pool in dropped:
            del self._pools[pool.version.id]
        dropped += [pool for pool in self._replaced if id(pool) not in held]
        self._replaced = [pool for pool in self._replaced if id(pool) in held]
        for pool in dropped:
            await pool.close()

    # Keeping runs.

    async def _watch(self) -> None:
        """Send heartbeats, flush updates, and look what the box thinks of each run."""
        loop = asyncio.get_running_loop()
        while True:
            if not self._lives:
                self._has_work.clear()
                await self._has_work.wait()
            await asyncio.sleep(WATCH_TICK_S)
            now_s = loop.time()
            poll_s = POLL_WITH_NEWS_S if self._has_news else POLL_S
            for life in list(self._lives.values()):
                if not life.has_lease:
                    continue
                if now_s - life.beaten_s >= HEARTBEAT_S and not life.is_beating:
                    self._spawn(self._beat(life))
                if now_s - life.looked_s >= poll_s and not life.is_looking:
                    self._spawn(self._look(life))
                if life.updates.is_due:
                    self._spawn(life.updates.flush())

    async def _beat(self, life: RunLife) -> None:
        life.is_beating = True
        try:
            await self._box.runs.heartbeat(life.run_id, life.snapshot_id)
            life.beaten_s = asyncio.get_running_loop().time()
        except CallError as error:
            self._noticed_box(error)
        finally:
            life.is_beating = False

    async def _look(self, life: RunLife) -> None:
        life.is_looking = True
        try:
            latest = await self._box.runs.latest(life.run_id)
            life.looked_s = asyncio.get_running_loop().time()
            life.see(latest)
        except AnswerError as error:
            if error.status == _NOT_FOUND:
                life.abandon("the box does not know this run any more")
        except CallError as error:
            self._noticed_box(error)
        finally:
            life.is_looking = False

    async def _be_present(self) -> None:
        """Keep the stream open that tells the box that this worker is here."""
        while True:
            with suppress(CallError):
                async with self._box.presence() as events:
                    async for _event in events:
                        pass
            await asyncio.sleep(STREAM_PAUSE_S)

    async def _hear_news(self) -> None:
        """Keep the stream open that names runs which somebody else changed."""
        pause_s = STREAM_PAUSE_S
        while True:
            with suppress(CallError):
                async with self._box.news() as events:
                    self._has_news = True
                    pause_s = STREAM_PAUSE_S
                    # What changed while nobody listened is found by looking.
                    for life in self._lives.values():
                        life.looked_s = float("-inf")
                    async for event in events:
                        self._hear(event)
            self._has_news = False
            await asyncio.sleep(pause_s)
            # A box without this stream is asked by polling; no need to knock every second.
            pause_s = min(pause_s * 2, STREAM_PAUSE_S_MAX)

    def _hear(self, event: ServerEvent) -> None:
        try:
            run_id = str(json.loads(event.text)["run"]["friendlyId"])
        except (ValueError, KeyError, TypeError):
            # The stream's first event, or one that this version does not know.
            return
        life = self._lives.get(run_id)
        if life is not None:
            self._spawn(self._look(life))

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        assert self._group is not None, "only while the controller runs"
        self._group.create_task(coroutine)

    # Telling people.

    def _noticed_box(self, error: CallError | None) -> None:
        """Say once that the box is away, and once that it is back."""
        if error is not None and self._was_reachable:
            self._trouble(f"the box does not answer: {error}. Trying again until it does.")
        elif error is None and not self._was_reachable:
            self._trouble("the box answers again.")
        self._was_reachable = error is None

    def _trouble(self, message: str) -> None:
        self._around.reporter.report(TroubleSeen(message=message))
