"""Kill the box while clients trigger and workers run, again and again; keep what they were told.

The history is compared with the data folder afterwards: an acknowledged run must be there, one call
must have made one run, and no run may ever have been in two hands. ``test_http.py`` runs a few
rounds of it, ``tests.bench`` a hundred.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.running import Prepared, RunningBox, prepare
from trigger_box.worker.calls import Answer, Caller, CallError

CLIENTS = 16
WORKERS = 4
TASK = "hello"
ROUND_S = (0.15, 0.6)
AGAIN_S = 0.05
LAST_ROUND_S = 0.3


@dataclass
class History:
    """What the outside world was told."""

    acknowledged: dict[str, str] = field(default_factory=dict[str, str])
    """Call → the id of its run, once the box had answered."""
    begun: Counter[str] = field(default_factory=Counter[str])
    """Run → how many attempts were put into a worker's hands."""
    held: set[str] = field(default_factory=set[str])
    ended: set[str] = field(default_factory=set[str])
    """Runs whose completion the box has confirmed."""
    complaints: list[str] = field(default_factory=list[str])
    ready_s: list[float] = field(default_factory=list[float])
    kills: int = 0


@dataclass(frozen=True)
class Verdict:
    """What the comparison found. Everything but the counts must be empty."""

    rounds: int
    acknowledged: int
    executed: int
    lost: list[str]
    doubled: list[str]
    complaints: list[str]
    ready_s_max: float

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.complaints)


class Attack:
    """Clients and workers that go on through kills of the box."""

    def __init__(self, prepared: Prepared, seed: int) -> None:
        self._prepared = prepared
        self._chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._stopping = asyncio.Event()
        self.history = History()

    async def run(self, rounds: int) -> None:
        """Kill the box ``rounds`` times; the last life of it ends in order."""
        box = await RunningBox.start(self._prepared.folder)
        port = str(box.port)
        headers = {"authorization": f"Bearer {self._prepared.keys['dev']}"}
        caller = Caller(box.origin, headers)
        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(self._trigger(caller, f"client-{number}"))
            for _ in range(WORKERS):
                group.create_task(self._work(caller))
            for _ in range(rounds):
                await asyncio.sleep(self._chance.uniform(*ROUND_S))
                box.kill()
                self.history.kills += 1
                await box.process.wait()
                box = await RunningBox.start(self._prepared.folder, "--port", port)
                self.history.ready_s.append(box.ready_s)
            await asyncio.sleep(LAST_ROUND_S)
            self._stopping.set()
        await caller.close()
        await box.stop()

    async def _trigger(self, caller: Caller, name: str) -> None:
        number = 0
        while not self._stopping.is_set():
            number += 1
            call = f"{name}/{number}"
            answer = await self._insist(
                caller, f"/api/v1/tasks/{TASK}/trigger", {"payload": call}, key=call
            )
            if answer is not None:
                self.history.acknowledged[call] = answer.json()["id"]

    async def _work(self, caller: Caller) -> None:
        while not self._stopping.is_set():
            with suppress(CallError):
                answer = await caller.call(
                    "POST",
                    "/engine/v1/dev/dequeue",
                    {"maxRunCount": 1, "waitMs": 200, "start": True},
                )
                for message in answer.raise_for_status().json()["dequeuedMessages"]:
                    await self._execute(caller, message)
                continue
            await asyncio.sleep(AGAIN_S)

    async def _execute(self, caller: Caller, message: dict[str, Any]) -> None:
        history = self.history
        begun = message["start"] if "start" in message else message["started"]
        run_id = begun["run"]["friendlyId"]
        snapshot_id = begun["snapshot"]["friendlyId"]
        history.begun[run_id] += 1
        if run_id in history.held:
            history.complaints.append(f"{run_id} was put into two hands at once")
        if run_id in history.ended:
            history.complaints.append(f"{run_id} was handed out after its end was confirmed")
        history.held.add(run_id)
        await asyncio.sleep(self._chance.uniform(0, 0.02))
        answer = await self._insist(
            caller,
            f"/engine/v1/dev/runs/{run_id}/snapshots/{snapshot_id}/attempts/complete",
            {"completion": {"ok": True, "id": run_id, "output": "1",
                            "outputType": "application/json"}},
            key=f"complete/{run_id}/{history.begun[run_id]}",
        )  # fmt: skip
        history.held.discard(run_id)
        if answer is not None:
            history.ended.add(run_id)
            status = answer.json()["result"]["attemptStatus"]
            if status != "RUN_FINISHED":
                history.complaints.append(f"{run_id} was answered {status}")

    async def _insist(
        self, caller: Caller, path: str, body: dict[str, Any], *, key: str
    ) -> Answer | None:
        """Repeat a call with the same key until it is answered; None if we stop before it is."""
        headers = {"x-trigger-request-idempotency-key": key}
        while True:
            with suppress(CallError):
                answer = await caller.call("POST", path, body, headers=headers)
                if not answer.wants_retry:
                    if answer.status != 200:
                        self.history.complaints.append(f"{path}: {answer.status} {answer.body!r}")
                        return None
                    return answer
            if self._stopping.is_set():
                return None
            await asyncio.sleep(AGAIN_S)


def judge(folder: Path, history: History) -> Verdict:
    """Compare what was told with what is on disk."""
    with sqlite3.connect(f"file:{folder / 'box.db'}?mode=ro", uri=True) as connection:
        made = dict(
            connection.execute("SELECT r.id, p.data FROM runs r JOIN packets p ON p.run_id = r.id"
                               " WHERE p.kind = 'PAYLOAD'").fetchall()
        )  # fmt: skip
        finished = {
            row[0] for row in connection.execute("SELECT id FROM runs WHERE state = 'FINISHED'")
        }
        attempts = dict(
            # An attempt whose answer reached nobody is handed back: no worker ever had it.
            connection.execute(
                "SELECT run_id, count(*) FROM attempts WHERE result IS NOT 'CANCELED'"
                " GROUP BY run_id"
            ).fetchall()
        )
    connection.close()
    calls = Counter(json.loads(payload) for payload in made.values())
    lost = [
        f"{call} → {run_id}"
        for call, run_id in history.acknowledged.items()
        if made.get(run_id) != json.dumps(call)
    ] + [f"{run_id} was completed" for run_id in history.ended - finished]
    doubled = [f"{call} made {count} runs" for call, count in calls.items() if count > 1] + [
        f"{run_id} had {count} attempts" for run_id, count in attempts.items() if count > 1
    ] + [f"{run_id} was in {count} workers' hands" for run_id, count in history.begun.items()
         if count > 1]  # fmt: skip
    return Verdict(
        rounds=history.kills,
        acknowledged=len(history.acknowledged),
        executed=len(history.ended),
        lost=lost,
        doubled=doubled,
        complaints=history.complaints,
        ready_s_max=max(history.ready_s, default=0.0),
    )


async def attack(folder: Path, *, rounds: int, seed: int) -> Verdict:
    """Make a box in ``folder``, kill it ``rounds`` times under load, and judge."""
    prepared = await prepare(folder, tasks=(TASK,))
    against = Attack(prepared, seed)
    await against.run(rounds)
    return judge(prepared.folder, against.history)
