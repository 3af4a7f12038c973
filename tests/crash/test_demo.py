"""``make demo`` from its start to its end: nothing of it is left, however it is ended."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "packaging" / "demo" / "demo.py"
LINES_MAX = 200


@pytest.mark.parametrize("times", [1, 3], ids=["once", "again and again"])
def test_the_demo_shows_runs_completing_and_leaves_nothing_behind(
    tmp_path: Path, times: int
) -> None:
    with subprocess.Popen(
        [sys.executable, str(DEMO), str(tmp_path / "demo")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as demo:
        try:
            address = _address_once_a_run_completed(demo)
            assert httpx.get(f"{address}/healthz").status_code == 200
            for _ in range(times):
                os.killpg(demo.pid, signal.SIGTERM)
            assert demo.stdout is not None
            words = demo.stdout.read()

            assert demo.wait(30) == 0, words
            assert words.rstrip().endswith("Stopped.")
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"{address}/healthz")
        finally:
            if demo.poll() is None:
                os.killpg(demo.pid, signal.SIGKILL)


def _address_once_a_run_completed(demo: subprocess.Popen[str]) -> str:
    """Return the dashboard's address once the demo has shown a run that completed."""
    assert demo.stdout is not None
    words = ""
    for line in itertools.islice(demo.stdout, LINES_MAX):
        words += line
        if line.startswith("  completed"):
            break
    found = re.search(r"Dashboard\s+(http://\S+)", words)
    assert found is not None, words
    assert "  completed" in words, words
    return found[1]
