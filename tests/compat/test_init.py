"""The unmodified npm CLI sets up a folder for a project of the box."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.compat.box import Api, RealBox
from tests.compat.cli import Cli
from tests.compat.installs import Install


@pytest.fixture
def folder(packages: Install, tmp_path: Path) -> Path:
    """Make what a person has before: a TypeScript project without tasks."""
    folder = packages.project(tmp_path / "fresh")
    (folder / "trigger.config.ts").unlink()
    shutil.rmtree(folder / "src" / "trigger")
    return folder


def test_init_writes_a_config_that_names_the_project(
    cli: Cli, box: RealBox, made: dict[str, Any], folder: Path, packages: Install
):
    code, said = cli.run(
        "init",
        "--yes",
        "--project-ref",
        made["ref"],
        "--skip-package-install",
        cwd=folder,
        extra={"TRIGGER_ACCESS_TOKEN": box.token, "TRIGGER_API_URL": box.origin},
    )

    assert code == 0, said
    assert made["ref"] in (folder / "trigger.config.ts").read_text()
    assert "trigger.config.ts" in json.loads((folder / "tsconfig.json").read_text())["include"]
    if packages.version != "4.5.0":  # the older CLI does not tell
        person = Api(box.origin, box.token)
        first = person.post(f"/api/v1/projects/{made['ref']}/init")
        person.close()
        assert first["initializedAt"]


def test_init_for_an_unknown_project_says_so(cli: Cli, box: RealBox, folder: Path):
    code, said = cli.run(
        "init",
        "--yes",
        "--project-ref",
        "proj_unknownunknownunknow",
        "--skip-package-install",
        cwd=folder,
        extra={"TRIGGER_ACCESS_TOKEN": box.token, "TRIGGER_API_URL": box.origin},
    )

    assert code != 0
    assert "Project not found" in said
