"""A real box in its own process, with an owner, as a person on this machine would start it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.compat.talker import Talker

# The packaged program can be put to the same tests.
PROGRAM = Path(os.environ.get("TRIGGER_BOX_PROGRAM", Path(sys.executable).with_name("trigger-box")))
EMAIL = "owner@example.com"
PASSWORD = "a long enough password"
_COMMAND_S_MAX = 30
_STOP_S_MAX = 5
_READY = r"^ready (http://\S+)$"

T = TypeVar("T")


class RealBox:
    """One data folder, one ``trigger-box serve``."""

    def __init__(self, folder: Path) -> None:
        self._environ = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder),
            "TRIGGER_BOX_DATA_DIR": str(folder / "data"),
        }
        self._folder = folder
        self._serve = self._start(port=0)
        try:
            self.origin = self._serve.heard(_READY)[1]
            self._command(
                "admin", "create", "--email", EMAIL, "--password-stdin", text=PASSWORD + "\n"
            )
            made = self._json("admin", "token", "--email", EMAIL, "--name", "compat")
        except BaseException:
            self._serve.stop()
            raise
        self.token: str = made["token"]

    @property
    def port(self) -> int:
        return int(self.origin.rsplit(":", 1)[1])

    @property
    def words(self) -> str:
        """Return what the box has written so far."""
        return self._serve.words

    def approve(self, url: str) -> None:
        """Do what a signed-in person does on the page of a CLI that asks: let it in."""
        self._decide(url, "approve")

    def deny(self, url: str) -> None:
        """Do what a signed-in person does on that page: turn the CLI away."""
        self._decide(url, "deny")

    def create_project(self, name: str) -> dict[str, Any]:
        """Return ``{"ref", "keys": {"dev", …}}`` of a new project."""
        return self._json("projects", "create", name)

    def start_again(self, after: signal.Signals) -> None:
        """End the program by a signal, as a power cut or a service manager does; start it again."""
        self._serve.signal(after)
        self._serve.ended(within_s=_STOP_S_MAX)
        self._serve.stop()
        self._serve = self._start(port=self.port)
        self._serve.heard(_READY)

    def stop(self) -> None:
        self._serve.stop()

    def _start(self, *, port: int) -> Talker:
        return Talker(
            [str(PROGRAM), "serve", "--port", str(port)],
            cwd=self._folder,
            environ=self._environ,
            name="the box",
        )

    def _decide(self, url: str, verb: str) -> None:
        code = url.rsplit("/", 1)[1]
        with httpx.Client(base_url=self.origin, headers={"origin": self.origin}) as browser:
            answer = browser.post(
                "/dashboard/api/sign-in", json={"email": EMAIL, "password": PASSWORD}
            )
            assert answer.status_code == httpx.codes.OK, answer.text
            decided = browser.post(
                f"/dashboard/api/cli-authorizations/{code}/{verb}",
                headers={"x-csrf-token": answer.json()["csrfToken"]},
            )
            assert decided.is_success, decided.text

    def _json(self, *arguments: str) -> dict[str, Any]:
        return json.loads(self._command(*arguments, "--json"))

    def _command(self, *arguments: str, text: str | None = None) -> str:
        done = subprocess.run(
            [str(PROGRAM), *arguments],
            cwd=self._folder,
            env=self._environ,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_S_MAX,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout


class Api:
    """The REST API of one environment, as plain HTTP."""

    def __init__(self, origin: str, key: str) -> None:
        self._http = httpx.Client(
            base_url=origin,
            headers={"authorization": f"Bearer {key}", "x-trigger-api-version": "2025-07-16"},
            timeout=30,
        )

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = self._http.get(path, params=parameters)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    def post(self, path: str, body: object = None) -> dict[str, Any]:
        answer = self._http.post(path, json=body)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    def trigger(self, task: str, payload: object = None, **options: object) -> str:
        """Trigger a run; return its id."""
        body = {"payload": payload if payload is not None else {}, "options": options}
        return self.post(f"/api/v1/tasks/{task}/trigger", body)["id"]

    def run(self, run_id: str) -> dict[str, Any]:
        return self.get(f"/api/v3/runs/{run_id}")

    def run_when(
        self, run_id: str, is_so: Callable[[dict[str, Any]], bool], *, within_s: float = 30
    ) -> dict[str, Any]:
        """Return the run once ``is_so`` holds for it."""

        def look() -> dict[str, Any] | None:
            run = self.run(run_id)
            return run if is_so(run) else None

        return eventually(look, within_s=within_s, otherwise=lambda: self.run(run_id))

    def finished(self, run_id: str, *, within_s: float = 30) -> dict[str, Any]:
        """Return the run once it is over."""
        return self.run_when(run_id, lambda run: run["isCompleted"], within_s=within_s)

    def executing(self, run_id: str) -> dict[str, Any]:
        """Return the run once a worker executes it."""
        return self.run_when(run_id, lambda run: run["status"] == "EXECUTING")


def eventually(
    look: Callable[[], T | None], *, within_s: float = 30, otherwise: Callable[[], object] = str
) -> T:
    """Look again and again until there is something to see; return it.

    Raises:
        AssertionError: time is over; shows what ``otherwise`` sees.
    """
    deadline = time.monotonic() + within_s
    while True:
        seen = look()
        if seen is not None:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {within_s} s: {otherwise()}")
        time.sleep(0.05)  # between two looks; being right does not depend on it
