from __future__ import annotations

import io
import re
import sqlite3
from pathlib import Path

import pytest

from tests.integration.cli.conftest import EMAIL, Serving, Tbx
from trigger_box.cli.environment import read_variables
from trigger_box.cli.exits import Exit
from trigger_box.cli.profiles import Profiles

PASSWORD = "eight or more"


def test_a_stopped_box_is_opened_claimed_and_closed_again(tbx: Tbx, tmp_path: Path) -> None:
    data = str(tmp_path / "data")

    admin = tbx("admin", "create", "--email", EMAIL, "--data-dir", data, "--json")
    token = tbx("admin", "token", "--email", EMAIL, "--name", "ci", "--data-dir", data, "--json")
    project = tbx("projects", "create", "My Shop", "--data-dir", data, "--json")

    assert (admin.code, admin.value["email"], admin.value["created"]) == (0, EMAIL, True)
    assert re.fullmatch(r"tr_pat_\w{40}", token.value["token"])
    assert set(project.value) == {"ref", "keys"}
    assert re.fullmatch(r"proj_[a-z]{20}", project.value["ref"])
    assert set(project.value["keys"]) == {"dev", "stg", "prod", "preview"}


def test_a_running_box_is_asked(tbx: Tbx, serving: Serving) -> None:
    data = str(serving.folder)

    again = tbx("admin", "create", "--email", EMAIL, "--data-dir", data)
    token = tbx("admin", "token", "--email", EMAIL, "--name", "ci", "--data-dir", data)
    project = tbx("projects", "create", "Running", "--data-dir", data)

    assert again.code == Exit.OK
    assert "nothing changed" in again.err
    assert re.fullmatch(r"tr_pat_\w{40}\n", token.out)
    assert "not shown again" in token.err
    assert re.search(r"^ref +proj_[a-z]{20}$", project.out, re.MULTILINE)
    assert re.search(r"^prod key +tr_prod_\w{24}$", project.out, re.MULTILINE)


def test_a_claim_link_is_printed_until_the_box_has_an_owner(tbx: Tbx, serving: Serving) -> None:
    assert serving.claim_link.startswith(f"{serving.url}/claim?token=tr_claim_")

    refused = tbx("admin", "claim-link", "--data-dir", str(serving.folder))

    assert refused.code == Exit.REFUSED
    assert "has an owner already" in refused.err


def test_a_claim_link_needs_a_running_box(tbx: Tbx, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    nothing = tbx("admin", "claim-link", "--data-dir", data)
    tbx("admin", "create", "--email", EMAIL, "--data-dir", data)
    database = sqlite3.connect(tmp_path / "data" / "box.db")
    database.execute("UPDATE box SET claimed_at_ms = NULL")
    database.commit()
    database.close()

    stopped = tbx("admin", "claim-link", "--data-dir", data)

    assert (nothing.code, stopped.code) == (Exit.NOT_FOUND, Exit.UNAVAILABLE)
    assert "There is no box in" in nothing.err
    assert "not running" in stopped.err


def test_an_administrator_gets_no_password_that_is_guessed_first(
    tbx: Tbx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("changeme123\n"))
    data = ("--data-dir", str(tmp_path / "data"))

    refused = tbx("admin", "create", "--email", EMAIL, "--password-stdin", *data)

    assert refused.code != Exit.OK
    assert "one of the most common" in refused.err
    assert "changeme123" not in refused.err


def test_a_password_comes_from_stdin_and_must_be_long_enough(
    tbx: Tbx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("admin", "create", "--email", EMAIL, "--password-stdin")
    data = ("--data-dir", str(tmp_path / "data"))

    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    short = tbx(*command, *data)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    nothing = tbx(*command, *data)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    fine = tbx(*command, *data)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    again = tbx(*command, *data)

    assert (short.code, nothing.code, fine.code, again.code) == (5, 2, 0, 0)
    assert "at least 8 characters" in short.err
    assert "is an administrator" in fine.err
    assert "new password" in again.err
    assert PASSWORD not in fine.out + fine.err + again.out + again.err


@pytest.mark.parametrize(
    ("arguments", "ends"),
    [
        (("admin", "create", "--email", "ada"), (5, "is not an e-mail address")),
        (("admin", "token", "--email", "bob@example.com", "--name", "x"), (4, "bob@example.com")),
        (("admin", "token", "--email", EMAIL, "--name", ""), (5, "name: use 1 to 100")),
        (("projects", "create", ""), (5, "name: use 1 to 100")),
        (("projects", "create", "X", "--email", "bob@example.com"), (4, "bob@example.com")),
    ],
)
def test_what_the_owner_asks_wrongly_is_told_the_same_way_running_or_stopped(
    tbx: Tbx,
    serving: Serving,
    tmp_path: Path,
    arguments: tuple[str, ...],
    ends: tuple[int, str],
) -> None:
    code, words = ends
    stopped = str(tmp_path / "data")
    tbx("admin", "create", "--email", EMAIL, "--data-dir", stopped)

    for folder in (stopped, str(serving.folder)):
        ended = tbx(*arguments, "--data-dir", folder)

        assert ended.code == code
        assert words in ended.err
        assert ended.out == ""


def test_tokens_and_projects_need_a_box_that_exists(tbx: Tbx, tmp_path: Path) -> None:
    data = str(tmp_path / "data")

    token = tbx("admin", "token", "--email", EMAIL, "--name", "x", "--data-dir", data)
    project = tbx("projects", "create", "X", "--data-dir", data)

    assert (token.code, project.code) == (Exit.NOT_FOUND, Exit.NOT_FOUND)
    assert not (tmp_path / "data").exists()


def test_a_newer_database_is_refused_in_one_sentence(tbx: Tbx, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    tbx("admin", "create", "--email", EMAIL, "--data-dir", data)
    database = sqlite3.connect(tmp_path / "data" / "box.db")
    database.execute("PRAGMA user_version = 99")
    database.close()

    ended = tbx("admin", "create", "--email", EMAIL, "--data-dir", data)

    assert ended.code == Exit.REFUSED
    assert "written by a newer trigger-box" in ended.err
    assert ended.err.count("\n") == 1


def test_projects_are_made_remotely_by_whoever_is_signed_in(signed_in: Tbx) -> None:
    made = signed_in("projects", "create", "Remote", "--json")
    listed = signed_in("projects", "list")

    assert set(made.value["keys"]) == {"dev", "stg", "prod", "preview"}
    assert re.search(rf"^{made.value['ref']}  Remote +My organization$", listed.out, re.MULTILINE)


def test_settings_are_shown_with_where_they_come_from(tbx: Tbx, tmp_path: Path) -> None:
    (tmp_path / "box.toml").write_text('public_url = "https://box.example.com"\n')
    tbx.with_variables(TRIGGER_BOX_PORT="4040", TRIGGER_BOX_METRICS_TOKEN="very-secret")

    shown = tbx("config", "show", "--origin", "--data-dir", str(tmp_path))
    value = tbx("config", "show", "--origin", "--data-dir", str(tmp_path), "--json").value
    plain = tbx("config", "show", "--data-dir", str(tmp_path), "--json").value

    assert value["port"] == {"value": 4040, "origin": "variable TRIGGER_BOX_PORT"}
    assert value["data_dir"]["origin"] == "flag --data-dir"
    assert value["public_url"]["origin"] == f"file {tmp_path / 'box.toml'}"
    assert value["host"]["origin"] == "default"
    assert plain["port"] == 4040
    assert re.search(r"^port +4040 +variable TRIGGER_BOX_PORT$", shown.out, re.MULTILINE)
    assert "very-secret" not in shown.out + str(value) + str(plain)


def test_a_setting_that_is_no_good_is_named_with_where_it_comes_from(tbx: Tbx) -> None:
    tbx.with_variables(TRIGGER_BOX_PORT="many")

    ended = tbx("config", "show")

    assert ended.code == Exit.USAGE
    assert "port (variable TRIGGER_BOX_PORT)" in ended.err


def test_a_project_is_made_where_it_is_said_to_be(signed_in: Tbx, serving: Serving) -> None:
    here = signed_in("projects", "create", "Here", "--data-dir", str(serving.folder), "--json")
    there = signed_in("projects", "create", "There")

    assert here.err == f"✓ Made project Here in {serving.url}.\n"
    assert there.err == f"✓ Made project There in {serving.url}.\n"


def test_a_project_of_a_stopped_box_names_its_folder(tbx: Tbx, tmp_path: Path) -> None:
    data = tmp_path / "data"
    tbx("admin", "create", "--email", EMAIL, "--data-dir", str(data))

    made = tbx("projects", "create", "Shop", "--data-dir", str(data))

    assert f"in the box in {data}, which is stopped." in made.err


def test_nobody_guesses_between_this_machines_box_and_the_one_signed_in_to(
    tbx: Tbx, serving: Serving
) -> None:
    folder = str(serving.folder)
    tbx.with_variables(TRIGGER_BOX_DATA_DIR=folder, TRIGGER_API_URL="http://127.0.0.1:1")
    variable = tbx("projects", "create", "X")
    tbx.with_variables(TRIGGER_API_URL=serving.url.replace("127.0.0.1", "localhost"))
    same = tbx("projects", "create", "X")
    tbx.with_variables(TRIGGER_API_URL=None)
    nothing = tbx("projects", "create", "X")
    Profiles.of(read_variables()).put("work", api_url="http://box.test", access_token="tr_pat_x")
    profile = tbx("projects", "create", "X", "--json")
    both = tbx("projects", "create", "X", "--data-dir", folder, "--profile", "work")
    said = tbx("projects", "create", "X", "--data-dir", folder)

    assert (variable.code, profile.code, both.code) == (Exit.USAGE, Exit.USAGE, Exit.USAGE)
    assert f"{folder} ({serving.url}), and http://127.0.0.1:1 (TRIGGER_API_URL)" in variable.err
    assert f"--data-dir {folder}, or -a http://127.0.0.1:1." in variable.err
    assert "http://box.test (profile work)" in profile.err
    assert "or --profile work" in profile.err
    assert "use one of them" in both.err
    assert (same.code, nothing.code, said.code) == (0, 0, 0)


def test_an_owners_option_is_not_ignored_elsewhere(signed_in: Tbx) -> None:
    ended = signed_in("projects", "create", "X", "--email", EMAIL)

    assert ended.code == Exit.USAGE
    assert "--email is for the box's owner" in ended.err


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("file", "can't be used: it is a file, not a folder. Choose another"),
        ("file/sub", "/file: it is a file, not a folder. Choose another"),
        ("link", "it is a link to something that is not there"),
        ("a" * 300, "path is too long"),
        ("odd", "/odd/blobs: it is a file, not a folder"),
        ("nul\0", "holds no NUL character"),
    ],
)
def test_a_folder_that_is_no_good_is_told_in_one_sentence(
    tbx: Tbx, tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "blobs").touch()
    data = f"{tmp_path}/{name}"

    served = tbx("serve", "--port", "0", "--data-dir", data)
    made = tbx("admin", "create", "--email", EMAIL, "--data-dir", data)
    project = tbx("projects", "create", "X", "--data-dir", data)

    assert words in served.err
    assert served.err == made.err
    assert served.code == made.code != 0
    assert project.code != 0
    for ended in (served, made, project):
        assert "bug" not in ended.err
        assert "Errno" not in ended.err


def test_an_empty_data_dir_is_not_taken_for_this_folder(tbx: Tbx) -> None:
    ended = tbx("config", "show", "--data-dir", "")

    assert ended.code == Exit.USAGE
    assert "data_dir (flag --data-dir) is empty" in ended.err
