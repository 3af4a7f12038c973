"""The retry rules of rest-api 6.2, step by step and without a clock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.sdk import KEY, ORIGIN
from trigger_box.sdk.client import AsyncTriggerBox
from trigger_box.sdk.errors import (
    ApiError,
    AuthenticationError,
    BadRequest,
    Conflict,
    ConnectionFailed,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServerError,
    UnexpectedAnswer,
    Unprocessable,
)
from trigger_box.sdk.transport import (
    Answer,
    Line,
    Operation,
    Pause,
    Request,
    UnreachableError,
    segment,
    send_json,
    shaped,
)

GOOD = Answer(status=200, headers={}, body=b'{"id":"run_1"}', at_ms=0)
NOW_MS = 1_000_000


def answer(status: int, body: bytes = b'{"error":"no"}', **headers: str) -> Answer:
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=spelled, body=body, at_ms=NOW_MS)


def line() -> Line:
    keys = iter(f"key-{number}" for number in range(10))
    made = AsyncTriggerBox(secret_key=KEY, base_url=ORIGIN).line()
    return replace(made, request_key=lambda: next(keys), random_unit=lambda: 0.5)


class Exchange:
    """Plays the driver: answers each request in turn and notes the pauses."""

    def __init__(self, *replies: Answer | UnreachableError) -> None:
        self.replies = list(replies)
        self.requests: list[Request] = []
        self.pauses: list[Pause] = []

    def play(self, operation: Operation[Any]) -> Any:
        reply: Answer | None = None
        failure: UnreachableError | None = None
        try:
            while True:
                step = operation.send(reply) if failure is None else operation.throw(failure)
                reply = failure = None
                if isinstance(step, Pause):
                    self.pauses.append(step)
                    continue
                self.requests.append(step)
                following = self.replies.pop(0)
                if isinstance(following, UnreachableError):
                    failure = following
                else:
                    reply = following
        except StopIteration as stop:
            return stop.value

    def call(self) -> Any:
        of = line()
        return self.play(send_json(of, of.request("POST", "/api/v1/x")))[0]


def test_a_good_answer_is_parsed() -> None:
    assert Exchange(GOOD).call() == {"id": "run_1"}


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 599])
def test_these_statuses_are_tried_again(status: int) -> None:
    exchange = Exchange(answer(status), GOOD)

    assert exchange.call() == {"id": "run_1"}
    assert exchange.pauses == [Pause(seconds=1.0)]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_other_refusals_are_final(status: int) -> None:
    exchange = Exchange(answer(status))

    with pytest.raises(ApiError) as caught:
        exchange.call()

    assert caught.value.status == status
    assert exchange.pauses == []


def test_a_call_is_tried_five_times_with_the_npm_clients_pauses() -> None:
    exchange = Exchange(*[answer(500)] * 5)

    with pytest.raises(ServerError):
        exchange.call()

    assert [pause.seconds for pause in exchange.pauses] == [1.0, 1.6, 2.56, 4.096]


def test_all_tries_of_one_call_carry_one_key_and_the_next_call_another() -> None:
    of = line()
    exchange = Exchange(answer(500), UnreachableError("reset"), GOOD, GOOD)

    exchange.play(send_json(of, of.request("POST", "/api/v1/x")))
    exchange.play(send_json(of, of.request("POST", "/api/v1/x")))

    keys = [each.headers["x-trigger-request-idempotency-key"] for each in exchange.requests]
    assert keys == ["key-0", "key-0", "key-0", "key-1"]


def test_the_server_may_forbid_a_retry() -> None:
    with pytest.raises(Conflict):
        Exchange(answer(409, x_should_retry="false")).call()


def test_the_server_may_ask_for_a_retry() -> None:
    assert Exchange(answer(404, x_should_retry="true"), GOOD).call() == {"id": "run_1"}


def test_a_rate_limit_is_waited_for() -> None:
    exchange = Exchange(answer(429, x_ratelimit_reset=str(NOW_MS + 7_500)), GOOD)

    exchange.call()

    assert exchange.pauses == [Pause(seconds=7.5, jitter_s=1.0)]


@pytest.mark.parametrize("reset", [str(NOW_MS - 1), "soon", "1767225600", str(NOW_MS + 10**9)])
def test_a_reset_that_makes_no_sense_falls_back_to_the_usual_pause(reset: str) -> None:
    exchange = Exchange(answer(429, x_ratelimit_reset=reset), GOOD)

    exchange.call()

    assert exchange.pauses[0].seconds in (1.0, (1767225600 - NOW_MS) / 1000)
    assert exchange.pauses[0].seconds < 10**4


def test_a_lost_connection_is_tried_again_and_told_in_the_end() -> None:
    assert Exchange(UnreachableError("reset"), GOOD).call() == {"id": "run_1"}

    with pytest.raises(
        ConnectionFailed, match=r"POST http://box\.test/api/v1/x after 5 tries: reset"
    ):
        Exchange(*[UnreachableError("reset")] * 5).call()


def test_an_answer_that_is_not_json_counts_as_unreadable() -> None:
    half = answer(200, b'{"id":')

    assert Exchange(half, GOOD).call() == {"id": "run_1"}
    with pytest.raises(ConnectionFailed):
        Exchange(*[half] * 5).call()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (401, AuthenticationError),
        (403, PermissionDenied),
        (404, NotFound),
        (422, Unprocessable),
        (418, ApiError),
    ],
)
def test_each_status_has_its_exception(status: int, kind: type[ApiError]) -> None:
    with pytest.raises(ApiError) as caught:
        Exchange(answer(status)).call()

    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'{"error":"Task not found","code":"task_not_found"}', "Task not found", "task_not_found"),
        (b'{"error":{"message":"inner","code":"c"}}', "inner", "c"),
        (b'{"error":{"code":"c"}}', '{"code": "c"}', "c"),
        (b"<html>bad gateway</html>", "<html>bad gateway</html>", None),
        (b"", "400 status code (no body)", None),
        (b"[]", "400 status code (no body)", None),
    ],
)
def test_the_message_is_found_wherever_servers_put_it(
    body: bytes, message: str, code: str | None
) -> None:
    with pytest.raises(BadRequest) as caught:
        Exchange(answer(400, body)).call()

    assert (caught.value.message, caught.value.code) == (message, code)
    assert str(caught.value) == f"{message} (HTTP 400)"


def test_a_rate_limit_says_when_it_resets() -> None:
    with pytest.raises(RateLimited) as caught:
        Exchange(*[answer(429, x_ratelimit_reset=str(NOW_MS + 2_500))] * 5).call()
    assert caught.value.retry_after == 2.5

    with pytest.raises(RateLimited) as caught:
        Exchange(*[answer(429, retry_after="3")] * 5).call()
    assert caught.value.retry_after == 3.0

    with pytest.raises(RateLimited) as caught:
        Exchange(*[answer(429)] * 5).call()
    assert caught.value.retry_after is None


def test_an_answer_of_another_shape_is_not_tried_again() -> None:
    with pytest.raises(UnexpectedAnswer):
        shaped(GOOD, lambda: {}["missing"])


@pytest.mark.parametrize(
    ("value", "spelled"),
    [("my/task", "my%2Ftask"), ("a b?#", "a%20b%3F%23"), ("ż~!'()*", "%C5%BC~!'()*")],
)
def test_a_segment_is_encoded_as_javascript_does(value: str, spelled: str) -> None:
    assert segment(value) == spelled
