import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_box.domain import limits
from trigger_box.domain.failures import (
    BuiltInError,
    ErrorCode,
    InternalError,
    StringError,
    TaskRunError,
)
from trigger_box.domain.retries import (
    Cancelled,
    FailedAttempt,
    GiveUp,
    RetryAsked,
    RetryLater,
    RetryNow,
    RetryPolicy,
    Verdict,
    decide,
    dispatch_delay_ms,
    retry_delay_ms,
)
from trigger_box.domain.runs import FINAL_STATUSES, RunStatus

NOW_MS = 1_000_000
USER_ERROR = BuiltInError(name="Error", message="boom")


def verdict(
    error: TaskRunError = USER_ERROR,
    *,
    number: int = 1,
    counted: int | None = None,
    attempts_max: int | None = 3,
    policy: RetryPolicy | None = None,
    machine: str | None = "small-1x",
    delay_ms: int | None = 1_000,
    forced: bool = False,
) -> Verdict:
    failed = FailedAttempt(
        error=error,
        number=number,
        counted=number if counted is None else counted,
        attempts_max=attempts_max,
        policy=policy,
        machine=machine,
        retry=None if delay_ms is None else RetryAsked(at_ms=NOW_MS + delay_ms, delay_ms=delay_ms),
        is_requeue_forced=forced,
    )
    return decide(failed, now_ms=NOW_MS, random_unit=0.0)


@pytest.mark.parametrize(
    ("policy", "delays"),
    [
        ((5, 2.0, 1_000, 10_000), [1_000, 2_000, 4_000, 8_000, None]),
        ((3, 1.8, 500, 30_000), [500, 900, None]),
        ((3, 2.0, 500, 800), [500, 800, None]),
    ],
)
def test_delays_follow_the_vectors_of_the_specification(
    policy: tuple[int, float, int, int], delays: list[int | None]
) -> None:
    attempts_max, factor, least, most = policy
    retry = RetryPolicy(
        attempts_max=attempts_max,
        factor=factor,
        delay_ms_min=least,
        delay_ms_max=most,
        is_randomized=False,
    )

    found = [
        retry_delay_ms(retry, attempt_number=number, random_unit=0.7)
        for number in range(1, len(delays) + 1)
    ]

    assert found == delays


@given(unit=st.floats(0, 1, exclude_max=True), number=st.integers(1, 249))
def test_a_randomized_delay_is_between_once_and_twice_the_plain_one(
    unit: float, number: int
) -> None:
    policy = RetryPolicy(attempts_max=250, factor=1.1, delay_ms_min=100, delay_ms_max=60_000)
    plain = min(60_000, 100 * 1.1 ** (number - 1))

    delay = retry_delay_ms(policy, attempt_number=number, random_unit=unit)

    assert delay is not None
    assert round(plain) - 1 <= delay <= min(60_000, round(2 * plain) + 1)


def test_an_enormous_factor_ends_at_the_maximum() -> None:
    policy = RetryPolicy(attempts_max=250, factor=1e300)

    assert retry_delay_ms(policy, attempt_number=200, random_unit=0.5) == 60_000


def test_dispatch_backoff_doubles_and_the_twelfth_failure_is_the_last() -> None:
    delays = [dispatch_delay_ms(n, random_unit=0.0) for n in range(1, 13)]

    assert delays == [1_000 * 2**n for n in range(11)] + [None]


def test_dispatch_backoff_never_exceeds_an_hour() -> None:
    assert dispatch_delay_ms(11, random_unit=0.999) == round(1.999 * 1_024_000)
    assert limits.DISPATCH_BACKOFF_MS_MAX == 3_600_000


def test_rule_1_a_confirmed_cancel_is_a_cancel_whatever_else_is_said() -> None:
    error = InternalError(code=ErrorCode.TASK_RUN_CANCELLED)

    assert verdict(error, delay_ms=10) == Cancelled()


def test_rule_2_out_of_memory_goes_to_the_bigger_machine_later() -> None:
    policy = RetryPolicy(out_of_memory_machine="large-1x", is_randomized=False)
    error = InternalError(code=ErrorCode.TASK_PROCESS_OOM_KILLED)

    assert verdict(error, policy=policy, delay_ms=None) == RetryLater(
        NOW_MS + 1_000, 1_000, "large-1x"
    )


@pytest.mark.parametrize(
    ("policy", "machine", "number", "attempts_max"),
    [
        (None, "small-1x", 1, 3),
        (RetryPolicy(), "small-1x", 1, 3),
        (RetryPolicy(out_of_memory_machine="small-1x"), "small-1x", 1, 3),
        (RetryPolicy(out_of_memory_machine="large-1x"), "small-1x", 3, 9),
        (RetryPolicy(out_of_memory_machine="large-1x"), "small-1x", 2, 2),
        (RetryPolicy(out_of_memory_machine="large-1x"), "small-1x", 1, None),
    ],
    ids=["no policy", "no machine", "same machine", "policy spent", "run spent", "no retries"],
)
def test_rule_2_gives_up_without_a_bigger_machine_or_attempts(
    policy: RetryPolicy | None, machine: str, number: int, attempts_max: int | None
) -> None:
    error = InternalError(code=ErrorCode.TASK_PROCESS_OOM_KILLED)

    found = verdict(error, policy=policy, machine=machine, number=number, attempts_max=attempts_max)

    assert found == GiveUp(RunStatus.CRASHED)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (ErrorCode.MAX_DURATION_EXCEEDED, RunStatus.TIMED_OUT),
        (ErrorCode.DISK_SPACE_EXCEEDED, RunStatus.CRASHED),
        (ErrorCode.COULD_NOT_FIND_EXECUTOR, RunStatus.SYSTEM_FAILURE),
        (ErrorCode.RECURSIVE_WAIT_DEADLOCK, RunStatus.COMPLETED_WITH_ERRORS),
    ],
)
def test_rule_3_an_error_that_is_not_retriable_ends_the_run(
    code: ErrorCode, status: RunStatus
) -> None:
    assert verdict(InternalError(code=code), delay_ms=10) == GiveUp(status)


def test_rule_4_attempt_250_is_the_last() -> None:
    assert isinstance(verdict(number=249, attempts_max=10_000), RetryNow)
    assert verdict(number=250, attempts_max=10_000) == GiveUp(RunStatus.COMPLETED_WITH_ERRORS)


@pytest.mark.parametrize(("attempts_max", "number"), [(None, 1), (3, 3), (1, 1)])
def test_rule_5_a_run_whose_attempts_are_spent_ends(attempts_max: int | None, number: int) -> None:
    found = verdict(number=number, attempts_max=attempts_max)

    assert found == GiveUp(RunStatus.COMPLETED_WITH_ERRORS)


def test_a_forgiven_attempt_does_not_count_against_the_limit() -> None:
    assert isinstance(verdict(number=3, counted=2, attempts_max=3), RetryNow)


def test_rule_6_a_worker_that_wants_no_retry_is_heard() -> None:
    assert verdict(delay_ms=None) == GiveUp(RunStatus.COMPLETED_WITH_ERRORS)


def test_rule_6_a_dead_process_could_not_ask_so_the_policy_decides() -> None:
    error = InternalError(code=ErrorCode.TASK_PROCESS_SIGSEGV)
    policy = RetryPolicy(is_randomized=False, delay_ms_min=70_000, delay_ms_max=90_000)

    assert verdict(error, policy=policy, delay_ms=None) == RetryLater(NOW_MS + 70_000, 70_000)


def test_rule_6_without_a_policy_the_defaults_decide() -> None:
    error = InternalError(code=ErrorCode.TASK_PROCESS_SIGTERM)

    assert verdict(error, policy=None, delay_ms=None) == RetryLater(NOW_MS + 1_000, 1_000)


def test_rule_6_gives_up_when_the_policy_is_spent() -> None:
    error = InternalError(code=ErrorCode.TASK_PROCESS_SIGTERM)

    found = verdict(error, policy=RetryPolicy(attempts_max=2), number=2, delay_ms=None)

    assert found == GiveUp(RunStatus.SYSTEM_FAILURE)


@pytest.mark.parametrize(
    ("delay_ms", "forced", "kind"),
    [
        (0, False, RetryNow),
        (29_999, False, RetryNow),
        (30_000, False, RetryLater),
        (5, True, RetryLater),
    ],
)
def test_rule_7_short_delays_stay_in_place_unless_forced_out(
    delay_ms: int, forced: bool, kind: type[Verdict]
) -> None:
    found = verdict(delay_ms=delay_ms, forced=forced)

    assert isinstance(found, kind)
    assert isinstance(found, RetryNow | RetryLater)
    assert found.at_ms == NOW_MS + delay_ms


errors = st.one_of(
    st.sampled_from(ErrorCode).map(lambda code: InternalError(code=code)),
    st.text(max_size=20).map(lambda text: StringError(raw=text)),
    st.text(max_size=20).map(lambda text: BuiltInError(name="Error", message=text)),
)


@given(
    error=errors,
    number=st.integers(1, 250),
    attempts_max=st.one_of(st.none(), st.integers(1, 300)),
    delay_ms=st.one_of(st.none(), st.integers(0, 10_000_000)),
    forced=st.booleans(),
    machine=st.sampled_from([None, "large-1x"]),
)
def test_p9_a_retry_stays_within_the_limits_and_an_end_is_final(
    error: TaskRunError,
    number: int,
    attempts_max: int | None,
    delay_ms: int | None,
    forced: bool,
    machine: str | None,
) -> None:
    found = verdict(
        error,
        number=number,
        attempts_max=attempts_max,
        policy=RetryPolicy(attempts_max=250, out_of_memory_machine=machine),
        delay_ms=delay_ms,
        forced=forced,
    )

    if isinstance(found, RetryNow | RetryLater):
        assert attempts_max is not None
        assert number < attempts_max
        assert number < limits.ATTEMPTS_MAX
    elif isinstance(found, GiveUp):
        assert found.status in FINAL_STATUSES - {RunStatus.COMPLETED_SUCCESSFULLY}
