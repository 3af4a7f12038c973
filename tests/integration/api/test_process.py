"""The serve command as a process: how it starts, refuses to start, and stops."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from tests.support.running import PROGRAM, RunningBox, prepare

REFUSED_S_MAX = 15


def refused(*flags: str) -> str:
    """Start a box that can't start; return what it says to people."""
    ended = subprocess.run(
        [PROGRAM, "serve", *flags],
        capture_output=True,
        text=True,
        timeout=REFUSED_S_MAX,
        check=False,
    )
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    assert "ready" not in ended.stdout
    return ended.stderr


async def test_sigterm_stops_a_box_with_open_streams_in_order(tmp_path: Path) -> None:
    prepared = await prepare(tmp_path / "data")
    box = await RunningBox.start(prepared.folder)
    headers = {"authorization": f"Bearer {prepared.keys['dev']}"}
    async with (
        httpx.AsyncClient(base_url=box.origin, headers=headers) as client,
        client.stream("GET", "/engine/v1/dev/presence") as presence,
    ):
        assert presence.status_code == 200
        chunks = presence.aiter_raw()
        await anext(chunks)

        begun_s = time.monotonic()
        code = await box.stop()

        assert code == 0
        assert time.monotonic() - begun_s < 3
        async for _ in chunks:
            pass  # a clean end: a cut connection would raise


async def test_sigterm_does_not_wait_for_a_request_that_is_only_half_sent(tmp_path: Path) -> None:
    prepared = await prepare(tmp_path / "data")
    box = await RunningBox.start(prepared.folder)
    _, head = await asyncio.open_connection("127.0.0.1", box.port)
    _, body = await asyncio.open_connection("127.0.0.1", box.port)
    try:
        head.write(b"POST /api/v1/tasks/hello/trigger HTTP/1.1\r\nhost: box\r\n")
        body.write(
            b"POST /api/v1/tasks/hello/trigger HTTP/1.1\r\nhost: box\r\ncontent-length: 9\r\n"
            b"authorization: Bearer " + prepared.keys["dev"].encode() + b"\r\n\r\n{"
        )
        async with httpx.AsyncClient(base_url=box.origin) as client:
            await client.get("/healthz")  # by now the box has seen both halves

        begun_s = time.monotonic()
        code = await box.stop()

        assert code == 0
        assert time.monotonic() - begun_s < 3
        said = (tmp_path / "data.log").read_text(encoding="utf-8")
        assert "Traceback" not in said
        assert "timed_out" not in said
    finally:
        head.close()
        body.close()


async def test_a_box_says_where_it_is_and_comes_back_with_what_it_knew(tmp_path: Path) -> None:
    prepared = await prepare(tmp_path / "data")
    headers = {"authorization": f"Bearer {prepared.keys['dev']}"}
    first = await RunningBox.start(prepared.folder)
    address = (prepared.folder / "run" / "address").read_text(encoding="utf-8").strip()
    async with httpx.AsyncClient(base_url=first.origin, headers=headers) as client:
        made = (await client.post("/api/v1/tasks/hello/trigger", json={})).json()["id"]
    await first.stop()
    is_told_after = (prepared.folder / "run" / "address").exists()

    second = await RunningBox.start(prepared.folder)
    async with httpx.AsyncClient(base_url=second.origin, headers=headers) as client:
        run = await client.get(f"/api/v3/runs/{made}")
    await second.stop()

    assert address == first.origin
    assert not is_told_after
    assert run.status_code == 200


async def test_a_second_box_on_one_folder_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    box = await RunningBox.start(tmp_path / "data")
    try:
        said = await asyncio.to_thread(refused, "--data-dir", str(tmp_path / "data"), "--port", "0")
        async with httpx.AsyncClient(base_url=box.origin) as client:
            alive = await client.get("/healthz")
    finally:
        await box.stop()

    assert str(box.process.pid) in said
    assert "--data-dir" in said
    assert alive.status_code == 200


async def test_a_taken_port_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    box = await RunningBox.start(tmp_path / "one")
    try:
        said = await asyncio.to_thread(
            refused, "--data-dir", str(tmp_path / "two"), "--port", str(box.port)
        )
    finally:
        await box.stop()

    assert str(box.port) in said
    assert "--port" in said
    assert not (tmp_path / "two").exists()


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder", encoding="utf-8")

    said = refused("--data-dir", str(tmp_path / "data"), "--port", "0")

    assert str(tmp_path / "data") in said
    assert "--data-dir" in said


async def test_a_newer_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    await prepare(tmp_path / "data")
    database = tmp_path / "data" / "box.db"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()

    said = await asyncio.to_thread(refused, "--data-dir", str(tmp_path / "data"), "--port", "0")

    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (999,)
    connection.close()
    assert "newer" in said


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (("--public-url", "tasks.example.com"), "public_url"),
        (("--host", "no.such.host.invalid"), "--host"),
        (("--config", "/no/such/file.toml"), "/no/such/file.toml"),
    ],
)
def test_a_setting_that_can_not_be_used_is_named(
    tmp_path: Path, flags: tuple[str, ...], word: str
) -> None:
    assert word in refused("--data-dir", str(tmp_path / "data"), "--port", "0", *flags)


async def test_a_killed_box_leaves_no_lock_behind(tmp_path: Path) -> None:
    first = await RunningBox.start(tmp_path / "data")
    first.kill()
    assert await first.process.wait() == -signal.SIGKILL

    second = await RunningBox.start(tmp_path / "data")

    assert await second.stop() == 0
