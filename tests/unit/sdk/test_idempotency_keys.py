"""The hashes of rest-api 18, checked there against traffic of the npm client."""

from __future__ import annotations

import hashlib
import subprocess

import pytest

from tests.support.sdk import RecordingRuntime
from trigger_box import OptionError, idempotency_keys
from trigger_box.sdk.idempotency_keys import read_key
from trigger_box.sdk.runtime import running

K1 = "6ab9f1eb8f7d3388f4f9d586f66e99fd54080df2c446f0e58668b09c08a16dd0"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_outside_of_a_run_every_scope_is_the_hash_of_the_key_alone() -> None:
    assert {idempotency_keys.create("k1", scope=s) for s in ("run", "attempt", "global")} == {K1}


def test_inside_a_run_the_scope_makes_the_key_unique() -> None:
    with running(RecordingRuntime()):
        assert idempotency_keys.create("k1") == sha256("k1-run_abc")
        assert idempotency_keys.create("k1", scope="attempt") == sha256("k1-run_abc-2")
        assert idempotency_keys.create("k1", scope="global") == K1


def test_parts_are_joined() -> None:
    key = idempotency_keys.create(["order", "7"])

    assert key == sha256("order-7")
    assert (key.key, key.scope) == ("order-7", "run")


def test_a_text_of_64_characters_is_taken_as_a_hash() -> None:
    assert read_key(K1) == K1
    assert read_key(K1).key is None
    assert read_key("x" * 63) == sha256("x" * 63)
    # JavaScript counts UTF-16 units: 32 of these are 64 to it.
    assert read_key("😀" * 32) == "😀" * 32


def test_a_bare_text_has_the_scope_run() -> None:
    with running(RecordingRuntime()):
        assert read_key("k1") == sha256("k1-run_abc")


@pytest.mark.parametrize("key", ["", [], ["a", ""], 7, [7], "\ud800"])
def test_a_key_that_is_no_text_is_refused(key: object) -> None:
    with pytest.raises(OptionError, match="idempotency_key"):
        idempotency_keys.create(key)  # type: ignore[arg-type]


def test_an_unknown_scope_is_refused() -> None:
    with pytest.raises(OptionError, match="scope='forever'"):
        idempotency_keys.create("k", scope="forever")  # type: ignore[arg-type]


def test_equal_payloads_make_one_key_whatever_their_order() -> None:
    first = idempotency_keys.from_payload({"a": 1, "b": [2, {"d": 3, "c": 4}]})
    second = idempotency_keys.from_payload({"b": [2, {"c": 4, "d": 3}], "a": 1})

    assert first == second
    assert first != idempotency_keys.from_payload({"a": 1})


def test_hashes_are_utf_8_as_the_shell_has_them() -> None:
    printed = subprocess.run(
        ["/usr/bin/sha256sum"], input="żółw".encode(), capture_output=True, check=True
    )

    assert idempotency_keys.create("żółw") == printed.stdout.split()[0].decode()
