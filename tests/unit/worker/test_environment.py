from __future__ import annotations

import os

import pytest

from trigger_box.worker.environment import RunEnvironment, process_environment


def test_a_runs_variables_and_its_own_changes_are_gone_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TB_KEPT", "before")
    monkeypatch.setenv("TB_OVERRIDDEN", "before")
    monkeypatch.setenv("TB_DELETED", "before")
    monkeypatch.delenv("TB_NEW", raising=False)
    before = process_environment()
    environment = RunEnvironment()

    environment.apply({"TB_NEW": "run é", "TB_OVERRIDDEN": "run", "TB_KEPT": "before"})
    during = process_environment()
    os.environ["TB_BY_TASK"] = "left behind"
    del os.environ["TB_DELETED"]
    environment.restore()

    assert (during["TB_NEW"], during["TB_OVERRIDDEN"]) == ("run é", "run")
    assert process_environment() == before
    assert os.getenv("TB_NEW") is None
