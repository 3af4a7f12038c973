"""A real box on a real disk of a few megabytes that somebody else fills and empties again."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.support.running import PROGRAM, START_S_MAX, RunningBox, prepare

pytestmark = pytest.mark.crash

DISK_BYTES = 12 * 1024 * 1024
TRIGGER = "/api/v1/tasks/hello/trigger"
# A disk of its own, seen by nobody but the box; the prepared folder is copied there.
ON_A_SMALL_DISK = (
    f'mount -t tmpfs -o size={DISK_BYTES},mode=700 tmpfs "$0" && cp -a "$1"/. "$0"/data && shift '
    '&& exec "$@"'
)
APART = ("unshare", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)))


def may_mount(folder: Path) -> bool:
    """Return whether this machine lets us mount; a container often does not."""
    if shutil.which("unshare") is None:
        return False
    command = [*APART, "mount", "-t", "tmpfs", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


async def start(small: Path, prepared: Path, log: Path) -> RunningBox:
    """Serve a copy of a prepared folder from a small disk."""
    with log.open("ab") as said:
        process = await asyncio.create_subprocess_exec(
            *APART,
            *("sh", "-c", ON_A_SMALL_DISK, str(small), str(prepared)),
            *(PROGRAM, "serve", "--data-dir", str(small / "data"), "--port", "0"),
            stdout=asyncio.subprocess.PIPE,
            stderr=said,
        )
    assert process.stdout is not None
    async with asyncio.timeout(START_S_MAX):
        while line := await process.stdout.readline():
            word, _, origin = line.decode().strip().partition(" ")
            if word == "ready":
                return RunningBox(process, origin, 0)
    raise AssertionError(f"the box ended before it was ready; see {log}")


def fill(ballast: Path) -> None:
    """Take all the room there is."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4_096)


def empty(ballast: Path) -> None:
    """Give the room back."""
    ballast.unlink()


async def test_a_full_disk_refuses_clearly_and_the_box_goes_on_once_there_is_room(
    tmp_path: Path,
) -> None:
    small, log = tmp_path / "small", tmp_path / "log"
    small.mkdir()
    if not may_mount(small):
        pytest.skip("this machine lets nobody mount a small disk")
    prepared = await prepare(tmp_path / "prepared", tasks=("hello",))
    box = await start(small, prepared.folder, log)
    ballast = Path(f"/proc/{box.process.pid}/root{small}/ballast")
    headers = {"authorization": f"Bearer {prepared.keys['dev']}"}
    body = {"payload": "x" * 2_000}
    try:
        async with httpx.AsyncClient(base_url=box.origin, headers=headers, timeout=30) as client:
            known = (await client.post(TRIGGER, json=body)).json()["id"]
            fill(ballast)
            refused = [
                *await asyncio.gather(*(client.post(TRIGGER, json=body) for _ in range(100))),
                await client.post(TRIGGER, json={"payload": "x" * 900_000}),
            ]
            ready = await client.get("/readyz")
            read = await client.get(f"/api/v3/runs/{known}")
            empty(ballast)
            ready_again = await client.get("/readyz")
            late = await client.post(TRIGGER, json=body)
            runs = (await client.get("/api/v1/runs")).json()["data"]
    finally:
        code = await box.stop()

    assert {answer.status_code for answer in refused} == {503}
    assert {answer.json()["code"] for answer in refused} == {"disk_full"}
    assert {answer.headers["x-should-retry"] for answer in refused} == {"true"}
    assert (ready.status_code, ready.json()["code"]) == (503, "disk_full")
    assert (read.status_code, ready_again.status_code) == (200, 200)
    assert [run["id"] for run in runs] == [late.json()["id"], known]
    assert code == 0
    events = [json.loads(line)["event"] for line in log.read_text().splitlines() if line[0] == "{"]
    assert events.count("store.disk_full") == events.count("store.disk_recovered") == 1
    assert "request.crashed" not in events
    assert "Traceback" not in log.read_text()
