"""Versions of code: registering one, and which one is current. Source: cli-protocol 7, 12, 20."""

from __future__ import annotations

import msgspec
from litestar import get, post
from litestar.params import FromPath

from trigger_box.access.actors import EnvironmentType
from trigger_box.api.authentication import PERSONAL, SECRET, user_of
from trigger_box.api.public.requests import body_of as raw_body_of
from trigger_box.api.rooms import ApiRequest, TheEnvironment, TheRooms
from trigger_box.api.tooling.answers import CurrentWorkerAnswer, RegisteredAnswer, TaskAnswer
from trigger_box.api.tooling.environments import OtherProjectError, environment_for
from trigger_box.api.tooling.places import runs_url
from trigger_box.api.tooling.registration import parse_registration
from trigger_box.domain import limits
from trigger_box.domain.errors import NotDevelopmentError, NotFoundError
from trigger_box.domain.instants import iso
from trigger_box.engine.workers import register
from trigger_box.store.queries import workers as sql
from trigger_box.store.readers import Row

_CURRENT = "current"


class WorkerNotFoundError(NotFoundError):
    """No version is registered here yet: run dev, or deploy."""

    code = "worker_not_found"


@post(
    "/api/v1/projects/{project_ref:str}/background-workers",
    opt={"auth": SECRET},
    status_code=200,
    summary="Register a version",
)
async def register_worker(
    project_ref: FromPath[str], request: ApiRequest, rooms: TheRooms, environment: TheEnvironment
) -> RegisteredAnswer:
    """Register a version in a development environment; it is current at once."""
    if environment.project_ref != project_ref:
        raise OtherProjectError
    if environment.type is not EnvironmentType.DEVELOPMENT:
        raise NotDevelopmentError
    body = await raw_body_of(request, bytes_max=limits.REGISTER_BODY_BYTES_MAX)
    made = await register(rooms.core, environment, parse_registration(body))
    rooms.core.presence.registered(environment.id, made.worker_id)
    return {"id": made.worker_id, "version": made.version, "contentHash": made.content_hash}


@get(
    "/api/v1/projects/{project_ref:str}/{environment_slug:str}/workers/{tag:str}",
    opt={"auth": PERSONAL},
    summary="Get a version and its tasks",
)
async def get_worker(
    project_ref: FromPath[str],
    environment_slug: FromPath[str],
    tag: FromPath[str],
    request: ApiRequest,
    rooms: TheRooms,
) -> CurrentWorkerAnswer:
    """Return the current version (tag ``current``), or the one of that name."""
    user = user_of(request.auth)
    environment = await environment_for(rooms, user, project_ref, environment_slug)
    readers = rooms.store.readers
    if tag == _CURRENT:
        row = await readers.one(sql.current_worker, {"environment_id": environment.id})
    else:
        row = await readers.one(
            sql.worker_named, {"environment_id": environment.id, "version": tag}
        )
    if row is None:
        raise WorkerNotFoundError
    tasks = await readers.all(sql.worker_tasks, {"worker_id": row["id"]})
    return {
        "worker": {
            "id": row["id"],
            "version": row["version"],
            "engine": "V2",
            "sdkVersion": row["sdk_version"],
            "cliVersion": row["cli_version"],
            "tasks": [_task_answer(task, row["id"], row["created_at_ms"]) for task in tasks],
        },
        "urls": {
            "runs": runs_url(
                rooms.origin_of(request), project_ref, environment_slug=environment.slug
            )
        },
    }


def _task_answer(row: Row, worker_id: str, created_at_ms: int) -> TaskAnswer:
    answer: TaskAnswer = {
        # A task has no id but its slug; clients want one that differs between versions.
        "id": f"{worker_id}_{row['slug']}",
        "slug": row["slug"],
        "filePath": row["file_path"],
        "triggerSource": row["trigger_source"],
        "createdAt": iso(created_at_ms),
    }
    if row["payload_schema"] is not None:
        answer["payloadSchema"] = msgspec.json.decode(row["payload_schema"])
    return answer


routes = [register_worker, get_worker]
