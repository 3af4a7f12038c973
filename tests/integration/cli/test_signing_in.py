from __future__ import annotations

import io
import json
import threading
from pathlib import Path

import httpx
import pytest

from tests.integration.cli.conftest import EMAIL, PASSWORD, Serving, Tbx
from trigger_box.cli.exits import Exit


def file_of(tmp_path: Path) -> Path:
    return tmp_path / "config" / "trigger" / "config.json"


def test_a_token_signs_in_and_is_kept_for_the_npm_cli_too(
    tbx: Tbx, serving: Serving, tmp_path: Path
) -> None:
    ended = tbx("login", "-a", f"{serving.url}/", "--token", serving.token)

    assert ended.code == Exit.OK
    assert ended.out == ""
    assert f"Signed in to {serving.url} as {EMAIL} (profile default)." in ended.err
    assert serving.token not in ended.err
    profile = json.loads(file_of(tmp_path).read_text())["profiles"]["default"]
    assert profile == {"accessToken": serving.token, "apiUrl": serving.url}
    assert file_of(tmp_path).stat().st_mode & 0o777 == 0o600


def test_a_token_can_come_from_stdin_and_keep_out_of_process_lists(
    tbx: Tbx, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{serving.token}\n"))

    ended = tbx("login", "-a", serving.url, "--token", "-", "--profile", "work", "--json")

    assert ended.value == {"profile": "work", "apiUrl": serving.url, "email": EMAIL}


@pytest.mark.parametrize(
    ("token", "ends"),
    [
        ("tr_dev_" + "x" * 24, (2, "begin with tr_pat_")),
        ("tr_pat_" + "x" * 40, (3, "Invalid or Missing Access Token")),
    ],
)
def test_a_token_that_is_no_good_changes_nothing(
    tbx: Tbx, serving: Serving, tmp_path: Path, token: str, ends: tuple[int, str]
) -> None:
    code, words = ends
    ended = tbx("login", "-a", serving.url, "--token", token)

    assert ended.code == code
    assert words in ended.err
    assert not file_of(tmp_path).exists()


def test_the_browser_lets_the_terminal_in(
    tbx: Tbx, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trigger_box.cli.login._POLL_S", 0.05)
    browser = httpx.Client(base_url=serving.url, headers={"origin": serving.url})
    body = {"email": EMAIL, "password": PASSWORD}
    session = browser.post("/dashboard/api/sign-in", json=body).raise_for_status().json()
    browser.headers["x-csrf-token"] = session["csrfToken"]
    shown: list[str] = []

    def click(link: str) -> None:
        """Do what the person does with the link that the terminal shows."""
        shown.append(link)
        code = link.rpartition("/")[2]
        path = f"/dashboard/api/cli-authorizations/{code}"
        assert browser.get(path).raise_for_status().json()["program"].startswith("trigger-box ")
        # Somebody who has seen the link can't fetch the token with it.
        other = httpx.post(f"{serving.url}/api/v1/token", json={"authorizationCode": code})
        assert (other.status_code, "codeVerifier" in other.text) == (400, True)
        later = threading.Timer(0.2, lambda: browser.post(f"{path}/approve").raise_for_status())
        later.start()

    monkeypatch.setattr("trigger_box.cli.login._open_browser", click)
    monkeypatch.setattr("trigger_box.cli.console.Console.is_interactive", True)
    monkeypatch.setenv("DISPLAY", ":0")

    ended = tbx("login", "-a", serving.url)

    browser.close()
    assert ended.code == Exit.OK
    assert shown[0].startswith(f"{serving.url}/account/authorization-code/")
    assert shown[0] in ended.err
    assert tbx("whoami", "--json").value["email"] == EMAIL


def test_a_ci_machine_is_not_asked_to_click(tbx: Tbx, serving: Serving) -> None:
    tbx.with_variables(CI="true")

    ended = tbx("login", "-a", serving.url)

    assert ended.code == Exit.NOT_SIGNED_IN
    assert "TRIGGER_ACCESS_TOKEN" in ended.err


def test_who_and_where_is_told(tbx: Tbx, serving: Serving) -> None:
    tbx("login", "-a", serving.url, "--token", serving.token)
    ref = tbx("projects", "create", "Shop", "-a", serving.url, "--json").value["ref"]

    plain = tbx("whoami")
    mine = tbx("whoami", "--project-ref", ref)
    other = tbx("whoami", "--project-ref", "proj_" + "z" * 20)

    assert plain.out.splitlines() == [
        f"e-mail  {EMAIL}",
        f"box     {serving.url}",
        "from    profile default",
    ]
    assert f"Shop ({ref}), My organization" in mine.out
    assert "not a project you can see" in other.out


def test_scripts_are_told_of_a_project_nobody_sees_too(signed_in: Tbx) -> None:
    ref = signed_in("projects", "create", "Seen", "--json").value["ref"]
    stranger = "proj_" + "z" * 20

    mine = signed_in("whoami", "-p", ref, "--json").value
    other = signed_in("whoami", "-p", stranger, "--json").value

    assert (mine["projectRef"], mine["projectFrom"]) == (ref, "--project-ref")
    assert "projectProblem" not in mine
    assert other["projectRef"] == stranger
    assert other["projectProblem"] == f"{stranger} is not a project you can see (--project-ref)"


def test_an_address_that_gives_way_is_said_on_stderr(tbx: Tbx, serving: Serving) -> None:
    tbx("login", "-a", serving.url, "--token", serving.token)
    tbx.with_variables(TRIGGER_API_URL="http://127.0.0.1:1")

    who = tbx("whoami", "--json")

    assert who.value["apiUrl"] == serving.url
    assert "TRIGGER_API_URL (http://127.0.0.1:1) gives way" in who.err


def test_the_profile_in_use_is_not_claimed_where_a_token_wins(signed_in: Tbx) -> None:
    assert "TRIGGER_ACCESS_TOKEN is set" in signed_in("profiles", "list").err


def test_variables_need_no_profile(signed_in: Tbx, serving: Serving) -> None:
    answer = signed_in("whoami", "--json").value

    assert answer["email"] == EMAIL
    assert (answer["apiUrl"], answer["from"]) == (serving.url, "TRIGGER_ACCESS_TOKEN")


def test_profiles_are_listed_switched_and_removed(tbx: Tbx, serving: Serving) -> None:
    assert "No profiles yet" in tbx("profiles", "list").err
    for name in ("work", "home"):
        tbx("login", "-a", serving.url, "--token", serving.token, "--profile", name)

    listed = tbx("profiles", "list")
    assert listed.out.splitlines()[1:] == [
        f"*  home     {serving.url}  signed in",
        f"   work     {serving.url}  signed in",
    ]
    assert serving.token not in listed.out
    assert tbx("profiles", "switch", "work").code == Exit.OK
    assert [p["name"] for p in tbx("profiles", "list", "--json").value if p["isCurrent"]] == [
        "work"
    ]
    assert tbx("profiles", "remove", "home").code == Exit.OK
    assert tbx("profiles", "remove", "home").code == Exit.NOT_FOUND
    assert tbx("profiles", "switch", "home").code == Exit.NOT_FOUND


def test_signing_out_forgets_the_token(tbx: Tbx, serving: Serving) -> None:
    tbx("login", "-a", serving.url, "--token", serving.token)

    out = tbx("logout")
    again = tbx("logout", "--json")
    who = tbx("whoami")

    assert "Signed out of profile default." in out.err
    assert f"{serving.url}/account/tokens" in out.err
    assert again.value == {"profile": "default", "signedOut": False}
    assert who.code == Exit.NOT_SIGNED_IN
    assert "trigger-box login" in who.err


def test_no_secret_is_written_to_the_log(signed_in: Tbx, serving: Serving) -> None:
    keys = signed_in("projects", "create", "Logged", "--json").value["keys"]
    signed_in("login", "-a", serving.url, "--token", "tr_pat_" + "z" * 40)
    body = {"email": EMAIL, "password": PASSWORD}
    httpx.post(f"{serving.url}/dashboard/api/sign-in", json=body).raise_for_status()
    httpx.get(f"{serving.url}/dashboard/api/claim", params={"token": "tr_claim_planted"})
    for key in (keys["dev"], "tr_dev_planted"):
        httpx.get(f"{serving.url}/api/v1/runs", headers={"authorization": f"Bearer {key}"})

    log = (serving.folder.parent / "box.log").read_text()

    secrets = (PASSWORD, serving.token, "z" * 40, "planted", *keys.values())
    assert "box.started" in log
    assert [secret for secret in secrets if secret in log] == []


def test_a_box_that_is_not_there_is_told_at_once(tbx: Tbx) -> None:
    ended = tbx("login", "-a", "http://127.0.0.1:1")

    assert ended.code == Exit.UNAVAILABLE
    assert "No box answers at http://127.0.0.1:1 (Connection refused)." in ended.err
    assert "trigger-box serve" in ended.err


def test_a_wait_without_a_worker_says_why_and_ends_in_time(
    signed_in: Tbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trigger_box.cli.watching._SILENCE_S_MIN", 0.1)
    ref = signed_in("projects", "create", "Lonely", "--json").value["ref"]

    ended = signed_in("tasks", "trigger", "x", "-p", ref, "--wait", "--timeout", "0.5")
    never = signed_in("tasks", "trigger", "x", "-p", ref, "--wait", "--timeout", "-1")

    assert ended.code == Exit.TIMED_OUT
    assert "no worker is connected: start one with `trigger-box dev`" in ended.err
    assert "it goes on" in ended.err
    assert never.code == Exit.USAGE
