from __future__ import annotations

import pytest

from trigger_box.sdk.errors import (
    AbortTaskRunError,
    BadRequest,
    OptionError,
    OutputError,
    PayloadError,
    RateLimited,
    ServerError,
)
from trigger_box.sdk.retries import Retry, RetryPolicy, decide_retry, retry_delay_ms
from trigger_box.sdk.retry import defaults, policy


def delays(of: RetryPolicy, attempts: int) -> list[int | None]:
    return [
        retry_delay_ms(of, attempt_number=number, random_unit=0.0)
        for number in range(1, attempts + 1)
    ]


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ((5, 2.0, 1_000, 10_000), [1_000, 2_000, 4_000, 8_000, None]),
        ((3, 1.8, 500, 30_000), [500, 900, None]),
        ((3, 2.0, 500, 800), [500, 800, None]),
    ],
)
def test_delays_without_jitter_are_the_vectors_of_the_engine(
    of: tuple[int, float, int, int], expected: list[int | None]
) -> None:
    attempts, factor, shortest, longest = of
    made = RetryPolicy(
        max_attempts=attempts,
        factor=factor,
        min_delay_ms=shortest,
        max_delay_ms=longest,
        jitter=False,
    )

    assert delays(made, len(expected)) == expected


def test_jitter_stretches_a_delay_by_up_to_two_but_never_past_the_longest() -> None:
    made = RetryPolicy(max_attempts=9, max_delay_ms=1_900)

    assert retry_delay_ms(made, attempt_number=1, random_unit=0.0) == 1_000
    assert retry_delay_ms(made, attempt_number=1, random_unit=0.5) == 1_500
    assert retry_delay_ms(made, attempt_number=1, random_unit=0.999) == 1_900


def test_half_a_millisecond_rounds_up_as_in_javascript() -> None:
    made = RetryPolicy(max_attempts=9, factor=1.5, min_delay_ms=1, jitter=False)

    assert retry_delay_ms(made, attempt_number=2, random_unit=0.0) == 2
    assert (
        retry_delay_ms(
            RetryPolicy(max_attempts=9, factor=2.5, min_delay_ms=1, jitter=False),
            attempt_number=2,
            random_unit=0.0,
        )
        == 3
    )


def test_a_delay_that_grows_without_end_stops_at_the_longest() -> None:
    made = RetryPolicy(max_attempts=10_000, factor=10.0)

    assert retry_delay_ms(made, attempt_number=5_000, random_unit=0.0) == 60_000


def decide(error: BaseException, **changes: object) -> Retry | None:
    facts = {
        "policy": RetryPolicy(jitter=False),
        "attempt_number": 1,
        "run_max_attempts": None,
        "retries_enabled": True,
        "now_ms": 5_000,
        "random_unit": 0.0,
    }
    return decide_retry(error, **{**facts, **changes})  # type: ignore[arg-type]


def test_an_ordinary_error_is_tried_again() -> None:
    assert decide(ValueError()) == Retry(at_ms=6_000, delay_ms=1_000)


@pytest.mark.parametrize(
    "error",
    [
        AbortTaskRunError("user left"),
        PayloadError("bad"),
        OutputError("bad"),
        BadRequest("no", status=400, headers={}),
    ],
)
def test_what_can_not_end_differently_is_never_tried_again(error: Exception) -> None:
    assert decide(error) is None


def test_a_failing_server_is_tried_again() -> None:
    assert decide(ServerError("down", status=503, headers={})) is not None


def test_a_rate_limit_is_tried_again_when_it_resets() -> None:
    error = RateLimited("slow down", status=429, headers={})
    error.retry_after = 12.5

    assert decide(error) == Retry(at_ms=17_500, delay_ms=12_500)


def test_the_runs_own_limit_replaces_the_policys() -> None:
    assert decide(ValueError(), attempt_number=3) is None
    assert decide(ValueError(), attempt_number=3, run_max_attempts=4) is not None
    assert decide(ValueError(), attempt_number=1, run_max_attempts=1) is None


def test_nothing_is_tried_again_where_retries_are_off() -> None:
    assert decide(ValueError(), retries_enabled=False) is None


def test_a_wish_has_the_shape_of_the_wire() -> None:
    assert Retry(at_ms=1, delay_ms=2).to_wire() == {"timestamp": 1, "delay": 2}


def test_a_policy_is_written_with_durations() -> None:
    made = policy(5, min_delay="2s", max_delay="1m", oom_machine="large-1x")

    assert made.to_wire() == {
        "maxAttempts": 5,
        "factor": 2.0,
        "minTimeoutInMs": 2_000,
        "maxTimeoutInMs": 60_000,
        "randomize": True,
        "outOfMemory": {"machine": "large-1x"},
    }


def test_retries_are_off_in_development_unless_asked_for() -> None:
    assert defaults().in_development is False
    assert defaults(dev=True, max_attempts=2).policy.max_attempts == 2


@pytest.mark.parametrize("bad", [{"max_attempts": 0}, {"factor": 0.5}, {"min_delay": "soon"}])
def test_a_policy_out_of_range_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(OptionError, match=next(iter(bad))):
        policy(**bad)  # type: ignore[arg-type]
