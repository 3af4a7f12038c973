from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trigger_box.domain.fairness import LaneKey, Lines
from trigger_box.domain.queues import EnvironmentLimits


def lines_of(limit: int = 100, burst: float = 1.0, *environments: str) -> Lines:
    lines = Lines()
    for name in environments or ("e",):
        lines.set_environment(name, EnvironmentLimits(limit=limit, burst_factor=burst))
    return lines


def lane(queue: str = "q", key: str = "", environment: str = "e") -> LaneKey:
    return LaneKey(environment, queue, key)


def grants(lines: Lines, count: int, environment: str | None = "e") -> list[LaneKey | None]:
    return [lines.grant(environment) for _ in range(count)]


def test_nothing_is_granted_where_nothing_is_ready() -> None:
    lines = lines_of()

    assert lines.grant("e") is None
    assert lines.grant("unknown") is None
    assert lines.grant() is None


def test_p16_queues_take_turns() -> None:
    lines = lines_of()
    for queue, ready in (("a", 5), ("b", 3), ("c", 1)):
        lines.shift(lane(queue), ready=ready)

    order = [granted.queue_name for granted in grants(lines, 9) if granted]

    assert order == ["a", "b", "c", "a", "b", "a", "b", "a", "a"]


def test_p16_keys_of_a_queue_take_turns_within_it() -> None:
    lines = lines_of()
    lines.shift(lane("a", "x"), ready=2)
    lines.shift(lane("a", "y"), ready=2)
    lines.shift(lane("b"), ready=2)

    order = [(one.queue_name, one.concurrency_key) for one in grants(lines, 6) if one]

    assert order == [("a", "x"), ("b", ""), ("a", "y"), ("b", ""), ("a", "x"), ("a", "y")]


def test_p16_with_slots_freed_one_at_a_time_each_of_k_gets_one_of_every_k() -> None:
    lines = lines_of(1, 1.0, "e1", "e2", "e3")
    for environment in ("e1", "e2", "e3"):
        for queue in ("a", "b"):
            lines.shift(lane(queue, environment=environment), ready=100)
    lines_free = [lines.grant() for _ in range(3)]
    assert {one.environment_id for one in lines_free if one} == {"e1", "e2", "e3"}

    seen: Counter[tuple[str, str]] = Counter()
    held = [one for one in lines_free if one]
    for _ in range(60):
        lines.shift(held.pop(0), running=-1)
        granted = lines.grant()
        assert granted is not None
        seen[granted.environment_id, granted.queue_name] += 1
        held.append(granted)

    assert set(seen.values()) == {10}


def test_an_environment_is_never_given_more_than_its_slots() -> None:
    lines = lines_of(3)
    lines.shift(lane(), ready=10)

    assert [one is not None for one in grants(lines, 5)] == [True] * 3 + [False] * 2


def test_burst_helps_only_when_two_queues_are_busy() -> None:
    lines = lines_of(2, 2.0)
    lines.shift(lane("a"), ready=10)
    assert len([one for one in grants(lines, 10) if one]) == 2

    lines.shift(lane("b"), ready=10)

    assert len([one for one in grants(lines, 10) if one]) == 2
    assert lines.environments["e"].running == 4


def test_each_key_has_the_queues_limit_to_itself() -> None:
    lines = lines_of()
    lines.set_queue("e", "q", limit=1, is_paused=False)
    lines.shift(lane(key="x"), ready=2)
    lines.shift(lane(key="y"), ready=2)

    assert {one.concurrency_key for one in grants(lines, 4) if one} == {"x", "y"}
    assert lines.environments["e"].running == 2


def test_a_paused_queue_grants_none_and_goes_on_where_it_stood() -> None:
    lines = lines_of()
    lines.shift(lane(), ready=2)
    lines.set_queue("e", "q", limit=None, is_paused=True)
    assert lines.grant("e") is None

    lines.set_queue("e", "q", limit=None, is_paused=False)

    assert lines.grant("e") == lane()


def test_a_paused_environment_grants_none() -> None:
    lines = lines_of()
    lines.shift(lane(), ready=1)
    lines.set_environment("e", EnvironmentLimits(limit=5, is_paused=True))

    assert lines.grant("e") is None
    assert not lines.environments["e"].may_go

    lines.set_environment("e", EnvironmentLimits(limit=5))
    assert lines.grant("e") == lane()


def test_lowering_a_limit_evicts_nobody_and_raising_it_lets_go_on() -> None:
    lines = lines_of(4)
    lines.shift(lane(), ready=10)
    grants(lines, 4)

    lines.set_environment("e", EnvironmentLimits(limit=1))
    assert lines.environments["e"].running == 4
    assert lines.grant("e") is None

    lines.set_environment("e", EnvironmentLimits(limit=6))
    assert len([one for one in grants(lines, 5) if one]) == 2


def test_a_lane_set_aside_is_passed_over_until_it_is_refreshed() -> None:
    lines = lines_of()
    lines.shift(lane("a"), ready=1)
    lines.shift(lane("b"), ready=1)

    lines.set_aside(lane("a"))
    assert lines.grant("e") == lane("b")
    assert lines.grant("e") is None

    lines.refresh(lane("a"))
    assert lines.grant("e") == lane("a")


def test_keys_that_come_and_go_leave_nothing_behind() -> None:
    lines = lines_of()
    for number in range(1_000):
        one = lane("q", f"user-{number}")
        lines.shift(one, ready=1)
        granted = lines.grant("e")
        assert granted is not None
        lines.shift(granted, running=-1)

    assert lines.environments["e"].queues == {}
    assert list(lines.counts()) == []


def test_counting_below_zero_is_a_bug_and_says_so() -> None:
    lines = lines_of()

    with pytest.raises(AssertionError, match="more slots of"):
        lines.shift(lane(), running=-1)


environments = st.sampled_from(["e1", "e2"])
lane_keys = st.builds(
    LaneKey, environments, st.sampled_from(["a", "b"]), st.sampled_from(["", "x"])
)


class FairChoice(RuleBasedStateMachine):
    """Lines against a plain recount: what is granted, what is withheld, what is counted."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = Lines()
        self.limits = {"e1": 2, "e2": 2}
        self.queue_limits: dict[tuple[str, str], int | None] = {}
        self.ready: Counter[LaneKey] = Counter()
        self.running: Counter[LaneKey] = Counter()
        for environment, limit in self.limits.items():
            self.lines.set_environment(environment, EnvironmentLimits(limit=limit))

    def may_go(self, one: LaneKey) -> bool:
        limit = self.limits[one.environment_id]
        own = self.queue_limits.get((one.environment_id, one.queue_name))
        busy = sum(n for key, n in self.running.items() if key.environment_id == one.environment_id)
        slots = limit if own is None else min(own, limit)
        return self.ready[one] > 0 and self.running[one] < slots and busy < limit

    @rule(one=lane_keys, count=st.integers(1, 3))
    def become_ready(self, one: LaneKey, count: int) -> None:
        self.lines.shift(one, ready=count)
        self.ready[one] += count

    @rule(one=lane_keys)
    def free_a_slot(self, one: LaneKey) -> None:
        if self.running[one]:
            self.lines.shift(one, running=-1)
            self.running[one] -= 1

    @rule(environment=environments, limit=st.integers(0, 3))
    def limit_an_environment(self, environment: str, limit: int) -> None:
        self.limits[environment] = limit
        self.lines.set_environment(environment, EnvironmentLimits(limit=limit))

    @rule(one=lane_keys, limit=st.one_of(st.none(), st.integers(0, 2)))
    def limit_a_queue(self, one: LaneKey, limit: int | None) -> None:
        self.queue_limits[one.environment_id, one.queue_name] = limit
        self.lines.set_queue(one.environment_id, one.queue_name, limit=limit, is_paused=False)

    @rule(environment=st.one_of(st.none(), environments))
    def p2_grant_within_limits_and_p4_withhold_no_free_slot(self, environment: str | None) -> None:
        may = {
            one
            for one in self.ready
            if self.may_go(one) and environment in {None, one.environment_id}
        }

        granted = self.lines.grant(environment)

        assert (granted is not None) == bool(may)
        if granted is not None:
            assert granted in may
            self.ready[granted] -= 1
            self.running[granted] += 1

    @invariant()
    def count_right(self) -> None:
        counted = {one: (ready, running) for one, ready, running in self.lines.counts()}
        assert counted == {
            one: (self.ready[one], self.running[one])
            for one in {*self.ready, *self.running}
            if self.ready[one] or self.running[one]
        }


TestFairChoice = FairChoice.TestCase
TestFairChoice.settings = settings(max_examples=60, stateful_step_count=50)
