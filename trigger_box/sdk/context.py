"""What a task may know about the run it belongs to: frozen values, built from the wire.

``Context.from_execution`` reads the ``execution`` object of attempts/start (cli-protocol 8,
worker-protocol 3.3). Payload and trace context are not here: they are the worker's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import cast

from trigger_box.sdk.errors import NotInTaskError

Wire = Mapping[str, object]
_EMPTY: Wire = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskInfo:
    """The task's code."""

    id: str
    file_path: str = ""
    export_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptInfo:
    """This try of the run. ``number`` counts from 1."""

    number: int
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """The run. ``max_duration`` and ``priority`` are seconds, ``duration_ms`` is usage so far."""

    id: str
    created_at: datetime
    started_at: datetime | None = None
    tags: tuple[str, ...] = ()
    is_test: bool = False
    is_replay: bool = False
    idempotency_key: str | None = None
    idempotency_key_scope: str | None = None
    max_attempts: int | None = None
    max_duration: int | None = None
    priority: float | None = None
    version: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict[str, object])
    parent_id: str | None = None
    root_id: str | None = None
    region: str | None = None
    duration_ms: float = 0
    cost_in_cents: float = 0
    base_cost_in_cents: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueInfo:
    """The queue the run came from."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentInfo:
    """The environment: ``type`` is DEVELOPMENT, STAGING, PRODUCTION or PREVIEW."""

    id: str
    slug: str
    type: str
    branch_name: str | None = None

    @property
    def is_development(self) -> bool:
        """Whether the run executes on somebody's own machine."""
        return self.type == "DEVELOPMENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationInfo:
    """The organization that owns the project."""

    id: str
    slug: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectInfo:
    """The project. ``ref`` is the public id: ``proj_…``."""

    id: str
    ref: str
    slug: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineInfo:
    """The machine's preset: ``cpu`` in cores, ``memory`` in gigabytes."""

    name: str
    cpu: float
    memory: float
    cents_per_ms: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchInfo:
    """The batch the run was triggered in."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentInfo:
    """The deployment that made the code; there is none in development."""

    id: str
    short_code: str
    version: str
    runtime: str | None = None
    runtime_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The run a piece of code belongs to. Take it as ``*, ctx: Context`` or import ``ctx``."""

    task: TaskInfo
    attempt: AttemptInfo
    run: RunInfo
    queue: QueueInfo
    environment: EnvironmentInfo
    organization: OrganizationInfo
    project: ProjectInfo
    machine: MachineInfo
    batch: BatchInfo | None = None
    deployment: DeploymentInfo | None = None

    @property
    def version(self) -> str | None:
        """The version of the worker that runs the code, such as ``20260131.1``."""
        return self.run.version or (self.deployment.version if self.deployment else None)

    @classmethod
    def from_execution(cls, execution: Wire) -> Context:
        """Return the context of one attempt.

        Raises:
            ValueError: a key that every server sends is missing; the message names it.
        """
        run, deployment = _part(execution, "run"), _optional_part(execution, "deployment")
        attempt, batch = _part(execution, "attempt"), _optional_part(execution, "batch")
        try:
            return cls(
                task=_task(_part(execution, "task")),
                attempt=AttemptInfo(
                    number=_integer(attempt["number"]), started_at=_instant(attempt["startedAt"])
                ),
                run=_run(run),
                queue=_queue(_part(execution, "queue")),
                environment=_environment(_part(execution, "environment")),
                organization=_organization(_part(execution, "organization")),
                project=_project(_part(execution, "project")),
                machine=_machine(_optional_part(execution, "machine") or _EMPTY),
                batch=BatchInfo(id=str(batch["id"])) if batch else None,
                deployment=_deployment(deployment) if deployment else None,
            )
        except KeyError as missing:
            raise ValueError(f"The execution has no {missing.args[0]!r}.") from missing


class CurrentContext:
    """``ctx``: the context of the run that is executing here. Its attributes are ``Context``'s."""

    __slots__ = ()

    @property
    def active(self) -> bool:
        """Whether a run is executing here."""
        from trigger_box.sdk.runtime import current_runtime  # noqa: PLC0415 - runtime knows context

        return current_runtime() is not None

    @property
    def task(self) -> TaskInfo:
        """The task's code."""
        return _current().task

    @property
    def attempt(self) -> AttemptInfo:
        """This try of the run."""
        return _current().attempt

    @property
    def run(self) -> RunInfo:
        """The run."""
        return _current().run

    @property
    def queue(self) -> QueueInfo:
        """The queue the run came from."""
        return _current().queue

    @property
    def environment(self) -> EnvironmentInfo:
        """The environment."""
        return _current().environment

    @property
    def organization(self) -> OrganizationInfo:
        """The organization that owns the project."""
        return _current().organization

    @property
    def project(self) -> ProjectInfo:
        """The project."""
        return _current().project

    @property
    def machine(self) -> MachineInfo:
        """The machine's preset."""
        return _current().machine

    @property
    def batch(self) -> BatchInfo | None:
        """The batch the run was triggered in."""
        return _current().batch

    @property
    def deployment(self) -> DeploymentInfo | None:
        """The deployment that made the code."""
        return _current().deployment

    @property
    def version(self) -> str | None:
        """The version of the worker that runs the code."""
        return _current().version


ctx = CurrentContext()


def _current() -> Context:
    from trigger_box.sdk.runtime import current_runtime  # noqa: PLC0415 - runtime knows context

    runtime = current_runtime()
    if runtime is None:
        raise NotInTaskError("ctx")
    return runtime.context


def _part(wire: Wire, key: str) -> Wire:
    part = _optional_part(wire, key)
    if part is None:
        raise ValueError(f"The execution has no {key!r}.")
    return part


def _optional_part(wire: Wire, key: str) -> Wire | None:
    part = wire.get(key)
    return cast("Wire", part) if isinstance(part, Mapping) else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _integer(value: object) -> int:
    return int(cast("int", value))


def _optional_integer(value: object) -> int | None:
    return None if value is None else _integer(value)


def _number(value: object, default: float = 0) -> float:
    return default if value is None else float(cast("float", value))


def _instant(value: object) -> datetime:
    return datetime.fromisoformat(str(value))


def _task(wire: Wire) -> TaskInfo:
    return TaskInfo(
        id=str(wire["id"]),
        file_path=_text(wire.get("filePath")) or "",
        export_name=_text(wire.get("exportName")),
    )


def _run(wire: Wire) -> RunInfo:
    started = wire.get("startedAt")
    metadata = _optional_part(wire, "metadata") or {}
    priority = wire.get("priority")
    return RunInfo(
        id=str(wire["id"]),
        created_at=_instant(wire["createdAt"]),
        started_at=None if started is None else _instant(started),
        tags=tuple(str(tag) for tag in cast("list[object]", wire.get("tags") or [])),
        is_test=bool(wire.get("isTest")),
        is_replay=bool(wire.get("isReplay")),
        idempotency_key=_text(wire.get("idempotencyKey")),
        idempotency_key_scope=_text(wire.get("idempotencyKeyScope")),
        max_attempts=_optional_integer(wire.get("maxAttempts")),
        max_duration=_optional_integer(wire.get("maxDuration")),
        priority=None if priority is None else _number(priority),
        version=_text(wire.get("version")),
        metadata=MappingProxyType(dict(metadata)),
        parent_id=_text(wire.get("parentTaskRunId")),
        root_id=_text(wire.get("rootTaskRunId")),
        region=_text(wire.get("region")),
        duration_ms=_number(wire.get("durationMs")),
        cost_in_cents=_number(wire.get("costInCents")),
        base_cost_in_cents=_number(wire.get("baseCostInCents")),
    )


def _queue(wire: Wire) -> QueueInfo:
    return QueueInfo(id=str(wire["id"]), name=str(wire["name"]))


def _environment(wire: Wire) -> EnvironmentInfo:
    return EnvironmentInfo(
        id=str(wire["id"]),
        slug=str(wire["slug"]),
        type=str(wire["type"]),
        branch_name=_text(wire.get("branchName")),
    )


def _organization(wire: Wire) -> OrganizationInfo:
    return OrganizationInfo(id=str(wire["id"]), slug=str(wire["slug"]), name=str(wire["name"]))


def _project(wire: Wire) -> ProjectInfo:
    return ProjectInfo(
        id=str(wire["id"]), ref=str(wire["ref"]), slug=str(wire["slug"]), name=str(wire["name"])
    )


def _machine(wire: Wire) -> MachineInfo:
    return MachineInfo(
        name=_text(wire.get("name")) or "small-1x",
        cpu=_number(wire.get("cpu"), 0.5),
        memory=_number(wire.get("memory"), 0.5),
        cents_per_ms=_number(wire.get("centsPerMs")),
    )


def _deployment(wire: Wire) -> DeploymentInfo:
    return DeploymentInfo(
        id=str(wire["id"]),
        short_code=_text(wire.get("shortCode")) or "",
        version=str(wire["version"]),
        runtime=_text(wire.get("runtime")),
        runtime_version=_text(wire.get("runtimeVersion")),
    )
