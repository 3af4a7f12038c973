"""The real npm packages, one folder per version under ``.tools/`` of the checkout, made once."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.compat.node import find_node

ROOT = Path(__file__).resolve().parents[2]
PROJECTS = Path(__file__).parent / "projects"
INSTALL_S_MAX = 600


@dataclass(frozen=True, kw_only=True)
class Install:
    """One version of the npm packages."""

    version: str
    folder: Path

    @property
    def node_modules(self) -> Path:
        return self.folder / "node_modules"

    @property
    def cli(self) -> Path:
        """Return the script behind the ``trigger`` command."""
        return self.node_modules / "trigger.dev" / "dist" / "esm" / "index.js"

    def project(self, folder: Path) -> Path:
        """Make a TypeScript project in ``folder`` that uses this version; return the folder."""
        shutil.copytree(PROJECTS / "app", folder)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(self.folder / name, folder)
        (folder / "node_modules").symlink_to(self.node_modules)
        return folder


def install(version: str) -> Install:
    """Bring the packages of ``version``, exactly those of its lock file. Does nothing twice."""
    source = PROJECTS / version
    inputs = [source / name for name in ("package.json", "package-lock.json", ".npmrc")]
    digest = hashlib.sha256(b"\0".join(file.read_bytes() for file in inputs)).hexdigest()
    folder = ROOT / ".tools" / "compat" / version
    stamp = folder / ".installed"
    if not stamp.exists() or stamp.read_text() != digest:
        folder.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        for file in inputs:
            shutil.copy(file, folder)
        node = find_node()
        done = subprocess.run(
            [*node.npm, "ci", "--loglevel=error"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_S_MAX,
        )
        if done.returncode:
            raise RuntimeError(f"npm could not install {version}:\n{done.stdout}\n{done.stderr}")
        stamp.write_text(digest)
    return Install(version=version, folder=folder)
