from __future__ import annotations

from pathlib import Path

import pytest

from trigger_box.cli.environment import Variables, read_variables
from trigger_box.cli.exits import CliError, Exit
from trigger_box.cli.profiles import Profiles
from trigger_box.cli.target import DEFAULT_URL, default_url, find_environment, find_sign_in

KEY = "tr_prod_" + "k" * 24


def unexpected(text: str) -> None:
    raise AssertionError(text)


def variables(folder: Path, **environ: str) -> Variables:
    return read_variables({"XDG_CONFIG_HOME": str(folder), **environ})


def sign_in_to(folder: Path, name: str = "default") -> None:
    Profiles.of(variables(folder)).put(name, api_url=f"http://{name}", access_token="tr_pat_file")


def test_the_variable_wins_over_the_profile(tmp_path: Path) -> None:
    sign_in_to(tmp_path)
    both = variables(tmp_path, TRIGGER_ACCESS_TOKEN="tr_pat_env", TRIGGER_API_URL="http://env/")

    from_variable = find_sign_in(both, profile=None, api_url=None, warn=unexpected)
    from_profile = find_sign_in(variables(tmp_path), profile=None, api_url=None, warn=unexpected)

    assert (from_variable.token, from_variable.api_url) == ("tr_pat_env", "http://env")
    assert (from_profile.token, from_profile.api_url) == ("tr_pat_file", "http://default")
    assert "tr_pat" not in repr(from_variable)


@pytest.mark.parametrize(
    ("named", "flag", "variable"),
    [
        ("-a", "http://flag", {}),
        ("-a", "http://flag", {"TRIGGER_API_URL": "http://default"}),
        ("TRIGGER_API_URL", None, {"TRIGGER_API_URL": "http://flag"}),
    ],
)
def test_an_address_that_gives_way_to_the_profiles_own_is_said(
    tmp_path: Path, named: str, flag: str | None, variable: dict[str, str]
) -> None:
    sign_in_to(tmp_path)
    said: list[str] = []

    found = find_sign_in(
        variables(tmp_path, **variable), profile=None, api_url=flag, warn=said.append
    )

    assert found.api_url == "http://default"
    assert len(said) == 1
    assert said[0].startswith(
        f"{named} (http://flag) gives way: profile default is signed in to http://default."
    )


def test_nothing_is_said_about_an_address_that_is_the_same(tmp_path: Path) -> None:
    sign_in_to(tmp_path)
    same = variables(tmp_path, TRIGGER_API_URL="http://default/")

    assert find_sign_in(same, profile=None, api_url=None, warn=unexpected).token == "tr_pat_file"


def test_a_named_profile_that_gives_way_to_a_token_is_said(tmp_path: Path) -> None:
    sign_in_to(tmp_path, "work")
    said: list[str] = []
    token = variables(tmp_path, TRIGGER_ACCESS_TOKEN="tr_pat_env")

    found = find_sign_in(token, profile="work", api_url=None, warn=said.append)

    assert (found.token, found.api_url) == ("tr_pat_env", "http://work")
    assert len(said) == 1
    assert said[0].startswith("Profile work gives way: TRIGGER_ACCESS_TOKEN is set")


def test_a_profile_can_be_named(tmp_path: Path) -> None:
    sign_in_to(tmp_path, "work")
    sign_in_to(tmp_path, "home")

    assert (
        find_sign_in(variables(tmp_path), profile="work", api_url=None, warn=unexpected).api_url
        == "http://work"
    )
    assert (
        find_sign_in(variables(tmp_path), profile=None, api_url=None, warn=unexpected).api_url
        == "http://home"
    )


def test_who_is_not_signed_in_is_told_how(tmp_path: Path) -> None:
    with pytest.raises(CliError, match=r"not signed in \(profile 'work'\)") as caught:
        find_sign_in(variables(tmp_path), profile="work", api_url="http://box", warn=unexpected)

    assert caught.value.code is Exit.NOT_SIGNED_IN
    assert (caught.value.hint or "").startswith("trigger-box login -a http://box --profile work")


def test_a_secret_key_is_no_access_token(tmp_path: Path) -> None:
    wrong = variables(tmp_path, TRIGGER_ACCESS_TOKEN=KEY)

    with pytest.raises(CliError, match="not a personal access token") as caught:
        find_sign_in(wrong, profile=None, api_url=None, warn=unexpected)

    assert "TRIGGER_SECRET_KEY" in (caught.value.hint or "")


def test_the_box_meant_is_found_in_order(tmp_path: Path) -> None:
    nothing = variables(tmp_path)
    assert default_url(nothing, profile=None, api_url=None) == DEFAULT_URL

    sign_in_to(tmp_path)
    assert default_url(nothing, profile=None, api_url=None) == "http://default"

    variable = variables(tmp_path, TRIGGER_API_URL="http://variable")
    assert default_url(variable, profile=None, api_url=None) == "http://variable"
    assert default_url(variable, profile=None, api_url="http://flag/") == "http://flag"


@pytest.mark.parametrize("slug", [None, "prod"])
def test_a_secret_key_names_its_environment_by_itself(tmp_path: Path, slug: str | None) -> None:
    found = find_environment(
        variables(tmp_path, TRIGGER_SECRET_KEY=KEY, TRIGGER_API_URL="http://box"),
        profile=None,
        api_url=None,
        project_ref=None,
        slug=slug,
        start=tmp_path,
        warn=unexpected,
    )

    assert (found.slug, found.secret_key, found.api_url) == ("prod", KEY, "http://box")
    assert found.sign_in is None
    assert found.run_url("run_1") == "http://box/runs/run_1"
    assert KEY not in repr(found)


def test_another_environment_than_the_keys_needs_a_person(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="not signed in"):
        find_environment(
            variables(tmp_path, TRIGGER_SECRET_KEY=KEY),
            profile=None,
            api_url=None,
            project_ref=None,
            slug="dev",
            start=tmp_path,
            warn=unexpected,
        )
