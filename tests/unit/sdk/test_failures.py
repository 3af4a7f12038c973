from __future__ import annotations

from typing import Any, cast

import pytest

from trigger_box.sdk.errors import (
    NotFound,
    OutOfMemoryError,
    OutputError,
    PayloadError,
    UnreadablePayloadError,
    UnsendableError,
)
from trigger_box.sdk.failures import describe_failure, describe_internal
from trigger_box.sdk.secrets import SecretMask


def fail(error: BaseException) -> None:
    raise error


def caught(raise_it: Any) -> BaseException:
    with pytest.raises(BaseException) as info:  # noqa: PT011 - any exception at all
        raise_it()
    return info.value


def described(raise_it: Any, **environment: str) -> dict[str, Any]:
    return cast("dict[str, Any]", describe_failure(caught(raise_it), SecretMask(environment)))


def test_an_exception_is_told_with_type_message_and_the_lines_of_code() -> None:
    def deliver() -> None:
        raise ConnectionResetError("mail server hung up")

    error = described(deliver)

    assert error["type"] == "BUILT_IN_ERROR"
    assert error["name"] == "ConnectionResetError"
    assert error["message"] == "mail server hung up"
    assert "test_failures.py" in error["stackTrace"]
    assert 'raise ConnectionResetError("mail server hung up")' in error["stackTrace"]
    assert "causes" not in error


def test_notes_belong_to_the_message() -> None:
    def deliver() -> None:
        error = ValueError("bad")
        error.add_note("while sending mail 7")
        raise error

    assert described(deliver)["message"] == "bad\nwhile sending mail 7"


def test_causes_contexts_and_members_of_groups_are_told_nearest_first() -> None:
    def inner() -> None:
        try:
            fail(KeyError("k"))
        except KeyError:
            raise ValueError("v")  # noqa: B904 - the implicit context is what is tested

    def deliver() -> None:
        raise RuntimeError("outer") from ExceptionGroup("both", [caught(inner), OSError("o")])

    names = [cause["name"] for cause in described(deliver)["causes"]]

    assert names == ["ExceptionGroup", "ValueError", "OSError", "KeyError"]


def test_a_suppressed_context_is_not_told() -> None:
    def deliver() -> None:
        try:
            fail(KeyError("k"))
        except KeyError:
            raise ValueError("v") from None

    assert "causes" not in described(deliver)


def test_a_chain_without_end_is_cut() -> None:
    first, second = ValueError("1"), ValueError("2")
    first.__cause__, second.__cause__ = second, first
    assert len(cast("dict[str, Any]", describe_failure(first))["causes"]) == 1

    error = ValueError("last")
    for number in range(50):
        outer = ValueError(str(number))
        outer.__cause__ = error
        error = outer
    assert len(cast("dict[str, Any]", describe_failure(error))["causes"]) == 10


def test_secrets_are_masked_in_messages_traces_and_causes() -> None:
    def deliver() -> None:
        try:
            fail(KeyError("hunter22-hunter22"))
        except KeyError as error:
            raise ValueError("wrong: hunter22-hunter22") from error

    error = described(deliver, MAIL_PASSWORD="hunter22-hunter22")

    assert error["message"] == "wrong: [MAIL_PASSWORD]"
    assert "hunter22" not in str(error)


def test_what_is_too_long_is_cut() -> None:
    def deep(left: int) -> None:
        if left:
            deep(left - 1)
        raise ValueError("x" * 5_000)

    error = described(lambda: deep(300))

    assert len(error["message"]) == 1_000 + len("… (cut)")
    assert len(error["stackTrace"].encode()) <= 16_384
    assert "frames left out" in error["stackTrace"]
    assert error["stackTrace"].rstrip().endswith('raise ValueError("x" * 5_000)')


def test_what_no_store_takes_is_taken_out() -> None:
    def deliver() -> None:
        raise ValueError("a\0b\ud800c")

    assert described(deliver)["message"] == "ab?c"


def test_an_exception_that_can_not_be_printed_is_told_all_the_same() -> None:
    class Broken(Exception):  # noqa: N818 - named for what it is
        def __str__(self) -> str:
            raise RuntimeError("no words")

    def deliver() -> None:
        raise Broken

    assert "Broken.__str__ failed" in described(deliver)["message"]


@pytest.mark.parametrize("error", [MemoryError(), OutOfMemoryError("the model is too big")])
def test_memory_that_ran_out_has_the_code_the_engine_looks_for(error: Exception) -> None:
    told = cast("dict[str, Any]", describe_failure(error))

    assert (told["type"], told["code"]) == ("INTERNAL_ERROR", "TASK_PROCESS_OOM_KILLED")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnreadablePayloadError("not json"), "TASK_INPUT_ERROR"),
        (UnsendableError("NaN"), "TASK_OUTPUT_ERROR"),
    ],
)
def test_packets_that_can_not_be_read_or_written_have_codes(error: Exception, code: str) -> None:
    told = cast("dict[str, Any]", describe_failure(error))

    assert told["code"] == code
    assert told["message"] == str(error)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (PayloadError("to: Field required"), "TaskPayloadParsedError"),
        (OutputError("id: Field required"), "OutputError"),
        (NotFound("gone", status=404, headers={}), "TriggerApiError"),
    ],
)
def test_errors_both_languages_know_have_one_name(error: Exception, name: str) -> None:
    assert cast("dict[str, Any]", describe_failure(error))["name"] == name


def test_an_error_without_an_exception_is_a_code_and_a_sentence() -> None:
    told = describe_internal("TASK_RUN_CANCELLED", "key abcdefgh", SecretMask({"KEY": "abcdefgh"}))

    assert told == {
        "type": "INTERNAL_ERROR",
        "code": "TASK_RUN_CANCELLED",
        "message": "key [KEY]",
    }
