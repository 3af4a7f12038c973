from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from trigger_box.sdk.queues import queue
from trigger_box.sdk.registry import REGISTRY
from trigger_box.sdk.retry import policy
from trigger_box.sdk.task_decorator import task
from trigger_box.worker.manifest import Defaults, Manifest, make_manifest

HERE = Path(__file__).resolve()
FOLDER = HERE.parent


@pytest.fixture(autouse=True)
def empty_registry() -> Iterator[None]:
    REGISTRY.clear()
    yield
    REGISTRY.clear()


class Mail(BaseModel):
    to: str


def manifest(defaults: Defaults | None = None, **kwargs: Any) -> Manifest:
    return make_manifest(
        REGISTRY.tasks.values(),
        REGISTRY.queues.values(),
        folder=kwargs.get("folder", FOLDER),
        sources=kwargs.get("sources", [HERE]),
        defaults=defaults or Defaults(),
    )


def test_a_task_is_registered_with_its_place_options_and_schema() -> None:
    mail_queue = queue("mail", concurrency_limit=5)

    @task("send", queue=mail_queue, machine="small-2x", max_duration="10m", ttl="1h")
    def send(payload: Mail) -> None:
        """Send."""
        del payload

    body = manifest().body()

    (entry,) = body["metadata"]["tasks"]
    assert body["engine"] == "V2"
    assert entry["id"] == send.id
    assert entry["filePath"] == "test_manifest.py"
    assert entry["exportName"].endswith("send")
    assert entry["queue"] == {"name": "mail", "concurrencyLimit": 5}
    assert entry["machine"] == {"preset": "small-2x"}
    assert entry["maxDuration"] == 600
    assert entry["ttl"] == "1h"
    assert entry["payloadSchema"]["properties"] == {"to": {"title": "To", "type": "string"}}
    assert body["metadata"]["queues"] == [{"name": "mail", "concurrencyLimit": 5}]


def test_the_projects_defaults_fill_what_a_task_leaves_open() -> None:
    @task("own", retry=policy(max_attempts=9), machine="micro", max_duration="5s", ttl=7)
    def own() -> None: ...

    @task("open")
    def left_open() -> None: ...

    found = manifest(
        Defaults(retry={"maxAttempts": 2}, machine="medium-1x", max_duration_s=60, ttl="2h")
    )

    entries = {entry["id"]: entry for entry in found.metadata["tasks"]}
    assert entries[own.id]["retry"]["maxAttempts"] == 9
    assert entries[own.id]["machine"] == {"preset": "micro"}
    assert (entries[own.id]["maxDuration"], entries[own.id]["ttl"]) == (5, 7)
    assert entries[left_open.id]["retry"] == {"maxAttempts": 2}
    assert entries[left_open.id]["machine"] == {"preset": "medium-1x"}
    assert (entries["open"]["maxDuration"], entries["open"]["ttl"]) == (60, "2h")
    assert found.retries == {"own": entries["own"]["retry"], "open": {"maxAttempts": 2}}


def test_a_task_whose_types_cannot_be_used_is_named_and_left_out() -> None:
    @task("good")
    def good() -> None: ...

    @task("bad")
    def bad(payload: "Unknown") -> None:  # noqa: F821, UP037 - the mistake that is tested
        del payload

    found = manifest()

    (problem,) = found.problems
    assert [entry["id"] for entry in found.metadata["tasks"]] == [good.id]
    assert (problem.file, problem.line) == ("test_manifest.py", bad.line)
    assert "Unknown" in problem.message


def test_sources_are_sent_compressed_with_the_tasks_in_them(tmp_path: Path) -> None:
    @task("here")
    def here() -> None: ...

    (tmp_path / "pyproject.toml").write_text("[project]")
    large = tmp_path / "large.py"
    large.write_bytes(b"#" * (1024 * 1024 + 1))

    files = manifest(folder=tmp_path, sources=[HERE, large, tmp_path / "missing.py"]).metadata[
        "sourceFiles"
    ]

    by_name = {file["filePath"]: file for file in files}
    content = zlib.decompress(base64.b64decode(by_name[str(HERE)]["contents"]))
    assert content == HERE.read_bytes()
    assert by_name[str(HERE)]["taskIds"] == [here.id]
    assert by_name["pyproject.toml"]["taskIds"] == []
    assert set(by_name) == {str(HERE), "pyproject.toml"}


def test_equal_code_and_settings_have_equal_hashes(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text("1")

    def content_hash(defaults: Defaults | None = None) -> str:
        found = manifest(defaults, folder=tmp_path, sources=[source])
        return str(found.metadata["contentHash"])

    @task("one")
    def one() -> None: ...

    first, again = content_hash(), content_hash()
    settings = content_hash(Defaults(ttl="1h"))
    source.write_text("2")

    assert first == again
    assert len({first, settings, content_hash()}) == 3
    assert one.id == "one"
