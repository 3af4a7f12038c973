"""Strict type checking of a program as users write it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.slow
def test_a_users_program_passes_strict_pyright_and_its_mistakes_do_not() -> None:
    program = HERE / "user_program.py"

    checked = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, str(program)],
        capture_output=True,
        check=False,
        text=True,
        cwd=HERE.parents[1],
    )

    assert checked.returncode == 0, checked.stdout
