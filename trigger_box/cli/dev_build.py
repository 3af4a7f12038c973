"""From files to a running version: index, plant a seed, register, hand over to the controller."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trigger_box.cli.dev_index import Index, IndexingError, ProjectConfig, read_index
from trigger_box.cli.dev_lines import DevLines
from trigger_box.cli.dev_patience import Patience, SupersededError
from trigger_box.cli.dev_variables import EnvFileError, TaskVariables, task_variables
from trigger_box.worker.box import DevBox, Registered
from trigger_box.worker.calls import AnswerError, CallError
from trigger_box.worker.controller import Controller
from trigger_box.worker.discovery import Problem, Project
from trigger_box.worker.environment import process_environment
from trigger_box.worker.executor import INSPECT_VARIABLE
from trigger_box.worker.limits import RUNS_PER_EXECUTOR_MAX
from trigger_box.worker.nursery import Nursery, NurseryError, Soil
from trigger_box.worker.pool import WARM_EXECUTORS, Pool, Version

_KEEPS_OLD = "Still running the version before this change."
_NOTHING_RUNS = "No task runs here until this is corrected; dev goes on watching."
_OTHERS_RUN = "The other tasks run; the broken ones are missing from this version."


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a project is built and for which environment.

    Attributes:
        python: the project's interpreter.
        forced: variables that ``dev`` insists on; holds the environment's key.
        inspect_port: where an executor waits for a debugger; None for no debugging.
    """

    python: str
    project_ref: str
    forced: Mapping[str, str]
    env_file: Path | None
    inspect_port: int | None


class Builder:
    """Builds versions of one project. ``build`` never raises for what a person can correct."""

    def __init__(
        self,
        place: Place,
        config: ProjectConfig,
        *,
        box: DevBox,
        controller: Controller,
        lines: DevLines,
    ) -> None:
        self._place = place
        self._config = config
        self._box = box
        self._controller = controller
        self._lines = lines
        self._from_box: dict[str, str] = {}
        self._built: tuple[str, TaskVariables, ProjectConfig] | None = None
        self._was_broken: bool = False
        self._patience = Patience()

    async def build(self, saved: asyncio.Event) -> None:
        """Build the project as it is now; print what came of it.

        Args:
            saved: set when a file is saved meanwhile: then imports are given up, and nothing comes
                of this build.
        """
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        try:
            built = await self._build(saved)
        except SupersededError:
            return
        except (EnvFileError, IndexingError, NurseryError) as error:
            command = error.command if isinstance(error, IndexingError) else None
            advice = f" Type: {command}\n" if command else " "
            self._lines.trouble(f"{error}.{advice}{self._consequence}")
            return
        if built is None:
            return
        registered, index = built
        self._lines.ready(
            version=registered.version, task_ids=index.task_ids, seconds=loop.time() - started_s
        )
        for warning in registered.warnings:
            self._lines.trouble(warning)

    async def _build(self, saved: asyncio.Event) -> tuple[Registered, Index] | None:
        """Return what runs now, or None when there is nothing to tell of it.

        Raises:
            SupersededError: a file was saved before everything was imported.
        """
        # Until the end is reached: whatever stops this build is told as a mistake.
        was_broken, self._was_broken = self._was_broken, True
        variables = await self._variables()
        index, nursery = await self._patience.unless(saved, self._index_and_plant(variables))
        try:
            registered = await self._register(index)
            if registered is None or index.config is None:
                return None
            if nursery is None or index.config != self._config:
                # The seed grew from the configuration before this change.
                self._config = index.config
                if nursery is not None:
                    await nursery.close()
                nursery = await self._patience.unless(saved, Nursery.plant(self._soil(variables)))
            now = (registered.id, variables, index.config)
            if now == self._built:
                self._was_broken = bool(index.problems)
                # Who has corrected a mistake waits for a word, also when the code is as before it.
                return (registered, index) if was_broken and not index.problems else None
            await self._hand_over(registered, index, index.config, variables, nursery)
            self._built, nursery = now, None
            self._was_broken = bool(index.problems)
            return registered, index
        finally:
            if nursery is not None:
                await nursery.close()

    @property
    def _consequence(self) -> str:
        return _NOTHING_RUNS if self._built is None else _KEEPS_OLD

    async def _variables(self) -> TaskVariables:
        try:
            self._from_box = await self._box.variables(self._place.project_ref)
        except CallError as error:
            self._lines.trouble(f"the box's environment variables could not be read: {error}")
        return task_variables(
            own=process_environment(),
            from_box=self._from_box,
            folder=self._config.folder,
            env_file=self._place.env_file,
            forced=self._place.forced,
        )

    def _soil(self, variables: TaskVariables) -> Soil:
        environment = dict(variables.values)
        if self._place.inspect_port is not None:
            environment[INSPECT_VARIABLE] = str(self._place.inspect_port)
        return Soil(
            python=self._place.python,
            project=Project(
                folder=self._config.folder, dirs=self._config.dirs, ignore=self._config.ignore
            ),
            environment=environment,
        )

    async def _index_and_plant(self, variables: TaskVariables) -> tuple[Index, Nursery | None]:
        """Import the project twice at the same time: to describe it, and to run it."""
        planting = asyncio.ensure_future(Nursery.plant(self._soil(variables)))
        try:
            index = await read_index(
                self._place.python,
                self._config.folder,
                environment=variables.values,
                on_line=lambda line: self._lines.note("printed", f"  {line}", line=line),
                on_slow=self._lines.slow,
            )
        except BaseException:
            await _uproot(planting)
            raise
        if not index.task_ids:
            await _uproot(planting)
            return index, None
        return index, await planting

    async def _register(self, index: Index) -> Registered | None:
        is_refused = any(problem.blocks for problem in index.problems)
        if index.problems:
            others_run = index.task_ids and not is_refused
            self._lines.broken(index.problems, _OTHERS_RUN if others_run else self._consequence)
        if index.config is None or is_refused:
            return None
        if not index.task_ids:
            if not index.problems:
                self._lines.broken([_no_tasks(index.config)], self._consequence)
            return None
        try:
            return await self._box.register(self._place.project_ref, index.body)
        except AnswerError as error:
            self._lines.trouble(
                f"the box refuses this version: {error.message} {self._consequence}"
            )
        except CallError as error:
            self._lines.trouble(
                f"the version could not be registered: {error}. Save a file to try again."
            )
        return None

    async def _hand_over(
        self,
        registered: Registered,
        index: Index,
        config: ProjectConfig,
        variables: TaskVariables,
        nursery: Nursery,
    ) -> None:
        is_inspecting = self._place.inspect_port is not None
        version = Version(
            id=registered.id,
            version=registered.version,
            retries=index.retries,
            retries_enabled=config.retries_in_development,
            log_level=config.log_level,
            pinned=variables.pinned,
            has_time_limits=not is_inspecting,
        )
        pool = Pool(
            version,
            self._soil(variables),
            nursery=nursery,
            runs_max=_runs_of_a_process(config, is_inspecting=is_inspecting),
            warm=1 if is_inspecting else WARM_EXECUTORS,
        )
        await pool.open()
        await self._controller.add_version(pool)


def _runs_of_a_process(config: ProjectConfig, *, is_inspecting: bool) -> int:
    if is_inspecting:
        # A new process would have to be attached to anew.
        return sys.maxsize
    return RUNS_PER_EXECUTOR_MAX if config.keep_alive else 1


async def _uproot(planting: asyncio.Future[Nursery]) -> None:
    """End a seed that is not needed, whether it is up already or not."""
    planting.cancel()
    await asyncio.wait({planting})
    if not planting.cancelled() and planting.exception() is None:
        await planting.result().close()


def _no_tasks(config: ProjectConfig) -> Problem:
    dirs = ", ".join(config.dirs)
    return Problem(
        file=config.file.name,
        line=None,
        message=f"no task was found in {dirs}",
        advice=f'Write one: a function with @task("my-task") in {config.dirs[0]}/example.py.',
    )
