"""``make demo``: a box on loopback with the example project connected and runs executing.

Everything it makes lies in ``.demo/`` of the checkout, or in the folder that is named; a second
start goes on with the same box. Ctrl-C stops all of it, by process id.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import os
import secrets
import shutil
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / ".demo"
DATA = HOME / "data"
PROJECT = HOME / "project"
OWNER = HOME / "owner.json"
PROGRAM = Path(sys.executable).with_name("trigger-box")
PORT = 3030
READY_S = 30
STOP_S = 15
EMAIL = "demo@example.com"
# A closed terminal and `kill` end it the same way as Ctrl-C does.
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SHOWN = {
    "run.started": "started",
    "run.succeeded": "completed",
    "attempt.failed": "failed",
    "run.failed": "gave up",
    "run.cancelled": "cancelled",
}


class DemoError(Exception):
    """Something the demo needs did not come up. The message says what."""


async def main() -> None:
    """Start the box and the worker, trigger runs, and wait for Ctrl-C."""
    end_once()
    HOME.mkdir(mode=0o700, exist_ok=True)
    async with contextlib.AsyncExitStack() as stack:
        # As JSON and with few words: what a box says of itself would hide what is said below.
        serve = await start(
            "serve",
            "--json",
            "--log-level",
            "warning",
            "--data-dir",
            str(DATA),
            "--port",
            str(free_port()),
        )
        stack.push_async_callback(stop, serve, signal.SIGTERM)
        url = await ready_url(serve)
        owner = await the_owner()
        shutil.copytree(ROOT / "packaging" / "demo" / "project", PROJECT, dirs_exist_ok=True)
        environment = {
            "TRIGGER_API_URL": url,
            "TRIGGER_ACCESS_TOKEN": owner["token"],
            "TRIGGER_PROJECT_REF": owner["ref"],
        }
        dev = await start("dev", "--json", cwd=PROJECT, environment=environment)
        stack.push_async_callback(stop, dev, signal.SIGINT)
        await connected(dev)
        announce(url, owner)
        watched = [
            asyncio.ensure_future(trigger_for_ever(url, owner["key"])),
            asyncio.ensure_future(drain(dev)),
            asyncio.ensure_future(serve.wait()),
            asyncio.ensure_future(dev.wait()),
        ]
        try:
            done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
            raise DemoError("the box or the worker ended by itself; its last words are above")
        finally:
            for one in watched:
                one.cancel()


def end_once() -> None:
    """Let the first Ctrl-C end what runs here; the next ones must not end the tidying up."""
    loop, here = asyncio.get_running_loop(), asyncio.current_task()
    assert here is not None
    ended = asyncio.Event()

    def end() -> None:
        if not ended.is_set():
            ended.set()
            here.cancel()

    for ending in ENDINGS:
        loop.add_signal_handler(ending, end)


async def start(
    *arguments: str, cwd: Path | None = None, environment: dict[str, str] | None = None
) -> Process:
    """Start the program in its own process group, so that Ctrl-C reaches only this script."""
    return await asyncio.create_subprocess_exec(
        str(PROGRAM),
        *arguments,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=DEVNULL,
        stdout=PIPE,
        start_new_session=True,
    )


async def stop(process: Process, how: signal.Signals) -> None:
    """End a child politely, then for certain."""
    if process.returncode is not None:
        return
    process.send_signal(how)
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def free_port() -> int:
    """Return the usual port if nobody has it, else 0 for any."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            return 0
    return PORT


async def ready_url(serve: Process) -> str:
    """Return the address the box answers on."""
    assert serve.stdout is not None
    try:
        async with asyncio.timeout(READY_S):
            if line := (await serve.stdout.readline()).decode():
                return str(json.loads(line)["ready"])
    except TimeoutError:
        raise DemoError(f"the box did not answer within {READY_S} s") from None
    raise DemoError("the box ended before it was ready; its last words are above")


async def ask(*arguments: str, text: str = "") -> dict[str, Any]:
    """Run one command of the program and return its JSON answer."""
    process = await asyncio.create_subprocess_exec(
        str(PROGRAM), *arguments, "--json", stdin=PIPE, stdout=PIPE
    )
    out, _ = await process.communicate(text.encode())
    if process.returncode != 0:
        raise DemoError(f"`trigger-box {' '.join(arguments)}` failed")
    answer: dict[str, Any] = json.loads(out)
    return answer


async def the_owner() -> dict[str, str]:
    """Return the owner's sign-in, token and project; made on the first start, kept for the next."""
    if OWNER.exists():
        kept: dict[str, str] = json.loads(OWNER.read_text(encoding="utf-8"))
        return kept
    at = ("--data-dir", str(DATA))
    password = secrets.token_urlsafe(12)
    await ask("admin", "create", "--email", EMAIL, "--password-stdin", *at, text=password + "\n")
    token = await ask("admin", "token", "--email", EMAIL, "--name", "demo", *at)
    project = await ask("projects", "create", "Example", *at)
    owner = {
        "email": EMAIL,
        "password": password,
        "token": str(token["token"]),
        "ref": str(project["ref"]),
        "key": str(project["keys"]["dev"]),
    }
    OWNER.touch(mode=0o600)
    OWNER.write_text(json.dumps(owner), encoding="utf-8")
    return owner


async def connected(dev: Process) -> None:
    """Wait until the worker has registered its tasks."""
    assert dev.stdout is not None
    try:
        async with asyncio.timeout(READY_S):
            while line := await dev.stdout.readline():
                if json.loads(line).get("event") == "version.ready":
                    return
    except TimeoutError:
        raise DemoError(f"the example project was not connected within {READY_S} s") from None
    raise DemoError("`trigger-box dev` ended before it was ready; its last words are above")


async def drain(dev: Process) -> None:
    """Read the worker's lines so that its pipe never fills; show one per finished run."""
    assert dev.stdout is not None
    while line := await dev.stdout.readline():
        event = json.loads(line)
        if event["event"] in SHOWN:
            print(
                f"  {SHOWN[event['event']]:<10} {event['taskId']:<16} {event['runId']}", flush=True
            )


async def trigger_for_ever(url: str, key: str) -> None:
    """Trigger the example tasks now and then, so that there is always something to watch."""
    from trigger_box import AsyncTriggerBox

    client = AsyncTriggerBox(base_url=url, secret_key=key)
    rounds = 0
    while True:
        today = dt.datetime.now(tz=dt.UTC).date()
        if rounds % 6 == 0:
            await client.tasks.trigger("nightly-report", {"day": today.isoformat()})
            await client.tasks.trigger("encode-video", {"frames": 30})
        if rounds % 2 == 0:
            await client.tasks.trigger("charge-card", {"order": 1_000 + rounds})
        rounds += 1
        await asyncio.sleep(10)


def announce(url: str, owner: dict[str, str]) -> None:
    """Say where to look and what to type."""
    print(
        f"""
The box is running, the example project is connected, runs are executing.

  Dashboard   {url}
  Sign in     {owner["email"]}  /  {owner["password"]}   (made for this checkout, kept in .demo/)

Trigger more, from another terminal:

  curl -X POST {url}/api/v1/tasks/encode-video/trigger \\
       -H 'Authorization: Bearer {owner["key"]}' \\
       -H 'Content-Type: application/json' -d '{{"payload": {{"frames": 10}}}}'

Ctrl-C stops all of it.
""",
        flush=True,
    )


def run() -> int:
    """Run the demo; return the exit code."""
    try:
        asyncio.run(main())
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("\nStopped.")
        return 0
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run())
