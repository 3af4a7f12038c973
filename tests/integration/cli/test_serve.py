from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path

import httpx

from tests.integration.cli.conftest import Serving
from tests.support.running import PROGRAM
from trigger_box.cli.exits import Exit

WAIT_S_MAX = 60


def serve(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run ``serve`` where it must not come up."""
    return subprocess.run(
        [PROGRAM, "serve", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_S_MAX,
    )


def test_ready_is_printed_once_requests_are_answered(serving: Serving) -> None:
    assert httpx.get(f"{serving.url}/readyz").status_code == 200


def test_a_second_box_on_the_same_folder_is_refused_in_one_sentence(serving: Serving) -> None:
    ended = serve("--data-dir", serving.folder, "--port", "0")

    assert ended.returncode == Exit.REFUSED
    assert ended.stdout == ""
    assert "Another trigger-box (process " in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert httpx.get(f"{serving.url}/readyz").status_code == 200


def test_a_taken_port_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ended = serve("--data-dir", tmp_path / "data", "--port", str(port))

    assert ended.returncode == Exit.UNAVAILABLE
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"Error: Port {port} on 127.0.0.1 is taken")
    assert ended.stderr.count("\n") == 1


def test_a_folder_that_can_not_be_used_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    ended = serve("--data-dir", tmp_path / "file", "--port", "0")

    assert ended.returncode == Exit.UNAVAILABLE
    assert f"The data folder {tmp_path / 'file'} can't be used" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_flag_that_is_no_good_is_named(tmp_path: Path) -> None:
    ended = serve("--data-dir", tmp_path, "--port", "99999")

    assert ended.returncode == Exit.USAGE
    assert "port (flag --port)" in ended.stderr


def test_with_json_ready_and_claim_are_one_line_and_ctrl_c_stops_in_order(tmp_path: Path) -> None:
    with subprocess.Popen(
        [PROGRAM, "serve", "--data-dir", tmp_path / "data", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)

        assert process.wait(WAIT_S_MAX) == Exit.OK
        assert said["ready"].startswith("http://127.0.0.1:")
        assert said["claim"].startswith(f"{said['ready']}/claim?token=")
        assert process.stdout.read() == ""
