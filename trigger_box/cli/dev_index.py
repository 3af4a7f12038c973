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
from typing import Any, Final, cast

from trigger_box.cli.installing import install_command
from trigger_box.sdk.config_files import CONFIG_FILE, PYPROJECT_FILE
from trigger_box.worker.discovery import Problem, relative_path, users_places
from trigger_box.worker.limits import (
    EXIT_S_MAX,
    IMPORT_S_MAX,
    INDEX_BYTES_MAX,
    SLOW_IMPORT_S,
    STANDING_S_MAX,
    STDERR_TAIL_BYTES,
)
from trigger_box.worker.seed import PROTOCOL

_CONFIG_FILES: Final = frozenset({CONFIG_FILE, PYPROJECT_FILE})


class IndexingError(Exception):
    """The indexer did not answer; the message says why.

    Attributes:
        command: what to type about it, if it is as simple as that.
    """

    def __init__(self, message: str, *, command: str | None = None) -> None:
        super().__init__(message)
        self.command = command


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where the imports of a project stand.

    Attributes:
        file: the file that is being imported, relative to the project's folder.
        place: file and line that execute, ``tasks/mail.py:3``, where they are the user's own.
    """

    file: str
    place: str | None

    @property
    def text(self) -> str:
        """The line, or the file if no line is known."""
        return self.place or self.file


class ImportTimeoutError(IndexingError):
    """A module hangs while it is imported."""

    def __init__(self, standing: Standing | None, limit_s: float) -> None:
        if standing is None:
            super().__init__(f"the project's Python did not start within {limit_s:g} s")
            return
        where = f", it hangs at {standing.place}" if standing.place else ""
        super().__init__(
            f"{standing.file} was not imported within {limit_s:g} s{where}: "
            "move what waits there into a task, and save"
        )


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


async def read_index(  # noqa: PLR0913 - each has a default
    python: str,
    start: Path,
    *,
    environment: Mapping[str, str],
    is_config_only: bool = False,
    on_line: Callable[[str], None] = lambda _line: None,
    on_slow: Callable[[Standing], None] = lambda _standing: None,
) -> Index:
    """Index the project around ``start`` in a process of its own.

    Args:
        environment: complete; given to the process, never on its command line.
        on_line: told what the user's modules print while they are imported.
        on_slow: told where a file's import stands that takes long.

    Raises:
        ImportTimeoutError: a module hangs while it is imported.
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
    except BaseException:
        os.close(answer_end)
        raise
    finally:
        os.close(their_end)
    request = json.dumps({"start": str(start), "configOnly": is_config_only}).encode()
    output = asyncio.ensure_future(process.communicate(request))
    account = _Account(start, process)
    reading = asyncio.ensure_future(account.read(answer_end))
    telling = asyncio.ensure_future(account.tell_when_slow(on_slow))
    try:
        await asyncio.wait({reading}, timeout=IMPORT_S_MAX)
        if not reading.done():
            raise ImportTimeoutError(await account.standing(), IMPORT_S_MAX)
        await reading
    finally:
        # Also ends what the modules started, and with it the output.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        telling.cancel()
        reading.cancel()
        await asyncio.wait({reading, telling, output}, timeout=EXIT_S_MAX)
        output.cancel()
    lines: list[str] = []
    if output.done() and not output.cancelled():
        lines = output.result()[0].decode("utf-8", "replace").splitlines()
    if account.answer is None:
        raise _silence(python, process.returncode, lines, environment)
    for line in lines:
        on_line(line)
    return _parse(python, account.answer)


class _Account:
    """What an indexer has said so far: which file it imports, where it stands, its answer."""

    def __init__(self, start: Path, process: asyncio.subprocess.Process) -> None:
        self._folder = start
        self._process = process
        self._file: Path | None = None
        self._stack: list[str] = []
        self._moved = asyncio.Event()
        self.answer: bytes | None = None

    async def read(self, file: int) -> None:
        """Read until the answer is there, or the indexer has ended without one.

        Raises:
            IndexingError: it says too much.
        """
        stream = asyncio.StreamReader(limit=INDEX_BYTES_MAX)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(file, "rb")
        )
        try:
            while self.answer is None and (line := await stream.readline()):
                self._take(line)
        except ValueError as error:
            raise IndexingError(
                f"the project's files have more than {INDEX_BYTES_MAX} bytes: "
                "point dirs at the folders that hold tasks, or add patterns to ignore"
            ) from error
        finally:
            transport.close()

    def _take(self, line: bytes) -> None:
        if line.startswith(b'{"importing"'):
            self._file = Path(json.loads(line)["importing"])
            self._moved.set()
            if self._file.name in _CONFIG_FILES:
                self._folder = self._file.parent
        elif line.startswith(b"{"):
            self.answer = line
        else:
            self._stack.append(line.decode("utf-8", "replace"))

    async def tell_when_slow(self, on_slow: Callable[[Standing], None]) -> None:
        """Whenever one file takes long, say where it stands; once a file. Until cancelled."""
        told: Path | None = None
        while True:
            self._moved.clear()
            try:
                async with asyncio.timeout(None if self._file == told else SLOW_IMPORT_S):
                    await self._moved.wait()
            except TimeoutError:
                told = self._file
                if (standing := await self.standing()) is not None:
                    on_slow(standing)

    async def standing(self) -> Standing | None:
        """Return where the imports stand now; None when none has begun."""
        if self._file is None:
            return None
        self._stack.clear()
        with suppress(ProcessLookupError):
            # It listens to this since before its first import.
            self._process.send_signal(signal.SIGUSR1)
            await asyncio.sleep(STANDING_S_MAX)
        # faulthandler begins with the innermost.
        places = users_places("".join(self._stack), self._folder)
        return Standing(
            file=relative_path(str(self._file), self._folder), place=places[0] if places else None
        )


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


def _silence(
    python: str, code: int | None, lines: list[str], environment: Mapping[str, str]
) -> IndexingError:
    """Return why there is no answer, from what the indexer wrote before it ended."""
    text = "\n".join(lines)[-STDERR_TAIL_BYTES:]
    if "No module named" in text and "trigger_box" in text:
        return IndexingError(
            f"trigger-box is not installed for {python}",
            command=install_command(python, environment),
        )
    last = next((line for line in reversed(lines) if line.strip()), "it said nothing")
    return IndexingError(f"the indexer ended with code {code}: {last.strip()}")
