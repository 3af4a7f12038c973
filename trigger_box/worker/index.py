"""Reads a project in a process of its own and answers with its configuration and manifest.

Runs as ``python -m trigger_box.worker.index FD`` with the user's interpreter; the request comes on
stdin, the answer goes to the open file FD, because user modules may print. Before the answer come
lines that say which file is imported next, and, at SIGUSR1, the stack of this moment: so the
starter, ``cli/dev_index.py``, knows where an import hangs.
"""

from __future__ import annotations

import faulthandler
import importlib.util
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from trigger_box.sdk.config_files import (
    CONFIG_FILE,
    PYPROJECT_FILE,
    LoadedConfig,
    find_config,
    load_config,
)
from trigger_box.sdk.errors import ConfigError
from trigger_box.sdk.registry import REGISTRY
from trigger_box.worker.discovery import (
    Problem,
    Project,
    discover,
    install_advice,
    is_users,
    relative_path,
)
from trigger_box.worker.manifest import Defaults, make_manifest
from trigger_box.worker.seed import PROTOCOL

Wire = dict[str, Any]

_TYPESCRIPT_SUFFIXES: Final = (".ts", ".mts", ".js", ".mjs")

# How the SDK words a mistake in a configuration file: its place, then what is wrong.
_PLACE: Final = re.compile(
    r"(?P<file>[^\n]+?\.(?:py|toml))(?::(?P<line>\d+))?: (?P<rest>.+)", re.DOTALL
)


def read_project(
    start: Path, *, is_config_only: bool, on_import: Callable[[Path], None] = lambda _file: None
) -> Wire:
    """Return what is known about the project around ``start``, as JSON values.

    ``problems`` says what stands in the way; with a broken configuration there is nothing else.

    Args:
        on_import: told each file before it is imported.
    """
    answer: Wire = {
        "protocol": PROTOCOL,
        "config": None,
        "problems": [],
        "hasDebugger": importlib.util.find_spec("debugpy") is not None,
    }
    try:
        file = find_config(start.resolve())
        if file is None:
            answer["problems"] = [_no_config(start).as_dict()]
            return answer
        on_import(file)
        loaded = load_config(start)
    except ConfigError as error:
        answer["problems"] = [_config_problem(error, start)]
        return answer
    answer["config"] = _config(loaded)
    if is_config_only:
        return answer
    config = loaded.config
    project = Project(folder=loaded.folder, dirs=tuple(config.dirs), ignore=tuple(config.ignore))
    os.chdir(loaded.folder)
    discovery = discover(project, on_import=on_import)
    defaults = Defaults(
        retry=config.retries.policy.to_wire(),
        machine=config.machine,
        max_duration_s=config.max_duration_s,
        ttl=config.ttl_wire,
    )
    manifest = make_manifest(
        REGISTRY.tasks.values(),
        REGISTRY.queues.values(),
        folder=loaded.folder,
        sources=project_sources(loaded.folder),
        defaults=defaults,
    )
    answer["problems"] = [
        problem.as_dict() for problem in (*discovery.problems, *manifest.problems)
    ]
    answer["body"] = manifest.body()
    answer["retries"] = manifest.retries
    return answer


def project_sources(folder: Path) -> list[Path]:
    """Return the files of all modules of the project that are imported now, in a stable order.

    Modules outside of ``dirs`` count, too: a change in one of them makes a new version.
    """
    found: set[Path] = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(".py") and is_users(file, folder):
            found.add(Path(file).resolve())
    return sorted(found)


def _config(loaded: LoadedConfig) -> Wire:
    config = loaded.config
    return {
        "project": config.project,
        "folder": str(loaded.folder),
        "file": str(loaded.file),
        "dirs": list(config.dirs),
        "ignore": list(config.ignore),
        "logLevel": config.log_level,
        "keepAlive": config.process_keep_alive,
        "retriesInDevelopment": config.retries.in_development,
    }


def _no_config(start: Path) -> Problem:
    advice = "`trigger-box init` writes one; dev goes on as soon as it is there."
    if any((start / f"trigger.config{suffix}").is_file() for suffix in _TYPESCRIPT_SUFFIXES):
        advice = "This is a TypeScript project: npx trigger.dev@4.8.3 dev"
    return Problem(
        file=CONFIG_FILE,
        line=None,
        message=(
            f"is neither in {start} nor above it, nor is there a {PYPROJECT_FILE}"
            " with [tool.trigger-box]"
        ),
        advice=advice,
    )


def _config_problem(error: ConfigError, start: Path) -> Wire:
    cause = error.__cause__
    advice = "Correct it and save: dev tries again by itself."
    if isinstance(cause, ModuleNotFoundError):
        missing = (cause.name or "the module").split(".", 1)[0]
        advice = install_advice(missing)
    told = _PLACE.match(str(error))
    if told is None:
        return Problem(file=str(start), line=None, message=str(error), advice=advice).as_dict()
    return Problem(
        file=relative_path(told["file"], start),
        line=None if told["line"] is None else int(told["line"]),
        message=told["rest"],
        advice=advice,
    ).as_dict()


def main() -> None:
    """Answer one request."""
    answer_file = os.fdopen(int(sys.argv[1]), "w", encoding="utf-8")
    # In C, so that it also tells of code that lets no other Python run.
    faulthandler.register(signal.SIGUSR1, file=answer_file, all_threads=False)
    request = json.load(sys.stdin)
    start = Path(request["start"])

    def say_next(file: Path) -> None:
        answer_file.write(json.dumps({"importing": str(file)}) + "\n")
        answer_file.flush()

    answer = read_project(start, is_config_only=request["configOnly"], on_import=say_next)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    # Before the answer: who has it, ends this process.
    sys.stdout.flush()
    sys.stderr.flush()
    with answer_file:
        answer_file.write(json.dumps(answer) + "\n")
    # Threads that user modules started must not keep this process.
    os._exit(0)


if __name__ == "__main__":
    main()
