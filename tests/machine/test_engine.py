"""The whole engine on a real store, driven by any sequence of calls, against what was promised.

Each property of run-engine 27 that this release can break is named where it is checked: P1, P2, P3,
P5, P6, P7, P8, P9, P10, P12, P13, P14, P15, P19, P20, P21. P16 has its own machine beside the rule
of choice (tests/unit/domain/test_fairness.py). kill -9 is played in tests/crash.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from tests.support.builders import a_core, a_success, a_task
from tests.support.clock import ManualClock
from tests.support.engine import Engine, an_engine, make_current
from trigger_box.access.actors import Environment, EnvironmentType
from trigger_box.domain.debounce import Debounce, DebounceMode
from trigger_box.domain.errors import RefusedError, StaleTransitionError
from trigger_box.domain.failures import ErrorCode, InternalError
from trigger_box.domain.packets import NOTHING, Packet
from trigger_box.domain.runs import FAILED_STATUSES, FINAL_STATUSES, RunState, RunStatus, status_of
from trigger_box.engine import environments, keepers, queues
from trigger_box.engine.blocking import park
from trigger_box.engine.executions import Completed, Completion, Dequeued, FailedAttempt, Started
from trigger_box.engine.heads import head_of
from trigger_box.engine.tokens import NewToken, complete_token, create_token
from trigger_box.engine.waits import WaitUntil, wait_for_token, wait_until
from trigger_box.ids import RunId
from trigger_box.store.writer import Transaction

T = TypeVar("T")

POLICY = '{"maxAttempts":3,"minTimeoutInMs":1000,"factor":2,"randomize":false}'
EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "40"))
"""How many lives are lived; more to hunt a bug: ``MACHINE_EXAMPLES=1000 pytest tests/machine``."""
MAY_WAIT = {"EXECUTING", "EXECUTING_WITH_WAITPOINTS", "QUEUED_EXECUTING"}
ENOUGH_MS = 12 * 3_600_000
"""Longer than any lease, delay, ttl or backoff the rules can make."""


@dataclass
class Handed:
    """What a worker was told: it may say it again, late, or after somebody else has the run."""

    worker: str
    dequeued: Dequeued
    started: Started | None = None


@dataclass
class Answered:
    """A call that was accepted: said again with the same key it gets the same answer.

    A completion is said again about the attempt it was about, whatever was started since.
    """

    handed: Handed
    key: str
    answer: Started | Completed
    completion: Completion | None = None
    attempt: Started | None = None


@dataclass
class Model:
    """What clients were told."""

    runs: set[RunId] = field(default_factory=set)
    finals: dict[RunId, tuple[object, ...]] = field(default_factory=dict)
    starts: dict[tuple[RunId, int], str] = field(default_factory=dict)
    cancelled: set[RunId] = field(default_factory=set)
    keys: dict[str, RunId] = field(default_factory=dict)
    debounced: dict[str, RunId] = field(default_factory=dict)
    payloads: dict[RunId, str] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    held: dict[str, int] = field(default_factory=dict)


class EngineLife(RuleBasedStateMachine):
    """One environment, two tasks, two workers that repeat themselves, and a clock that jumps."""

    handed: Bundle[Handed] = Bundle("handed")
    answered: Bundle[Answered] = Bundle("answered")
    triggered: Bundle[RunId] = Bundle("triggered")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock()
        self.model = Model()
        self.version = 0
        self.calls = 0
        self.restarts = 0
        self.limit = 3

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize(kind=st.sampled_from([EnvironmentType.PRODUCTION, EnvironmentType.DEVELOPMENT]))
    def open(self, kind: EnvironmentType) -> None:
        self.opened = an_engine(
            Path(self.folder.name), kind, clock=self.clock, concurrency_limit=self.limit
        )
        self.engine = self.run(self.opened.__aenter__())
        self.environment: Environment = self.engine.environment
        self.is_development = kind is EnvironmentType.DEVELOPMENT
        self.register()

    def teardown(self) -> None:
        try:
            if hasattr(self, "engine"):
                self.run(self.p5_everything_ends())
        finally:
            # Always: a store left open keeps the whole test process from ending.
            if hasattr(self, "engine"):
                self.run(self.opened.__aexit__(None, None, None))
            self.loop.close()
            self.folder.cleanup()

    # ---------------------------------------------------------------- what clients do

    @rule(
        target=triggered,
        task=st.sampled_from(["a", "b"]),
        key=st.sampled_from(["", "x"]),
        delay_ms=st.sampled_from([None, None, 500, 60_000]),
        ttl=st.sampled_from([None, None, "30s"]),
        attempts=st.sampled_from([None, 1, 2]),
        priority_ms=st.sampled_from([0, 0, 5_000]),
        parent=st.booleans(),
    )
    def trigger(
        self,
        task: str,
        key: str,
        delay_ms: int | None,
        ttl: str | None,
        attempts: int | None,
        priority_ms: int,
        parent: bool,
    ) -> RunId:
        run_id = self.run(
            self.engine.trigger(
                task,
                concurrency_key=key or None,
                delay_until_ms=None if delay_ms is None else self.clock.now_ms() + delay_ms,
                ttl=ttl,
                max_attempts=attempts,
                priority_ms=priority_ms,
                parent_run_id=max(self.model.runs, default=None) if parent else None,
            )
        )
        assert run_id not in self.model.runs
        self.model.runs.add(run_id)
        return run_id

    @rule(target=triggered, key=st.sampled_from(["k1", "k2"]), twice=st.booleans())
    def p12_trigger_with_a_key(self, key: str, twice: bool) -> RunId:
        before = self.model.keys.get(key)
        kept = before is not None and self.status(before) not in FAILED_STATUSES

        async def call() -> list[Any]:
            work = [self.engine.triggered("a", idempotency_key=key) for _ in range(1 + twice)]
            return await asyncio.gather(*work)

        found = self.run(call())

        assert len({one.run_id for one in found}) == 1
        assert (found[0].run_id == before) == kept
        self.model.runs.add(found[0].run_id)
        self.model.keys[key] = found[0].run_id
        return found[0].run_id

    @rule(
        target=triggered,
        key=st.sampled_from(["d1", "d2"]),
        mode=st.sampled_from(DebounceMode),
        delay_ms=st.sampled_from([1_000, 60_000]),
        max_delay_ms=st.sampled_from([None, 90_000]),
        value=st.integers(0, 99),
    )
    def p13_trigger_debounced(
        self, key: str, mode: DebounceMode, delay_ms: int, max_delay_ms: int | None, value: int
    ) -> RunId:
        before = self.model.debounced.get(key)
        row = None if before is None else self.row(before)
        wanted = Debounce(key=key, delay_ms=delay_ms, mode=mode, max_delay_ms=max_delay_ms)
        packet = Packet(str(value), "application/json")
        run_id = self.run(self.engine.trigger("a", debounce=wanted, payload=packet))
        after = self.row(run_id)
        assert after["state"] == "DELAYED"
        if run_id in self.model.runs:
            assert row is not None
            assert run_id == before  # the key's live run, and no other
            assert row["state"] == "DELAYED"
            assert after["delay_until_ms"] >= row["delay_until_ms"]
        if run_id not in self.model.runs or mode is DebounceMode.TRAILING:
            self.model.payloads[run_id] = str(value)
        self.model.runs.add(run_id)
        self.model.debounced[key] = run_id
        return run_id

    @rule(run_id=triggered)
    def cancel(self, run_id: RunId) -> None:
        was = self.status(run_id)
        answer = self.run(self.engine.cancel(run_id))
        if was not in FINAL_STATUSES:
            self.model.cancelled.add(run_id)
            assert answer.status is RunStatus.CANCELED

    # ---------------------------------------------------------------- what workers do

    @rule(
        target=handed,
        worker=st.sampled_from(["w1", "w2"]),
        runs_max=st.integers(1, 3),
        start=st.booleans(),
    )
    def dequeue(self, worker: str, runs_max: int, start: bool) -> Any:
        ready = self.rows(
            "SELECT id, queue_name, concurrency_key, rank_ms, ttl_at_ms FROM runs"
            " WHERE is_ready = 1"
        )
        taken = self.run(self.engine.take(runs_max, worker=worker, start=start))
        ready = self.p14_no_late_run_was_taken(taken, ready)
        self.p2_limits_hold_where_slots_were_granted(taken)
        self.p15_the_first_of_each_lane_was_taken(taken, ready)
        for one in taken:
            if one.started is not None:
                self.p1_nobody_else_has_this_attempt(one.started, worker)
        return multiple(*(Handed(worker, one, one.started) for one in taken))

    @rule(target=answered, handed=handed, other=st.booleans())
    def start(self, handed: Handed, other: bool) -> Any:
        worker = {"w1": "w2", "w2": "w1"}[handed.worker] if other else handed.worker
        key = self.next_key()
        before = self.row(handed.dequeued.run.id)
        try:
            started = self.run(self.engine.start(handed.dequeued, worker=worker, key=key))
        except StaleTransitionError:
            self.p20_nothing_has_changed(before)
            return multiple()
        self.p1_nobody_else_has_this_attempt(started, worker)
        handed.worker, handed.started = worker, started
        return Answered(handed, key, started)

    @rule(
        target=answered,
        handed=handed,
        how=st.sampled_from(["well", "badly", "again now", "again later", "dead", "cancelled"]),
        take=st.booleans(),
    )
    def complete(self, handed: Handed, how: str, take: bool) -> Any:
        if handed.started is None:
            return multiple()
        key, attempt = self.next_key(), handed.started
        completion = self.completion(how)
        before = self.row(attempt.run.id)
        try:
            answer = self.run(
                self.engine.complete(attempt, completion, worker=handed.worker, key=key, take=take)
            )
        except StaleTransitionError:
            self.p20_nothing_has_changed(before)
            return multiple()
        assert before["state"] in {*MAY_WAIT, "PENDING_CANCEL"}
        if answer.next is not None:
            assert answer.next.started is not None
            self.p1_nobody_else_has_this_attempt(answer.next.started, handed.worker)
        return Answered(handed, key, answer, completion, attempt)

    @rule(handed=handed, answered=answered)
    def start_again_in_place(self, handed: Handed, answered: Answered) -> None:
        answer = answered.answer
        if not isinstance(answer, Completed) or str(answer.attempt_status) != "RETRY_IMMEDIATELY":
            return
        before = self.row(answer.run.id)
        worker = answered.handed.worker
        try:
            started = self.run(self.engine.start(answer, worker=worker, key=self.next_key()))
        except StaleTransitionError:
            self.p20_nothing_has_changed(before)
            return
        self.p1_nobody_else_has_this_attempt(started, worker)
        answered.handed.started = started
        del handed

    @rule(answered=answered)
    def p20_say_it_again(self, answered: Answered) -> None:
        handed, key = answered.handed, answered.key
        before = self.row(handed.dequeued.run.id)
        try:
            if answered.completion is None:
                again: Any = self.run(
                    self.engine.start(handed.dequeued, worker=handed.worker, key=key)
                )
                assert again.snapshot == answered.answer.snapshot
            else:
                assert answered.attempt is not None
                again = self.run(
                    self.engine.complete(
                        answered.attempt, answered.completion, worker=handed.worker, key=key
                    )
                )
                first = answered.answer
                assert isinstance(first, Completed)
                assert (again.attempt_status, again.run, again.snapshot) == (
                    first.attempt_status,
                    first.run,
                    first.snapshot,
                )
        except StaleTransitionError:
            # A start's answer is of no use once its attempt is over; a completion's always is.
            assert answered.completion is None
        self.p20_nothing_has_changed(before)

    @rule(handed=handed, what=st.sampled_from(["child", "token", "other token", "instant"]))
    def wait(self, handed: Handed, what: str) -> None:
        if handed.started is None:
            return
        run_id = handed.started.run.id
        before = self.row(run_id)
        try:
            self.run(self.begin_wait(run_id, what))
        except RefusedError:
            assert before["state"] not in MAY_WAIT
            self.p20_nothing_has_changed(before)
        else:
            assert before["state"] in MAY_WAIT

    async def begin_wait(self, run_id: RunId, what: str) -> None:
        core, environment_id = self.engine.core, self.environment.id
        match what:
            case "child":
                child = await self.engine.trigger("b", parent_run_id=run_id, resume_parent=True)
                self.model.runs.add(child)
            case "instant":
                wish = WaitUntil(run_id, self.clock.now_ms() + 30_000)
                await wait_until(core, environment_id, wish)
            case _:
                await wait_for_token(core, environment_id, run_id, await self.token(what))

    @rule(what=st.sampled_from(["token", "other token"]))
    def p8_say(self, what: str) -> None:
        async def say() -> bool:
            token = await self.token(what)
            return await complete_token(self.engine.core, self.environment.id, token, NOTHING)

        assert self.run(say()) == (what not in self.model.said)
        self.model.said.add(what)

    async def token(self, name: str) -> str:
        wanted = NewToken(self.environment.id, idempotency_key=name, idempotency_ttl_ms=10**12)
        return (await create_token(self.engine.core, wanted)).id

    @rule(handed=handed)
    def its_process_is_idle(self, handed: Handed) -> None:
        def idle(tx: Transaction) -> None:
            park(self.engine.core, tx, head_of(tx, handed.dequeued.run.id, self.environment.id))

        self.run(self.engine.core.store.write(idle))

    @rule(handed=handed)
    def beat(self, handed: Handed) -> None:
        self.run(self.engine.beat(handed.started or handed.dequeued))

    # ---------------------------------------------------------------- what owners do

    @rule()
    def register(self) -> None:
        self.version += 1
        registered = self.run(
            self.engine.register(
                a_task("a", retry=POLICY), a_task("b"), content_hash=f"h{self.version}"
            )
        )
        if not self.is_development:
            self.run(make_current(self.engine, registered.worker_id))

    @rule(limit=st.integers(0, 4))
    def limit_the_environment(self, limit: int) -> None:
        self.limit = limit
        self.run(environments.set_limits(self.engine.core, self.environment.id, limit=limit))

    @rule(is_paused=st.booleans(), limit=st.sampled_from([None, 0, 1]))
    def change_a_queue(self, is_paused: bool, limit: int | None) -> None:
        core, environment_id = self.engine.core, self.environment.id
        queue = self.run(queues.get_queue(core, environment_id, name="task/a"))
        self.run(queues.set_paused(core, environment_id, queue.id, is_paused=is_paused))
        if limit is not None and limit <= self.limit:
            self.run(queues.override_limit(core, environment_id, queue.id, limit=limit))
        elif queue.override_limit is not None:
            self.run(queues.reset_limit(core, environment_id, queue.id))

    # ---------------------------------------------------------------- what time does

    @rule(ms=st.sampled_from([1, 900, 31_000, 61_000, 301_000]))
    def p14_time_passes(self, ms: int) -> None:
        self.run(self.engine.pass_time(ms))
        late = self.rows(
            "SELECT id FROM runs WHERE state = 'QUEUED' AND ttl_at_ms <= :now",
            now=self.clock.now_ms(),
        )
        assert late == []

    @rule(ms=st.sampled_from([900, 31_000]))
    def time_passes_and_no_keeper_looks(self, ms: int) -> None:
        self.clock.advance(ms)

    @rule(ms=st.sampled_from([-3_600_000, 3_600_000]))
    def the_clock_jumps(self, ms: int) -> None:
        self.clock.jump(ms)
        self.run(self.engine.sweep())

    @rule()
    def p19_keepers_look_for_no_reason(self) -> None:
        self.run(self.engine.sweep())

    @precondition(lambda self: len(self.model.runs) > 2)
    @rule()
    def p6_the_box_restarts(self) -> None:
        self.run(self.opened.__aexit__(None, None, None))
        del self.engine
        self.restarts += 1
        self.opened = reopened(
            Path(self.folder.name), self.clock, self.environment, seed=self.restarts
        )
        self.engine = self.run(self.opened.__aenter__())

    # ---------------------------------------------------------------- what always holds

    @invariant()
    def check(self) -> None:
        if not hasattr(self, "engine"):
            return
        self.run(self.engine.check())  # P3: counts in memory are the store's; one live attempt
        rows = self.rows("SELECT * FROM runs")
        assert {row["id"] for row in rows} == self.model.runs  # P6: nothing lost, nothing else
        for row in rows:
            self.check_run(row)
        self.p8_whoever_can_go_on_does()
        self.p2_no_slot_beyond_the_limits()

    def p2_no_slot_beyond_the_limits(self) -> None:
        """Whoever got a slot (to begin, or to go on) got one that was free."""
        held: dict[str, int] = {}
        lines = self.engine.core.lanes.lines.environments.get(self.environment.id)
        if lines is None:
            return
        for name, queue in lines.queues.items():
            slots = self.limit if queue.limit is None else min(queue.limit, self.limit)
            for key, lane in queue.lanes.items():
                held[f"{name} {key}"] = lane.running
                if lane.running > self.model.held.get(f"{name} {key}", 0):
                    assert lane.running <= slots
        if lines.running > sum(self.model.held.values()):
            assert lines.running <= self.limit
        self.model.held = held

    def p8_whoever_can_go_on_does(self) -> None:
        for row in self.rows(
            "SELECT r.state, count(w.waitpoint_id) AS waits,"
            " sum(w.waitpoint_id NOTNULL AND p.completed_at_ms IS NULL) AS pending,"
            " sum(p.completed_at_ms NOTNULL AND w.told_number IS NULL) AS untold"
            " FROM runs r LEFT JOIN waits w ON w.run_id = r.id"
            " LEFT JOIN waitpoints p ON p.id = w.waitpoint_id GROUP BY r.id"
        ):
            match row["state"]:
                case "EXECUTING_WITH_WAITPOINTS":
                    assert row["pending"] > 0
                    assert row["untold"] == 0
                case "QUEUED_EXECUTING":
                    assert row["untold"] > 0
                case "EXECUTING":
                    assert row["untold"] == 0
                case _:
                    assert row["waits"] == 0

    def check_run(self, row: Any) -> None:
        run_id = row["id"]
        outcome = None if row["outcome"] is None else RunStatus(row["outcome"])
        is_parked = bool(row["is_parked"])
        expected = status_of(RunState(row["state"]), is_parked=is_parked, outcome=outcome)
        assert row["status"] == expected.value  # P21
        assert row["attempt_number"] <= 250  # P9
        if row["max_attempts"] is not None:
            assert row["attempt_number"] - row["attempts_forgiven"] <= row["max_attempts"]  # P9
        if run_id in self.model.payloads:
            (packet,) = self.rows(
                "SELECT data FROM packets WHERE run_id = :id AND kind = 'PAYLOAD'", id=run_id
            )
            assert packet["data"] == self.model.payloads[run_id]  # P13
        if row["status"] == "EXPIRED":
            assert row["started_at_ms"] is None  # P14
        if run_id in self.model.cancelled:
            assert row["status"] == "CANCELED"  # P18
        if row["state"] == "FINISHED":
            packets = self.rows(
                "SELECT kind, data FROM packets WHERE run_id = :id AND kind IN ('OUTPUT', 'ERROR')",
                id=run_id,
            )
            final = (row["status"], row["snapshot_number"], *map(tuple, packets))
            assert len(packets) == 1, "an end has an output or an error"
            assert self.model.finals.setdefault(run_id, final) == final  # P7
        self.p10_snapshots_only_go_up(row)

    def p10_snapshots_only_go_up(self, row: Any) -> None:
        snapshots = self.rows(
            "SELECT number, state, attempt_number FROM snapshots WHERE run_id = :id"
            " ORDER BY number",
            id=row["id"],
        )
        numbers = [one["number"] for one in snapshots]
        assert numbers[-1] == row["snapshot_number"]
        attempts = 0
        for one in snapshots:
            if one["attempt_number"] != attempts:
                assert one["state"] == "EXECUTING"
                assert one["attempt_number"] == attempts + 1
                attempts = one["attempt_number"]
        assert [one["state"] for one in snapshots].count("FINISHED") <= 1  # P7
        assert "FINISHED" not in [one["state"] for one in snapshots[:-1]]  # P7

    def p1_nobody_else_has_this_attempt(self, started: Started, worker: str) -> None:
        attempt = (started.run.id, started.run.attempt_number)
        assert self.model.starts.setdefault(attempt, worker) == worker

    def p2_limits_hold_where_slots_were_granted(self, taken: list[Dequeued]) -> None:
        if not taken:
            return
        lines = self.engine.core.lanes.lines.environments[self.environment.id]
        assert lines.running <= self.limit
        keys = {row["id"]: row["concurrency_key"] for row in self.rows("SELECT * FROM runs")}
        for one in taken:
            queue = lines.queues[one.queue_name]
            slots = self.limit if queue.limit is None else min(queue.limit, self.limit)
            assert not queue.is_paused
            assert queue.lanes[keys[one.run.id]].running <= slots

    def p14_no_late_run_was_taken(self, taken: list[Dequeued], ready: list[Any]) -> list[Any]:
        """Return those of ``ready`` that may start."""
        now_ms = self.clock.now_ms()
        late = {row["id"] for row in ready if (row["ttl_at_ms"] or now_ms + 1) <= now_ms}
        assert late.isdisjoint(one.run.id for one in taken)
        return [row for row in ready if row["id"] not in late]

    def p15_the_first_of_each_lane_was_taken(self, taken: list[Dequeued], ready: list[Any]) -> None:
        mine = {one.run.id for one in taken}
        for row in ready:
            if row["id"] in mine:
                continue
            ahead = [
                other["id"]
                for other in ready
                if other["id"] in mine
                and other["queue_name"] == row["queue_name"]
                and other["concurrency_key"] == row["concurrency_key"]
                and (other["rank_ms"], other["id"]) > (row["rank_ms"], row["id"])
            ]
            assert ahead == [], "a run was taken before one that stood ahead of it"

    def p20_nothing_has_changed(self, before: Any) -> None:
        assert tuple(self.row(before["id"])) == tuple(before)

    async def p5_everything_ends(self) -> None:
        """Give the engine live workers and time: every run that was promised comes to an end."""
        core, environment_id = self.engine.core, self.environment.id
        await environments.set_limits(core, environment_id, limit=100)
        queue = await queues.get_queue(core, environment_id, name="task/a")
        await queues.set_paused(core, environment_id, queue.id, is_paused=False)
        if queue.override_limit is not None:
            await queues.reset_limit(core, environment_id, queue.id)
        for _ in range(60):
            for one in await self.engine.take(100, worker="finisher", start=True):
                assert one.started is not None
                await self.engine.complete(one.started, worker="finisher")
            open_runs = await core.store.readers.all(
                "SELECT id, state, due_at_ms, lease_expires_at_ms, ttl_at_ms FROM runs"
                " WHERE state <> 'FINISHED'"
            )
            if not open_runs:
                break
            next_ms = min(
                due
                for row in open_runs
                for due in (row["due_at_ms"], row["lease_expires_at_ms"], row["ttl_at_ms"])
                if due is not None
            )
            wait_ms = min(max(next_ms - self.clock.now_ms(), 1), ENOUGH_MS)
            await self.engine.pass_time(wait_ms % 100_000 or 1)
            if wait_ms > 100_000:
                self.clock.advance(wait_ms)  # leases get their grace, timers are just late
                await self.engine.sweep()
        left = await core.store.readers.all("SELECT id, state FROM runs WHERE state <> 'FINISHED'")
        assert [tuple(row) for row in left] == []

    # ---------------------------------------------------------------- small things

    def next_key(self) -> str:
        self.calls += 1
        return f"call-{self.calls}"

    def completion(self, how: str) -> Completion:
        match how:
            case "well":
                return a_success(f'"{self.calls}"')
            case "badly":
                return self.engine.failure()
            case "again now":
                return self.engine.failure(delay_ms=100)
            case "again later":
                return self.engine.failure(delay_ms=30_000)
            case "dead":
                return FailedAttempt(error=InternalError(code=ErrorCode.TASK_PROCESS_SIGSEGV))
            case _:
                return FailedAttempt(error=InternalError(code=ErrorCode.TASK_RUN_CANCELLED))

    def rows(self, sql: str, **parameters: object) -> list[Any]:
        return self.run(self.engine.core.store.readers.all(sql, parameters))

    def row(self, run_id: str) -> Any:
        (row,) = self.rows("SELECT * FROM runs WHERE id = :id", id=run_id)
        return row

    def status(self, run_id: RunId) -> RunStatus:
        return RunStatus(self.row(run_id)["status"])


class reopened:  # noqa: N801 - a context manager used like a function
    """Open the engine again on its folder, as the box does: catch up first, then serve."""

    def __init__(
        self, folder: Path, clock: ManualClock, environment: Environment, *, seed: int
    ) -> None:
        self._core = a_core(folder, clock=clock, seed=1_000 + seed)
        self._environment = environment

    async def __aenter__(self) -> Engine:
        core = await self._core.__aenter__()
        try:
            await keepers.catch_up(core)
        except BaseException:
            await self._core.__aexit__(None, None, None)
            raise
        return Engine(core, self._environment)

    async def __aexit__(self, *_: object) -> None:
        await self._core.__aexit__(None, None, None)


TestEngineLife = EngineLife.TestCase
TestEngineLife.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
