"""What a version registers with the box: tasks, queues, schemas, sources (cli-protocol 12).

Finding the tasks is ``discovery.py``'s work; sending the body is the CLI's.
"""

from __future__ import annotations

import base64
import hashlib
import json
import platform
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from trigger_box.sdk.declaration import DeclaredTask
from trigger_box.sdk.errors import DefinitionError
from trigger_box.sdk.queues import Queue
from trigger_box.version import __version__
from trigger_box.worker.discovery import Problem, relative_path
from trigger_box.worker.limits import SOURCE_BYTES_MAX

Wire = dict[str, Any]

CONFIG_FILES: Final = ("trigger.config.py", "pyproject.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What the project's configuration says for tasks that say nothing themselves.

    Attributes:
        retry, machine: in the wire's shape.
    """

    retry: Mapping[str, Any] | None = None
    machine: str | None = None
    max_duration_s: int | None = None
    ttl: str | int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A project's registration, and what stood in the way of its being whole.

    Attributes:
        metadata: the ``metadata`` member of the registration body.
    """

    metadata: Wire
    problems: tuple[Problem, ...] = ()
    retries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])

    def body(self) -> Wire:
        """Return the registration body."""
        return {
            "localOnly": True,
            "engine": "V2",
            "supportsLazyAttempts": True,
            "metadata": self.metadata,
        }


def make_manifest(
    tasks: Iterable[DeclaredTask],
    queues: Iterable[Queue],
    *,
    folder: Path,
    sources: Sequence[Path],
    defaults: Defaults,
) -> Manifest:
    """Return the manifest of a project. A task whose types cannot be used is left out and named."""
    problems: list[Problem] = []
    entries: list[Wire] = []
    task_ids: dict[str, list[str]] = {}
    retries: dict[str, Mapping[str, Any]] = {}
    for task in tasks:
        try:
            entry = _task_entry(task, folder, defaults)
        except DefinitionError as error:
            problems.append(
                Problem(
                    file=relative_path(task.file_path, folder),
                    line=task.line,
                    message=str(error),
                    advice="Correct the annotation and save.",
                )
            )
            continue
        entries.append(entry)
        task_ids.setdefault(str(entry["filePath"]), []).append(task.id)
        if "retry" in entry:
            retries[task.id] = entry["retry"]
    files = list(_source_files(folder, sources, task_ids))
    metadata: Wire = {
        "packageVersion": __version__,
        "cliPackageVersion": __version__,
        "runtime": "python",
        "runtimeVersion": platform.python_version(),
        "tasks": entries,
        "queues": [queue.to_wire() for queue in queues],
        "sourceFiles": files,
    }
    metadata["contentHash"] = _content_hash(metadata)
    return Manifest(metadata=metadata, problems=tuple(problems), retries=retries)


def _task_entry(task: DeclaredTask, folder: Path, defaults: Defaults) -> Wire:
    path = relative_path(task.file_path, folder)
    entry: Wire = {
        "id": task.id,
        "filePath": path,
        "entryPoint": path,
        "exportName": task.symbol,
        **task.definition.to_wire(),
    }
    defaulted: Mapping[str, object | None] = {
        "retry": None if defaults.retry is None else dict(defaults.retry),
        "machine": None if defaults.machine is None else {"preset": defaults.machine},
        "maxDuration": defaults.max_duration_s,
        "ttl": defaults.ttl,
    }
    for key, value in defaulted.items():
        if value is not None:
            entry.setdefault(key, value)
    schema = task.payload_json_schema()
    if schema is not None:
        entry["payloadSchema"] = schema
    return entry


def _source_files(
    folder: Path, sources: Sequence[Path], task_ids: Mapping[str, list[str]]
) -> Iterable[Wire]:
    named = [folder / name for name in CONFIG_FILES]
    for file in [*sources, *(path for path in named if path.is_file())]:
        try:
            content = file.read_bytes()
        except OSError:
            continue
        if len(content) > SOURCE_BYTES_MAX:
            continue
        path = relative_path(str(file), folder)
        yield {
            "filePath": path,
            "contents": base64.b64encode(zlib.compress(content, 6)).decode(),
            "contentHash": hashlib.sha256(content).hexdigest(),
            "taskIds": task_ids.get(path, []),
        }


def _content_hash(metadata: Wire) -> str:
    """Return the identity of a version: equal code and equal settings give the same."""
    shown = {
        **metadata,
        "sourceFiles": [
            [file["filePath"], file["contentHash"]] for file in metadata["sourceFiles"]
        ],
    }
    text = json.dumps(shown, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
