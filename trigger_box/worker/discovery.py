"""Finds and imports the user's modules, and says what is wrong with those that do not import.

Used by the indexer (``index.py``) and by the seed of each version (``seed.py``). What the imported
tasks mean is in ``manifest.py``.
"""

from __future__ import annotations

import fnmatch
import importlib
import importlib.util
import linecache
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

from trigger_box.sdk.errors import DuplicateTaskError
from trigger_box.sdk.registry import REGISTRY
from trigger_box.worker.limits import MODULES_MAX

INIT_FILE: Final = "init.py"
_SKIPPED_FOLDERS: Final = frozenset(
    {"__pycache__", "node_modules", "site-packages", "build", "dist", ".venv", "venv"}
)
_FRAMES_SHOWN: Final = 12
# As traceback and faulthandler write it.
_FRAME: Final = re.compile(r'^ *File "(?P<file>.+)", line (?P<line>\d+)', re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in the project that keeps its tasks from being registered.

    Attributes:
        file: path relative to the project's folder, when it lies inside.
        advice: what to do about it, one sentence.
        trace: the user's own frames and the error, ready to print; may be empty.
        blocks: while this stands no version may be made, not even of the other tasks.
    """

    file: str
    line: int | None
    message: str
    advice: str
    trace: str = ""
    blocks: bool = False

    def as_dict(self) -> dict[str, object]:
        """Return plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One imported module of the user."""

    name: str
    path: Path
    module: ModuleType


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Where the user's tasks are.

    Attributes:
        folder: the project's folder; also where the code runs.
        dirs: folders with tasks, relative to ``folder``.
        ignore: glob patterns of files to leave out, relative to ``folder``.
    """

    folder: Path
    dirs: tuple[str, ...]
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What importing the project gave."""

    modules: tuple[Module, ...]
    problems: tuple[Problem, ...]


def prepare_path(project: Project) -> None:
    """Make the project importable as its own tools do: its folder, and ``src`` if it has one."""
    for folder in (project.folder / "src", project.folder):
        text = str(folder)
        if folder.is_dir() and text not in sys.path:
            sys.path.insert(0, text)


def discover(
    project: Project, *, on_import: Callable[[Path], None] = lambda _file: None
) -> Discovery:
    """Import every module under the project's dirs, ``init.py`` of each folder before its others.

    A module that fails does not keep the others from being imported.

    Args:
        on_import: told each file before it is imported.
    """
    prepare_path(project)
    importlib.invalidate_caches()
    problems: list[Problem] = []
    modules: list[Module] = []
    files: list[Path] = []
    for name in project.dirs:
        folder = (project.folder / name).resolve()
        if not folder.is_dir():
            problems.append(
                Problem(
                    file=name,
                    line=None,
                    message=f"the folder {name!r} named in dirs does not exist",
                    advice="Create it, or change dirs in trigger.config.py.",
                )
            )
            continue
        files += [file for file in task_files(folder, project) if file not in files]
    if len(files) > MODULES_MAX:
        problems.append(
            Problem(
                file=project.dirs[0],
                line=None,
                message=f"{len(files)} Python files under dirs; the limit is {MODULES_MAX}",
                advice="Point dirs at the folders that hold tasks, or add patterns to ignore.",
            )
        )
        files = files[:MODULES_MAX]
    for file in files:
        name = module_name(file, sys.path)
        known_tasks, known_queues = dict(REGISTRY.tasks), dict(REGISTRY.queues)
        on_import(file)
        try:
            module = _import(name, file)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - user code may raise anything, also SystemExit
            problems.append(describe(error, file, project))
            # What a module declared before it failed would run with half of the module missing.
            REGISTRY.tasks, REGISTRY.queues = known_tasks, known_queues
        else:
            modules.append(Module(name=module.__name__, path=file, module=module))
    return Discovery(modules=tuple(modules), problems=tuple(problems))


def task_files(folder: Path, project: Project) -> Iterator[Path]:
    """Yield the Python files under ``folder`` in a stable order, ``init.py`` before its folder."""
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: (entry.name != INIT_FILE, entry.name))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir():
            if not entry.name.startswith(".") and entry.name not in _SKIPPED_FOLDERS:
                yield from task_files(entry, project)
        elif entry.suffix == ".py" and not is_ignored(entry, project):
            yield entry


def is_ignored(file: Path, project: Project) -> bool:
    """Return whether one of the project's ignore patterns names this file."""
    try:
        relative = file.relative_to(project.folder.resolve()).as_posix()
    except ValueError:
        relative = file.as_posix()
    for pattern in project.ignore:
        # "**/x" names x in the project's own folder, too.
        shapes = (pattern, pattern.removeprefix("**/"))
        if any(fnmatch.fnmatchcase(relative, shape) for shape in shapes):
            return True
    return False


def module_name(file: Path, search_path: Sequence[str]) -> str:
    """Return the name under which the user's own imports would find ``file``.

    Importing it under another name would run it twice and register its tasks twice. The deepest
    entry of the search path that is outside of every package wins.
    """
    outside = file.parent
    while (outside / "__init__.py").is_file():
        outside = outside.parent
    roots = [Path(entry).resolve() for entry in search_path if entry]
    fitting = [root for root in roots if file.is_relative_to(root) and outside.is_relative_to(root)]
    root = max(fitting, key=lambda path: len(path.parts), default=outside)
    parts = file.relative_to(root).with_suffix("").parts
    if parts[-1] == "__init__" and len(parts) > 1:
        parts = parts[:-1]
    if all(part.isidentifier() for part in parts):
        return ".".join(parts)
    return "trigger_box_user_" + re.sub(r"\W", "_", "_".join(parts))


def _import(name: str, file: Path) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    if not name.startswith("trigger_box_user_"):
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise
        else:
            if _is_same_file(module, file):
                return module
        # Another package has this name first: load the file under a name nobody else uses.
        name = "trigger_box_user_" + re.sub(r"\W", "_", str(file))
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None, "a .py file always has a spec"
    assert spec.loader is not None, "and a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _is_same_file(module: ModuleType, file: Path) -> bool:
    found = getattr(module, "__file__", None)
    return found is not None and Path(found).resolve() == file.resolve()


def describe(error: BaseException, file: Path, project: Project) -> Problem:
    """Return what went wrong while ``file`` was imported, in the user's own lines."""
    if isinstance(error, DuplicateTaskError):
        return _duplicate(error, project)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if is_users(frame.filename, project.folder)
    ]
    place: tuple[str, int | None] = (str(file), None)
    if isinstance(error, SyntaxError) and error.filename:
        place = (error.filename, error.lineno)
    elif frames:
        place = (frames[-1].filename, frames[-1].lineno)
    only = "".join(traceback.format_exception_only(error)).strip()
    trace = "".join(traceback.format_list(frames[-_FRAMES_SHOWN:])) + only
    first_line = only if isinstance(error, SyntaxError) else only.splitlines()[-1]
    linecache.clearcache()
    return Problem(
        file=relative_path(place[0], project.folder),
        line=place[1],
        message=first_line.splitlines()[-1],
        advice=_advice(error),
        trace=trace,
    )


def _duplicate(error: DuplicateTaskError, project: Project) -> Problem:
    """Return what is wrong: which of the two would run is anybody's guess, so neither may."""
    first, second = (
        f"{relative_path(file, project.folder)}:{line}"
        for file, line in (error.first, error.second)
    )
    return Problem(
        file=relative_path(error.second[0], project.folder),
        line=error.second[1],
        message=f"two tasks have the id {error.task_id!r}: {first} and {second}",
        advice="Give one of them another id, or delete one, and save.",
        blocks=True,
    )


def relative_path(file: str, folder: Path) -> str:
    """Return ``file`` relative to the project's folder when it lies inside."""
    try:
        return Path(file).resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return file


def is_users(file: str, folder: Path) -> bool:
    """Return whether a file is the project's own code: inside its folder, and not installed."""
    path = Path(file)
    return (
        path.is_absolute()
        and path.resolve().is_relative_to(folder.resolve())
        and not any(part in _SKIPPED_FOLDERS for part in path.parts)
    )


def users_places(stack: str, folder: Path) -> list[str]:
    """Return ``file:line`` of each frame of a printed stack that is the project's own, in order."""
    return [
        f"{relative_path(frame['file'], folder)}:{frame['line']}"
        for frame in _FRAME.finditer(stack)
        if is_users(frame["file"], folder)
    ]


def _advice(error: BaseException) -> str:
    match error:
        case ModuleNotFoundError():
            missing = (error.name or "the module").split(".", 1)[0]
            return install_advice(missing)
        case ImportError():
            return "Check the name, and that the two modules do not import each other."
        case SyntaxError():
            return "Correct the line and save."
        case KeyError() if error.args and _looks_like_variable(error.args[0]):
            return (
                f"If {error.args[0]} is an environment variable: put it into .env, "
                "or set it on the box, and save this file again."
            )
        case SystemExit():
            return "A task module must not end the process: move the call into a task."
        case _:
            return "Correct it and save: dev tries again by itself."


def install_advice(package: str) -> str:
    """Return how to install a package for this process's interpreter."""
    has_pip = importlib.util.find_spec("pip") is not None
    pip = f"{sys.executable} -m pip install" if has_pip else f"uv pip install -p {sys.executable}"
    return f"Install it, for example: {pip} {package}"


def _looks_like_variable(name: object) -> bool:
    return isinstance(name, str) and re.fullmatch(r"[A-Z][A-Z0-9_]*", name) is not None
