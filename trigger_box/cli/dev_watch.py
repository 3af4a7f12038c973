"""Tells when a project's files change, without looking at what never holds its code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from watchfiles import Change, awatch  # pyright: ignore[reportUnknownVariableType] - trio's types

from trigger_box.cli.dev_variables import ENV_FILES

_SKIPPED_FOLDERS: Final = frozenset(
    {"__pycache__", "node_modules", "site-packages", "build", "dist", "venv", "env"}
)
_CODE_NAMES: Final = frozenset({"pyproject.toml", *ENV_FILES})
_CODE_SUFFIXES: Final = frozenset({".py", ".pyi"})
_DEBOUNCE_MS: Final = 400
_STEP_MS: Final = 30
_AGAIN_S: Final = 1.0


def matters(path: Path, extra: frozenset[Path] = frozenset()) -> bool:
    """Return whether a change of this file may change what tasks do."""
    return path.suffix in _CODE_SUFFIXES or path.name in _CODE_NAMES or path in extra


def folders_of(folder: Path) -> list[Path]:
    """Return the folders inside a project that may hold code.

    Watching the project's folder as a whole would put a watch on every folder of a virtual
    environment or of ``node_modules``.
    """
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.name.startswith(".") and entry.name not in _SKIPPED_FOLDERS
    )


class Watch:
    """Watches a project and tells which files changed, after each quiet moment.

    Args:
        on_change: told the changed files; returns at once.
        extra: files outside of the usual names, such as one given with ``--env-file``.
    """

    def __init__(
        self,
        folder: Path,
        on_change: Callable[[set[Path]], None],
        *,
        extra: frozenset[Path] = frozenset(),
    ) -> None:
        self._folder = folder
        self._on_change = on_change
        self._extra = extra

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            tops = {file.parent for file in self._extra if file.parent.is_dir()} | {self._folder}
            folders = folders_of(self._folder)
            deep = group.create_task(self._watch_deep(folders))
            async for found in _changes(tops, is_recursive=False):
                changed = {path for path in found if matters(path, self._extra)}
                now = folders_of(self._folder)
                if now != folders:
                    folders = now
                    deep.cancel()
                    deep = group.create_task(self._watch_deep(folders))
                    changed.add(self._folder)
                if changed:
                    self._on_change(changed)

    async def _watch_deep(self, folders: list[Path]) -> None:
        if not folders:
            return
        async for found in _changes(set(folders), is_recursive=True):
            changed = {
                path
                for path in found
                if matters(path, self._extra) and not _SKIPPED_FOLDERS.intersection(path.parts)
            }
            if changed:
                self._on_change(changed)


async def _changes(folders: set[Path], *, is_recursive: bool) -> AsyncIterator[set[Path]]:
    must_poll = False
    while True:
        try:
            async for found in awatch(
                *folders,
                watch_filter=_anything,
                debounce=_DEBOUNCE_MS,
                step=_STEP_MS,
                recursive=is_recursive,
                force_polling=must_poll,
                ignore_permission_denied=True,
            ):
                yield {Path(path) for _change, path in found}
        except (OSError, RuntimeError):
            # A folder went away while it was watched, or the kernel has no watches left.
            must_poll = True
            folders = {folder for folder in folders if folder.is_dir()}
            if not folders:
                return
            await asyncio.sleep(_AGAIN_S)


def _anything(change: Change, path: str) -> bool:
    del change
    return "__pycache__" not in path
