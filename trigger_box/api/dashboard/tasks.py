"""Tasks: the list that is an environment's home, one task for the test page, starting a test."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import msgspec
from litestar import get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Raw, Struct

from trigger_box.access.actors import Environment, User
from trigger_box.api.authentication import SESSION
from trigger_box.api.bodies import decode_body
from trigger_box.api.dashboard.activity import HOURS, NO_RUNS, HourCounts, last_day
from trigger_box.api.dashboard.packets import recent_payloads
from trigger_box.api.dashboard.reach import environment_of
from trigger_box.api.dashboard.rows import kind_of, language_of, status_word
from trigger_box.api.dashboard.shapes import (
    Language,
    LastRun,
    MadeRun,
    Presence,
    TaskPage,
    TaskRow,
    TasksPage,
    Version,
)
from trigger_box.api.public.requests import body_of
from trigger_box.api.rooms import ApiRequest, Rooms, TheRooms, TheUser
from trigger_box.api.wire.triggers import TriggerBody, TriggerOptions, request_of
from trigger_box.domain import limits
from trigger_box.domain.errors import NotFoundError
from trigger_box.domain.runs import RunStatus
from trigger_box.engine import stored_packets
from trigger_box.engine.queues import QueueNotKnownError, get_queue
from trigger_box.engine.trigger import trigger
from trigger_box.engine.versions import machine_of, policy_of
from trigger_box.store.queries import dashboard as sql
from trigger_box.store.readers import Row

_ENVIRONMENT: Final = "/dashboard/api/environments/{environment_id:str}"


class TaskNotFoundError(NotFoundError):
    """The current version has no such task."""

    code = "task_not_found"


class TestBody(Struct, rename="camel"):
    """A run to be started by hand."""

    payload: Raw | msgspec.UnsetType = msgspec.UNSET
    options: TriggerOptions = msgspec.field(default_factory=TriggerOptions)


_test_body: Final = msgspec.json.Decoder(TestBody)


@get(_ENVIRONMENT + "/tasks", opt={"auth": SESSION}, summary="The tasks of an environment")
async def list_tasks(rooms: TheRooms, user: TheUser, environment_id: FromPath[str]) -> TasksPage:
    """Return the tasks of the current version, what runs now, and how the last day went."""
    environment = await environment_of(rooms, user, environment_id)
    readers = rooms.store.readers
    by_environment = {"environment_id": environment.id}
    version = await readers.one(sql.current_version, by_environment)
    tasks: list[TaskRow] = []
    if version is not None:
        tasks = await _task_rows(rooms, environment, version)
    return TasksPage(
        version=None
        if version is None
        else Version(version=version["version"], created_at_ms=version["created_at_ms"]),
        presence=Presence(is_connected=rooms.core.presence.is_connected(environment.id)),
        last_sign_in_by_cli_at_ms=await _last_sign_in(rooms, user),
        is_initialized=await _is_initialized(rooms, user, environment),
        tasks=tasks,
    )


@get(_ENVIRONMENT + "/tasks/{task:str}", opt={"auth": SESSION}, summary="One task")
async def get_task(
    rooms: TheRooms, user: TheUser, environment_id: FromPath[str], task: FromPath[str]
) -> TaskPage:
    """Return what the test page needs: schema, queue, policies, payloads to take over."""
    environment = await environment_of(rooms, user, environment_id)
    readers = rooms.store.readers
    by_environment = {"environment_id": environment.id}
    version = await readers.one(sql.current_version, by_environment)
    row = None
    if version is not None:
        row = await readers.one(sql.task, {"worker_id": version["id"], "task": task})
    if row is None:
        raise TaskNotFoundError
    try:
        queue = await get_queue(rooms.core, environment.id, name=row["queue_name"])
        running, limit = queue.running, queue.limit
    except QueueNotKnownError:
        running, limit = 0, None
    names = await readers.all(
        sql.queue_names, {**by_environment, "text": "", "limit": limits.FILTER_VALUES_MAX}
    )
    versions = await readers.all(
        sql.versions, {**by_environment, "limit": limits.VERSIONS_SHOWN_MAX}
    )
    policy = policy_of(row["retry"])
    return TaskPage(
        id=row["slug"],
        kind=kind_of(row["trigger_source"]),
        language=language_of(row["runtime"]),
        file_path=row["file_path"],
        description=row["description"],
        version=row["version"],
        versions=[each["version"] for each in versions],
        queue=row["queue_name"],
        queue_running=running,
        queue_limit=limit,
        queues=[each["name"] for each in names],
        machine=machine_of(row["machine"]),
        max_attempts=None if policy is None else policy.attempts_max,
        max_duration_s=row["max_duration_s"],
        ttl=row["ttl"],
        payload_schema=None
        if row["payload_schema"] is None
        else Raw(row["payload_schema"].encode()),
        recent=await recent_payloads(rooms, environment, task),
    )


@post(
    _ENVIRONMENT + "/tasks/{task:str}/test",
    opt={"auth": SESSION, "body": TestBody},
    status_code=201,
    summary="Start a run by hand",
)
async def test_task(
    request: ApiRequest,
    rooms: TheRooms,
    user: TheUser,
    environment_id: FromPath[str],
    task: FromPath[str],
) -> MadeRun:
    """Trigger a task as a test. The payload stays the text that came in."""
    environment = await environment_of(rooms, user, environment_id)
    body = decode_body(_test_body, await body_of(request, bytes_max=limits.TRIGGER_BODY_BYTES_MAX))
    asked = request_of(
        environment,
        task,
        TriggerBody(payload=body.payload, options=body.options),
        {},
        now_ms=rooms.clock.now_ms(),
    )
    await stored_packets.check_named(rooms.core, environment.id, asked.payload)
    made = await trigger(
        rooms.core, replace(asked, is_test=True, source="dashboard", action="test")
    )
    return MadeRun(id=made.run_id)


async def _task_rows(rooms: Rooms, environment: Environment, version: Row) -> list[TaskRow]:
    readers = rooms.store.readers
    by_environment = {"environment_id": environment.id}
    rows = await readers.all(
        sql.tasks_of_worker,
        {
            **by_environment,
            "worker_id": version["id"],
            "description_characters": limits.DESCRIPTION_LISTED_CHARACTERS_MAX,
            "limit": limits.TASKS_PER_VERSION_MAX,
        },
    )
    open_rows = await readers.all(
        sql.open_by_task, {**by_environment, "limit": limits.RUNS_COUNTED_MAX}
    )
    going = {row["task"]: (row["running"], row["waiting"]) for row in open_rows}
    days = await last_day(rooms.store, environment.id, now_ms=rooms.clock.now_ms())
    return [
        _task_row(
            row,
            language=language_of(version["runtime"]),
            going=going.get(row["slug"], (0, 0)),
            hours=days.get(row["slug"], [NO_RUNS] * HOURS),
        )
        for row in rows
    ]


def _task_row(
    row: Row, *, language: Language | None, going: tuple[int, int], hours: list[HourCounts]
) -> TaskRow:
    completed = sum(hour[0] for hour in hours)
    ended = completed + sum(hour[3] for hour in hours)
    return TaskRow(
        id=row["slug"],
        kind=kind_of(row["trigger_source"]),
        language=language,
        file_path=row["file_path"],
        export_name=row["export_name"],
        description=row["description"],
        running_count=going[0],
        queued_count=going[1],
        hours=hours,
        last_run=None
        if row["run_id"] is None
        else LastRun(
            id=row["run_id"],
            status=status_word(RunStatus(row["run_status"])),
            created_at_ms=row["run_created_at_ms"],
        ),
        success_ratio=None if ended == 0 else completed / ended,
    )


async def _last_sign_in(rooms: Rooms, user: User) -> int | None:
    row = await rooms.store.readers.one(sql.last_cli_token, {"user_id": user.id})
    return None if row is None else row["at_ms"]


async def _is_initialized(rooms: Rooms, user: User, environment: Environment) -> bool:
    project = await rooms.access.project(environment.project_ref, user=user)
    return project.initialized_at_ms is not None


routes: list[ControllerRouterHandler] = [list_tasks, get_task, test_task]
