from __future__ import annotations

import json

import pytest
from litestar.exceptions import MethodNotAllowedException, NotFoundException

from trigger_box.api import problems
from trigger_box.api.problems import Problem, problem_of
from trigger_box.domain import errors

SECRET = "tr_dev_" + "hidden"  # in two pieces, so that no quoted source line holds it


def divide_beside(*, secret: str) -> float:
    return len(secret) / 0


def told(error: BaseException) -> Problem:
    return problem_of(error, path="/x")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidError(), 400),
        (errors.UnauthenticatedError(), 401),
        (errors.DeniedError(), 403),
        (errors.RunNotFoundError(), 404),
        (errors.StaleTransitionError(), 409),
        (problems.BodyTooLargeError(), 413),
        (errors.RefusedError(), 422),
        (errors.LimitError(), 429),
        (errors.StoreFullError(), 503),
    ],
)
def test_each_family_of_errors_has_its_status(error: errors.BoxError, status: int) -> None:
    assert told(error).status == status


def test_an_error_tells_its_sentence_its_code_and_what_it_is_about() -> None:
    body = json.loads(told(errors.RefusedError("Too many tags.", limit=10)).encoded())

    assert body == {"error": "Too many tags.", "code": "refused", "details": {"limit": 10}}


def test_a_refused_permission_names_the_token_as_upstream_does() -> None:
    body = told(errors.DeniedError()).body

    assert body == {
        "error": "Unauthorized",
        "code": "unauthorized",
        "param": "access_token",
        "type": "authorization",
    }


def test_a_request_without_any_credential_gets_a_problem_document() -> None:
    problem = told(problems.NoCredentialError())

    assert problem.media_type == "application/problem+json"
    assert problem.body["title"] == "Unauthorized"
    assert problem.body["status"] == 401
    assert problem.body["error"] == "Invalid or Missing API key"


@pytest.mark.parametrize("error", [errors.NotFoundError(), errors.ConflictError()])
def test_what_is_missing_or_has_moved_on_is_not_worth_a_retry(error: errors.BoxError) -> None:
    assert told(error).headers["x-should-retry"] == "false"


def test_a_busy_box_asks_to_be_called_again() -> None:
    headers = told(errors.UnavailableError()).headers

    assert headers == {"x-should-retry": "true", "retry-after": "1"}


def test_a_limit_says_when_to_come_back_in_seconds_and_in_milliseconds() -> None:
    problem = told(errors.LimitError(retry_after_s=2.4, reset_at_ms=1_700_000_000_000))

    assert problem.headers == {"retry-after": "2", "x-ratelimit-reset": "1700000000000"}
    assert "details" not in problem.body


def test_an_unknown_path_is_a_json_404_that_is_not_retried() -> None:
    problem = told(NotFoundException())

    assert problem.status == 404
    assert problem.body["error"] == "Not found"
    assert problem.headers["x-should-retry"] == "false"


def test_a_wrong_method_is_told_the_right_ones() -> None:
    problem = told(MethodNotAllowedException(headers={"allow": "OPTIONS, PUT, GET"}))

    assert problem.status == 405
    assert problem.headers["allow"] == "GET, PUT"


def test_a_bug_of_ours_is_logged_with_an_id_and_told_without_its_trace(
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        divide_beside(secret=SECRET)
    except ZeroDivisionError as error:
        problem = told(error)

    logged = capsys.readouterr().err
    assert problem.status == 500
    assert problem.body["error"] == "Internal Server Error"
    assert problem.body["incident"] in logged
    assert "ZeroDivisionError" in logged
    assert SECRET not in logged
    assert "Traceback" not in problem.encoded().decode()


def test_bad_fields_stand_where_each_generation_of_clients_looks_for_them() -> None:
    newer = told(problems.QueryError(details=[{"path": ["page[size]"]}])).body
    older = told(problems.BodyError("Invalid request body", issues=[{"path": ["delay"]}])).body

    assert newer["details"] == [{"path": ["page[size]"]}]
    assert older["issues"] == [{"path": ["delay"]}]
