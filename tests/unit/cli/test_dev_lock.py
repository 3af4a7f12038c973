from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from trigger_box.cli import dev_lock
from trigger_box.cli.dev_lock import DevLock, DevLockError

HOLDER = """
import sys, time, signal
from pathlib import Path
from trigger_box.cli.dev_lock import DevLock
{extra}
lock = DevLock.take(Path(sys.argv[1]), None, state_folder=Path(sys.argv[2]))
print("held", flush=True)
time.sleep(60)
"""


def a_holder(folder: Path, state: Path, extra: str = "") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER.format(extra=extra), str(folder), str(state)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_newer_dev_ends_the_older(tmp_path: Path) -> None:
    with a_holder(tmp_path, tmp_path / "state") as older:
        lock = DevLock.take(tmp_path, None, state_folder=tmp_path / "state")

        assert older.wait(5) == -15
        lock.release()


def test_one_that_ignores_the_request_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev_lock, "_POLITE_S", 0.1)
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    with a_holder(tmp_path, tmp_path / "state", deaf) as older:
        lock = DevLock.take(tmp_path, None, state_folder=tmp_path / "state")

        assert older.wait(5) == -9
        lock.release()


def test_other_folders_and_branches_have_their_own(tmp_path: Path) -> None:
    state = tmp_path / "state"
    locks = [
        DevLock.take(tmp_path / "a", None, state_folder=state),
        DevLock.take(tmp_path / "b", None, state_folder=state),
        DevLock.take(tmp_path / "a", "feature", state_folder=state),
    ]
    for lock in locks:
        lock.release()


def test_a_lock_that_does_not_come_free_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev_lock, "_POLITE_S", 0.05)
    monkeypatch.setattr(dev_lock, "_FIRM_S", 0.05)
    monkeypatch.setattr(dev_lock, "_holder", lambda _file: None)
    lock = DevLock.take(tmp_path, None, state_folder=tmp_path / "state")

    with pytest.raises(DevLockError, match="does not end"):
        DevLock.take(tmp_path, None, state_folder=tmp_path / "state")
    lock.release()
