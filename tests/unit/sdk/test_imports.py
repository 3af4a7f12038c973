"""What importing the package costs: counted in modules, not in milliseconds."""

from __future__ import annotations

import json
import subprocess
import sys

import trigger_box

HEAVY = ("pydantic", "pydantic_core", "httpx", "asyncio", "ssl", "email", "litestar", "click")


def modules_after(code: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after ``code``."""
    printed = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"{code}\nimport json, sys\nprint(json.dumps(list(sys.modules)))",
        ],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return set(json.loads(printed))


def test_importing_the_package_loads_next_to_nothing() -> None:
    loaded = modules_after("import trigger_box") - modules_after("pass")

    assert {name for name in loaded if name.startswith("trigger_box")} == {"trigger_box"}
    assert len(loaded) < 5


def test_declaring_tasks_loads_neither_pydantic_nor_httpx_nor_asyncio() -> None:
    code = """
from trigger_box import AsyncTriggerBox, Context, configure, ctx, idempotency_keys, logger, metadata
from trigger_box import queue, retry, runs, tags, task, tasks
from trigger_box.config import Config

mail = queue("mail", concurrency_limit=5)
configure(secret_key="tr_dev_x", base_url="http://box.test")
config = Config(project="proj_x")

@task("a", queue=mail, retry=retry.policy(5, min_delay="2s"))
def a(payload: dict[str, int], *, ctx: Context) -> None: ...
"""
    loaded = modules_after(code)

    assert "trigger_box.sdk.declaration" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_a_blocking_call_loads_no_server() -> None:
    code = """
from trigger_box import runs, configure, retry
configure(secret_key="tr_dev_x", base_url="http://127.0.0.1:9", retry=retry.policy(1))
try:
    runs.sync.retrieve("run_1")
except ConnectionError:
    pass
"""
    loaded = modules_after(code)

    rooms = ("api", "app", "engine", "store", "domain", "access", "telemetry", "worker", "cli")
    assert "httpx" in loaded
    assert [room for room in rooms if f"trigger_box.{room}" in loaded] == []
    assert "litestar" not in loaded


def test_every_public_name_exists_and_is_listed() -> None:
    for name in trigger_box.__all__:
        assert getattr(trigger_box, name) is not None
    assert dir(trigger_box) == sorted(trigger_box.__all__)


def test_an_unknown_name_is_an_ordinary_attribute_error() -> None:
    try:
        _ = trigger_box.nothing_of_that_name  # type: ignore[attr-defined]
    except AttributeError as error:
        assert "nothing_of_that_name" in str(error)  # noqa: PT017 - the message is what matters
