"""The unmodified npm CLI's other commands that a box answers already. The older CLI has few."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.compat.cli import Cli
from tests.compat.dev import DevSession

Run = Callable[..., str]


newer = pytest.mark.parametrize("packages", ["4.8.3"], indirect=True, scope="session")


@pytest.fixture
def trigger(cli: Cli, dev: DevSession) -> Run:
    """Run a command inside the project; return what it said. It must succeed."""

    def run(*arguments: str) -> str:
        code, said = cli.run(*arguments, cwd=dev.project, extra=dev.environ)
        assert code == 0, said
        return said

    return run


@newer
def test_a_task_is_triggered_and_waited_for(trigger: Run):
    said = trigger("tasks", "trigger", "greet", "--payload", '{"name":"Ada"}', "--wait")

    assert re.search(r"run_[0-9a-v]{26}", said)
    assert "Ada" in said


@newer
def test_an_unknown_task_is_named(cli: Cli, dev: DevSession):
    code, said = cli.run("tasks", "trigger", "nothing", cwd=dev.project, extra=dev.environ)

    assert code != 0
    assert "nothing" in said


@newer
def test_runs_are_listed_shown_cancelled_and_replayed(trigger: Run, dev: DevSession):
    run_id = dev.api.trigger("greet", {"name": "Ada"}, delay="1h", tags=["by-hand"])

    listed = trigger("runs", "list", "--env", "dev", "--tag", "by-hand")
    shown = trigger("runs", "get", run_id, "--env", "dev")
    trigger("runs", "cancel", run_id, "--env", "dev", "--yes")
    replayed = trigger("runs", "replay", run_id, "--env", "dev")

    assert run_id in listed
    assert "greet" in shown
    assert dev.api.run(run_id)["status"] == "CANCELED"
    again = re.findall(r"run_[0-9a-v]{26}", replayed)
    assert any(dev.api.finished(one)["status"] == "COMPLETED" for one in set(again) - {run_id})


@newer
def test_projects_and_organizations_are_listed_made_and_renamed(trigger: Run, made: dict[str, Any]):
    trigger("projects", "rename", made["ref"], "Renamed")

    assert "Renamed" in trigger("projects", "get", made["ref"])
    assert made["ref"] in trigger("projects", "list")
    assert "My organization" in trigger("orgs", "list")


def test_variables_of_the_box_are_not_shown_as_the_users(cli: Cli, dev: DevSession):
    code, said = cli.run("env", "list", "--env", "prod", cwd=dev.project, extra=dev.environ)

    assert code == 0, said
    assert "TRIGGER_API_URL" not in said


def test_a_branch_is_refused_in_words_that_help(cli: Cli, dev: DevSession):
    code, said = cli.run(
        "dev", "--branch", "feature", "--skip-update-check", cwd=dev.project, extra=dev.environ
    )

    assert code == 1
    assert "without --branch" in said
