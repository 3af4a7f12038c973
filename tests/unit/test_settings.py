from __future__ import annotations

from pathlib import Path

import pytest

from trigger_box.settings import Settings, SettingsError, load_with_origins


def test_without_any_settings_the_box_is_closed_to_the_network() -> None:
    settings = load_with_origins({}, {"HOME": "/home/ada"}).settings

    assert settings.host == "127.0.0.1"
    assert settings.port == 3030
    assert settings.data_dir == Path("/home/ada/.local/share/trigger-box")


def test_data_go_where_the_desktop_keeps_data() -> None:
    settings = load_with_origins({}, {"HOME": "/home/ada", "XDG_DATA_HOME": "/data"}).settings

    assert settings.data_dir == Path("/data/trigger-box")


def test_flags_win_over_variables_over_the_file_over_defaults(tmp_path: Path) -> None:
    (tmp_path / "box.toml").write_text('host = "0.0.0.0"\nport = 1\nlog_level = "debug"\n')
    environ = {"TRIGGER_BOX_DATA_DIR": str(tmp_path), "TRIGGER_BOX_PORT": "2", "HOME": "/"}

    loaded = load_with_origins({"port": 3, "host": None}, environ)

    assert loaded.settings.port == 3
    assert loaded.settings.host == "0.0.0.0"  # noqa: S104 - a setting, nothing is bound
    assert loaded.origins["port"] == "flag --port"
    assert loaded.origins["host"] == f"file {tmp_path / 'box.toml'}"
    assert loaded.origins["data_dir"] == "variable TRIGGER_BOX_DATA_DIR"
    assert loaded.origins["public_url"] == "default"


def test_a_settings_file_may_be_named() -> None:
    with pytest.raises(SettingsError, match="/no/such"):
        load_with_origins({}, {"TRIGGER_BOX_CONFIG": "/no/such.toml"})


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("port = ", "not valid TOML"),
        ('colour = "red"', "'colour'"),
        ("port = 70000", "port"),
        ('public_url = "tasks.example.com"', "https://HOST"),
        ('public_url = "https://x/path"', "no path"),
        ('log_level = "loud"', "log_level"),
        ('host = " "', "host"),
    ],
)
def test_a_bad_setting_is_named_with_where_it_stands(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "box.toml").write_text(text)

    with pytest.raises(SettingsError) as caught:
        load_with_origins({"data_dir": str(tmp_path)}, {"HOME": "/"})

    assert word in str(caught.value)
    assert "box.toml" in str(caught.value)


def test_a_public_url_loses_its_last_slash() -> None:
    settings = Settings(data_dir=Path("/data"), public_url="https://tasks.example.com/")

    assert settings.public_url == "https://tasks.example.com"


def test_secrets_are_not_shown() -> None:
    settings = Settings.model_validate({"data_dir": "/data", "metrics_token": "tell-nobody"})

    assert "tell-nobody" not in repr(settings)


def test_every_setting_has_a_sentence() -> None:
    silent = [name for name, field in Settings.model_fields.items() if not field.description]

    assert silent == []
