from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from trigger_box.cli.api import AnswerError, Api, checked_url, is_loopback, segment
from trigger_box.cli.exits import CliError, Exit

URL = "http://127.0.0.1:3030"


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Do not wait between attempts; return how long one would have."""
    taken: list[float] = []
    monkeypatch.setattr("trigger_box.cli.api.time.sleep", taken.append)
    return taken


def an_api(answer: Callable[[httpx.Request], httpx.Response], origin: str = "test") -> Api:
    return Api(URL, "tr_pat_x", transport=httpx.MockTransport(answer), token_origin=origin)


def test_a_call_says_who_calls_and_carries_a_key_of_its_own() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"ok": True})

    with an_api(answer) as api:
        assert api.get("/a", params={"x": "1"}) == {"ok": True}
        api.post("/b", {"y": 2})

    assert seen[0].headers["authorization"] == "Bearer tr_pat_x"
    assert seen[0].headers["x-trigger-source"] == "cli"
    assert seen[0].url.query == b"x=1"
    assert seen[1].content == b'{"y":2}'
    keys = [request.headers["x-trigger-request-idempotency-key"] for request in seen]
    assert len(set(keys)) == 2


def test_a_call_whose_answer_was_lost_is_repeated_with_the_same_key(pauses: list[float]) -> None:
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["x-trigger-request-idempotency-key"])
        if len(keys) < 3:
            raise httpx.RemoteProtocolError("Server disconnected")
        return httpx.Response(200, json={})

    with an_api(answer) as api:
        api.post("/b")

    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert pauses == sorted(pauses)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_busy_box_is_asked_again_but_not_for_ever(status: int, pauses: list[float]) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json={"error": "busy"})

    with an_api(answer) as api, pytest.raises(AnswerError, match="busy") as caught:
        api.get("/a")

    assert caught.value.code is Exit.UNAVAILABLE
    assert len(pauses) == 3


def test_a_box_that_is_not_there_is_not_waited_for(pauses: list[float]) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[Errno 111] Connection refused")

    with (
        an_api(answer) as api,
        pytest.raises(CliError, match=r"No box answers at .*\(Connection refused\)") as caught,
    ):
        api.get("/a")

    assert caught.value.code is Exit.UNAVAILABLE
    assert "trigger-box serve" in (caught.value.hint or "")
    assert pauses == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, Exit.REFUSED),
        (401, Exit.NOT_SIGNED_IN),
        (403, Exit.REFUSED),
        (404, Exit.NOT_FOUND),
        (409, Exit.REFUSED),
        (413, Exit.REFUSED),
        (422, Exit.REFUSED),
        (429, Exit.REFUSED),
        (500, Exit.FAILURE),
        (418, Exit.FAILURE),
    ],
)
def test_a_refusal_ends_with_its_own_exit_code_at_once(
    status: int, code: Exit, pauses: list[float]
) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json={"error": "No."})

    with an_api(answer) as api, pytest.raises(AnswerError, match=r"No\.") as caught:
        api.get("/a")

    assert caught.value.code is code
    assert pauses == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": "No."}, "No."),
        ({"error": {"message": "No."}}, "No."),
        (
            {"error": "Query Error", "details": [{"path": ["page"], "message": "too big"}]},
            "Query Error: page: too big",
        ),
        ({"error": "Bad", "details": "The reason."}, "Bad: The reason."),
        ({"error": "Bad", "details": {"field": "x"}}, "Bad"),
        ({}, "The box answered 400 Bad Request."),
        ([], "The box answered 400 Bad Request."),
    ],
)
def test_the_boxs_own_words_are_shown(body: object, words: str) -> None:
    with (
        an_api(lambda _: httpx.Response(400, json=body)) as api,
        pytest.raises(AnswerError) as caught,
    ):
        api.get("/a")

    assert caught.value.message == words


def test_a_credential_that_is_refused_says_where_it_came_from() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(401, json={"error": "Invalid API key"})

    with an_api(answer, "TRIGGER_SECRET_KEY") as api, pytest.raises(AnswerError) as variable:
        api.get("/a")
    with an_api(answer, "profile default") as api, pytest.raises(AnswerError) as profile:
        api.get("/a")

    assert "TRIGGER_SECRET_KEY" in (variable.value.hint or "")
    assert profile.value.hint == f"trigger-box login -a {URL}"


def test_a_page_of_something_else_is_no_box() -> None:
    with (
        an_api(lambda _: httpx.Response(200, text="<html>")) as api,
        pytest.raises(CliError, match="not like a trigger-box"),
    ):
        api.get("/a")


def test_an_answer_that_does_not_come_is_told(pauses: list[float]) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    with an_api(answer) as api, pytest.raises(CliError, match="in time") as caught:
        api.get("/a")

    assert caught.value.code is Exit.UNAVAILABLE
    assert pauses == []


def test_a_task_id_is_one_segment_of_a_path() -> None:
    assert segment("a/b c") == "a%2Fb%20c"


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://127.0.0.1:1", True),
        ("http://localhost", True),
        ("http://[::1]:1", True),
        ("https://box.example.com", False),
        ("http://10.0.0.1", False),
    ],
)
def test_this_machine_is_told_from_others(url: str, *, is_local: bool) -> None:
    assert is_loopback(url) is is_local


def test_an_address_loses_its_last_slash_and_must_be_one() -> None:
    assert checked_url("http://box:1/", origin="-a") == "http://box:1"

    for wrong in ("box:1", "ftp://box", "http://", ""):
        with pytest.raises(CliError, match=r"\(-a\) is not an address"):
            checked_url(wrong, origin="-a")
