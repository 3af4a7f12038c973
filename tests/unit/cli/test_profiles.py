from __future__ import annotations

import json
from pathlib import Path

import pytest

from trigger_box.cli.exits import CliError, Exit
from trigger_box.cli.profiles import Profiles


def test_without_a_file_nobody_is_signed_in(tmp_path: Path) -> None:
    profiles = Profiles(tmp_path / "trigger")

    assert profiles.current == "default"
    assert profiles.all() == []
    assert profiles.get().access_token is None
    assert not (tmp_path / "trigger").exists()


def test_signing_in_writes_the_file_as_the_npm_cli_does(tmp_path: Path) -> None:
    profiles = Profiles(tmp_path / "trigger")

    profiles.put("work", api_url="http://box", access_token="tr_pat_x")

    assert json.loads(profiles.path.read_text()) == {
        "version": 2,
        "currentProfile": "work",
        "profiles": {"work": {"accessToken": "tr_pat_x", "apiUrl": "http://box"}},
        "settings": {"hasSeenMCPInstallPrompt": False, "hasSeenRulesInstallPrompt": False},
    }
    assert profiles.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in profiles.path.parent.iterdir()] == ["config.json"]
    assert "tr_pat_x" not in repr(profiles.get())


def test_what_others_wrote_into_the_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    content = {
        "version": 2,
        "currentProfile": "a",
        "profiles": {"a": {"accessToken": "tr_pat_a", "apiUrl": "http://a", "pendingLogin": {}}},
        "settings": {"new": 1},
        "future": [1],
    }
    path.write_text(json.dumps(content))
    profiles = Profiles(tmp_path)

    profiles.put("a", api_url="http://a2", access_token="tr_pat_a2")
    profiles.put("b", api_url="http://b", access_token="tr_pat_b")
    profiles.switch("a")

    kept = json.loads(path.read_text())
    assert kept["future"] == [1]
    assert kept["settings"] == {"new": 1}
    assert kept["profiles"]["a"] == {
        "accessToken": "tr_pat_a2",
        "apiUrl": "http://a2",
        "pendingLogin": {},
    }


def test_the_file_of_an_older_npm_cli_is_taken_over(tmp_path: Path) -> None:
    old = {"default": {"accessToken": "tr_pat_old", "apiUrl": "http://old"}}
    (tmp_path / "default.json").write_text(json.dumps(old))
    profiles = Profiles(tmp_path)

    assert profiles.get().access_token == "tr_pat_old"
    profiles.put("new", api_url="http://new", access_token="tr_pat_new")

    assert [profile.name for profile in profiles.all()] == ["default", "new"]


def test_signing_out_drops_the_token_and_keeps_the_address(tmp_path: Path) -> None:
    profiles = Profiles(tmp_path)
    profiles.put("a", api_url="http://a", access_token="tr_pat_a")

    assert profiles.forget_token("a")
    assert not profiles.forget_token("a")
    assert not profiles.forget_token("unknown")

    assert profiles.get("a").api_url == "http://a"
    assert profiles.get("a").access_token is None


def test_removing_the_profile_in_use_goes_back_to_the_default_one(tmp_path: Path) -> None:
    profiles = Profiles(tmp_path)
    profiles.put("a", api_url="http://a", access_token="tr_pat_a")

    profiles.remove("a")

    assert profiles.current == "default"
    assert profiles.all() == []


@pytest.mark.parametrize("act", ["switch", "remove"])
def test_an_unknown_profile_is_refused_with_the_known_ones(tmp_path: Path, act: str) -> None:
    profiles = Profiles(tmp_path)
    profiles.put("work", api_url="http://a", access_token="tr_pat_a")

    with pytest.raises(CliError, match=r"no profile 'wrok'. Profiles: work") as caught:
        getattr(profiles, act)("wrok")

    assert caught.value.code is Exit.NOT_FOUND


@pytest.mark.parametrize("content", ["{", "[]", '{"profiles": []}', '{"profiles": {"a": 1}}'])
def test_a_damaged_file_is_named_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)

    with pytest.raises(CliError, match="profile file"):
        Profiles(tmp_path).put("a", api_url="http://a", access_token="tr_pat_a")

    assert path.read_text() == content


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(CliError, match="can't be written"):
        Profiles(tmp_path / "file").put("a", api_url="http://a", access_token="tr_pat_a")
