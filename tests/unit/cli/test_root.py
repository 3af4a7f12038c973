from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from trigger_box.cli.exits import CliError, Exit
from trigger_box.cli.root import SECTIONS, root, run
from trigger_box.domain.errors import UnavailableError
from trigger_box.version import VERSION

LATE = ("httpx", "pydantic", "litestar", "duckdb", "uvloop", "granian", "cryptography", "asyncio")


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its path, groups left out."""
    context = click.Context(root)
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            for child in command.commands.values():
                yield f"{name} {child.name}", child
        else:
            yield name, command


def test_the_help_lists_every_command_in_its_section(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == Exit.OK

    shown = capsys.readouterr().out
    for title, section in SECTIONS.items():
        assert f"{title}:" in shown
        for name, lazy in section.items():
            assert f"  {name}" in shown
            assert lazy.help in shown


def test_the_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom trigger_box.cli.root import run\n"
        "assert run(['--help']) == 0\n"
        f"print([name for name in {LATE!r} if name in sys.modules])"
    )

    looked = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )

    assert looked.stdout.splitlines()[-1] == "[]"


def test_every_command_has_json_and_help_that_ends_in_a_full_stop() -> None:
    for path, command in commands():
        options = {name for option in command.params for name in option.opts}
        assert "--json" in options, path
        assert command.help, path
        assert command.get_short_help_str(200).endswith("."), path


def test_every_option_that_is_not_plain_says_what_it_is_for() -> None:
    silent = [
        f"{path} {option.opts[-1]}"
        for path, command in commands()
        for option in command.params
        if isinstance(option, click.Option) and not option.help and len(option.opts[-1]) < 6
    ]

    assert silent == []


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == Exit.OK
    assert capsys.readouterr().out == f"trigger-box {VERSION}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["logn"], "There is no command 'logn'. Did you mean 'login'?"),
        (["nonsense"], "There is no command 'nonsense'."),
        (["runs", "nope"], "No such command 'nope'"),
        (["runs", "get"], "Missing argument 'RUN'"),
        (["whoami", "--nope"], "No such option"),
        (["runs", "list", "--limit", "0"], "0 is not in the range"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong_and_where_to_look(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert run(arguments) == Exit.USAGE

    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert "--help" in captured.err


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == Exit.USAGE
    assert "Usage:" in capsys.readouterr().err


class Ends:
    """Makes ``whoami`` end in some way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
        def fail(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr("trigger_box.cli.whoami.find_sign_in", fail)


def test_an_error_is_a_sentence_and_the_next_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Ends(monkeypatch, CliError("It broke.", hint="Mend it.", code=Exit.REFUSED))

    assert run(["whoami"]) == Exit.REFUSED

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "Error: It broke.\n  → Mend it.\n"


def test_with_json_an_error_is_json_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Ends(monkeypatch, CliError("It broke.", code=Exit.REFUSED))

    assert run(["whoami", "--json"]) == Exit.REFUSED

    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err) == {"error": "It broke.", "exit": 5}


def test_an_error_of_the_box_itself_is_a_sentence_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Ends(monkeypatch, UnavailableError("The disk is slow."))

    assert run(["whoami"]) == Exit.UNAVAILABLE
    assert capsys.readouterr().err == "Error: The disk is slow.\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_ctrl_c_ends_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    Ends(monkeypatch, error)

    assert run(["whoami"]) == Exit.INTERRUPTED
    assert "Traceback" not in capsys.readouterr().err


def test_a_bug_is_told_without_a_trace_unless_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Ends(monkeypatch, ZeroDivisionError("oh"))

    assert run(["whoami"]) == Exit.FAILURE
    plain = capsys.readouterr().err
    monkeypatch.setenv("TRIGGER_BOX_DEBUG", "1")
    assert run(["whoami"]) == Exit.FAILURE
    traced = capsys.readouterr().err

    assert "bug in trigger-box: ZeroDivisionError: oh" in plain
    assert "TRIGGER_BOX_DEBUG=1" in plain
    assert "Traceback" not in plain
    assert "Traceback" in traced


def test_a_command_whose_packages_are_not_installed_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)

    assert run(["serve", "--port", "0"]) == Exit.FAILURE

    assert f"-m pip install '{Path.cwd()}[server]'" in capsys.readouterr().err


def test_where_only_the_sdk_is_installed_the_command_line_says_so() -> None:
    program = "import sys\nsys.modules['click'] = None\nfrom trigger_box.cli import main\nmain()\n"

    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert f"pip install '{Path.cwd()}[cli]'" in ended.stderr
    assert "Traceback" not in ended.stderr
