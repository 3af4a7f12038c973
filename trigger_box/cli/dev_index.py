"""Starts the indexer in the project's own Python and gives its answer a shape.

The other side is ``worker/index.py``.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from trigger_box.worker.discovery import Problem
from trigger_box.worker.limits import INDEX_S_MAX, STDERR_TAIL_BYTES
from trigger_box.worker.seed import PROTOCOL


class IndexingError(Exception):
    """The indexer did not answer; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectConfig:
    """What ``dev`` needs of a project's configuration."""

    project: str | None
    folder: Path
    file: Path
    dirs: tuple[str, ...]
    ignore: tuple[str, ...]
    log_level: str
    keep_alive: bool
    retries_in_development: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """What the indexer found.

    Attributes:
        config: None when the configuration itself is broken; ``problems`` says how.
        body: the registration body; empty when only the configuration was asked for.
        retries: retry policy by task id, in the wire's shape.
    """

    config: ProjectConfig | None
    problems: tuple[Problem, ...]
    body: Mapping[str, Any]
    retries: Mapping[str, Mapping[str, Any]]
    has_debugger: bool

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The ids of the tasks that can be registered."""
        metadata: dict[str, Any] = self.body.get("metadata") or {"tasks": ()}
        return tuple(str(task["id"]) for task in metadata["tasks"])


async def read_index(
    python: str,
    start: Path,
    *,
    environment: Mapping[str, str],
    is_config_only: bool = False,
    on_line: Callable[[str], None] = lambda _line: None,
) -> Index:
    """Index the project around ``start`` in a process of its own.

    Args:
        environment: complete; given to the process, never on its command line.
        on_line: told what the user's modules print while they are imported.

    Raises:
        IndexingError: there is no answer.
    """
    answer_end, their_end = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            python,
            "-m",
            "trigger_box.worker.index",
            str(their_end),
            cwd=start,
            env={**environment, "TRIGGER_INDEXING": "1"},
            pass_fds=(their_end,),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        os.close(answer_end)
        raise IndexingError(f"{python} does not start: {error.strerror}") from error
    finally:
        os.close(their_end)
    request = json.dumps({"start": str(start), "configOnly": is_config_only}).encode()
    try:
        async with asyncio.timeout(INDEX_S_MAX):
            # The pipe is read meanwhile: a large manifest does not fit into its buffer.
            answer, (output, _) = await asyncio.gather(
                asyncio.to_thread(_read_all, answer_end), process.communicate(request)
            )
    except TimeoutError as error:
        raise IndexingError(
            f"importing the project took longer than {INDEX_S_MAX:g} s: "
            "does a module wait for something while it is imported?"
        ) from error
    finally:
        # Also ends what the modules started, and with it the thread that reads the pipe.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    lines = output.decode("utf-8", "replace").splitlines()
    if not answer:
        raise IndexingError(_last_words(python, process.returncode, lines))
    for line in lines:
        on_line(line)
    return _parse(python, answer)


def _read_all(file: int) -> bytes:
    with os.fdopen(file, "rb") as opened:
        return opened.read()


def _parse(python: str, answer: bytes) -> Index:
    found = cast("dict[str, Any]", json.loads(answer))
    if found.get("protocol") != PROTOCOL:
        raise IndexingError(
            f"the trigger-box installed for {python} does not fit this program: "
            "install the same version in both places"
        )
    config = found["config"]
    return Index(
        config=None
        if config is None
        else ProjectConfig(
            project=config["project"],
            folder=Path(config["folder"]),
            file=Path(config["file"]),
            dirs=tuple(config["dirs"]),
            ignore=tuple(config["ignore"]),
            log_level=config["logLevel"],
            keep_alive=config["keepAlive"],
            retries_in_development=config["retriesInDevelopment"],
        ),
        problems=tuple(Problem(**problem) for problem in found["problems"]),
        body=found.get("body") or {},
        retries=found.get("retries") or {},
        has_debugger=bool(found.get("hasDebugger")),
    )


def _last_words(python: str, code: int | None, lines: list[str]) -> str:
    text = "\n".join(lines)[-STDERR_TAIL_BYTES:]
    if "No module named" in text and "trigger_box" in text:
        return (
            f"trigger-box is not installed for {python}: "
            "run `uv pip install trigger-box` (or pip) in the project's environment"
        )
    last = next((line for line in reversed(lines) if line.strip()), "it said nothing")
    return f"the indexer ended with code {code}: {last.strip()}"
