"""How a session ends, the box's or the CLI's, with runs in flight: none is lost, none hangs.

Each test here ends something, so this file is the last one.
"""

from __future__ import annotations

import signal

import pytest

from tests.compat.box import RealBox, eventually
from tests.compat.dev import DevSession

GOODBYE_S_MAX = 5


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_a_box_that_ends_comes_back_and_no_run_is_lost(
    dev: DevSession, box: RealBox, end: signal.Signals
):
    running = dev.api.trigger("steady", {"seconds": 3})
    dev.talker.heard(rf"{running}\.1 steady has begun")
    waiting = dev.api.trigger("greet", {"name": "Ada"}, delay="2s")

    box.start_again(end)

    # The task went on meanwhile: it is not run a second time.
    run = dev.api.finished(running)
    assert run["status"] == "COMPLETED"
    assert run["output"] == {"slept": 3}
    assert run["attemptCount"] == 1
    assert dev.api.finished(waiting)["status"] == "COMPLETED"
    assert eventually(lambda: dev.is_connected or None)


def test_ctrl_c_ends_the_runs_in_flight(dev: DevSession):
    run_id = dev.api.trigger("endless")
    dev.api.executing(run_id)
    dev.talker.heard(rf"{run_id}\.1 endless has begun")

    dev.talker.interrupt()

    assert dev.api.finished(run_id, within_s=GOODBYE_S_MAX)["status"] == "CANCELED"
    dev.talker.ended()
    dev.gone()
    eventually(lambda: None if dev.is_connected else True, within_s=10)


def test_kill_minus_9_ends_the_runs_in_flight(dev: DevSession):
    run_id = dev.api.trigger("endless")
    dev.api.executing(run_id)
    dev.talker.heard(rf"{run_id}\.1 endless has begun")

    dev.talker.signal(signal.SIGKILL)

    assert dev.api.finished(run_id, within_s=GOODBYE_S_MAX)["status"] == "CANCELED"
    dev.gone()
    eventually(lambda: None if dev.is_connected else True, within_s=10)
