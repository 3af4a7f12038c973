from __future__ import annotations

from pathlib import Path

import pytest

from trigger_box.cli.dev_variables import ENV_FILES, EnvFileError, TaskVariables, task_variables


def variables(folder: Path, env_file: Path | None = None) -> TaskVariables:
    return task_variables(
        own={"A": "own", "B": "own", "C": "own", "D": "own", "TRIGGER_ACCESS_TOKEN": "tr_pat_x"},
        from_box={"B": "box", "C": "box", "D": "box"},
        folder=folder,
        env_file=env_file,
        forced={"D": "forced", "TRIGGER_SECRET_KEY": "tr_dev_x"},
    )


def test_sources_override_each_other_in_the_npm_order(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("C=file\nD=file\nE=file")

    found = variables(tmp_path)

    values = {name: found.values[name] for name in "ABCDE"}
    assert values == {"A": "own", "B": "box", "C": "file", "D": "forced", "E": "file"}
    assert found.pinned == {"C", "D", "E", "TRIGGER_SECRET_KEY"}


def test_a_later_file_wins_over_an_earlier(tmp_path: Path) -> None:
    for number, name in enumerate(ENV_FILES):
        (tmp_path / name).write_text("\n".join(f"F{n}={name}" for n in range(number, 5)))

    found = variables(tmp_path)

    assert [found.values[f"F{number}"] for number in range(5)] == list(ENV_FILES)
    assert [file.name for file in found.files] == list(ENV_FILES)


def test_files_may_not_redirect_the_worker_nor_hold_its_key(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "TRIGGER_API_URL=http://evil\nTRIGGER_SECRET_KEY=stolen\n"
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://evil\nOTEL_RESOURCE_ATTRIBUTES=team=a"
    )

    values = variables(tmp_path).values

    assert values["TRIGGER_SECRET_KEY"] == "tr_dev_x"
    assert "TRIGGER_API_URL" not in values
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in values
    assert "OTEL_RESOURCE_ATTRIBUTES" not in values
    assert values["CUSTOM_OTEL_RESOURCE_ATTRIBUTES"] == "team=a"


def test_tasks_do_not_get_a_persons_own_token(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TRIGGER_ACCESS_TOKEN=tr_pat_y")

    assert "TRIGGER_ACCESS_TOKEN" not in variables(tmp_path).values


def test_one_file_can_replace_the_usual_ones(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("E=usual")
    mine = tmp_path / "mine.env"
    mine.write_text('export F="a b" # comment\nG=${F}!')

    values = variables(tmp_path, mine).values

    assert "E" not in values
    assert (values["F"], values["G"]) == ("a b", "a b!")


def test_a_file_that_was_asked_for_and_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvFileError, match=r"missing\.env does not exist"):
        variables(tmp_path, tmp_path / "missing.env")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe")

    with pytest.raises(EnvFileError, match=r"\.env cannot be read"):
        variables(tmp_path)


def test_values_do_not_show_in_a_representation(tmp_path: Path) -> None:
    assert "tr_dev_x" not in repr(variables(tmp_path))
