"""What lands in users' processes: the standard library, pydantic, httpx, the SDK, nothing else."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SHOW = """
import json, sys
before = set(sys.modules)
import {module}
names = {{name.split(".")[0] for name in set(sys.modules) - before}}
ours = [name for name in sys.modules if name.startswith("trigger_box.")]
print(json.dumps([sorted(names - set(sys.stdlib_module_names)), ours]))
"""
ALLOWED = {"trigger_box", "pydantic", "pydantic_core", "annotated_types", "typing_extensions"}
ROOMS = {"sdk", "worker", "clock", "ids", "version"}


@pytest.mark.parametrize("module", ["executor", "seed", "index", "watchdog", "controller"])
def test_a_users_process_loads_no_package_of_the_server(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOW.format(module=f"trigger_box.worker.{module}")],
        capture_output=True,
        check=True,
        text=True,
    )
    foreign, ours = json.loads(done.stdout)

    assert set(foreign) <= ALLOWED
    assert {name.split(".")[1] for name in ours} <= ROOMS
