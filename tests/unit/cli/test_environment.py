from __future__ import annotations

import sys
from pathlib import Path

import pytest

from trigger_box.cli.environment import read_variables


def test_the_variables_of_the_npm_client_are_read() -> None:
    variables = read_variables(
        {
            "HOME": "/home/ada",
            "TRIGGER_API_URL": "http://box",
            "TRIGGER_ACCESS_TOKEN": "tr_pat_secret",
            "TRIGGER_SECRET_KEY": "tr_dev_secret",
            "TRIGGER_PROJECT_REF": "proj_x",
        }
    )

    assert variables.api_url == "http://box"
    assert variables.access_token == "tr_pat_secret"
    assert variables.secret_key == "tr_dev_secret"
    assert variables.project_ref == "proj_x"
    assert "secret" not in repr(variables)


def test_an_empty_variable_counts_as_not_set() -> None:
    variables = read_variables({"HOME": "/home/ada", "TRIGGER_API_URL": "", "CI": ""})

    assert variables.api_url is None
    assert not variables.is_ci


@pytest.mark.parametrize(
    ("platform", "environ", "folder"),
    [
        ("linux", {"HOME": "/h"}, "/h/.config/trigger"),
        ("darwin", {"HOME": "/h"}, "/h/Library/Preferences/trigger"),
        ("linux", {"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "/x/trigger"),
        ("darwin", {"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "/x/trigger"),
    ],
)
def test_the_profile_folder_is_the_npm_clis(
    monkeypatch: pytest.MonkeyPatch, platform: str, environ: dict[str, str], folder: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)

    assert read_variables(environ).config_folder == Path(folder)
