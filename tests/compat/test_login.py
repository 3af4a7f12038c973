"""The unmodified npm CLI signs in, says who it is, and sets up a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.compat.box import EMAIL, RealBox
from tests.compat.cli import Cli

URL = r"(http://\S+/account/authorization-code/\S+)"


def sign_in(cli: Cli, box: RealBox, folder: Path) -> str:
    """Sign in as a person does: the CLI prints a page, the person approves on it."""
    with cli.start(
        "login", "-a", box.origin, "--profile", "compat", "--no-browser", cwd=folder, name="login"
    ) as login:
        url = login.heard(URL)[1]
        login.heard("Waiting for you to login")
        box.approve(url)
        login.heard("Logged in")
        assert login.ended() == 0
        return login.words


def test_a_person_signs_in_a_cli_in_the_browser(cli: Cli, box: RealBox, tmp_path: Path):
    said = sign_in(cli, box, tmp_path)

    profile = json.loads(cli.config_file.read_text())["profiles"]["compat"]
    assert "tr_pat_****" in said
    assert EMAIL in said
    assert profile["apiUrl"] == box.origin
    assert profile["accessToken"].startswith("tr_pat_")
    assert cli.run("whoami", "--profile", "compat", cwd=tmp_path)[0] == 0


def test_whoami_names_the_account_and_the_project(
    cli: Cli, box: RealBox, project: Path, made: dict[str, Any], tmp_path: Path
):
    if not cli.config_file.exists():
        sign_in(cli, box, tmp_path)

    code, said = cli.run(
        "whoami", "--profile", "compat", cwd=project, extra={"TRIGGER_PROJECT_REF": made["ref"]}
    )

    assert code == 0
    assert EMAIL in said


def test_a_cli_whose_person_says_no_is_told(cli: Cli, box: RealBox, tmp_path: Path):
    with cli.start(
        "login", "-a", box.origin, "--profile", "denied", "--no-browser", cwd=tmp_path, name="login"
    ) as login:
        box.deny(login.heard(URL)[1])

        # Not at the end of its patience: the next poll is answered with a refusal.
        login.heard("Failed to get access token", within_s=10)
        login.ended()
    profiles = json.loads(cli.config_file.read_text())["profiles"]
    assert "accessToken" not in profiles.get("denied", {})


def test_a_wrong_token_is_refused(cli: Cli, box: RealBox, tmp_path: Path):
    wrong = {"accessToken": "tr_pat_" + "1" * 40, "apiUrl": box.origin}
    config = json.loads(cli.config_file.read_text()) if cli.config_file.exists() else {}
    profiles = config.get("profiles", {}) | {"wrong": wrong}
    cli.config_file.parent.mkdir(parents=True, exist_ok=True)
    cli.config_file.write_text(
        json.dumps({"version": 2, "currentProfile": "wrong", "profiles": profiles})
    )

    code, said = cli.run("whoami", "--profile", "wrong", cwd=tmp_path)

    assert code != 0 or EMAIL not in said
    assert "Invalid or Missing Access Token" in said
