"""The project's configuration: trigger.config.py, pyproject.toml, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trigger_box import ConfigError
from trigger_box.config import Build, Config, ext, retry
from trigger_box.sdk.config_files import find_config, load_config

MODULE = """
from trigger_box.config import Build, Config, ext, retry

config = Config(
    project="proj_x",
    dirs=["tasks", "more"],
    machine="small-2x",
    max_duration="1h",
    ttl="2h",
    retries=retry.defaults(dev=True, max_attempts=5),
    build=Build(extensions=[ext.apt("libmagic1"), ext.ffmpeg()]),
)
"""
TABLE = """
[project]
name = "shop"

[tool.trigger-box]
project = "proj_x"
dirs = ["tasks", "more"]
machine = "small-2x"
max_duration = "1h"
ttl = "2h"
extensions = [{name = "apt", packages = ["libmagic1"]}, "ffmpeg"]

[tool.trigger-box.retries]
dev = true
max_attempts = 5
"""


@pytest.mark.parametrize(
    ("name", "text"), [("trigger.config.py", MODULE), ("pyproject.toml", TABLE)]
)
def test_both_files_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "tasks" / "deep").mkdir(parents=True)

    loaded = load_config(tmp_path / "tasks" / "deep")

    assert loaded.file == tmp_path / name
    assert loaded.folder == tmp_path
    config = loaded.config
    assert config.project == "proj_x"
    assert list(config.dirs) == ["tasks", "more"]
    assert config.machine == "small-2x"
    assert config.max_duration_s == 3_600
    assert config.ttl_wire == "2h"
    assert config.retries.in_development
    assert config.retries.policy.max_attempts == 5
    assert [each.name for each in config.build.extensions] == ["apt", "ffmpeg"]


def test_the_module_wins_over_the_table(tmp_path: Path) -> None:
    (tmp_path / "trigger.config.py").write_text(MODULE)
    (tmp_path / "pyproject.toml").write_text('[tool.trigger-box]\nlog_level = "debug"\n')

    assert load_config(tmp_path).file.name == "trigger.config.py"


def test_a_key_that_is_set_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trigger.config.py").write_text(MODULE)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.trigger-box]\nmachine = "micro"\nextensions = ["ffmpeg"]\n'
    )

    with pytest.raises(ConfigError, match="machine, extensions: set in"):
        load_config(tmp_path)


def test_a_folder_without_configuration_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")

    assert find_config(tmp_path) is None
    with pytest.raises(ConfigError, match="trigger-box init"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nothing_of_that_name", r"trigger\.config\.py:1: ModuleNotFoundError"),
        ("x = 1\ny = (", r"trigger\.config\.py:2: SyntaxError"),
        ("x = 1\n\nraise SystemExit(3)", r"trigger\.config\.py:3: SystemExit: 3"),
        ("x = 1", "a variable `config`"),
        ("config = {'project': 'proj_x'}", "a variable `config`"),
        (
            "from trigger_box.config import Config\nconfig = Config(dirs='tasks')",
            r"trigger\.config\.py:2: ConfigError: dirs='tasks' must be a list",
        ),
        (
            "from trigger_box.config import Config\nconfig = Config(dir=['tasks'])",
            r"trigger\.config\.py:2: TypeError: .*dir",
        ),
    ],
)
def test_a_module_that_is_wrong_is_told_with_its_line(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "trigger.config.py").write_text(text)

    with pytest.raises(ConfigError, match=words):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tool = [", "not TOML"),
        ("[tool]\ntrigger-box = 1", "must be a table"),
        ('[tool.trigger-box]\nprojekt = "x"', "unknown keys: projekt"),
        ("[tool.trigger-box]\nproject = 7", "project=7"),
        ("[tool.trigger-box]\nretries = 3", "retries must be a table"),
        ("[tool.trigger-box.retries]\nattempts = 3", "retries has unknown keys: attempts"),
        ("[tool.trigger-box.retries]\nmax_attempts = 0", "max_attempts=0"),
        ('[tool.trigger-box]\nextensions = ["jpeg"]', "'jpeg' is unknown"),
        ('[tool.trigger-box]\nextensions = [{name = "apt"}]', "ext.apt needs at least one"),
        ('[tool.trigger-box]\nextensions = [{name = "apt", package = ["x"]}]', "package"),
        ("[tool.trigger-box]\nextensions = [3]", "names and tables"),
        ('[tool.trigger-box]\nmax_duration = "soon"', "max_duration='soon'"),
        ('[tool.trigger-box.build]\nbase = "x"', "build has unknown keys: base"),
    ],
)
def test_a_table_that_is_wrong_is_told_with_its_key(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)

    with pytest.raises(ConfigError, match=words):
        load_config(tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        {"project": ""},
        {"dirs": []},
        {"dirs": ["tasks", 1]},
        {"ignore": "x"},
        {"log_level": "loud"},
        {"retries": 3},
        {"retries": retry.policy(3)},
        {"build": {}},
        {"process_keep_alive": 1},
        {"max_duration": 1},
        {"ttl": "x"},
        {"python": 3.12},
        {"machine": 2},
    ],
)
def test_a_value_that_is_wrong_is_refused_where_it_is_written(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        Config(**options)


def test_a_project_that_says_nothing_has_sensible_defaults() -> None:
    config = Config()

    assert list(config.dirs) == ["tasks"]
    assert "**/test_*.py" in config.ignore
    assert config.log_level == "info"
    assert not config.retries.in_development
    assert config.max_duration_s is None
    assert config.process_keep_alive
    assert config.build == Build()


def test_extensions_add_layers_to_images_only() -> None:
    for extension, expected in (
        (ext.apt("libmagic1", "jq"), {"apt": ("libmagic1", "jq")}),
        (ext.pip("numpy==2.0"), {"pip": ("numpy==2.0",)}),
        (ext.files("prompts/**/*.md"), {"files": ("prompts/**/*.md",)}),
        (ext.command("true"), {"commands": ("true",)}),
        (ext.ffmpeg(), {"apt": ("ffmpeg",)}),
        (
            ext.playwright(["chromium", "webkit"]),
            {"commands": ("python -m playwright install --with-deps chromium webkit",)},
        ),
    ):
        (layer,) = extension.layers("deploy")
        assert {key: getattr(layer, key) for key in expected} == expected
        assert extension.layers("dev") == ()


def test_an_extension_without_anything_is_refused() -> None:
    for make in (ext.apt, ext.pip, ext.files, ext.command, lambda: ext.playwright(["lynx"])):
        with pytest.raises(ConfigError):
            make()


def test_variables_are_no_part_of_an_image() -> None:
    extension = ext.sync_env_vars(lambda: {"A": "1"})

    assert extension.layers("deploy") == ()
    assert extension.load() == {"A": "1"}
