"""What ``debounce=`` takes, and what goes over the wire (rest-api 11)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.support.sdk import ScriptedServer, ok
from trigger_box import Debounce, OptionError


async def sent(debounce: Any) -> dict[str, Any]:
    server = ScriptedServer(ok({"id": "run_1", "isCached": False}))
    async with server.client() as client:
        await client.tasks.trigger("send", 1, debounce=debounce)
    return json.loads(server.request.content)["options"]["debounce"]


async def test_its_parts_are_spelled_as_the_server_reads_them() -> None:
    assert await sent(Debounce("user-1", "5s")) == {
        "key": "user-1",
        "delay": "5s",
        "mode": "leading",
    }
    assert await sent(Debounce("k", timedelta(minutes=1), mode="trailing", max_delay="1h")) == {
        "key": "k",
        "delay": "60s",
        "mode": "trailing",
        "maxDelay": "3600s",
    }


@pytest.mark.parametrize(
    ("debounce", "words"),
    [
        (Debounce("", "5s"), r"debounce\.key"),
        (Debounce("x" * 513, "5s"), r"debounce\.key"),
        (Debounce("k", "soon"), r"debounce\.delay"),
        (Debounce("k", 0), r"debounce\.delay"),
        (Debounce("k", "5s", max_delay="5s"), r"debounce\.max_delay"),
        (Debounce("k", "5s", mode="middle"), r"debounce\.mode"),  # type: ignore[arg-type] - wrong on purpose
        ({"key": "k", "delay": "5s"}, "must be a Debounce"),
    ],
)
async def test_what_can_not_be_is_refused_before_any_request(debounce: Any, words: str) -> None:
    server = ScriptedServer(ok({}))
    async with server.client() as client:
        with pytest.raises(OptionError, match=words):
            await client.tasks.trigger("send", 1, debounce=debounce)

    assert server.requests == []
