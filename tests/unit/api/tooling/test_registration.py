from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_box.api.tooling.registration import parse_registration
from trigger_box.domain import limits
from trigger_box.domain.errors import InvalidError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FIELDS = ("id", "filePath", "queue", "retry", "machine", "maxDuration", "ttl", "schedule")


def body(*tasks: dict[str, Any], **metadata: object) -> bytes:
    return json.dumps({"metadata": {"contentHash": "h", "tasks": tasks, **metadata}}).encode()


def test_the_whole_metadata_is_kept_as_the_text_that_came_in():
    text = '{"contentHash": "h",  "tasks": [], "news": 12345678901234567890123}'

    registration = parse_registration(f'{{"localOnly": true, "metadata": {text}}}'.encode())

    assert registration.metadata == text


def test_a_queue_without_a_limit_is_not_a_queue_with_no_limit():
    silent, unlimited, limited = parse_registration(
        body(
            {"id": "a", "queue": {"name": "mail"}},
            {"id": "b", "queue": {"name": "mail", "concurrencyLimit": None}},
            {"id": "c", "queue": {"name": "mail", "concurrencyLimit": 2}},
        )
    ).tasks

    assert (silent.has_queue_limit, silent.queue_limit) == (False, None)
    assert (unlimited.has_queue_limit, unlimited.queue_limit) == (True, None)
    assert (limited.has_queue_limit, limited.queue_limit) == (True, 2)


@pytest.mark.parametrize(
    ("ttl", "text"), [(3600, "1h"), ("10m", "10m"), (0, None), ("", None), (None, None)]
)
def test_a_ttl_is_kept_as_a_duration(ttl: object, text: str | None):
    assert parse_registration(body({"id": "a", "ttl": ttl})).tasks[0].ttl == text


def test_a_duration_beyond_all_bounds_is_no_bound():
    task = parse_registration(body({"id": "a", "maxDuration": 1e300})).tasks[0]

    assert task.max_duration_s == limits.MAX_DURATION_S_NONE


@pytest.mark.parametrize(
    ("source", "stored"),
    [("schedule", "SCHEDULED"), ("agent", "AGENT"), ("anything", "STANDARD"), (None, "STANDARD")],
)
def test_what_triggers_a_task_is_one_of_three_words(source: object, stored: str):
    task = parse_registration(body({"id": "a", "triggerSource": source})).tasks[0]

    assert task.trigger_source == stored


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_no_task_does_worse_than_being_refused(task: dict[str, Any]):
    with contextlib.suppress(InvalidError):
        parse_registration(body(task))


@given(st.binary())
def test_no_bytes_do_worse_than_being_refused(raw: bytes):
    with contextlib.suppress(InvalidError):
        parse_registration(raw)


@given(st.text())
def test_no_cron_text_does_worse_than_being_refused(cron: str):
    with contextlib.suppress(InvalidError):
        parse_registration(body({"id": "a", "schedule": {"cron": cron}}))
