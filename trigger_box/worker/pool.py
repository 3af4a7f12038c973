"""The executors of one version: warm ones are reused, worn ones replaced (python-sdk 18.1)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from trigger_box.worker.executors import Executor
from trigger_box.worker.limits import RUNS_PER_EXECUTOR_MAX, TERMINATE_GRACE_S
from trigger_box.worker.nursery import Nursery, NurseryError, Soil

WARM_EXECUTORS: Final = max(2, min(4, os.cpu_count() or 1))
"""How many executors of the newest version wait for runs even when there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A registered version of the user's code, as far as the controller needs it.

    Attributes:
        id: ``worker_…``, by which the box names it.
        version: such as ``20260131.1``.
        retries: retry policy by task id, in the wire's shape.
        retries_enabled: False in development unless the project's configuration says otherwise.
        log_level: the lowest level of ``logger`` lines that are kept.
        pinned: variables whose local value holds, whatever the box sends with a run.
        has_time_limits: False under a debugger: a person at a breakpoint takes their time.
    """

    id: str
    version: str
    retries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    retries_enabled: bool = True
    log_level: str = "debug"
    pinned: frozenset[str] = frozenset()
    has_time_limits: bool = True


class Pool:
    """Gives out executors of one version. Open before use; close when done.

    Args:
        nursery: a seed that was planted already.
        runs_max: how many runs one process executes; 1 for a fresh process each time.
        warm: how many executors wait for runs even when there are none.
    """

    def __init__(
        self,
        version: Version,
        soil: Soil,
        *,
        nursery: Nursery | None = None,
        runs_max: int = RUNS_PER_EXECUTOR_MAX,
        warm: int = WARM_EXECUTORS,
    ) -> None:
        self.version = version
        self._soil = soil
        self._runs_max = runs_max
        self._warm = warm
        self._nursery = nursery
        self._planting = asyncio.Lock()
        self._idle: deque[Executor] = deque()
        self._busy: set[Executor] = set()
        self._is_closed = False
        self._is_shrunk = False

    @property
    def idle(self) -> int:
        """How many executors wait for a run."""
        return len(self._idle)

    @property
    def busy(self) -> int:
        """How many executors are out."""
        return len(self._busy)

    @property
    def total(self) -> int:
        """How many executors there are."""
        return len(self._idle) + len(self._busy)

    async def open(self) -> None:
        """Start the seed and some executors.

        Raises:
            NurseryError: the project's Python did not start.
        """
        nursery = await self._live_nursery()
        for _ in range(self._warm):
            self._idle.append(await nursery.fork())

    async def take(self) -> Executor:
        """Return an executor that is free: the one used last, or a new one.

        Raises:
            NurseryError: none can be had.
        """
        while self._idle:
            executor = self._idle.pop()
            if not executor.is_dead:
                break
        else:
            executor = await (await self._live_nursery()).fork()
        self._busy.add(executor)
        return executor

    async def give_back(self, executor: Executor, *, unfit: str | None) -> None:
        """Take an executor back after a run.

        Args:
            unfit: why it must not execute another run; it is replaced at once.
        """
        self._busy.discard(executor)
        executor.listener = None
        if executor.is_dead:
            await self._replace()
        elif unfit is not None or executor.runs_done >= self._runs_max or self._is_shrunk:
            _retire(executor)
            await self._replace()
        else:
            self._idle.append(executor)

    async def _replace(self) -> None:
        if self._is_closed or self._is_shrunk or self._nursery is None or self.total >= self._warm:
            return
        try:
            self._idle.append(await self._nursery.fork())
        except NurseryError:
            # The next take() plants a new seed, and says so if that fails.
            return

    def shrink(self) -> None:
        """Let idle executors go: a newer version has come."""
        self._is_shrunk = True
        while self._idle:
            _retire(self._idle.popleft())

    async def close(self) -> None:
        """End all processes of this version."""
        self._is_closed = True
        self._idle.clear()
        self._busy.clear()
        if self._nursery is not None:
            await self._nursery.close()

    async def _live_nursery(self) -> Nursery:
        async with self._planting:
            if self._is_closed:
                raise NurseryError("this version's processes have ended")
            if self._nursery is None or self._nursery.is_dead:
                if self._nursery is not None:
                    await self._nursery.close()
                self._nursery = await Nursery.plant(self._soil)
            return self._nursery


def _retire(executor: Executor) -> None:
    executor.send({"kind": "retire"})
    loop = asyncio.get_running_loop()
    loop.call_later(TERMINATE_GRACE_S, executor.kill, signal.SIGKILL)
