"""From an empty folder to runs: the steps of the README, with a real box and a real ``dev``."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Serving, Tbx
from tests.support.running import PROGRAM
from trigger_box.cli.exits import Exit

DEV_S_MAX = 60
ELEVEN_TAGS = [word for number in range(11) for word in ("--tag", f"t{number}")]
TASKS = '''
from trigger_box import logger, task


@task("steps", retry=1)
def steps(payload: dict) -> str:
    """Write a line; fail if told to."""
    logger.info("step", number=1, tag="x\\x1b[31m")
    if payload.get("fails"):
        raise ValueError("told to")
    return "done"
'''


@contextmanager
def dev(folder: Path) -> Iterator[None]:
    """Run ``trigger-box dev`` in a folder; go on once its first version is registered."""
    with subprocess.Popen(
        [PROGRAM, "dev"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "XDG_STATE_HOME": str(folder.parent / "state")},
    ) as process:
        assert process.stdout is not None
        said = b""
        deadline_s = time.monotonic() + DEV_S_MAX
        try:
            while b"version 20" not in said:
                readable, _, _ = select.select([process.stdout], [], [], 1.0)
                if readable:
                    said += os.read(process.stdout.fileno(), 65_536)
                assert process.poll() is None, said.decode()
                assert time.monotonic() < deadline_s, said.decode()
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=DEV_S_MAX)


@pytest.mark.slow
def test_init_dev_trigger_watch_replay_and_cancel(signed_in: Tbx) -> None:
    tbx, folder = signed_in, Path.cwd()

    made = tbx("init", "-y", "--json").value
    assert made["project"]["name"] == "work"
    assert made["project"]["created"]
    assert made["files"] == [
        "trigger.config.py",
        "tasks/example.py",
        "tests/test_example.py",
        "conftest.py",
    ]
    assert tbx("init", "-y").code == Exit.REFUSED
    early = tbx("tasks", "list")
    assert (early.code, "trigger-box dev" in early.err) == (Exit.NOT_FOUND, True)
    (folder / "tasks" / "steps.py").write_text(TASKS)

    with dev(folder):
        listed = tbx("tasks", "list")
        assert re.search(r"^hello-world +tasks/example\.py$", listed.out, re.MULTILINE)

        hello = tbx("tasks", "trigger", "hello-world", "--payload", '{"name": "Ada"}', "--wait")
        assert hello.code == Exit.OK
        assert hello.out == '{\n  "message": "Hello, Ada!"\n}\n'
        assert "✓ COMPLETED" in hello.err

        failing = tbx("tasks", "trigger", "steps", "--payload", '{"fails": true}', "--wait")
        assert failing.code == Exit.RUN_FAILED
        assert failing.out == ""
        assert "ValueError: told to" in failing.err

        run_id = tbx("tasks", "trigger", "steps", "--payload", "{}", "--tag", "a").out.strip()
        watched = tbx("runs", "watch", run_id)
        assert watched.code == Exit.OK
        assert re.search(r"INFO  step number=1 tag=x�\[31m$", watched.out, re.MULTILINE)
        assert watched.out.endswith("done\n")

        replayed = tbx("runs", "replay", run_id, "--wait", "--json").value
        assert (replayed["status"], replayed["output"]) == ("COMPLETED", "done")
        assert replayed["id"] != run_id

    logs = tbx("runs", "logs", run_id)
    assert [line.partition(" ")[2][:11] for line in logs.out.splitlines()] == ["INFO  step "]
    got = tbx("runs", "get", run_id)
    assert re.search(r"^tags +a$", got.out, re.MULTILINE)
    failed = tbx("runs", "list", "--status", "failed", "--json").value["data"]
    assert [run["taskIdentifier"] for run in failed] == ["steps"]
    assert "Did you mean 'steps'?" in tbx("tasks", "trigger", "step").err


def test_runs_are_listed_got_and_canceled_with_nothing_but_a_secret_key(
    signed_in: Tbx, serving: Serving
) -> None:
    keys = signed_in("projects", "create", "Keys", "--json").value["keys"]
    tbx = signed_in
    tbx.with_variables(TRIGGER_ACCESS_TOKEN=None, TRIGGER_SECRET_KEY=keys["dev"])

    assert "No such runs in dev" in tbx("runs", "list").err
    options = ("--tag", "a", "--tag", "b", "--delay", "1h", "--idempotency-key", "k")
    first = tbx("tasks", "trigger", "later", "--payload", '"x"', *options, "--json").value
    second = tbx("tasks", "trigger", "later", "--payload", '"x"', *options)
    run_id = first["id"]

    assert first["url"] == f"{serving.url}/runs/{run_id}"
    assert second.out.strip() == run_id
    assert "the key was used before" in second.err
    got = tbx("runs", "get", run_id, "--json").value
    assert (got["status"], got["tags"], got["payload"]) == ("DELAYED", ["a", "b"], "x")
    listed = tbx("runs", "list")
    assert re.search(rf"^{run_id}  ○ DELAYED  later .* a b$", listed.out, re.MULTILINE)

    canceled = tbx("runs", "cancel", run_id, "run_nope")
    assert canceled.code == Exit.NOT_FOUND
    assert f"{run_id} is being canceled." in canceled.err
    assert "run_nope: There is no run run_nope" in canceled.err
    again = tbx("runs", "cancel", run_id, "--json")
    assert again.value == [{"id": run_id, "hadEnded": True}]
    watched = tbx("runs", "watch", run_id)
    assert (watched.code, "- CANCELED" in watched.out) == (Exit.RUN_FAILED, True)


def test_a_wait_that_ends_names_a_command_that_finds_the_run(signed_in: Tbx) -> None:
    ref = signed_in("projects", "create", "Far", "--json").value["ref"]
    where = ("--env", "prod", "-p", ref)

    ended = signed_in("tasks", "trigger", "x", "--wait", "--timeout", "0.2", *where)
    hint = re.search(r"trigger-box (runs watch run_\w+ --env prod)", ended.err)
    assert hint is not None
    again = signed_in(*hint[1].split(), "-p", ref, "--timeout", "0.2")

    assert (ended.code, again.code) == (Exit.TIMED_OUT, Exit.TIMED_OUT)


def test_a_wait_for_a_run_that_nobody_takes_ends_on_time(signed_in: Tbx) -> None:
    key = signed_in("projects", "create", "Idle", "--json").value["keys"]["prod"]
    signed_in.with_variables(TRIGGER_ACCESS_TOKEN=None, TRIGGER_SECRET_KEY=key)

    ended = signed_in("tasks", "trigger", "x", "--wait", "--timeout", "0.2")

    assert ended.code == Exit.TIMED_OUT
    assert "it goes on" in ended.err
    assert "trigger-box runs watch run_" in ended.err


@pytest.mark.parametrize(
    ("arguments", "ends"),
    [
        (("runs", "list", "--period", "xx"), (5, "Write a period")),
        (("runs", "list", "--env", "qa"), (2, "'qa' is not one of")),
        (("runs", "get", "run_nope"), (4, "There is no run run_nope in this environment.")),
        (("runs", "replay", "run_nope"), (4, "There is no run run_nope")),
        (("runs", "logs", "run_nope"), (4, "There is no run run_nope")),
        (("tasks", "trigger", "x", "--payload", "{"), (2, "is not JSON")),
        (("tasks", "trigger", "x", "--delay", "soon"), (5, "delay")),
        (("tasks", "trigger", "x", *ELEVEN_TAGS), (5, "10")),
        (("tasks", "list"), (3, "a secret key can't do that")),
    ],
)
def test_bad_input_names_the_field_and_the_next_step(
    signed_in: Tbx, arguments: tuple[str, ...], ends: tuple[int, str]
) -> None:
    code, words = ends
    key = signed_in("projects", "create", "Bad", "--json").value["keys"]["prod"]
    signed_in.with_variables(TRIGGER_ACCESS_TOKEN=None, TRIGGER_SECRET_KEY=key)

    ended = signed_in(*arguments)

    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err


def test_without_a_project_runs_ask_which_one(signed_in: Tbx) -> None:
    ended = signed_in("runs", "list")

    assert ended.code == Exit.USAGE
    assert "Which project?" in ended.err
    assert "trigger-box init" in ended.err


def test_an_unknown_project_is_told_in_the_boxs_words(signed_in: Tbx) -> None:
    ended = signed_in("runs", "list", "--project-ref", "proj_" + "z" * 20)

    assert ended.code == Exit.NOT_FOUND
    assert "Project not found" in ended.err


def test_init_takes_the_project_that_is_named_and_keeps_what_is_there(signed_in: Tbx) -> None:
    tbx = signed_in
    ref = tbx("projects", "create", "Named", "--json").value["ref"]
    (Path.cwd() / "conftest.py").write_text("# mine\n")
    (Path.cwd() / "uv.lock").write_text("")

    made = tbx("init", "-y", "--project-ref", ref)

    assert made.code == Exit.OK
    assert f"Using project Named ({ref})." in made.err
    assert "kept   conftest.py" in made.err
    assert "wrote  trigger.config.py" in made.err
    assert (Path.cwd() / "conftest.py").read_text() == "# mine\n"
    assert ref in (Path.cwd() / "trigger.config.py").read_text()
    assert tbx("whoami").out.splitlines()[-1] == f"project  Named ({ref}), My organization"


def test_init_of_a_folder_that_is_named_makes_it_and_says_where_to_go(signed_in: Tbx) -> None:
    made = signed_in("init", "-y", "hello")

    assert (Path.cwd() / "hello" / "trigger.config.py").exists()
    assert "  cd hello\n" in made.err
    again = signed_in("init", "-y", "--json", "other/hello").value
    assert again["project"]["name"] == "hello"
    assert not again["project"]["created"]


def test_init_needs_somebody_who_is_signed_in_and_writes_nothing_else(tbx: Tbx) -> None:
    ended = tbx("init", "-y")

    assert ended.code == Exit.NOT_SIGNED_IN
    assert list(Path.cwd().iterdir()) == []
