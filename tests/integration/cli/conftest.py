"""One box in its own process for all of these tests, and the command line in this one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import PROGRAM
from trigger_box.cli.root import run

EMAIL = "ada@example.com"
PASSWORD = "a long enough password"
START_S_MAX = 60


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A claimed box that answers, its folder, and a personal token of its owner."""

    url: str
    folder: Path
    token: str
    claim_link: str


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """Return stdout as one JSON value."""
        return json.loads(self.out)


class Tbx:
    """Runs command lines in this process, as a person of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: str) -> Ended:
        self._capsys.readouterr()
        code = run(arguments)
        captured = self._capsys.readouterr()
        return Ended(code=code, out=captured.out, err=captured.err)

    def with_variables(self, **variables: str | None) -> None:
        for name, value in variables.items():
            if value is None:
                self._monkeypatch.delenv(name, raising=False)
            else:
                self._monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("box") / "data"
    with (folder.parent / "box.log").open("wb") as log, _serve(folder, log) as process:
        assert process.stdout is not None
        ready = process.stdout.readline().split()
        claim = process.stdout.readline().split()
        try:
            assert (ready[0], claim[0]) == ("ready", "claim")
            _owner("create", "--email", EMAIL, "--password-stdin", folder=folder, text=PASSWORD)
            token = _owner("token", "--email", EMAIL, "--name", "tests", folder=folder)
            yield Serving(url=ready[1], folder=folder, token=token, claim_link=claim[1])
        finally:
            process.terminate()
            assert process.wait(START_S_MAX) == 0


@pytest.fixture
def tbx(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Tbx:
    for name in list(os.environ):
        if name.startswith("TRIGGER_"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Tbx(capsys, monkeypatch)


@pytest.fixture
def signed_in(tbx: Tbx, serving: Serving) -> Tbx:
    tbx.with_variables(TRIGGER_API_URL=serving.url, TRIGGER_ACCESS_TOKEN=serving.token)
    return tbx


def _serve(folder: Path, log: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PROGRAM, "serve", "--data-dir", folder, "--port", "0", "--log-level", "debug"],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )


def _owner(*arguments: str, folder: Path, text: str = "") -> str:
    return subprocess.run(
        [PROGRAM, "admin", *arguments, "--data-dir", folder],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        timeout=START_S_MAX,
    ).stdout.strip()
