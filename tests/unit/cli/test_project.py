from __future__ import annotations

from pathlib import Path

import pytest

from trigger_box.cli.environment import Variables, read_variables
from trigger_box.cli.exits import CliError, Exit
from trigger_box.cli.project import find_ref, load_project, require_ref

REF = "proj_" + "a" * 20
OTHER = "proj_" + "b" * 20
NONE = read_variables({"HOME": "/home/ada"})
CONFIG = f"""
from trigger_box.config import Config
raise SystemExit("reading the ref ran the file")
config = Config(project="{REF}", dirs=["tasks"])
"""


def with_ref(ref: str) -> Variables:
    return read_variables({"HOME": "/home/ada", "TRIGGER_PROJECT_REF": ref})


def test_the_flag_counts_most_then_the_variable_then_the_file(tmp_path: Path) -> None:
    (tmp_path / "trigger.config.py").write_text(CONFIG)

    flag = find_ref(OTHER, with_ref("proj_" + "c" * 20), tmp_path)
    variable = find_ref(None, with_ref(OTHER), tmp_path)
    file = find_ref(None, NONE, tmp_path)

    assert flag is not None
    assert variable is not None
    assert file is not None
    assert (flag.ref, flag.origin) == (OTHER, "--project-ref")
    assert (variable.ref, variable.origin) == (OTHER, "TRIGGER_PROJECT_REF")
    assert (file.ref, file.origin) == (REF, str(tmp_path / "trigger.config.py"))


def test_the_nearest_file_above_counts(tmp_path: Path) -> None:
    (tmp_path / "trigger.config.py").write_text(CONFIG)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)

    found = find_ref(None, NONE, inner)
    (tmp_path / "a" / "trigger.config.py").write_text(CONFIG.replace(REF, OTHER))
    nearer = find_ref(None, NONE, inner)

    assert found is not None
    assert nearer is not None
    assert (found.ref, nearer.ref) == (REF, OTHER)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("trigger.config.ts", f'export default defineConfig({{ project: "{REF}", dirs: [] }});'),
        ("trigger.config.mjs", f"export default {{ project: '{REF}' }}"),
        ("pyproject.toml", f'[tool.trigger-box]\nproject = "{REF}"\n'),
    ],
)
def test_other_configuration_files_are_read_too(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)

    found = find_ref(None, NONE, tmp_path)

    assert found is not None
    assert found.ref == REF


def test_a_ref_that_the_file_computes_is_found_by_running_it(tmp_path: Path) -> None:
    text = f'from trigger_box.config import Config\nref = "{REF}"\nconfig = Config(project=ref)\n'
    (tmp_path / "trigger.config.py").write_text(text)

    found = find_ref(None, NONE, tmp_path)

    assert found is not None
    assert found.ref == REF


def test_a_file_that_is_no_python_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "trigger.config.py").write_text("x = 1\nconfig = Config(\n")

    with pytest.raises(CliError, match=r"trigger\.config\.py:2: "):
        find_ref(None, NONE, tmp_path)


def test_what_is_no_ref_is_refused_with_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="'shop' \\(--project-ref\\)") as caught:
        find_ref("shop", NONE, tmp_path)

    assert caught.value.code is Exit.USAGE


def test_without_any_project_the_next_step_is_told(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="Which project") as caught:
        require_ref(None, NONE, tmp_path)

    assert caught.value.hint is not None
    assert "trigger-box init" in caught.value.hint


def test_the_whole_configuration_is_loaded_for_dev(tmp_path: Path) -> None:
    with pytest.raises(CliError, match=r"no trigger\.config\.py"):
        load_project(tmp_path)
    (tmp_path / "trigger.config.py").write_text(
        f'from trigger_box.config import Config\nconfig = Config(project="{REF}", dirs=["jobs"])\n'
    )

    loaded = load_project(tmp_path)

    assert loaded.config.dirs == ["jobs"]
    assert loaded.folder == tmp_path
