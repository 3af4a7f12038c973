"""``make package``: one file, ``dist/trigger-box``, that is server, worker and command line.

PyInstaller makes a folder; the folder goes, compressed, behind a small shell launcher that unpacks
it once (docs/internals/adr/0010-the-one-file.md). The same checkout gives the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
DIST = ROOT / "dist"
FOLDER = BUILD / "folder" / "trigger-box"
NAME = "trigger-box"

# Imported by name at run time, so PyInstaller can't see them.
HIDDEN = (
    "aiosqlite",
    "argon2",
    "duckdb",
    "granian.server.embed",
    "httpx",
    "opentelemetry.proto.collector.logs.v1.logs_service_pb2",
    "opentelemetry.proto.collector.metrics.v1.metrics_service_pb2",
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2",
    "uvloop",
    "watchfiles",
)
# What Litestar's optional parts and the test tools would drag in.
EXCLUDED = (
    "IPython",
    "faker",
    "hypothesis",
    "litestar.cli",
    "litestar.testing",
    "matplotlib",
    "mypy",
    "numpy",
    "pandas",
    "PIL",
    "polyfactory",
    "pyarrow",
    "pygments",
    "pytest",
    "rich",
    "rich_click",
    "setuptools",
    "test",
    "tkinter",
)


def main() -> int:
    """Build the folder, pack it, say what came out."""
    epoch = commit_epoch()
    shutil.rmtree(BUILD / "folder", ignore_errors=True)
    wheel = build_wheel(epoch)
    run_pyinstaller(wheel, epoch)
    target = DIST / NAME
    pack(FOLDER, target, epoch)
    unpacked = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file())
    print(
        f"{target.relative_to(ROOT)}: {target.stat().st_size / 1e6:.1f} MB "
        f"({unpacked / 1e6:.0f} MB unpacked), needs glibc {glibc()} or newer"
    )
    return 0


def commit_epoch() -> int:
    """Return the time of the newest commit: the only clock that a reproducible build may read."""
    answer = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return int(answer.stdout.strip() or 0)


def build_wheel(epoch: int) -> Path:
    """Build this version's own wheel: the box hands it to image builds and to projects."""
    folder = BUILD / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        env=environment(epoch),
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return next(folder.glob("*.whl"))


def run_pyinstaller(wheel: Path, epoch: int) -> None:
    """Make the folder with the program and everything it needs."""
    arguments = [
        sys.executable, "-m", "PyInstaller", "--noconfirm", "--onedir", "--strip",
        "--log-level", "ERROR", "--name", NAME,
        "--distpath", str(FOLDER.parent), "--workpath", str(BUILD / "work"),
        "--specpath", str(BUILD),
        "--collect-submodules", "trigger_box",
        "--collect-data", "trigger_box",
        "--collect-submodules", "pydantic",
        "--collect-data", "litestar",
        "--add-data", f"{wheel}:trigger_box_wheel",
        "--add-data", f"{ROOT / 'web' / 'dist'}:web_dist",
    ]  # fmt: skip
    for module in HIDDEN:
        arguments += ["--hidden-import", module]
    for module in EXCLUDED:
        arguments += ["--exclude-module", module]
    arguments.append(str(ROOT / "packaging" / "entry.py"))
    subprocess.run(arguments, cwd=ROOT, env=environment(epoch), check=True)


def environment(epoch: int) -> dict[str, str]:
    """Return the environment of a reproducible build."""
    return {
        **os.environ,
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": str(epoch),
        "PYTHONDONTWRITEBYTECODE": "",
    }


def pack(folder: Path, target: Path, epoch: int) -> None:
    """Put the folder, compressed, behind the launcher."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mtime = epoch
        return member

    archive = BUILD / "folder.tar.gz"
    with archive.open("wb") as raw:
        packed = gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=9, mtime=0)
        with packed, tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for path in sorted(folder.rglob("*")):
                tar.add(path, path.relative_to(folder), recursive=False, filter=plain)
    body = archive.read_bytes()
    unpacked = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    launcher = (ROOT / "packaging" / "launcher.sh").read_text(encoding="utf-8")
    values = {
        "VERSION": version(),
        "ID": f"{version()}-{hashlib.sha256(body).hexdigest()[:12]}",
        "KILOBYTES": str(unpacked // 1024 + 8 * 1024),
        "GLIBC": glibc(),
        "LINES": str(launcher.count("\n") + 1),
    }
    for name, value in values.items():
        launcher = launcher.replace(f"@{name}@", value)
    target.parent.mkdir(exist_ok=True)
    partial = target.with_name(f".{NAME}.partial")
    partial.write_bytes(launcher.encode() + body)
    partial.chmod(0o755)
    partial.rename(target)


def version() -> str:
    """Return the version of the program."""
    from trigger_box.version import VERSION

    return VERSION


def glibc() -> str:
    """Return the C library this build needs: the one it was built with."""
    return platform.libc_ver()[1] or "unknown"


if __name__ == "__main__":
    sys.exit(main())
