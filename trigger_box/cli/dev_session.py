"""One ``dev`` from its start to Ctrl-C: sign in, connect, build, watch, take runs, leave.

Steps and their order: cli-protocol 7. Building a version is ``dev_build.py``; taking and keeping
runs is the worker's controller.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from platformdirs import user_state_path

from trigger_box.cli.api import AnswerError, segment
from trigger_box.cli.console import Console
from trigger_box.cli.dev_build import Builder, Place
from trigger_box.cli.dev_index import (
    ImportTimeoutError,
    IndexingError,
    ProjectConfig,
    read_index,
)
from trigger_box.cli.dev_lines import DevLines
from trigger_box.cli.dev_lock import DevLock, DevLockError
from trigger_box.cli.dev_patience import Patience, SupersededError
from trigger_box.cli.dev_python import PythonNotFoundError, find_python
from trigger_box.cli.dev_watch import Watch
from trigger_box.cli.dev_watchdog import Watchdog
from trigger_box.cli.environment import Variables
from trigger_box.cli.exits import CliError, Exit
from trigger_box.cli.project import find_ref
from trigger_box.cli.target import SignIn, find_sign_in
from trigger_box.clock import SystemClock
from trigger_box.worker.attempt import Surroundings
from trigger_box.worker.box import DevBox
from trigger_box.worker.calls import CallError
from trigger_box.worker.controller import Controller
from trigger_box.worker.endings import MemoryKills
from trigger_box.worker.environment import process_environment
from trigger_box.worker.roster import Roster
from trigger_box.worker.telemetry import Telemetry

_NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class DevOptions:
    """What the command line said.

    Attributes:
        runs_max: the most runs at once; the box may allow fewer.
        inspect_port: wait for a debugger there; None for no debugging.
    """

    start: Path
    project_ref: str | None
    profile: str | None
    api_url: str | None
    branch: str | None
    env_file: Path | None
    python: str | None
    runs_max: int | None
    inspect_port: int | None
    shows_logs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The project's development environment on the box."""

    project_ref: str
    project_name: str
    api_url: str
    environment_key: str = field(repr=False)
    dashboard_url: str


class _LeaveError(Exception):
    """Somebody asked ``dev`` to end."""


class DevSession:
    """Runs ``dev`` once. ``run`` returns when a person ends it."""

    def __init__(self, options: DevOptions, console: Console, variables: Variables) -> None:
        self._options = options
        self._console = console
        self._variables = variables
        self._clock = SystemClock()
        self._lines = DevLines(console, self._clock, shows_logs=options.shows_logs)
        self._leave = asyncio.Event()
        self._saved = asyncio.Event()

    async def run(self) -> int:
        """Work until Ctrl-C; return the exit code.

        Raises:
            CliError: it cannot begin: not signed in, no such project, no Python.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._leave.set)
        try:
            await self._run()
        except* _LeaveError:
            pass
        finally:
            self._lines.close()
        return Exit.OK

    async def _run(self) -> None:
        options = self._options
        folder = options.start.resolve()
        lock = await asyncio.to_thread(_take_lock, folder, options.branch)
        roster = Roster()
        watchdog = Watchdog(roster)
        try:
            sign_in = find_sign_in(
                self._variables,
                profile=options.profile,
                api_url=options.api_url,
                warn=self._console.warn,
            )
            python, config = await self._first_config(folder)
            self._lines.folder = config.folder
            ref = self._project_ref(config)
            connection = await asyncio.to_thread(_connect, sign_in, ref, options.branch)
            self._lines.run_url = f"{connection.dashboard_url}/projects/v3/{ref}/runs/"
            box = await _open_box(connection, options.branch)
            try:
                watchdog.tell(
                    engine_url=box.settings.engine_url,
                    environment_key=connection.environment_key,
                )
                await self._work(box, connection, python, config, roster)
            finally:
                await box.close()
        finally:
            watchdog.dismiss()
            roster.close()
            lock.release()

    async def _first_config(self, folder: Path) -> tuple[str, ProjectConfig]:
        """Return interpreter and configuration; wait until the configuration can be read."""
        try:
            python = find_python(
                folder,
                asked=self._options.python,
                environment=process_environment(),
                is_frozen=bool(getattr(sys, "frozen", False)),
            )
        except PythonNotFoundError as error:
            raise CliError(str(error)) from error
        config: ProjectConfig | CliError
        async with asyncio.TaskGroup() as group:
            # Watched from before the first look: a save during it must not be missed.
            watching = group.create_task(Watch(folder, self._note_save).run())
            leaving = group.create_task(self._leave_when_asked())
            try:
                config = await self._readable_config(python, folder)
            except CliError as error:
                # Raised below: a group would wrap it.
                config = error
            finally:
                watching.cancel()
                leaving.cancel()
        if isinstance(config, CliError):
            raise config
        return python, config

    async def _readable_config(self, python: str, folder: Path) -> ProjectConfig:
        patience = Patience()
        while True:
            self._saved.clear()
            try:
                index = await patience.unless(
                    self._saved,
                    read_index(
                        python,
                        folder,
                        environment=process_environment(),
                        is_config_only=True,
                        on_slow=self._lines.slow,
                    ),
                )
            except SupersededError:
                continue
            except ImportTimeoutError as error:
                self._lines.trouble(f"{error}. Waiting for it to be corrected.")
                await self._saved.wait()
                continue
            except IndexingError as error:
                raise CliError(f"{error}.", hint=error.command) from error
            if self._options.inspect_port is not None and not index.has_debugger:
                raise CliError(
                    f"--inspect needs debugpy, and {python} does not have it.",
                    hint="uv pip install debugpy (or pip) in the project's environment.",
                )
            if index.config is not None:
                return index.config
            self._lines.broken(index.problems, "Waiting for it to be corrected.")
            await self._saved.wait()

    def _note_save(self, files: set[Path]) -> None:
        del files
        self._saved.set()

    def _project_ref(self, config: ProjectConfig) -> str:
        if self._options.project_ref or self._variables.project_ref or not config.project:
            found = find_ref(self._options.project_ref, self._variables, config.folder)
            if found is not None:
                return found.ref
            raise CliError(
                f"Which project? {config.file} names none.",
                hint='Add project="proj_…" there, or pass --project-ref proj_….',
                code=Exit.USAGE,
            )
        return config.project

    async def _work(
        self,
        box: DevBox,
        connection: Connection,
        python: str,
        config: ProjectConfig,
        roster: Roster,
    ) -> None:
        options = self._options
        runs_max = box.settings.concurrent_runs_max
        if options.runs_max is not None:
            runs_max = min(runs_max, options.runs_max)
        if options.inspect_port is not None:
            runs_max = 1
        from_box: dict[str, str] = {}
        with suppress(CallError):
            from_box = await box.variables(connection.project_ref)
        telemetry = Telemetry.from_variables(from_box, connection.api_url)
        around = Surroundings(
            telemetry=telemetry,
            reporter=self._lines,
            clock=self._clock,
            memory_kills=MemoryKills(),
        )
        controller = Controller(box, around, roster, runs_max=runs_max)
        place = Place(
            python=python,
            project_ref=connection.project_ref,
            forced=_forced(connection, options.branch),
            env_file=None if options.env_file is None else options.env_file.resolve(),
            inspect_port=options.inspect_port,
        )
        builder = Builder(place, config, box=box, controller=controller, lines=self._lines)
        self._say_hello(connection, python, runs_max)
        extra: frozenset[Path] = (
            frozenset() if place.env_file is None else frozenset({place.env_file})
        )
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._leave_when_asked(controller))
                group.create_task(controller.run())
                group.create_task(Watch(config.folder, self._note_save, extra=extra).run())
                group.create_task(self._keep_built(builder))
        finally:
            await telemetry.release()

    async def _keep_built(self, builder: Builder) -> None:
        while True:
            self._saved.clear()
            await builder.build(self._saved)
            await self._saved.wait()

    async def _leave_when_asked(self, controller: Controller | None = None) -> None:
        await self._leave.wait()
        if controller is not None:
            runs = await controller.stop()
            ended = "" if not runs else f" {runs} run{'' if runs == 1 else 's'} cancelled."
            self._lines.note("dev.ended", f"Ended.{ended}", runsCancelled=runs)
        raise _LeaveError

    def _say_hello(self, connection: Connection, python: str, runs_max: int) -> None:
        project_url = f"{connection.dashboard_url}/projects/v3/{connection.project_ref}"
        branch = f", branch {self._options.branch}" if self._options.branch else ""
        self._lines.note(
            "dev.started",
            f"{connection.project_name}{branch}  {project_url}",
            project=connection.project_ref,
            url=project_url,
            python=python,
            runsMax=runs_max,
        )
        port = self._options.inspect_port
        if port is not None:
            self._lines.note(
                "dev.inspecting",
                f"Runs wait until you attach a debugger to 127.0.0.1:{port}; one at a time.",
                port=port,
            )


def _take_lock(folder: Path, branch: str | None) -> DevLock:
    try:
        return DevLock.take(folder, branch, state_folder=user_state_path("trigger-box"))
    except DevLockError as error:
        raise CliError(f"{error}.", hint="End it, then run this again.") from error


def _connect(sign_in: SignIn, ref: str, branch: str | None) -> Connection:
    """Return the caller's own development environment of a project.

    Raises:
        CliError: no box answers, the token is not good, or there is no such project.
    """
    with sign_in.api() as api:
        who = api.get("/api/v2/whoami", params={"projectRef": ref})
        if branch is not None:
            api.post(
                f"/api/v1/projects/{segment(ref)}/branches",
                {"env": "development", "branch": branch},
            )
        try:
            found = api.get(f"/api/v1/projects/{segment(ref)}/dev")
        except AnswerError as error:
            if error.status == _NOT_FOUND:
                raise CliError(
                    f"{sign_in.api_url} has no project {ref} that you may use.",
                    hint="`trigger-box projects list` shows yours; `projects create` makes one.",
                    code=Exit.NOT_FOUND,
                ) from error
            raise
    return Connection(
        project_ref=ref,
        project_name=str(found["name"]),
        api_url=str(found["apiUrl"]).rstrip("/"),
        environment_key=str(found["apiKey"]),
        dashboard_url=str(who["dashboardUrl"]).rstrip("/"),
    )


async def _open_box(connection: Connection, branch: str | None) -> DevBox:
    try:
        return await DevBox.connect(connection.api_url, connection.environment_key, branch=branch)
    except CallError as error:
        raise CliError(
            f"The box's settings for dev could not be read: {error}.", code=Exit.UNAVAILABLE
        ) from error


def _forced(connection: Connection, branch: str | None) -> dict[str, str]:
    """Return the variables that tasks get from ``dev`` itself (cli-protocol 11)."""
    forced = {
        "TRIGGER_API_URL": connection.api_url,
        "TRIGGER_SECRET_KEY": connection.environment_key,
        "TRIGGER_PROJECT_REF": connection.project_ref,
        "TRIGGERDOTDEV": "1",
    }
    if branch is not None:
        forced["TRIGGER_PREVIEW_BRANCH"] = branch
    return forced
